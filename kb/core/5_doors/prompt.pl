%   SPDX-License-Identifier: Apache-2.0

:- module(door_prompt,
          [ prompt/2                    % +In, -Out
          ]).
:- use_module(kb('1_words/wire'), [answered/3, fields/3, refuse/4]).
:- use_module(kb('4_say/runbook'), [runbook_prompt/5, runbook_schema/1, runbook_system/1]).
:- use_module(kb('4_say/runbook_facts'), [runbook_facts/4]).

/** <module> Door prompt: what a model is asked about an alert

For the request `runbook_prompt`. The same alert, facts and time give the same bytes.
*/

%!  prompt(+In, -Out) is det.

:- det(prompt/2).
prompt(In, Out) :-
    answered(prompted, In, Out).

prompted(In, obj([ system-System, user-User, schema-Schema, facts-Ids, priority-Priority ])) :-
    fields(In, [required(alert, integer), required(now_ms, integer)], [Id, NowMs]),
    (   runbook_facts(Id, NowMs, Alert, Facts)
    ->  true
    ;   refuse(unknown_alert, alert, "there is no open alert ~d", [Id])
    ),
    runbook_system(System),
    runbook_schema(Schema),
    runbook_prompt(Alert, Facts, NowMs, User, Ids),
    priority(Alert, Priority).

priority(alert(_, _, _, _, critical, _, _, _), Priority) => Priority = "interactive".
priority(_, Priority)                                    => Priority = "background".
