%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(library(lists)).
:- use_module('../../test/asking').

:- begin_tests(alert_door).

question(obj([ "condition"-"cpu_hot", "node"-"nas", "part"-"", "now_ms"-90000,
               "levels"-obj([ "direction"-"up", "clear"-80000,
                              "raise"-obj(["critical"-95000, "warning"-85000]) ]),
               "readings"-[ obj([ "metric"-"cpu_temperature", "part"-"", "value"-96000,
                                  "at_ms"-90000, "slope"-null ]) ],
               "before"-obj([ "is"-"rising", "severity"-"none", "since_ms"-60000, "told_ms"-0,
                              "count"-0, "flaps"-0, "cleared_ms"-0, "hits"-[] ]) ])).

test(a_question, Move-Severity-Is == raise-critical-raised) :-
    question(Question),
    door_alert:alert(obj(["question"-Question]), Out),
    at(Out, move, Move),
    at(Out, severity, Severity),
    at(Out, state/is, Is).
test(what_is_not_whole_is_refused, [forall(member(Key, [ "condition", "node", "part", "now_ms",
        "levels", "readings", "before" ])), true(Code == bad_question)]) :-
    question(obj(Pairs)),
    selectchk(Key-_, Pairs, Less),
    door_alert:alert(obj(["question"-obj(Less)]), Out),
    at(Out, error/code, Code).
test(nonsense_is_refused, [forall(member(Key-Value, [ "condition"-"fridge_open", "now_ms"-"now",
        "readings"-[7], "readings"-7, "before"-null, "levels"-obj([]), "node"-7, "part"-"a b" ])),
        true(Code == bad_question)]) :-
    question(obj(Pairs)),
    selectchk(Key-_, Pairs, Key-Value, Bad),
    door_alert:alert(obj(["question"-obj(Bad)]), Out),
    at(Out, error/code, Code).
test(no_question, Code == missing_field) :-
    door_alert:alert(obj([]), Out),
    at(Out, error/code, Code).

:- end_tests(alert_door).
