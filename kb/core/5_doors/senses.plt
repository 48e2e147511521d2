%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(library(lists)).
:- use_module('../../test/asking').

:- begin_tests(senses_door).

table(Out) :- door_senses:senses(obj([]), Out).

test(sources_in_order, Names == ["nas", "pi1", "pve", "pve-smart", "tower"]) :-
    table(Out),
    at(Out, sources, Sources),
    findall(Name, ( member(Source, Sources), at(Source, source, Name) ), Names).
test(history, Url == "http://127.0.0.1:8428") :-
    table(Out),
    at(Out, history, Url).
test(every_field_of_every_row, [nondet]) :-
    table(Out),
    at(Out, metrics, Metrics),
    Metrics = [_|_],
    \+ ( member(Metric, Metrics),
         \+ ( at(Metric, metric, _), at(Metric, unit, _), at(Metric, min, _), at(Metric, max, _),
              at(Metric, stale_s, _), at(Metric, from, Rows), is_list(Rows) ) ),
    \+ ( member(Metric, Metrics), at(Metric, from, Rows), member(Row, Rows),
         member(Key, [ name, labels, part, how, scale, divide, many, keep, untaken, of, join ]),
         \+ at(Row, Key, _) ).
test(the_temperature_of_a_processor, Join-Part == node_hwmon_chip_names-[chip, sensor]) :-
    table(Out),
    at(Out, metrics, Metrics),
    member(Metric, Metrics),
    at(Metric, metric, cpu_temperature),
    !,
    at(Metric, from/1/join/name, JoinText),
    atom_string(Join, JoinText),
    at(Metric, from/1/part, Part).
test(nothing_else_is_taken, Code == unknown_field) :-
    door_senses:senses(obj(["x"-1]), Out),
    at(Out, error/code, Code).

:- end_tests(senses_door).
