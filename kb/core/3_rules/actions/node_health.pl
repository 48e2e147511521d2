%   SPDX-License-Identifier: Apache-2.0

:- module(node_health, []).
:- use_module(library(lists), [member/2]).
:- use_module(kb('2_seen/alerts'), [alert_open/8]).
:- use_module(kb('3_rules/action'), []).
:- use_module(kb('3_rules/health'), [node_health/3]).
:- use_module(kb('3_rules/house'), [node_known/2, nodes_known/1, strangers/2]).
:- use_module(kb('3_rules/policy'), []).
:- use_module(kb('3_rules/sensed'),
              [facts_job/2, readings_seen/3, node_power_now/3, with_look/1]).

/** <module> node_health: how a node is, or each of them, and what says so */

action:action(node_health, observe, "Tell how a node is").

action:summary(node_health,
    "Tells of a node, or of each, whether it is well, and which readings and alerts say so.").

action:parameter(node_health, node, node, optional,
    "The node by its name in the site facts; without it all").

action:example(node_health, "is tower healthy?").
action:example(node_health, "are all nodes healthy?").

action:looks_with(node_health, senses).

action:look(node_health(Node), Job) :-
    (   Node == none
    ->  facts_job(all, Job)
    ;   node_known(Node, _),
        facts_job([Node], Job)
    ).

action:answer(node_health(Asked), Told) :-
    (   strangers([Asked], Told)
    ->  true
    ;   ( Asked == none -> nodes_known(Nodes) ; Nodes = [Asked] ),
        readings_seen(Readings, _, Cut),
        with_look(findall(health(Node, Health, Power, Anomalies),
                          ( member(Node, Nodes),
                            node_health(Node, Health, Anomalies0),
                            recorded(Anomalies0, Anomalies),
                            node_power_now(Node, Readings, Power) ),
                          Healths)),
        Told = told(health, Asked, Healths, Readings, Cut)
    ).

%   For how long a node has been silent no look tells: of silence counts what the ledger has.
recorded([], []).
recorded([Anomaly0|Anomalies0], Anomalies) :-
    (   Anomaly0 = anomaly(_, node_silent, Part, _, Alert)
    ->  (   integer(Alert),
            alert_open(Alert, _, _, _, Severity, _, _, _)
        ->  Anomalies = [anomaly(Severity, node_silent, Part, [], Alert)|More]
        ;   Anomalies = More
        )
    ;   Anomalies = [Anomaly0|More]
    ),
    recorded(Anomalies0, More).

action:wording(node_health(Node), Words) :-
    (   Node == none
    ->  Words = "tell how the nodes are"
    ;   format(string(Words), "tell how node ~s is", [Node])
    ).
