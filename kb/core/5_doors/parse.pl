%   SPDX-License-Identifier: Apache-2.0

:- module(door_parse,
          [ parse/2                     % +In, -Out
          ]).
:- use_module(kb('1_words/wire'), [answered/3, fields/3]).
:- use_module(kb('4_say/intent'), [understood/3]).

/** <module> Door parse: what does this sentence ask for?

In is {"nl", "principal"}; Out is understood, a question, or not understood (docs/protocol.md §1).
Nothing is judged here and nothing changes.
*/

%!  parse(+In, -Out) is det.

:- det(parse/2).
parse(In, Out) :-
    answered(read_sentence, In, Out).

read_sentence(In, Out) :-
    fields(In, [required(nl, string), required(principal, string)], [Text, Principal]),
    understood(Text, Principal, Out).
