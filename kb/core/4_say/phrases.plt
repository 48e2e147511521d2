%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(library(lists)).
:- use_module(kb('4_say/phrases')).
:- use_module(kb('4_say/tokens')).

:- begin_tests(phrases).

said(Text, Grammar) :-
    tokens(Text, Tokens),
    once(phrase(Grammar, Tokens)).

test(courtesy_is_passed_over, [forall(member(Text, [ "", ".", "?", "please", "please, now." ]))]) :-
    said(Text, phrases:fill).
test(what_says_something_is_not, [fail]) :-
    said("please wake", phrases:fill).
test(words_in_their_order, [true]) :-
    said("put tower to sleep", phrases:words(["put", "tower", "to", "sleep"])).
test(no_other_order, [fail]) :-
    said("tower put", phrases:words(["put", "tower"])).
test(one_of_these, [forall(member(Word, ["load", "serve"]))]) :-
    said(Word, phrases:word(["load", "serve"])).
test(a_number_is_no_word, [fail]) :-
    said("7", phrases:word(["7"])).

test(worth_reading, [true]) :-
    tokens("please wake tower", Tokens),
    worth_reading(Tokens, ["load", "wake"]).
test(not_worth_reading, [forall(member(Text, [ "", "tower" ])), fail]) :-
    tokens(Text, Tokens),
    worth_reading(Tokens, ["wake"]).
test(too_long_to_be_read, [fail]) :-
    findall("wake", between(1, 41, _), Words),
    atomic_list_concat(Words, ' ', Text),
    tokens(Text, Tokens),
    worth_reading(Tokens, ["wake"]).

:- end_tests(phrases).
