%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(kb('2_seen/senses'), [from_look/2]).
:- use_module(kb('3_rules/make_way')).
:- use_module('../../test/looks').

:- begin_tests(make_way).

%   leaves(+Rows, -Pools): who makes way when this is sensed.
leaves(Rows, Pools) :-
    look_seen(Rows, obj(["facts"-Facts|_])),
    from_look(Facts, findall(Pool, makes_way(Pool, _), Pools)).

test(the_pool_of_who_plays, Pools == [gpu0]) :-
    leaves(["tower"/full_screen/""/1/3], Pools).
test(it_says_why, Words == "somebody plays or watches on tower: its whole screen is in use") :-
    look_seen(["tower"/full_screen/""/1/3], obj(["facts"-Facts|_])),
    from_look(Facts, makes_way(gpu0, Words)).
test(an_external_one_of_which_it_is_said_where_it_runs, Pools == [box]) :-
    leaves(["laptop1"/full_screen/""/1/3], Pools).
test(of_two_screens_one_is_enough, Pools == [gpu0]) :-
    leaves(["tower"/full_screen/"0"/0/3, "tower"/full_screen/"1"/1/3], Pools).
test(a_person_alone_does_not_do_it, Pools == []) :-
    leaves(["tower"/full_screen/""/0/3, "tower"/inhibitors/"person"/1/3], Pools).
test(a_node_that_is_stable_keeps_its_pools, Pools == []) :-
    leaves(["pve"/full_screen/""/1/3], Pools).
test(what_was_long_ago_makes_nobody_leave, Pools == []) :-
    leaves(["tower"/full_screen/""/1/stale(99)], Pools).
test(nothing_known_nobody_leaves, Pools == []) :-
    leaves([], Pools).
test(a_stranger_has_no_pool, [forall(member(Pool, [gpu1, nopool, "gpu0", 7])), fail]) :-
    look_seen(["tower"/full_screen/""/1/3], obj(["facts"-Facts|_])),
    from_look(Facts, makes_way(Pool, _)).

:- end_tests(make_way).
