%   SPDX-License-Identifier: Apache-2.0

:- module(phrases,
          [ worth_reading/2,            % +Tokens, +Words
            text/2,                     % +Token, -Text
            word//1,                    % +Words
            words//1,                   % +Texts
            fill//0
          ]).
:- use_module(library(lists), [member/2, memberchk/2]).
:- use_module(lexicon, [lex/2, idiom/3]).

/** <module> What the grammars that read a whole sentence share (machines.pl, houses.pl)
*/

tokens_max(40).

%!  worth_reading(+Tokens, +Words:list) is semidet.
%
%   Not too many, and at least one of them is one of these words: a quick no for all others.

worth_reading(Tokens, Words) :-
    tokens_max(Max),
    length(Tokens, Count),
    Count =< Max,
    member(Token, Tokens),
    text(Token, Text),
    memberchk(Text, Words),
    !.

%!  text(+Token, -Text:string) is semidet.
%
%   The text of a token that is a word, known or not.

text(w(Text, _), Text).
text(u(Text, _), Text).

%!  word(+Words:list)// is semidet.
%
%   One of these.

word(Words) -->
    [Token],
    { text(Token, Text), memberchk(Text, Words) }.

%!  words(+Texts:list)// is semidet.
%
%   These, one behind the other.

words([])           --> [].
words([Text|Texts]) --> word([Text]), words(Texts).

%!  fill// is nondet.
%
%   Courtesy, and the end of a sentence.

fill --> filler, fill.
fill --> [].

filler --> [comma].
filler --> [stop].
filler --> [qm].
filler -->
    [Token],
    { text(Token, Text), idiom(Text, Rest, Meaning), Meaning == skip },
    words(Rest).
filler -->
    [Token],
    { text(Token, Text), lex(Text, Meaning), memberchk(Meaning, [skip, f(now)]) }.
