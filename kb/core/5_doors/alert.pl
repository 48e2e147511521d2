%   SPDX-License-Identifier: Apache-2.0

:- module(door_alert,
          [ alert/2                     % +In, -Out
          ]).
:- use_module(kb('1_words/wire'), [answered/3, fields/3, refuse/4]).
:- use_module(kb('4_say/alert_answer'), [alert_answer/2]).

/** <module> Door alert: the question of an entry about an alert, answered again

Pure: for `logicctl ledger replay`. What comes out is the entry's `answer`, or the rules are others.
*/

%!  alert(+In, -Out) is det.

:- det(alert/2).
alert(In, Out) :-
    answered(again, In, Out).

again(In, Answer) :-
    fields(In, [required(question, obj)], [Question]),
    (   alert_answer(Question, Found)
    ->  Answer = Found
    ;   refuse(bad_question, question, "this is no question about an alert", [])
    ).
