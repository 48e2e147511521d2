%   SPDX-License-Identifier: Apache-2.0

:- use_module('../../test/other_sites').
:- use_module('../../test/standing').
:- use_module(boot_order).

:- begin_tests(boot_order).

before(Order, One, Other) :-
    nth1(A, Order, One),
    nth1(B, Order, Other),
    A < B.

test(what_is_needed_comes_first, Cycle == []) :-
    boot_order(Order, Cycle),
    forall(member(One-Other, [ "router"-"switch1", "switch1"-"nas", "nas"-"pve", "pve"-"dns1",
                               "pve"-"files" ]),
           before(Order, One, Other)).
test(those_that_need_nothing_come_by_name, First == "camera") :-
    boot_order([First|_], _).
test(each_name_comes_once, Twice == false) :-
    boot_order(Order, _),
    msort(Order, Sorted),
    sort(Order, Names),
    ( Sorted == Names -> Twice = false ; Twice = true ).
test(this_node_comes_after_the_cluster_it_runs_on, [nondet]) :-
    standing_at(seen("", "", [mac("bc:24:11:00:00:01")]),
                ( boot_order(Order, []), before(Order, "pve", "test-node") )).
test(elsewhere_it_is_no_part_of_it, In == false) :-
    standing_at(seen("", "", []), boot_order(Order, [])),
    ( memberchk("test-node", Order) -> In = true ; In = false ).

test(what_must_be_up_before_one, Names == ["router", "switch1", "nas", "pve"]) :-
    boot_order(Order, _),
    boots_before("dns1", Order, Names).
test(nothing_before_the_first, Names == []) :-
    boot_order(Order, _),
    boots_before("router", Order, Names).

%   Other houses: the order and the circle are printed.
test(a_circle_is_named_in_its_order, Text == "[a]-[b,c,d]\n") :-
    faults_of(boot_order:order_and_circle,
              "node(\"a\",\"192.0.2.1\",\"x\"). node(\"b\",\"192.0.2.2\",\"x\").\n\c
               node(\"c\",\"192.0.2.3\",\"x\"). node(\"d\",\"192.0.2.4\",\"x\").\n\c
               node(\"e\",\"192.0.2.5\",\"x\"). boots_after(\"b\",\"c\").\n\c
               boots_after(\"c\",\"d\"). boots_after(\"d\",\"b\"). boots_after(\"e\",\"b\").\n\c
               boots_after(\"b\",\"a\").\n", Text).
test(a_cluster_that_needs_its_own_guest_is_a_circle, Text == "[]-[dns1,pve]\n") :-
    faults_of(boot_order:order_and_circle,
              "node(\"pve\",\"192.0.2.1\",\"x\"). cluster(lab,proxmox,\"x\").\n\c
               cluster_member(lab,\"pve\"). cluster_guest(lab,\"dns1\",address(\"192.0.2.9\")).\n\c
               boots_after(\"pve\",\"dns1\").\n", Text).
test(who_waits_for_itself, Text == "[]-[a]\n") :-
    faults_of(boot_order:order_and_circle,
              "node(\"a\",\"192.0.2.1\",\"x\"). boots_after(\"a\",\"a\").\n", Text).

:- end_tests(boot_order).
