%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(library(lists), [memberchk/2]).
:- use_module(kb('4_say/examples'), [example/1, nearest/2]).
:- use_module(kb('4_say/tokens'), [tokens/2]).
:- use_module(kb('4_say/intent'), [understood/3]).

:- begin_tests(examples).

test(three_for_anything, true(Three = [_, _, _])) :-
    nearest([], Three).
test(the_nearest_is_among_them, true(memberchk("List all nodes", Three))) :-
    tokens("nodes somehow", Tokens),
    nearest(Tokens, Three).
test(each_example_is_understood_but_undo, Not == ["Undo that"]) :-
    findall(Example,
            ( example(Example), \+ understood(Example, "x", obj(["status"-"understood"|_])) ), Not).

:- end_tests(examples).
