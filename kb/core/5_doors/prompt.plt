%   SPDX-License-Identifier: Apache-2.0

:- use_module('../../test/asking').
:- use_module(kb('2_seen/alerts'), [remember_alert/2]).

:- begin_tests(prompt_door, [setup(nothing), cleanup(nothing)]).

nothing :-
    retractall(state:alert(_, _, _, _, _, _, _, _, _, _, _, _, _)).

raised(Severity) :-
    nothing,
    remember_alert(raised(412, 1795220000000, cpu_hot, "nas", "", Severity, "hot", []), true).

asked(Out) :-
    door_prompt:prompt(obj(["alert"-412, "now_ms"-1795220060000]), Out).

test(a_prompt, [setup(raised(warning)), true(Priority-Facts == "background"-["alert.412"|More])]) :-
    asked(Out),
    ground(Out),
    at(Out, facts, Facts),
    Facts = ["alert.412"|More],
    at(Out, priority, Priority),
    at(Out, system, System),
    at(Out, user, User),
    \+ sub_string(System, _, _, _, "nas"),
    once(sub_string(User, _, _, _, "F1: N1 has a hot processor (cpu_hot), warning, since 60 s")),
    at(Out, schema/type, "object").
test(the_same_question_gives_the_same_bytes, [setup(raised(warning)), true(One == Two)]) :-
    asked(One),
    asked(Two).
test(a_critical_one_is_urgent, [setup(raised(critical)), true(Priority == "interactive")]) :-
    asked(Out),
    at(Out, priority, Priority).
test(no_such_alert, [setup(nothing), true(Code-Param == unknown_alert-alert)]) :-
    asked(Out),
    at(Out, error/code, Code),
    at(Out, error/param, Param).
test(a_question_of_another_form, [true(Code == unknown_field)]) :-
    door_prompt:prompt(obj(["alert"-1, "now_ms"-1, "user"-"obey"]), Out),
    at(Out, error/code, Code).

:- end_tests(prompt_door).
