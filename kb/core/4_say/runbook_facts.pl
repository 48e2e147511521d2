%   SPDX-License-Identifier: Apache-2.0

:- module(runbook_facts,
          [ runbook_facts/4             % +Id, +NowMs, -Alert, -Facts
          ]).
:- use_module(library(lists), [append/2, append/3, member/2, memberchk/2]).
:- use_module(library(pairs), [pairs_values/2]).
:- use_module(kb('1_words/condition_words'), [severity/2]).
:- use_module(kb('1_words/metric_words'), [metric/5]).
:- use_module(kb('2_seen/alerts'), [alert_acknowledged/4, alert_open/8, alert_past/8]).
:- use_module(kb('2_seen/seen'), [asking_at/2]).
:- use_module(kb('2_seen/senses'), [live/1, sensed/5, trend_points/4]).
:- use_module(kb('2_seen/site'), []).
:- use_module(kb('3_rules/network'), [live_query_path/4]).
:- use_module(runbook, [runbook_limit/2]).

/** <module> What is known about an alert, as facts for the prompt of its runbook

Gathered in one order that depends on the facts alone: alerts by number, readings in the order of
the vocabulary and then by part. What is stale is unknown and is not told.
*/

%!  runbook_facts(+Id:integer, +NowMs:integer, -Alert, -Facts:list) is semidet.
%
%   The terms of 4_say/runbook.pl. False: no such alert is open.

runbook_facts(Id, NowMs, Alert, Facts) :-
    alert_open(Id, Condition, Node, Part, Severity, RaisedMs, Count, Members),
    !,
    Alert = alert(Id, Condition, Node, Part, Severity, RaisedMs, Count, Members),
    asking_at(NowMs, live(of_alert(Alert, Facts))).

of_alert(alert(Id, Condition, Node, Part, _, _, _, _), Facts) :-
    findall(Fact, machine(Node, Fact), Machine),
    findall(Fact, said(Id, Node, Fact), Said),
    findall(Fact, path(Node, Fact), Path),
    past(Condition, Node, Part, Past),
    anomalies(Id, Node, Anomalies),
    findall(Fact, trend(Node, Fact), Trends),
    readings(Node, Readings),
    append([Machine, Said, Path, Past, Anomalies, Trends, Readings], Facts).

machine(Node, machine(Node, Roles, Cores, Mib)) :-
    site:node(Node, _, _),
    findall(Role, site:node_role(Node, Role), Roles0),
    sort(Roles0, Roles),
    ( site:node_cores(Node, Cores) -> true ; Cores = 0 ),
    ( site:node_memory(Node, Mib) -> true ; Mib = 0 ).

%   What the owner wrote about the machine, and a person about this alert.
said(_, Node, said(note, Node, Words)) :-
    site:node(Node, _, Words),
    Words \== "".
said(Id, Node, said(note, Node, Words)) :-
    alert_acknowledged(Id, _, Words, _),
    Words \== "".

%   From the node itself, around machines that are silent.
path(Node, path(From, Node, Nodes)) :-
    site:this_node(From),
    From \== Node,
    site:node(From, _, _),
    site:node(Node, _, _),
    findall(Down, ( alert_open(_, node_silent, Down, _, _, _, _, _), Down \== Node ), Downs),
    live_query_path(From, Node, Downs, path(Nodes, _)).

%   The newest that are alike: of this node and part first, then of this node, then of others.
past(Condition, Node, Part, Past) :-
    findall(key(Rank, Newest)-past(Id, Condition, Of, OfPart, Severity, RaisedMs, ClearedMs, Why,
                                   Note),
            ( alert_past(Id, Condition, Of, OfPart, Severity, RaisedMs, ClearedMs, Why),
              alike(Of, OfPart, Node, Part, Rank),
              Newest is -Id,
              ( alert_acknowledged(Id, _, Note, _) -> true ; Note = "" ) ),
            Pairs0),
    keysort(Pairs0, Pairs),
    pairs_values(Pairs, All),
    runbook_limit(past, Most),
    (   length(Past, Most),
        append(Past, _, All)
    ->  true
    ;   Past = All
    ).

alike(Node, Part, Node, Part, Rank) => Rank = 0.
alike(Node, _, Node, _, Rank)       => Rank = 1.
alike(_, _, _, _, Rank)             => Rank = 2.

%   The most severe first.
anomalies(Id, Node, Anomalies) :-
    findall(key(Less, Other)-anomaly(Other, Condition, Node, Part, Severity, RaisedMs),
            ( alert_open(Other, Condition, Node, Part, Severity, RaisedMs, _, _),
              Other \== Id,
              severity(Severity, Rank),
              Less is -Rank ),
            Pairs0),
    keysort(Pairs0, Pairs),
    pairs_values(Pairs, Anomalies).

trend(Node, trend(Node, Metric, Part, Points)) :-
    ordered_metric(Node, Metric, Parts),
    member(Part, Parts),
    trend_points(Node, Metric, Part, Points),
    Points = [_, _|_].

readings(Node, Readings) :-
    findall(reading(Node, Metric, Part, Value, AtMs),
            ( ordered_metric(Node, Metric, Parts),
              member(Part, Parts),
              once(sensed(Node, Metric, Part, Value, AtMs)) ),
            Readings).

ordered_metric(Node, Metric, Parts) :-
    metric(Metric, _, _, _, _),
    findall(Part, sensed(Node, Metric, Part, _, _), Parts0),
    sort(Parts0, Parts),
    Parts \== [].
