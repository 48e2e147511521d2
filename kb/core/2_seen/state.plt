%   SPDX-License-Identifier: Apache-2.0

:- use_module(kb('2_seen/state')).

:- begin_tests(state, [setup(empty), cleanup(empty)]).

empty :-
    retractall(state:change(_, _, _, _, _, _)),
    retractall(state:zone(_, _)),
    retractall(state:host_woken(_, _)),
    retractall(state:load_time(_, _, _, _)).

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

test(the_nodes_own_changes_push_out_each_other,
     [setup(empty), true(Mine-Own == 3-20)]) :-
    forall(between(1, 3, Seq), remember(Seq)),
    forall(between(4, 60, Seq),
           remember_change("c", Seq, "node:gateway", "host_wake", obj([]), null, [])),
    aggregate_all(count, change(_, _, "loopback", _, _, _), Mine),
    aggregate_all(count, change(_, _, "node:gateway", _, _, _), Own).
test(what_was_pushed_out_is_not_learned_again, [setup(empty), true(Count == 20)]) :-
    forall(between(1, 60, Seq),
           remember_change("c", Seq, "node:gateway", "host_wake", obj([]), null, [])),
    \+ remember_change("c", 5, "node:gateway", "host_wake", obj([]), null,
                       [host_woken(tower, 1)]),
    aggregate_all(count, change(_, _, _, _, _, _), Count),
    \+ host_woken(_, _).
test(wakes_of_the_last_hour_stay, [setup(empty), true(Ats == [3600001, 3600005])]) :-
    woken(1, 5), woken(2, 3600001), woken(3, 3600005),
    findall(At, host_woken(tower, At), Ats).
test(no_more_than_so_many_wakes, [setup(empty), true(Count == 64)]) :-
    forall(between(1, 90, Seq), woken(Seq, Seq)),
    aggregate_all(count, host_woken(_, _), Count).
test(load_times_are_bounded, [setup(empty), true(Count =< 512)]) :-
    forall(between(1, 600, Seq),
           ( format(string(Model), "m~d", [Seq]),
             remember_change("c", Seq, "node:gateway", "pool_load", obj([]), null,
                             [load_time(gpu0, Model, Seq, 1)]) )),
    aggregate_all(count, load_time(_, _, _, _), Count).

woken(Seq, At) :-
    remember_change("c", Seq, "node:gateway", "host_wake", obj([]), null,
                    [host_woken(tower, At)]).
zone_made(Seq) :-
    remember_change("c", Seq, "loopback", "dns_zone_create", obj([]), null, [zone("a.b", home)]).

:- end_tests(state).
