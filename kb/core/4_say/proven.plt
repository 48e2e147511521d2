%   SPDX-License-Identifier: Apache-2.0

:- use_module(kb('4_say/proven')).

:- begin_tests(proven).

test(each_proof_holds, all(Name-Words == [])) :-
    proven(Name, false, Words).
test(there_are_seven, Count == 7) :-
    aggregate_all(count, proven(_, _, _), Count).
test(a_proof_that_holds_says_so, Words == "where signatures are asked for, none never suffices") :-
    proven(signatures_are_never_zero, true, Words),
    !.

:- end_tests(proven).
