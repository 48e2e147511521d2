%   SPDX-License-Identifier: Apache-2.0

:- module(alert_list, []).
:- use_module(library(lists), [member/2, memberchk/2]).
:- use_module(kb('1_words/first'), [first/3]).
:- use_module(kb('2_seen/alerts'),
              [ alert_open/8, alert_past/8, alert_words/2, alert_acknowledged/4, alert_status/2,
                newest_alerts/4 ]).
:- use_module(kb('3_rules/action'), []).
:- use_module(kb('3_rules/house'), [strangers/2]).
:- use_module(kb('3_rules/policy'), []).

/** <module> alert_list: what is wrong now, as the ledger has it

No look comes first: alerts are recorded before anybody is told, and the verdict says how much of
the ledger it knew.
*/

listed_max(50).

action:action(alert_list, observe, "List the alerts").

action:summary(alert_list,
    "Lists the alerts that are open, or those of another state, the newest first.").

action:parameter(alert_list, status, alert_status, optional,
    "open, raised, acknowledged, cleared or all; without it open").
action:parameter(alert_list, node, node, optional, "Only alerts of this node").

action:example(alert_list, "which alerts are open?").
action:example(alert_list, "show the alerts of tower").

action:answer(alert_list(Status0, Node), Told) :-
    (   strangers([Node], Told)
    ->  true
    ;   ( Status0 == none -> Status = open ; Status = Status0 ),
        newest_alerts(Status, 0, 1000000, Ids),
        findall(Alert, ( member(Id, Ids), shown_alert(Id, Node, Alert) ), All),
        length(All, Count),
        listed_max(Max),
        first(Max, All, First),
        Told = told(alerts, Status, Node, First, Count)
    ).

shown_alert(Id, Only, alert(Id, Status, Condition, Node, Part, Severity, RaisedMs, Words, Seen)) :-
    (   alert_open(Id, Condition, Node, Part, Severity, RaisedMs, _, Members)
    ->  true
    ;   alert_past(Id, Condition, Node, Part, Severity, RaisedMs, _, _),
        Members = []
    ),
    ( Only == none ; Only == Node ; memberchk(Only, Members) ),
    !,
    alert_status(Id, Status),
    alert_words(Id, Words),
    (   alert_acknowledged(Id, By, Said, _)
    ->  Seen = seen(By, Said)
    ;   Seen = none
    ).

action:wording(alert_list(Status, Node), Words) :-
    ( Status == none -> What = open ; What = Status ),
    ( Node == none -> Of = "" ; string_concat(" of ", Node, Of) ),
    format(string(Words), "list the ~w alerts~s", [What, Of]).
