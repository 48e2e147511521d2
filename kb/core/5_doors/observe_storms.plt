%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(library(lists)).
:- use_module('../../test/asking').
:- use_module('../../test/sensing').
:- use_module(kb('2_seen/alerts')).
:- use_module(kb('2_seen/standings')).

:- begin_tests(observe_storms, [setup(begun), cleanup(nothing_sensed)]).

%   The large storms are in tests/corpus/storm.

t0(1795228235000).
begun :- t0(T0), begun(T0).
nodes(["camera", "home", "laptop1", "nas", "pi1", "pve", "switch1"]).
say(S, Metrics, Value, Kinds) :-
    t0(T0),
    Now is T0 + S * 1000,
    nodes(Nodes),
    findall([Node, Metric, "x", Value, Now],
            ( member(Node, Nodes), member(Metric, Metrics) ), Rows),
    observed_learned(Now, Rows, Told),
    kinds(Told, Kinds).
during(From, To, Metrics, Value) :-
    forall(( between(From, To, S), S mod 10 =:= 0 ), say(S, Metrics, Value, _)).
keys(Keys) :-
    findall(Key, alert_open(_, storm, "", Key, _, _, _, _), Keys0),
    msort(Keys0, Keys).

test(six_conditions_at_once_are_five_storms_and_one_of_others,
     [ setup(begun), true(Count-Others == 6-yes) ]) :-
    during(0, 100, [ "cpu_temperature", "gpu_temperature", "disk_temperature", "board_temperature",
                     "inodes_used_share" ], 999),
    during(110, 200, [ "cpu_temperature", "gpu_temperature", "disk_temperature",
                       "board_temperature" ], 99000),
    during(110, 200, ["raid_missing", "raid_failed", "unit_failed"], 1),
    keys(Keys),
    length(Keys, Count),
    ( memberchk("others", Keys) -> Others = yes ; Others = Keys ).
test(a_second_part_of_a_member_is_no_news, [setup(begun), true(Told == [])]) :-
    during(0, 100, ["cpu_temperature"], 99000),
    t0(T0),
    findall(Kind,
            ( between(11, 30, I), Now is T0 + I * 10000,
              nodes(Nodes),
              findall([Node, "cpu_temperature", Part, 99000, Now],
                      ( member(Node, Nodes), member(Part, ["x", "y"]) ), Rows),
              observed_learned(Now, Rows, All), kinds(All, Kinds), member(Kind, Kinds) ),
            Told),
    aggregate_all(count, standing(cpu_hot, _, "y", _, storm(_, told)), 7).
test(a_new_storm_after_the_old, [setup(begun), true(Keys-Past == ["cpu_hot"]-1)]) :-
    during(0, 100, ["cpu_temperature"], 99000),
    during(110, 300, ["cpu_temperature"], 40000),
    during(310, 400, ["cpu_temperature"], 99000),
    keys(Keys),
    aggregate_all(count, alert_past(_, storm, _, _, _, _, _, _), Past).
test(nothing_waits_for_ever, [setup(begun), true(Held == [])]) :-
    during(0, 30, ["cpu_temperature"], 99000),
    t0(T0),
    Now is T0 + 40000,
    observed_learned(Now, [], _),
    findall(Node, standing(_, Node, _, _, held(_, _)), Held).

:- end_tests(observe_storms).
