%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(library(lists), [member/2, memberchk/2]).
:- use_module('../../test/asking').

:- begin_tests(ground_answer).

told(Text, Id, Words) :-
    ground_answer:rules_answer(["hello", Text], 1800000000000, Id, Words).

ground(Texts, Out) :-
    door_ground:ground(obj(["texts"-Texts, "now_ms"-1800000000000]), Out).

test(what_the_rules_can_answer,
     [forall(member(Text-Id, [ "which nodes are at risk of thermal throttling?"
                               -"answer.thermal_risk",
                               "can laptop1 reach nas on port 443?"-"answer.reach_check",
                               "where can a 12 GB model run?"-"answer.placement_find",
                               "which alerts are open?"-"answer.alert_list" ])),
      Found == Id, nondet]) :-
    told(Text, Found, Words),
    string(Words),
    Words \== "".
test(what_is_no_question_of_the_house,
     [forall(member(Text, [ "write a poem", "", "add test.local to 10.0.0.1", "wake up tower",
                            "acknowledge alert 7", "list the zones", "delete the zone local" ])),
      fail]) :-
    told(Text, _, _).
test(it_stands_last_in_the_block_and_among_the_facts, true) :-
    ground(["which alerts are open?"], Out),
    at(Out, block, Block),
    sub_string(Block, _, _, _, "What the rules answer to the last question:\n[answer.alert"),
    at(Out, facts, Facts),
    member(Fact, Facts),
    at(Fact, id, "answer.alert_list"),
    !.
test(not_where_somebody_named_does_not_exist, true) :-
    ground(["is zeus healthy?"], Out),
    at(Out, block, Block),
    \+ sub_string(Block, _, _, _, "What the rules answer"),
    !.
test(nothing_is_left_behind, true) :-
    ground(["which nodes are at risk of thermal throttling?"], _),
    \+ seen:looked(_, _).

:- end_tests(ground_answer).
