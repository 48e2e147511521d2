%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(library(lists)).
:- use_module('../../test/asking').
:- use_module('../../test/sensing').

:- begin_tests(sensed_door, [cleanup(nothing_sensed)]).

now(1795228235000).
asked(Job, Out) :- now(Now), asked(Job, Now, Out).
asked(Pairs, Now, Out) :-
    Job = obj(["hand"-"senses", "op"-"facts"|Pairs]),
    door_sensed:sensed(obj(["job"-Job, "now_ms"-Now]), Out).
said(Rows) :- now(Now), begun(Now), observed(Now, Rows, _).

test(readings, Facts == [ "nas.cpu_busy"/7/0/true, "nas.cpu_temperature.c/1"/90000/0/true ]) :-
    now(Now),
    said([["nas", "cpu_temperature", "c/1", 90000, Now], ["nas", "cpu_busy", "", 7, Now]]),
    asked(["what"-"readings", "nodes"-["nas"]], Out),
    at(Out, facts, Objs),
    findall(Id/Value/Age/Fresh,
            ( member(Obj, Objs), at(Obj, id, Id), at(Obj, value, Value), at(Obj, age_s, Age),
              at(Obj, fresh, Fresh) ), Facts).
test(stale_is_told_as_stale, true(Age-Fresh == 100-false)) :-
    now(Now),
    said([["nas", "cpu_busy", "", 7, Now]]),
    Later is Now + 100000,
    asked(["what"-"readings", "nodes"-"all"], Later, Out),
    at(Out, facts/0/age_s, Age),
    at(Out, facts/0/fresh, Fresh).
test(only_these_metrics, true(Count == 1)) :-
    now(Now),
    said([["nas", "cpu_temperature", "c/1", 90000, Now], ["nas", "cpu_busy", "", 7, Now]]),
    asked(["what"-"readings", "nodes"-"all", "metrics"-["cpu_busy"]], Out),
    at(Out, facts, Facts),
    length(Facts, Count).
test(a_stranger_is_nothing, true(Facts == [])) :-
    now(Now),
    said([["nas", "cpu_busy", "", 7, Now]]),
    asked(["what"-"readings", "nodes"-["mars"]], Out),
    at(Out, facts, Facts).
test(what_matters_is_told_when_it_is_too_much, true(Count-Cut-Hot == 900-true-yes)) :-
    now(Now),
    begun(Now),
    forall(between(1, 3, Third),
           ( findall(["nas", "fan_speed", Part, 900, Now],
                     ( between(1, 400, I), N is Third * 1000 + I,
                       format(string(Part), "f~d", [N]) ),
                     Rows),
             Then is Now + Third,
             observed(Then, Rows, _) )),
    observed(Now, [["nas", "cpu_temperature", "z", 99000, Now]], _),
    asked(["what"-"readings", "nodes"-"all"], Out),
    at(Out, cut, Cut),
    at(Out, facts, Facts),
    length(Facts, Count),
    ( member(Fact, Facts), at(Fact, metric, cpu_temperature) -> Hot = yes ; Hot = no ).
test(vitals_by_name, true(Shown == [cpu-1, watts-null])) :-
    now(Now),
    said([["nas", "cpu_busy", "", 7, Now]]),
    asked(["what"-"vitals", "nodes"-["nas", "mars"]], Out),
    at(Out, nodes, obj([_])),
    at(Out, nodes/"nas"/vitals/cpu, Cpu),
    ( at(Out, nodes/"nas"/vitals/watts, Watts) -> true ; Watts = null ),
    Shown = [cpu-Cpu, watts-Watts].
test(refused, [ forall(member(Pairs, [ ["what"-"secrets", "nodes"-"all"],
                                       ["what"-"readings", "nodes"-7],
                                       ["what"-"readings", "nodes"-[7]],
                                       ["what"-"readings", "nodes"-"all", "metrics"-["x"]] ])),
                true(Kind == input) ]) :-
    asked(Pairs, Out),
    at(Out, error/kind, Kind).

:- end_tests(sensed_door).
