%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(library(lists), [member/2]).
:- use_module(kb('4_say/plain_words')).

:- begin_tests(plain_words).

test(plain, [forall(member(Word, ["learning", "exporter", "windows", "yet"]))]) :-
    plain_word(Word),
    !.
test(names, [forall(member(Word, ["zeus", "tower", "web1", "hera", "db-7"])), fail]) :-
    plain_word(Word).

:- end_tests(plain_words).
