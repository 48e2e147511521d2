%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(library(lists), [member/2]).
:- use_module('../../../test/asking').
:- use_module('../../../test/looks').

:- begin_tests(node_show).

me("loopback"/api).

asked(Params, Rows, Verdict) :-
    me(By),
    look_seen(Rows, Seen),
    judge(node_show, Params, By, Seen, Verdict).

words(Params, Rows, Words) :-
    asked(Params, Rows, Verdict),
    at(Verdict, answer/words, Words).

test(it_looks_first, Nodes-Hand == ["tower"]-senses) :-
    me(By),
    judge(node_show, [node="Tower"], By, null, V),
    at(V, look/nodes, Nodes), at(V, look/hand, Hand).
test(a_node_as_it_is,
     Words == "tower is written down as: \"Windows, plays games\". tower is awake. \c
                                1 of 2 readings of tower are fresh.") :-
    words([node="tower"], ["tower"/cpu_busy/""/120/4, "tower"/load_1/""/1000/stale(300)], Words).
test(its_readings_are_cited, Facts == ["tower.cpu_busy"/120, "tower.load_1"/null]) :-
    asked([node="tower"], ["tower"/load_1/""/1000/stale(300), "tower"/cpu_busy/""/120/4], V),
    at(V, answer/facts, All),
    findall(Id/Value, ( member(Fact, All), at(Fact, id, Id), at(Fact, value, Value) ), Facts).
test(nothing_known_is_said_to_be_so,
     Words == "pi1 is written down as: \"a single-board computer\". Whether pi1 is awake is \c
               unknown: nothing tells it. No reading of pi1 is known.") :-
    words([node="pi1"], [], Words).
test(there_is_no_zeus) :-
    me(By),
    judge(node_show, [node="zeus"], By, null, V),
    at(V, verdict, permit), at(V, look, null),
    at(V, answer/words, Words),
    sub_string(Words, 0, _, _, "There is no node named 'zeus'. The nodes are camera, "),
    !.
test(a_near_name_is_offered_and_not_taken,
     Name/Words == "towr"/"There is no node named 'towr'; the nearest name is 'tower'.") :-
    me(By),
    judge(node_show, [node="towr"], By, null, V),
    at(V, answer/unknown/0/name, Name), at(V, answer/unknown/0/words, Words).
test(no_name_at_all,
     [forall(member(Text, ["a b", "", "a.b", "../x", "{{x}}"])), Code == bad_value]) :-
    me(By),
    judge(node_show, [node=Text], By, null, V),
    at(V, error/code, Code).
test(a_guest_may_not, Kind == deny) :-
    judge(node_show, [node="tower"], "uid:1"/api, null, V),
    at(V, verdict, Kind).

:- end_tests(node_show).
