%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(library(lists), [member/2]).
:- use_module('../../../test/asking').
:- use_module('../../../test/looks').

:- begin_tests(reach_check).

me("loopback"/api).

asked(Params, Rows, Verdict) :-
    me(By),
    look_seen(Rows, Seen),
    judge(reach_check, Params, By, Seen, Verdict).

words(Params, Rows, Words) :-
    asked(Params, Rows, Verdict),
    at(Verdict, answer/words, Words).

test(it_looks_at_all, Nodes == all) :-
    me(By),
    judge(reach_check, [from="laptop1", to="nas"], By, null, V),
    at(V, look/nodes, Nodes).
test(yes,
     Words == "Yes: laptop1 reaches nas on tcp/443. Firewall rule 10 allows tcp/443 from VLAN \c
                    clients to nas.") :-
    words([from="laptop1", to="nas", service="tcp/443"], [], Words).
test(the_proof_is_each_step, Steps == 6) :-
    asked([from="laptop1", to="nas", service="tcp/443"], [], V),
    at(V, answer/proof, Proof),
    at(V, answer/reachable, true),
    length(Proof, Steps).
test(no, Words == "No: laptop1 does not reach nas on tcp/80. No firewall rule fits, and between \c
                   VLANs that denies it.") :-
    words([from="laptop1", to="nas", service="tcp/80"], [], Words).
test(who_is_down_is_not_reached,
     Words == "No: laptop1 does not reach nas on tcp/443. nas is asleep or does not answer.") :-
    words([from="laptop1", to="nas", service="tcp/443"], ["nas"/source_ok/""/0/3], Words).
test(a_stale_no_is_no_no) :-
    asked([from="laptop1", to="nas", service="tcp/443"], ["nas"/source_ok/""/0/stale(999)], V),
    at(V, answer/reachable, true).
test(without_a_service_each_is_told,
     Words == "laptop1 reaches nas on icmp, tcp/22, tcp/443 and tcp/445, and on nothing else.") :-
    words([from="laptop1", to="nas"], [], Words).
test(within_a_vlan_all_but_what_is_denied) :-
    words([from="pve", to="nas"], [], Words),
    sub_string(Words, _, _, _, "every service that no rule names"),
    !.
test(both_strangers_are_named) :-
    me(By),
    judge(reach_check, [from="zeus", to="hera"], By, null, V),
    at(V, answer/words, Text),
    sub_string(Text, 0, _, _,
               "There is no node named 'hera'. There is no node named 'zeus'. The nodes are "),
    !.
test(no_service, [forall(member(Text, ["443", "tcp/0", "tcp/70000", "sctp/1", "tcp/443; id"])),
                  true(memberchk(Code, [bad_value]))]) :-
    me(By),
    judge(reach_check, [from="laptop1", to="nas", service=Text], By, null, V),
    at(V, error/code, Code).

:- end_tests(reach_check).
