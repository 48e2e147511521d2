%   SPDX-License-Identifier: Apache-2.0

:- use_module(standing_entries).

:- begin_tests(standing_entries).

machine(Uuid, obj([ "vm"-"kvm", "container"-"", "uuids"-[Uuid], "macs"-["bc:24:11:00:00:01", "x"],
                    "addresses"-["127.0.0.1", "192.168.10.77"] ])).

guests(Cluster, obj([ "cluster"-Cluster,
                      "guests"-[ obj(["guest"-"web", "kind"-"mac", "value"-"bc:24:11:00:00:09"]),
                                 obj(["guest"-"a b", "kind"-"mac", "value"-"bc:24:11:00:00:08"]),
                                 obj(["guest"-"db", "kind"-"soul", "value"-"x"]) ] ])).

test(marks_that_are_none_are_left_out,
     Marks == [address("192.168.10.77"), mac("bc:24:11:00:00:01")]) :-
    machine("00000000-0000-0000-0000-000000000000", Body),
    machine_seen(Body, "kvm", "", Marks).
test(no_whole_look, [fail]) :-
    machine_seen(obj(["vm"-"kvm"]), _, _, _).
test(guests_of_a_cluster, Cluster-Guests == lab-[guest("web", mac("bc:24:11:00:00:09"))]) :-
    guests("lab", Body),
    guests_seen(Body, Cluster, Guests).
test(of_a_stranger, [fail]) :-
    guests("garage", Body),
    guests_seen(Body, _, _).
test(no_entry_of_another_kind, [fail]) :-
    learn_standing("alert_raised", 1, "", obj([]), _).
test(no_whole_entry, Changed == false) :-
    learn_standing("standing_seen", 1, "", obj([]), Changed).

:- end_tests(standing_entries).
