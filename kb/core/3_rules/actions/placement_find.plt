%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(library(lists), [member/2]).
:- use_module('../../../test/asking').
:- use_module('../../../test/looks').

:- begin_tests(placement_find).

me("loopback"/api).

asked(Params, Rows, Verdict) :-
    me(By),
    look_seen(Rows, Seen),
    judge(placement_find, Params, By, Seen, Verdict).

words(Params, Rows, Words) :-
    asked(Params, Rows, Verdict),
    at(Verdict, answer/words, Words).

rows([ "pve"/gpu_memory_used/"0"/0/3, "pve"/memory_available/""/32212254720/3,
       "tower"/gpu_memory_used/"0"/0/3, "tower"/gpu_busy/"0"/900/3 ]).

test(where_it_fits,
     Words == "What needs 12288 MiB of GPU memory fits best, and only, on one node: pve on its \c
               RTX 5080, with 4015 MiB left over: awake (up to 435 W more), stable, weight 80.") :-
    rows(Rows),
    words([vram_mib=12288], Rows, Words).
test(why_not_elsewhere, Why == "tower is volatile and in use.") :-
    rows(Rows),
    asked([vram_mib=12288], Rows, V),
    at(V, answer/refused, All),
    member(Refused, All),
    at(Refused, node, "tower"),
    !,
    at(Refused, words, Why).
test(who_is_there,
     [forall(member(Facts-Wanted,
         [ ["tower"/inhibitors/"person"/1/3]-"tower is volatile, and somebody is at it.",
           ["tower"/inhibitors/"person"/1/3, "tower"/full_screen/""/1/3]
           -"tower is volatile, and somebody plays or watches: its whole screen is in use.",
           ["tower"/inhibitors/"person"/0/3]
           -"tower is volatile, and whether it is in use is unknown." ])),
      Why == Wanted]) :-
    asked([vram_mib=12288], ["tower"/gpu_memory_used/"0"/0/3|Facts], V),
    at(V, answer/refused, All),
    member(Refused, All),
    at(Refused, node, "tower"),
    !,
    at(Refused, words, Why).
test(volatile_if_it_is_welcome, Nodes == ["pve", "tower"]) :-
    rows(Rows),
    asked([vram_mib=12288, (volatile)=true], Rows, V),
    at(V, answer/candidates, All),
    findall(Node, ( member(One, All), at(One, node, Node) ), Nodes).
test(what_nobody_measures_is_not_free) :-
    words([vram_mib=12288], [], Words),
    sub_string(Words, 0, _, _,
               "What needs 12288 MiB of GPU memory fits on no node that is known to have room \c
                now. pve is large enough, but whether it is awake is unknown"),
    !.
test(nowhere_at_all, Words == "What needs 99999 MiB of GPU memory fits nowhere in this house.") :-
    words([vram_mib=99999], [], Words).
test(what_a_node_must_be_able_to) :-
    rows(Rows),
    words([capability="zfs"], ["nas"/uptime/""/1/1|Rows], Text),
    sub_string(Text, _, _, _, "on one node: nas: awake"),
    !.
test(nothing_asked, Code == missing_field) :-
    me(By),
    judge(placement_find, [], By, null, V),
    at(V, error/code, Code).
test(bad_needs, [forall(member(Param, [ vram_mib=(-1), vram_mib="12", vram_mib=99999999999,
                                        capability="magic", (volatile)="yes" ])), Kind == input]) :-
    me(By),
    judge(placement_find, [Param], By, null, V),
    at(V, error/kind, Kind).

:- end_tests(placement_find).
