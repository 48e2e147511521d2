%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(library(lists), [member/2, memberchk/2]).
:- use_module(kb('4_say/health_answers')).

:- begin_tests(health_answers).

%   Whole answers stand in 3_rules/actions/node_health.plt and thermal_risk.plt.
words(Asked, Healths, Words) :-
    health_answer(Asked, Healths, [], false, obj(Pairs)),
    memberchk(words-Words, Pairs).

test(a_word_for_each_health, [forall(member(Health-Start, [ ok-"a is well",
                              degraded-"a is degraded.",
                                                            critical-"a is critical.",
                                                            unknown-"How a is, is unknown" ]))]) :-
    words("a", [health("a", Health, unknown, [])], Words),
    sub_string(Words, 0, _, _, Start),
    !.
test(unknown_says_why, [forall(member(Power-Why, [ asleep-"put to sleep", down-"does not answer",
                                                   awake-"tells nothing fresh",
                                                   unknown-"nothing fresh is known" ]))]) :-
    words("a", [health("a", unknown, Power, [])], Words),
    sub_string(Words, _, _, _, Why),
    !.
test(what_was_cut_is_said, Words == "a is well: it tells of itself, and nothing that it tells is \c
                                     wrong. There is more than was told.") :-
    health_answer("a", [health("a", ok, awake, [])], [], true, obj(Pairs)),
    memberchk(words-Words, Pairs).
test(a_row_tells_roles_and_which_host_it_is, Rows == [ "pve"/[gpu_server, hypervisor]/vault,
                                                        "tower"/[desktop]/tower,
                                                        "stranger"/[]/null ]) :-
    findall(health(Node, ok, awake, []), member(Node, ["pve", "tower", "stranger"]), Healths),
    health_answer(none, Healths, [], false, obj(Pairs)),
    memberchk(nodes-Nodes, Pairs),
    findall(Node/Roles/Host,
            ( member(obj(Row), Nodes), memberchk(node-Node, Row), memberchk(roles-Roles, Row),
              memberchk(sleeps_as-Host, Row) ),
            Rows).
test(each_way_of_being_hot, [forall(member(How/Minutes/Said, [ hot/0/"which is reached",
                                                               soon/5/"which it reaches in 5 min",
                                                               rising/90/"reaches in 90 min",
                                                               near/null/"which is near" ]))]) :-
    Risk = risk(How, "a", cpu_temperature, "", 80000, 12000, 90000, Minutes),
    thermal_answer(told(none, [Risk], [], []), [], false, obj(Pairs)),
    memberchk(words-Words, Pairs),
    memberchk(risks-[_], Pairs),
    ( sub_string(Words, _, _, _, Said) -> true ; Minutes == 5, sub_string(Words, _, _, _,
    "300 s") ),
    !.

:- end_tests(health_answers).
