%   SPDX-License-Identifier: Apache-2.0

:- use_module('../../test/asking').
:- use_module('../../test/other_sites').
:- use_module('../../test/standing').
:- use_module(standing).
:- use_module(policy, []).

:- begin_tests(standing).

own(seen("kvm", "", [uuid("11223344-5566-7788-99aa-bbccddeeff00")])).
swapped(seen("kvm", "", [uuid("44332211-6655-8877-99aa-bbccddeeff00")])).
other(seen("kvm", "", [uuid("11223344-5566-7788-99aa-bbccddeeff01"), mac("bc:24:11:00:00:02")])).
bare(seen("", "", [mac("bc:24:11:00:00:02")])).

test(invariant_12_its_uuid_is_a_guests, Stands == match(lab, "dns1", Mark)) :-
    own(Seen),
    Mark = uuid("11223344-5566-7788-99aa-bbccddeeff00"),
    standing_at(Seen, stands(Stands)).
test(invariant_12_its_uuid_turned_round_is_too, Stands == match(lab, "dns1", Mark)) :-
    swapped(Seen),
    Mark = uuid("11223344-5566-7788-99aa-bbccddeeff00"),
    standing_at(Seen, stands(Stands)).
test(invariant_12_so_is_its_card, Stands == match(lab, "dns1", mac("bc:24:11:00:00:01"))) :-
    standing_at(seen("", "", [mac("bc:24:11:00:00:01")]), stands(Stands)).
test(invariant_12_so_is_its_address, Stands == match(lab, "files", address("192.168.10.77"))) :-
    standing_at(seen("", "lxc", [address("192.168.10.77")]), stands(Stands)).
test(virtual_without_a_match_is_unproven, Stands == unproven("kvm", "")) :-
    other(Seen),
    standing_at(Seen, stands(Stands)).
test(no_sign_is_bare, Stands == bare) :-
    bare(Seen),
    standing_at(Seen, stands(Stands)).
test(nothing_told_is_unknown, Stands == unknown) :-
    standing_at(nothing, stands(Stands)).
test(what_the_api_told_counts, Stands == match(lab, "web", mac("bc:24:11:00:00:09"))) :-
    setup_call_cleanup(
        assertz(state:cluster_guests(lab, 0, 1, [guest("web", mac("bc:24:11:00:00:09"))])),
        standing_at(seen("", "", [mac("bc:24:11:00:00:09")]), stands(Stands)),
        retractall(state:cluster_guests(_, _, _, _))).
test(guests_of_a_cluster_that_is_gone_count_no_more, Stands == bare) :-
    setup_call_cleanup(
        assertz(state:cluster_guests(gone, 0, 1, [guest("web", mac("bc:24:11:00:00:09"))])),
        standing_at(seen("", "", [mac("bc:24:11:00:00:09")]), stands(Stands)),
        retractall(state:cluster_guests(_, _, _, _))).

test(invariant_12_a_host_a_pool_and_a_playbook_of_a_member,
     Found == [lab-"pve", lab-"pve", lab-"pve"]) :-
    findall(Cluster-Node,
            ( member(Action, [ host_sleep("vault"), host_wake("vault"),
                               playbook_run("services/vault.yml", none) ]),
              member_touched(Action, Cluster, Node) ),
            Found).
test(others_are_no_members, Found == []) :-
    findall(Cluster-Node,
            ( member(Action, [ host_sleep("tower"), host_wake("nobody"), pool_unload("gpu0"),
                               playbook_run("maintenance/apt.yml", none), node_show("pve"),
                               dns_record_add("pve.local", a, "192.168.1.9", 300) ]),
              member_touched(Action, Cluster, Node) ),
            Found).

test(invariant_12_it_does_not_govern_its_own_cluster,
     Rules-Verdict == ["governs_own_cluster"]-deny) :-
    own(Seen),
    standing_at(Seen, judge(host_wake, [host="vault"], "uid:0"/api, null, Out)),
    at(Out, verdict, Verdict),
    rules(Out, Rules0),
    findall(Text, ( member(Rule, Rules0), Rule \== granted, atom_string(Rule, Text) ), Rules).
