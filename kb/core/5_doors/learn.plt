%   SPDX-License-Identifier: Apache-2.0

:- use_module('../../test/asking').

:- begin_tests(learn_door, [setup(empty), cleanup(empty)]).

empty :-
    retractall(state:change(_, _, _, _, _, _)),
    retractall(state:zone(_, _)).
query(Name, Args, Answers) :-
    door_query:query(obj(["query"-Name, "args"-obj(Args)]), Out),
    (   at(Out, answers, Found) -> Answers = Found ; at(Out, error/code, Answers) ).
learn(Seq, Action, Params, Changed) :-
    door_learn:learn(obj([ "kind"-"case_executed", "case"-"01C", "seq"-Seq,
        "at"-"2026-01-01T00:00:00.000Z",
                           "body"-obj(["result"-obj([]), "undo"-null, "action"-Action,
                               "params"-obj(Params),
                                       "by"-obj(["principal"-"loopback", "via"-"api"])]) ]), Out),
    (   at(Out, changed, C) -> Changed = C ; at(Out, error/code, Changed) ).

test(learning_twice_is_learning_once, [setup(empty), true([A, B] == [true, false])]) :-
    learn(5, "dns_record_add", ["name"-"a.local"], A),
    learn(5, "dns_record_add", ["name"-"a.local"], B).
test(a_created_zone_is_ours, [setup(empty), true(Zone == ["lab.home.arpa"])]) :-
    learn(6, "dns_zone_create", ["name"-"lab.home.arpa", "server"-"home"], true),
    query("zone_of", ["name"-"x.lab.home.arpa"], Zone).
test(other_entries_teach_nothing, [setup(empty), true(Changed == false)]) :-
    door_learn:learn(obj(["kind"-"case_opened", "case"-"c", "seq"-1, "at"-"", "body"-obj([])]),
        Out),
    at(Out, changed, Changed).
test(a_crooked_entry_is_refused, [setup(empty), true(Code == missing_field)]) :-
    door_learn:learn(obj(["kind"-"case_executed", "case"-"c", "seq"-1, "at"-"", "body"-obj([])]),
        Out),
    at(Out, error/code, Code).

:- end_tests(learn_door).
