%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(library(lists)).
:- use_module('../../test/asking').
:- use_module('../../test/sensing').
:- use_module(kb('2_seen/alerts')).
:- use_module(kb('2_seen/senses')).
:- use_module(kb('2_seen/standings')).

:- begin_tests(observe_flow, [cleanup(nothing_sensed)]).

t0(1795228235000).
started :- t0(T0), begun(T0).
say(S, Readings, Kinds) :-
    t0(T0),
    Now is T0 + S * 1000,
    findall([Node, Metric, Part, Value, Now], member(Node/Metric/Part/Value, Readings), Rows),
    findall([Node, "cpu_busy", "", 1, Now], member(Node, ["nas", "pve", "pi1"]), Chatter),
    append(Rows, Chatter, All),
    observed_learned(Now, All, Told),
    kinds(Told, Kinds).

test(what_stays_in_its_band_is_not_looked_at, [setup(started), true(Quiet == 3)]) :-
    say(0, ["nas"/"cpu_temperature"/"x"/50000], []),
    t0(T0),
    findall(At, ( member(D, [1, 2, 3]), At is T0 + D,
                  take_row(["nas", "fan_speed", "f", 900, At], At, _) ), _),
    quiet_between("nas", fan_speed, "f", 1, inf),
    findall(Outcome, ( member(D, [4, 5, 6]), At is T0 + D,
                       take_row(["nas", "fan_speed", "f", 800, At], At, Outcome),
                       Outcome == quiet ), Outcomes),
    length(Outcomes, Quiet).
test(two_conditions_of_one_metric, [setup(started), true(Open == [cpu_hot])]) :-
    forall(between(0, 12, I), ( S is I * 10, say(S, ["nas"/"cpu_temperature"/"x"/90000], _) )),
    findall(Condition, alert_open(_, Condition, _, _, _, _, _, _), Open).
test(a_part_that_nobody_tells_of_for_a_day, [setup(started), true(Why == gone)]) :-
    forall(between(0, 12, I), ( S is I * 10, say(S, ["nas"/"cpu_temperature"/"x"/90000], _) )),
    forall(between(4, 2890, I), ( S is I * 30, say(S, [], _) )),
    alert_past(_, cpu_hot, "nas", "x", _, _, _, Why).
test(flaps_are_forgotten, [setup(started), true(Left == [])]) :-
    forall(between(0, 12, I), ( S is I * 10, say(S, ["nas"/"cpu_temperature"/"x"/90000], _) )),
    forall(between(13, 200, I), ( S is I * 10, say(S, ["nas"/"cpu_temperature"/"x"/40000], _) )),
    findall(State, standing(cpu_hot, _, _, State, _), Left).

:- end_tests(observe_flow).
