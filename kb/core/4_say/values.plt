%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(kb('4_say/values'), [params/2, suffix_of/2, ttl_seconds/1]).

:- begin_tests(values).

test(what_was_not_said_is_left_out, Params == obj(["a"-1])) :-
    params(["a"-1, "b"-none], Params).
test(below, true) :-
    suffix_of("home.arpa", "nas.home.arpa").
test(a_likeness_is_not_below, fail) :-
    suffix_of("home.arpa", "myhome.arpa").
test(the_longest_time, true) :-
    ttl_seconds(2147483647).
test(beyond_it, fail) :-
    ttl_seconds(2147483648).

:- end_tests(values).
