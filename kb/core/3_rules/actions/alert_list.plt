%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module('../../../test/asking').
:- use_module('../../../test/machines', [with_state/2]).

:- begin_tests(alert_list).

me("loopback"/api).

alerts([ alert(17, 17, cpu_hot, "tower", "core0", warning, 5, 5, 1,
               "warning: tower has a hot processor.", [], 0, open),
         alert(19, 19, storm, "", "node_silent", critical, 6, 6, 1, "Many nodes are silent.",
               ["nas", "pve"], 0, open),
         alert(12, 14, disk_full, "nas", "/", warning, 1, 3, 1, "nas has a full file system.",
               [], 3, clear),
         acknowledged(17, 18, "loopback", "I look at it", 7) ]).

told(Params, Words) :-
    alerts(Alerts),
    me(By),
    with_state(Alerts, ( judge(alert_list, Params, By, null, V), at(V, answer/words, Words) )).

test(those_that_are_open,
     Words == "2 alerts are open. Alert 19 (critical): Many nodes are silent. Alert 17 (warning, \c
               seen by loopback): tower has a hot processor.") :-
    told([], Words).
test(of_a_node) :-
    told([node="tower"], Words),
    sub_string(Words, 0, _, _, "One alert of tower is open. Alert 17"),
    !.
test(a_storm_is_of_its_members) :-
    told([node="nas"], Words),
    sub_string(Words, _, _, _, "Alert 19"),
    \+ sub_string(Words, _, _, _, "Alert 12"),
    !.
test(those_that_are_over,
     Words == "One alert is cleared. Alert 12 (warning, over): nas has a full file system.") :-
    told([status="cleared"], Words).
test(none, Words == "No alert is open.") :-
    me(By),
    judge(alert_list, [], By, null, V),
    at(V, answer/words, Words).
test(there_is_no_zeus) :-
    told([node="zeus"], Words),
    sub_string(Words, 0, _, _, "There is no node named 'zeus'."),
    !.
test(no_such_state, Code == bad_value) :-
    me(By),
    judge(alert_list, [status="asleep"], By, null, V),
    at(V, error/code, Code).

:- end_tests(alert_list).
