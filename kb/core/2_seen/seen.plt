%   SPDX-License-Identifier: Apache-2.0

:- use_module(kb('2_seen/seen')).

:- begin_tests(seen).

world([rrset("a.local", 'A', 60, ["1.1.1.1", "2.2.2.2"])]).

values(Effects, Sets) :-
    world(World),
    in_sight(World,
             supposing(Effects, findall(Type/Ttl/Values, rrset("a.local", Type, Ttl, Values),
                 Sets))).

test(facts_hold_inside, Values == ["1.1.1.1", "2.2.2.2"]) :-
    world(World),
    in_sight(World, rrset("a.local", 'A', _, Values)).
test(nothing_stays_behind, fail) :-
    world(World),
    in_sight(World, true),
    rrset(_, _, _, _).
test(nothing_stays_after_failure, fail) :-
    world(World),
    ( in_sight(World, fail) ; true ),
    rrset(_, _, _, _).
test(nothing_stays_after_a_throw, fail) :-
    world(World),
    catch(in_sight(World, throw(oops)), oops, true),
    rrset(_, _, _, _).
test(an_added_value_joins_its_set, Sets == ['A'/90/["1.1.1.1", "2.2.2.2", "3.3.3.3"]]) :-
    values([add("a.local", 'A', 90, "3.3.3.3")], Sets).
test(an_added_type_is_a_set_of_its_own, Sets == ['A'/60/["1.1.1.1", "2.2.2.2"],
    'TXT'/5/["\"x\""]]) :-
    values([add("a.local", 'TXT', 5, "\"x\"")], Sets).
test(a_removed_value_leaves, Sets == ['A'/60/["2.2.2.2"]]) :-
    values([remove("a.local", 'A', "1.1.1.1")], Sets).
test(the_last_value_takes_its_set, Sets == []) :-
    values([remove("a.local", 'A', "1.1.1.1"), remove("a.local", 'A', "2.2.2.2")], Sets).
test(what_is_not_there_cannot_leave, Sets == ['A'/60/["1.1.1.1", "2.2.2.2"]]) :-
    values([remove("a.local", 'A', "9.9.9.9")], Sets).
test(a_ttl_is_for_the_set, Sets == ['A'/7/["1.1.1.1", "2.2.2.2"]]) :-
    values([ttl("a.local", 'A', 7)], Sets).
test(a_hypothesis_ends_with_its_goal, Values == ["1.1.1.1", "2.2.2.2"]) :-
    world(World),
    in_sight(World, ( supposing([remove("a.local", 'A', "1.1.1.1")], true),
                      rrset("a.local", 'A', _, Values) )).

:- end_tests(seen).
