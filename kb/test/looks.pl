%   SPDX-License-Identifier: Apache-2.0

:- module(test_looks,
          [ look_seen/2                 % +Rows, -Seen
          ]).
:- use_module(library(apply), [maplist/3]).

/** <module> For the rule tests: what a look of hand `senses` brings

A row is Node/Metric/Part/Value/AgeS, or …/stale(AgeS), or …/slope(AgeS, Slope).
*/

look_seen(Rows, obj(["facts"-Facts, "cut"-false])) :-
    maplist(fact, Rows, Facts).

fact(Node/Metric/Part/Value/Age, obj([ "id"-Id, "node"-Node, "metric"-Text, "part"-Part,
                                       "value"-Value, "at_ms"-AtMs, "age_s"-AgeS,
                                       "fresh"-Fresh|Slope ])) :-
    aged(Age, AgeS, Fresh, Slope),
    atom_string(Metric, Text),
    format(string(Id), "~w.~w", [Node, Metric]),
    ( integer(AgeS) -> AtMs is 1800000000000 - AgeS * 1000 ; AtMs = 1800000000000 ).

aged(stale(AgeS), AgeS, false, [])                       :- !.
aged(slope(AgeS, Slope), AgeS, true, ["slope"-Slope])    :- !.
aged(AgeS, AgeS, true, []).
