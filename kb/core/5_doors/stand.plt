%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(lists), [selectchk/3]).
:- use_module('../../test/asking').
:- use_module(learn, []).
:- use_module(stand, []).

:- begin_tests(stand_door, [cleanup(none_learned)]).

none_learned :-
    retractall(state:node_stands(_, _, _, _, _)),
    retractall(state:cluster_guests(_, _, _, _)).

machine(Uuid, obj([ "vm"-"kvm", "container"-"", "uuids"-[Uuid], "macs"-["bc:24:11:00:00:01", "x"],
                    "addresses"-["127.0.0.1", "192.168.10.77"] ])).

guests(Cluster, obj([ "cluster"-Cluster,
                      "guests"-[ obj(["guest"-"web", "kind"-"mac", "value"-"bc:24:11:00:00:09"]),
                                 obj(["guest"-"a b", "kind"-"mac", "value"-"bc:24:11:00:00:08"]),
                                 obj(["guest"-"db", "kind"-"soul", "value"-"x"]) ] ])).

learned(Kind, Seq, Body, Changed) :-
    door_learn:learn(obj([ "kind"-Kind, "case"-"", "seq"-Seq, "at"-"2026-11-21T08:00:00.000Z",
                           "body"-Body ]), Out),
    at(Out, changed, Changed).

test(the_newest_counts, [setup(none_learned), true([A, B, C] == [true, true, false])]) :-
    machine("11223344-5566-7788-99aa-bbccddeeff00", Mine),
    machine("11223344-5566-7788-99aa-bbccddeeff99", Other),
    learned("standing_seen", 3, Other, A),
    learned("standing_seen", 5, Mine, B),
    learned("standing_seen", 4, Other, C),
    findall(Seq, state:node_stands(Seq, _, _, _, _), [5]).
test(one_of_each_cluster, [setup(none_learned), true(Changed-Seqs == [true, true, false]-[8])]) :-
    guests("lab", Body),
    guests("garage", Stranger),
    findall(C, ( member(Seq-B, [7-Body, 8-Body, 9-Stranger]), learned("cluster_seen", Seq, B, C) ),
            Changed),
    findall(Seq, state:cluster_guests(_, Seq, _, _), Seqs).

%   the door

stood(In, Values) :-
    door_stand:stand(obj(In), Out),
    findall(Value, ( member(Key, [stands, guest, proof, record]), at(Out, Key, Value) ), Values).

test(nothing_told, [setup(none_learned), true(Values == [unknown, null, null, false])]) :-
    stood([], Values).
test(invariant_12_what_is_seen_is_news,
     [setup(none_learned), true(Values == [match, "dns1", uuid, true])]) :-
    machine("44332211-6655-8877-99aa-bbccddeeff00", Body0),
    Body0 = obj(Pairs0),
    selectchk("macs"-_, Pairs0, "macs"-[], Pairs1),
    selectchk("addresses"-_, Pairs1, "addresses"-[], Pairs),
    stood(["seen"-obj(Pairs)], Values).
test(once_learned_it_is_none, [setup(none_learned), true(Record == false)]) :-
    machine("11223344-5566-7788-99aa-bbccddeeff00", Body),
    learned("standing_seen", 3, Body, true),
    stood(["seen"-Body], [match, _, _, Record]).
test(what_a_cluster_told_is_news_once, [setup(none_learned), true([A, B] == [true, false])]) :-
    guests("lab", Body),
    stood(["guests"-Body], [_, _, _, A]),
    learned("cluster_seen", 3, Body, true),
    stood(["guests"-Body], [_, _, _, B]).
test(which_cluster_can_be_asked,
     Job == [cluster, guests, lab, "https://192.168.10.10:8006", "secret:proxmox/lab", null]) :-
    door_stand:stand(obj([]), Out),
    at(Out, jobs/0, obj(Pairs)),
    findall(Value, member(_-Value, Pairs), Job).

:- end_tests(stand_door).