test(invariant_12_why_in_words_for_the_night) :-
    own(Seen),
    standing_at(Seen, judge(host_wake, [host="vault"], "uid:0"/api, null, Out)),
    at(Out, words, Words),
    forall(member(Text, [ "This node itself runs on the cluster lab", "it is dns1 there",
                          "each would wait for the other" ]),
           sub_string(Words, _, _, _, Text)),
    at(Out, would_permit, [Remedy|_]),
    sub_string(Remedy, _, _, _, "outside the cluster lab"),
    !.
test(on_a_machine_of_its_own_it_may, Kind == false) :-
    bare(Seen),
    standing_at(Seen, ( policy:forbids(host_wake("vault"), by("uid:0", api), Reason),
                        arg(1, Reason, lab) -> Kind = true ; Kind = false )).
test(another_clusters_guest_may_govern_this_one, Kind == false) :-
    standing_at(seen("kvm", "", [uuid("00000000-1111-2222-3333-444444444444")]),
                ( policy:forbids(host_wake("vault"), by("uid:0", api),
                                 governs_own_cluster(_, _, _, _))
                -> Kind = true ; Kind = false )).
test(invariant_12_unproven_is_warned_of) :-
    other(Seen),
    standing_at(Seen, action:remark(host_wake("vault"), Text)),
    sub_string(Text, 0, _, _, "Warning: pve is a member of the cluster lab"),
    sub_string(Text, _, _, _, "virtual machine (kvm)"),
    !.
test(nothing_told_is_warned_of_too) :-
    standing_at(nothing, action:remark(host_wake("vault"), Text)),
    sub_string(Text, _, _, _, "nothing was told"),
    !.
test(bare_and_others_are_not_warned_of) :-
    bare(Seen),
    \+ standing_at(Seen, action:remark(host_wake("vault"), _)),
    \+ standing_at(nothing, action:remark(host_wake("tower"), _)).
test(invariant_12_unproven_and_destructive_is_denied, Rules == [standing_unproven]) :-
    other(Seen),
    findall(Rule,
            ( standing_at(Seen, policy:forbids(playbook_run("services/vault.yml", none),
                                               by("uid:0", model), Reason)),
              functor(Reason, Rule, _) ),
            Rules).
test(bare_and_milder_are_not, Kind == none) :-
    bare(Bare),
    other(Other),
    (   member(Seen/Via, [Bare/model, Other/api]),
        standing_at(Seen, policy:forbids(playbook_run("services/vault.yml", none),
                                         by("uid:0", Via), standing_unproven(_, _, _)))
    ->  Kind = Via
    ;   Kind = none
    ).

test(faults_of_a_site) :-
    faults_of(standing:standing_fault,
              "this_node(\"n\"). node(\"a\",\"192.0.2.1\",\"x\").\n\c
               cluster(one,other,\"x\"). cluster(one,other,\"y\").\n\c
               cluster_member(two,\"a\"). cluster_member(one,\"zeus\").\n\c
               cluster_api(one,\"https://192.0.2.1:8006\",\"secret:a\"). cluster_pin(two,\n\c
               \"0000000000000000000000000000000000000000000000000000000000000000\").\n\c
               playbook_node(\"x.yml\",\"a\").\n", Text),
    forall(member(Words, [ "the cluster two, which is not", "the node zeus", "only proxmox",
                           "cluster_pin of two", "x.yml, which is no playbook",
                           "cluster(one, …) is declared twice" ]),
           sub_string(Text, _, _, _, Words)).
test(a_whole_site_has_none, Text == "") :-
    faults_of(standing:standing_fault,
              "this_node(\"n\"). node(\"a\",\"192.0.2.1\",\"x\"). cluster(one,other,\"x\").\n\c
               cluster_member(one,\"a\"). cluster_guest(one,\"g\",mac(\"52:54:00:aa:bb:01\")).\n\c
               boots_after(\"g\",\"a\"). boots_after(\"n\",\"g\").\n", Text).
test(nobody_boots_after_a_stranger) :-
    faults_of(standing:standing_fault,
              "this_node(\"n\"). node(\"a\",\"192.0.2.1\",\"x\").\n\c
               boots_after(\"a\",\"zeus\").\n", Text),
    sub_string(Text, _, _, _, "boots_after names zeus"),
    !.

:- end_tests(standing).
