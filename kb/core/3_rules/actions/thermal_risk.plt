%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(library(lists), [member/2]).
:- use_module('../../../test/asking').
:- use_module('../../../test/looks').

:- begin_tests(thermal_risk).

me("loopback"/api).

asked(Params, Rows, Verdict) :-
    me(By),
    look_seen(Rows, Seen),
    judge(thermal_risk, Params, By, Seen, Verdict).

words(Params, Rows, Words) :-
    asked(Params, Rows, Verdict),
    at(Verdict, answer/words, Words).

test(it_looks_at_temperatures, Metric == "cpu_temperature") :-
    me(By),
    judge(thermal_risk, [], By, null, V),
    at(V, look/nodes, all),
    at(V, look/metrics/0, Metric).
test(hot) :-
    words([], ["tower"/cpu_temperature/"core0"/99000/4, "nas"/cpu_temperature/""/41000/4], Words),
    sub_string(Words, 0, _, _, "tower is at risk of throttling. tower: cpu temperature of core0 \c
                                is 99.0 °C, the threshold"),
    !.
test(soon, How == soon) :-
    threshold(Threshold),
    Value is Threshold - 2000,
    asked([], ["tower"/cpu_temperature/"core0"/Value/slope(4, 60000)], V),
    at(V, answer/risks/0/how, How).
test(minutes, Minutes == 2) :-
    threshold(Threshold),
    Value is Threshold - 2000,
    asked([], ["tower"/cpu_temperature/"core0"/Value/slope(4, 60000)], V),
    at(V, answer/risks/0/minutes, Minutes).
test(all_cool_but_unknown_ones_are_told,
     Words == "No node is known to be at risk of throttling: 1 are cool, and of 10 no temperature \c
               is known.") :-
    words([], ["nas"/cpu_temperature/""/41000/4], Words).
test(nothing_known,
     Words == "Whether a node is at risk of throttling is unknown: no temperature is known.") :-
    words([], [], Words).
test(one_that_is_cool, Words == "nas is not at risk of throttling: cpu temperature 41.0 °C.") :-
    words([node="nas"], ["nas"/cpu_temperature/""/41000/4], Words).
test(one_of_which_nothing_is_known,
     Words == "Whether nas is too hot is unknown: no temperature of it is known.") :-
    words([node="nas"], ["nas"/cpu_temperature/""/99000/stale(900)], Words).
test(there_is_no_zeus) :-
    me(By),
    judge(thermal_risk, [node="zeus"], By, null, V),
    at(V, answer/words, Words),
    sub_string(Words, 0, _, _, "There is no node named 'zeus'."),
    !.

threshold(Threshold) :-
    asked([], ["tower"/cpu_temperature/"core0"/149000/4], V),
    at(V, answer/risks/0/threshold, Threshold).

:- end_tests(thermal_risk).
