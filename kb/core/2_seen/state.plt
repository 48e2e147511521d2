%   SPDX-License-Identifier: Apache-2.0

:- use_module(kb('2_seen/state')).

:- begin_tests(state, [setup(empty), cleanup(empty)]).

empty :-
    retractall(state:change(_, _, _, _, _, _)),
    retractall(state:zone(_, _)).

remember(Seq) :-
    remember_change("c", Seq, "loopback", "dns_record_add", obj(["name"-"a.local"]), null, []).

test(a_change_is_remembered_once, [setup(empty), true(Count == 1)]) :-
    remember(7),
    \+ remember(7),
    aggregate_all(count, change(_, _, _, _, _, _), Count).
test(the_newest_come_first, [setup(empty), true(Seqs == [9, 8, 7])]) :-
    remember(8), remember(9), remember(7),
    newest_changes(Changes),
    findall(Seq, member(change(_, Seq, _, _, _, _), Changes), Seqs).
test(only_the_latest_hundred_stay, [setup(empty), true(Count-Least == 100-6)]) :-
    forall(between(1, 105, Seq), remember(Seq)),
    findall(Seq, change(_, Seq, _, _, _, _), Seqs),
    length(Seqs, Count),
    min_list(Seqs, Least).
test(a_zone_is_remembered_once, [setup(empty), true(Zones == ["a.b"-home])]) :-
    zone_made(3),
    zone_made(4),
    \+ zone_made(4),
    findall(Zone-Server, zone(Zone, Server), Zones).
test(what_is_known_has_a_number, [setup(empty), true([None, Two, One] == [0, 9, 9])]) :-
    learned_until(None),
    zone_made(9),
    learned_until(Two),
    remember(4),
    learned_until(One).

zone_made(Seq) :-
    remember_change("c", Seq, "loopback", "dns_zone_create", obj([]), null, ["a.b"-home]).

:- end_tests(state).
