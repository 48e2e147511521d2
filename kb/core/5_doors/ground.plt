%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(lists), [member/2]).
:- use_module('../../test/asking').

:- begin_tests(ground_door).

ground(In, Out) :-
    door_ground:ground(obj(In), Out).

test(an_answer, Name-Id == "zeus"-"house.nodes") :-
    ground(["texts"-["is zeus healthy?"], "now_ms"-1800000000000], Out),
    at(Out, unknown/0/name, Name),
    at(Out, facts/0/id, Id),
    at(Out, block, Block),
    string(Block).
test(no_text_at_all, Unknown == []) :-
    ground(["texts"-[], "now_ms"-1], Out),
    at(Out, unknown, Unknown).
test(what_is_refused, [forall(member(In-Code, [ []-missing_field, ["texts"-"x",
                       "now_ms"-1]-wrong_type,
                                                ["texts"-[7], "now_ms"-1]-wrong_type,
                                                ["texts"-[], "now_ms"-"1"]-wrong_type,
                                                ["texts"-[], "now_ms"-1, "x"-1]-unknown_field ])),
                       Found == Code]) :-
    ground(In, Out),
    at(Out, error/code, Found).
test(too_many_texts, Code == too_long) :-
    findall("x", between(1, 257, _), Texts),
    ground(["texts"-Texts, "now_ms"-1], Out),
    at(Out, error/code, Code).
test(nothing_is_left_behind, [nondet]) :-
    ground(["texts"-["tower"], "now_ms"-1], _),
    \+ ( nb_current(ln_sensed, World), World \== none ).

:- end_tests(ground_door).
