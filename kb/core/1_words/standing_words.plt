%   SPDX-License-Identifier: Apache-2.0

:- use_module(standing_words).
:- use_module(fact_words, [fact_fault/3]).

:- begin_tests(standing_words).

test(good, [forall(member(Fact, [ cluster(lab, proxmox, "x"), cluster_member(lab, "pve"),
                                  cluster_guest(lab, "Web-1.old",
                                                uuid("11223344-5566-7788-99aa-bbccddeeff00")),
                                  cluster_guest(lab, "a", mac("bc:24:11:00:00:01")),
                                  cluster_guest(lab, "a", address("fd00:10::5")),
                                  cluster_api(lab, "https://192.0.2.1:8006", "secret:proxmox/lab"),
                                  boots_after("a", "b") ])),
             fail]) :-
    fact_fault(site, Fact, _).
test(bad, [forall(member(Fact-Column, [
        cluster(lab, openstack, "x")-"column kind",
        cluster_member(lab, "A B")-"column node",
        cluster_guest(lab, ".a", mac("bc:24:11:00:00:01"))-"column guest",
        cluster_guest(lab, "a", uuid("11223344-5566-7788-99AA-bbccddeeff00"))-"column what",
        cluster_guest(lab, "a", uuid("00000000-0000-0000-0000-000000000000"))-"column what",
        cluster_guest(lab, "a", uuid("03000200-0400-0500-0006-000700080009"))-"column what",
        cluster_guest(lab, "a", mac("ff:ff:ff:ff:ff:ff"))-"column what",
        cluster_guest(lab, "a", address("127.0.0.1"))-"column what",
        cluster_guest(lab, "a", name("x"))-"column what",
        cluster_api(lab, "http://192.0.2.1:8006", "secret:a")-"column url",
        cluster_api(lab, "https://192.0.2.1:8006", "token")-"column secret",
        cluster_pin(lab, "AB")-"column sha256",
        boots_after("a", b)-"column other" ]))]) :-
    fact_fault(site, Fact, Words),
    sub_string(Words, 0, _, _, Column),
    !.
test(turned_round, Swapped == "44332211-6655-8877-99aa-bbccddeeff00") :-
    uuid_swapped("11223344-5566-7788-99aa-bbccddeeff00", Swapped).
test(twice_is_as_before, Twice == "11223344-5566-7788-99aa-bbccddeeff00") :-
    uuid_swapped("11223344-5566-7788-99aa-bbccddeeff00", Once),
    uuid_swapped(Once, Twice).

:- end_tests(standing_words).
