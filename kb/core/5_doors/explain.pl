%   SPDX-License-Identifier: Apache-2.0

:- module(door_explain,
          [ explain/2                   % +In, -Out
          ]).
:- use_module(kb('1_words/wire'), [answered/3, fields/3]).
:- use_module(kb('4_say/cases'), [case_words/2]).

/** <module> Door explain: a case in words */

%!  explain(+In, -Out) is det.

:- det(explain/2).
explain(In, Out) :-
    answered(told, In, Out).

told(In, obj([words-Words])) :-
    fields(In, [required(case, obj)], [Case]),
    case_words(Case, Words).
