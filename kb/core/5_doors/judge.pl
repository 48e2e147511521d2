%   SPDX-License-Identifier: Apache-2.0

:- module(door_judge,
          [ judge/2                     % +In, -Out
          ]).
:- use_module(library(lists), [append/3]).
:- use_module(kb('1_words/wire'), [answered/3, fields/3]).
:- use_module(kb('2_seen/seen'), [asking_at/2]).
:- use_module(kb('2_seen/state'), [learned_until/1]).
:- use_module(kb('3_rules/action'), [action_term/3]).
:- use_module(kb('3_rules/verdict'), [judged/4]).
:- use_module(kb('4_say/verdict'), [verdict_obj/2]).
:- use_module(kb('3_rules/asked'), [by_term/2]).

/** <module> Door judge: the verdict on a proposal; see docs/protocol.md §1

The verdict says how much of the ledger the rules knew, so that it can be given again.
*/

%!  judge(+In, -Out) is det.

:- det(judge/2).
judge(In, Out) :-
    answered(verdict, In, Out).

verdict(In, Out) :-
    fields(In,
           [ required(action, string), required(params, obj), required(by, obj),
             optional(seen, any, null), optional(now_ms, integer, 0) ],
           [ActionText, Params, ByObj, Seen, NowMs]),
    by_term(ByObj, By),
    action_term(ActionText, Params, Action),
    asking_at(NowMs, one_state(Action, By, Seen, Out)).

%   Something may be learned while we think: then think again.
one_state(Action, By, Seen, Out) :-
    learned_until(Before),
    judged(Action, By, Seen, Judged),
    verdict_obj(Judged, obj(Pairs)),
    learned_until(After),
    (   Before == After
    ->  append(Pairs, [learned-Before], Whole),
        Out = obj(Whole)
    ;   one_state(Action, By, Seen, Out)
    ).
