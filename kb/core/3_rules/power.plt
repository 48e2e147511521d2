%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(kb('3_rules/power')).

:- begin_tests(power).

test(a_host_by_its_name, Host == tower) :-
    host_named(host, "tower", Host).
test(a_strange_host, throws(refused(unknown_host, host, _))) :-
    host_named(host, "mars", _).
test(a_strange_pool, throws(refused(unknown_pool, pool, _))) :-
    pool_named(pool, "gpu9", _).
test(limits_as_said, Limits == 180/600/60/6) :-
    limits_of(tower, B, On, Off, W),
    Limits = B/On/Off/W.
test(limits_where_nothing_was_said, Limits == 180/600/60/6) :-
    limits_of(here, B, On, Off, W),
    Limits = B/On/Off/W.
test(a_host_never_sleeps_unless_said, How == never) :-
    sleep_of(here, How).

:- end_tests(power).
