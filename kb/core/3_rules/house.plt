%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(library(lists), [member/2]).
:- use_module(kb('3_rules/house')).
:- use_module('../../test/asking').
:- use_module('../../test/other_sites').

:- begin_tests(house).

faults(Facts, Text) :-
    faults_of(house:house_fault, Facts, Text).

test(a_small_house, Text == "") :-
    faults("node(\"a\", \"h\", \"w\"). node(\"b\", \"h\", \"w\"). vlan(v, 1, \"10.0.0.0/24\"). \c
            vlan(v, 1, \"fd00::/64\"). vlan(w, 2, \"10.0.1.0/24\"). \c
            node_address(\"a\", v, \"10.0.0.1\"). node_address(\"a\", w, \"10.0.1.1\"). \c
            node_address(\"a\", v, \"fd00::1\"). node_link(\"a\", \"b\", 1000). \c
            node_routes(\"a\", v, w). firewall(1, vlan(v), node(\"a\"), tcp(1), allow). \c
            firewall(2, any, any, any, deny).", Text).
test(each_fault_is_said, Missing == []) :-
    faults("node(\"a\", \"h\", \"w\"). node(\"a\", \"h\", \"again\"). \c
            node(\"B c\", \"h\", \"w\"). \c
            node_role(\"zeus\", server). node_memory(\"a\", 1). node_memory(\"a\", 2). \c
            node_power(\"a\", 20, 10). node_can(\"a\", cuda). node_host(\"a\", nobody). \c
            node_pool(\"a\", nopool). node_pool(\"b\", nopool). \c
            vlan(v, 1, \"10.0.0.0/24\"). vlan(v, 2, \"10.0.9.0/24\"). vlan(x, 1,
            \"10.0.0.128/25\"). \c
            node_address(\"a\", v, \"10.0.1.1\"). node_address(\"a\", v, \"10.0.0.0\"). \c
            node_address(\"a\", v, \"10.0.0.255\"). node_address(\"a\", u, \"10.0.0.7\"). \c
            node_address(\"a\", v, \"10.0.0.7\"). node_link(\"a\", \"a\", 1). \c
            node_link(\"a\", \"o\", 1). node_link(\"o\", \"a\", 1). node_routes(\"a\", v, v). \c
            node_routes(\"a\", v, x). firewall(1, any, any, any, deny). \c
            firewall(1, vlan(q), any, icmp, allow). firewall(2, vlan(v), any, tcp(1), allow). \c
            firewall(3, node(\"ghost\"), any, any, allow).", Text),
    findall(Words,
            ( member(Words, [ "node a is declared twice", "\"B c\" is no name for a node",
                              "node_role names the node zeus",
                              "node_memory is said twice of node a",
                              "node a draws 20 W idle and 10 W",
                              "node a can cuda, but has no node_gpu",
                              "node a is the host nobody",
                              "node_pool says that pool nopool is on node a",
                              "pool nopool is said of two nodes", "node_pool names the node b",
                              "vlan v has the ids 1 and 2",
                              "vlans v and x have the same id 1",
                              "10.0.0.0/24 of vlan v and 10.0.0.128/25 of vlan x overlap",
                              "10.0.1.1 of a does not lie in 10.0.0.0/24 or 10.0.9.0/24 of vlan v",
                              "10.0.0.0 of a is the subnet itself",
                              "10.0.0.255 of a is the broadcast address",
                              "node_address names the vlan u", "10.0.0.7 belongs to a and to a",
                              "a cable from a to itself", "cable between a and o is declared twice",
                              "node_link names the node o", "a routes from v to itself",
                              "a routes between v and x, but has no address in x",
                              "firewall rule 1 is declared twice", "firewall names the vlan q",
                              "firewall rule 2 is never reached: rule 1 fits first",
                              "firewall names the node ghost" ]),
              \+ sub_string(Text, _, _, _, Words) ),
            Missing).
test(the_test_house_hangs_together, Faults == []) :-
    findall(Fault, house_fault(Fault), Faults).
test(known_in_any_case, Node == "tower") :-
    node_known("Tower", Node).
test(a_stranger_is_unknown, [forall(member(Text, ["zeus", "", "tower ", tower, 7])), fail]) :-
    node_known(Text, _).
test(what_was_meant, [forall(member(Text-Node, [ "towr"-"tower", "twoer"-"tower", "towers"-"tower",
                                                 "pev"-"pve", "laptop"-"laptop1",
                                                 "labtop2"-"laptop2", "swithc1"-"switch1" ])),
                      Found == Node]) :-
    near_node(Text, Found).
test(what_is_too_far, [forall(member(Text, ["zeus", "t", "nassau", "powershell", "tow"])), fail]) :-
    near_node(Text, _).
test(a_card, Values == [[gpu_server, hypervisor], 65536, 80, stable, 16303, vault]) :-
    node_card("pve", Card),
    findall(Value, ( member(Path, [ roles, memory_mib, weight, volatility, gpus/0/vram_mib,
                                    sleeps_as ]),
                     card_at(Card, Path, Value) ), Values).
test(a_card_of_little, Values == [[], null, null, 10, []]) :-
    node_card("switch1", Card),
    findall(Value, ( member(Path, [roles, memory_mib, power, weight, addresses]),
                     card_at(Card, Path, Value) ), Values).
test(no_card_of_a_stranger, fail) :-
    node_card("zeus", _).

card_at(Obj, Path, Value) :- at(Obj, Path, Value).

:- end_tests(house).
