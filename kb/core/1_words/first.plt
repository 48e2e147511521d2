%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(kb('1_words/first')).

:- begin_tests(first).

test(as_many_as_there_are, [forall(member(Most-Want, [ 0-[], 1-[a], 2-[a, b], 3-[a, b, c],
                                                       9-[a, b, c] ])), First == Want]) :-
    first(Most, [a, b, c], First).
test(none_of_none, First == []) :-
    first(5, [], First).
test(less_than_none_is_none, First == []) :-
    first(-1, [a], First).

:- end_tests(first).
