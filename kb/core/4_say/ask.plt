%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(kb('4_say/ask'), [halted/4, misread/3, problem/4]).

:- begin_tests(ask).

test(a_doubt_is_named, true(sub_string(Text, _, _, _, "'unless'"))) :-
    halted(condition, "unless", Text, []).
test(a_bad_value_is_shown, true(sub_string(Text, _, _, _, "'300.1.1.1'"))) :-
    misread(ipv4, "300.1.1.1", Text).
test(an_unknown_problem_is_a_bug, error(existence_error(_, _))) :-
    problem(stranger, add, _, _).

:- end_tests(ask).
