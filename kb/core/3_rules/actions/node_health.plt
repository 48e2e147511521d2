%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(library(lists), [member/2]).
:- use_module('../../../test/asking').
:- use_module('../../../test/looks').
:- use_module('../../../test/machines', [with_state/2]).

:- begin_tests(node_health).

me("loopback"/api).

asked(Params, Rows, Verdict) :-
    me(By),
    look_seen(Rows, Seen),
    judge(node_health, Params, By, Seen, Verdict).

words(Params, Rows, Words) :-
    asked(Params, Rows, Verdict),
    at(Verdict, answer/words, Words).

test(it_looks_at_the_node, Nodes == ["tower"]) :-
    me(By),
    judge(node_health, [node="tower"], By, null, V),
    at(V, look/nodes, Nodes).
test(it_looks_at_all, Nodes == all) :-
    me(By),
    judge(node_health, [], By, null, V),
    at(V, look/nodes, Nodes).
test(well, Words == "tower is well: it tells of itself, and nothing that it tells is wrong.") :-
    words([node="tower"], ["tower"/cpu_temperature/""/51000/4, "tower"/uptime/""/900/4], Words).
test(not_well) :-
    words([node="nas"], ["nas"/disk_healthy/"sda"/0/4, "nas"/uptime/""/900/4], Words),
    sub_string(Words, _, _, _, "nas has a disk that calls itself failing (sda)"),
    \+ sub_string(Words, _, _, _, "well"),
    !.
test(stale_is_unknown,
     Words == "How tower is, is unknown: nothing fresh is known of it.") :-
    words([node="tower"], ["tower"/cpu_temperature/""/51000/stale(900)], Words).
test(nothing_is_unknown, Health == unknown) :-
    asked([node="tower"], [], V),
    at(V, answer/nodes/0/health, Health).
test(who_does_not_answer_is_unknown, Words == "How tower is, is unknown: it does not answer.") :-
    words([node="tower"], ["tower"/source_ok/""/0/4], Words).
test(an_open_alert_counts) :-
    with_state([alert(17, 17, cpu_hot, "tower", "", critical, 5, 5, 1, "w", [], 0, open)],
               asked([node="tower"], ["tower"/uptime/""/900/4], V)),
    at(V, answer/nodes/0/health, critical),
    at(V, answer/nodes/0/because/0/alert, 17).
test(all_of_them) :-
    words([], ["tower"/uptime/""/900/4, "nas"/disk_healthy/"sda"/0/4], Words),
    sub_string(Words, 0, _, _, "Of 11 nodes: 1 well, 1 not well, 9 unknown. "),
    !.
test(what_says_so_is_cited) :-
    asked([], ["tower"/uptime/""/900/4, "nas"/disk_healthy/"sda"/0/4], V),
    at(V, answer/facts, [Fact]),
    at(Fact, id, "nas.disk_healthy.sda").
test(silence_that_the_ledger_does_not_have_is_none, Because == []) :-
    asked([node="nas"], ["nas"/uptime/""/900/stale(4000)], V),
    at(V, answer/nodes/0/because, Because).
test(there_is_no_zeus) :-
    me(By),
    judge(node_health, [node="zeus"], By, null, V),
    at(V, look, null),
    at(V, answer/words, Words),
    sub_string(Words, 0, _, _, "There is no node named 'zeus'."),
    \+ sub_string(Words, _, _, _, "well"),
    !.

:- end_tests(node_health).
