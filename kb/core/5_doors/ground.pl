%   SPDX-License-Identifier: Apache-2.0

:- module(door_ground,
          [ ground/2                    % +In, -Out
          ]).
:- use_module(library(lists), [append/3, member/2]).
:- use_module(kb('1_words/wire'), [answered/3, fields/3, refuse/4]).
:- use_module(kb('2_seen/seen'), [asking_at/2]).
:- use_module(kb('2_seen/senses'), [live/1]).
:- use_module(kb('4_say/grounding'), [grounded/4, one_line/2]).
:- use_module(ground_answer, [rules_answer/4]).

/** <module> Door ground: what a model is told of the house before it answers; docs/senses.md §4, §8

Texts are read for names and topics, and the last one as a question to the rules, and for
nothing else.
*/

texts_max(256).

%   Of the rules' own answer: what takes longer is left to the facts beside it.
answer_inferences_max(10000).

%!  ground(+In, -Out) is det.

:- det(ground/2).
ground(In, Out) :-
    answered(block, In, Out).

block(In, obj([block-Block, facts-FactObjs, unknown-UnknownObjs])) :-
    fields(In, [required(texts, list), required(now_ms, integer)], [Texts, NowMs]),
    texts_max(Max),
    length(Texts, Count),
    (   Count > Max
    ->  refuse(too_long, texts, "~d texts were sent; ~d are the most", [Count, Max])
    ;   member(Text, Texts),
        \+ string(Text)
    ->  refuse(wrong_type, texts, "each of 'texts' must be a string", [])
    ;   true
    ),
    asking_at(NowMs, live(grounded(Texts, Block0, Facts0, Unknown))),
    with_answer(Texts, NowMs, Unknown, Block0-Facts0, Block-Facts),
    findall(obj([id-Id, words-Words]), member(fact(Id, Words), Facts), FactObjs),
    findall(obj([kind-Kind, name-Name, words-Words]),
            member(stranger(Kind, Name, Words), Unknown), UnknownObjs).

%   Where everybody named exists and the rules can answer the question themselves.
with_answer(Texts, NowMs, [], Block0-Facts0, Block-Facts) :-
    answer_inferences_max(Most),
    call_with_inference_limit(rules_answer(Texts, NowMs, Id, Words0), Most, Ended),
    Ended \== inference_limit_exceeded,
    !,
    one_line(Words0, Words),
    format(string(Block), "~s\nWhat the rules answer to the last question:\n[~s] ~s",
           [Block0, Id, Words]),
    append(Facts0, [fact(Id, Words)], Facts).
with_answer(_, _, _, Same, Same).
