%   SPDX-License-Identifier: Apache-2.0

:- module(alert_acknowledge, []).
:- use_module(library(lists), [append/3]).
:- use_module(kb('1_words/wire'), [shown/2]).
:- use_module(kb('2_seen/alerts'), [alert_known/1, alert_open/8, alert_status/2]).
:- use_module(kb('3_rules/action'), []).
:- use_module(kb('3_rules/policy'), []).
:- use_module(kb('3_rules/power'), [power_plan/4]).

/** <module> alert_acknowledge: a person has seen it

Nothing but the record changes: the alert stays open until what it is about has ended.
*/

action:action(alert_acknowledge, change, "Acknowledge an alert").

action:summary(alert_acknowledge,
    "Records that a person has seen an alert; it stays open until its cause has ended.").

action:parameter(alert_acknowledge, alert, alert, required, "The number of the alert").
action:parameter(alert_acknowledge, words, text, optional, "What the person says about it").

action:example(alert_acknowledge, "acknowledge alert 17").
action:example(alert_acknowledge, "mark alert 17 as acknowledged").

policy:forbids(alert_acknowledge(Id, _), _, unknown_alert(Id)) :-
    integer(Id),
    \+ alert_known(Id).
policy:forbids(alert_acknowledge(Id, _), _, alert_is_cleared(Id)) :-
    integer(Id),
    alert_status(Id, cleared).

action:plan(alert_acknowledge(Id, Said), _, Plan) :-
    alert_open(Id, Condition, Node, _, _, _, _, _),
    !,
    Job0 = [hand-record, op-acknowledge, alert-Id],
    ( Said == none -> Job = obj(Job0) ; append(Job0, [words-Said], Pairs), Job = obj(Pairs) ),
    format(string(Target), "alert ~d", [Id]),
    ( Node == "" -> Of = "many nodes" ; Of = Node ),
    format(string(Diff), "alert ~d (~w of ~s) is acknowledged", [Id, Condition, Of]),
    power_plan(alert_acknowledge(Id, Said), Target,
               parts([Diff], ["the alert is open"], Job, null, "it stands in the ledger"), Plan).

action:wording(alert_acknowledge(Id, Said), Words) :-
    (   Said == none
    ->  format(string(Words), "acknowledge alert ~w", [Id])
    ;   shown(Said, Shown),
        format(string(Words), "acknowledge alert ~w with the words \"~s\"", [Id, Shown])
    ).
