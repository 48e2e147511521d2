%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(kb('4_say/lexicon'), [lex/2, idiom/3, long_verb/1]).

:- begin_tests(lexicon).

test(a_word, Meaning == main(delete)) :-
    lex("remove", Meaning).
test(a_stranger, fail) :-
    lex("flurb", _).
test(one_meaning_a_word, Twice == []) :-
    findall(Word, ( lex(Word, One), lex(Word, Two), One @< Two ), Twice).
test(an_idiom, Rest == ["rid", "of"]) :-
    once(idiom("get", Rest, main(delete))).
test(long_verbs_are_words, Unknown == []) :-
    findall(Verb, ( long_verb(Verb), \+ lex(Verb, _) ), Unknown).

:- end_tests(lexicon).
