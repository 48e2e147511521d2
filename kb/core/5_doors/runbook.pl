%   SPDX-License-Identifier: Apache-2.0

:- module(door_runbook,
          [ runbook/2                   % +In, -Out
          ]).
:- use_module(library(apply), [maplist/3]).
:- use_module(kb('1_words/wire'), [answered/3, fields/3, refuse/4]).
:- use_module(kb('4_say/runbook_markdown'), [runbook_markdown/4, runbook_sections/3]).

/** <module> Door runbook: what a model answered becomes a text that a person may read

Strict: anything but the object that was asked for is refused by name. Pure: the same answer gives
the same text.
*/

%!  runbook(+In, -Out) is det.

:- det(runbook/2).
runbook(In, Out) :-
    answered(rendered, In, Out).

rendered(In, obj([ markdown-Markdown, sections-Obj ])) :-
    fields(In, [ required(alert, integer), required(answer, obj), optional(truncated, any, false) ],
           [Id, Answer, Truncated]),
    (   ( Truncated == true ; Truncated == false )
    ->  true
    ;   refuse(wrong_type, truncated, "field 'truncated' must be true or false", [])
    ),
    runbook_sections(Answer, Truncated, Sections),
    runbook_markdown(Id, Truncated, Sections, Markdown),
    sections_obj(Sections, Obj).

sections_obj(sections(Cause, Actions, Criteria),
             obj([ probable_cause-Cause, immediate_actions-Objs,
                   escalation_criteria-Criteria ])) :-
    maplist(action_obj, Actions, Objs).

action_obj(action(Text, ""), Obj)      => Obj = obj([text-Text]).
action_obj(action(Text, Command), Obj) => Obj = obj([text-Text, command-Command]).
