%   SPDX-License-Identifier: Apache-2.0

:- module(thermal_risk, []).
:- use_module(library(lists), [member/2]).
:- use_module(kb('3_rules/action'), []).
:- use_module(kb('3_rules/house'), [node_known/2, nodes_known/1, strangers/2]).
:- use_module(kb('3_rules/policy'), []).
:- use_module(kb('3_rules/sensed'), [facts_job/3, readings_seen/3, with_look/1]).
:- use_module(kb('3_rules/thermal'), [thermal_risks/2, thermal_state/2]).

/** <module> thermal_risk: who becomes too hot, and when */

action:action(thermal_risk, observe, "Tell which nodes become too hot").

action:summary(thermal_risk,
    "Tells which nodes are too hot or will be soon, by their temperatures and how these change.").

action:parameter(thermal_risk, node, node, optional,
    "The node by its name in the site facts; without it all").

action:example(thermal_risk, "which nodes are at risk of thermal throttling?").
action:example(thermal_risk, "how hot is tower?").

action:looks_with(thermal_risk, senses).

action:look(thermal_risk(Node), Job) :-
    Metrics = ["cpu_temperature", "gpu_temperature", "disk_temperature", "board_temperature"],
    (   Node == none
    ->  facts_job(all, Metrics, Job)
    ;   node_known(Node, _),
        facts_job([Node], Metrics, Job)
    ).

action:answer(thermal_risk(Asked), Told) :-
    (   strangers([Asked], Told)
    ->  true
    ;   ( Asked == none -> nodes_known(Nodes) ; Nodes = [Asked] ),
        readings_seen(Readings, _, Cut),
        with_look(( thermal_risks(Nodes, Risks),
                    findall(Node, ( member(Node, Nodes), thermal_state(Node, unknown) ), Unknown),
                    findall(Node, ( member(Node, Nodes), thermal_state(Node, cool) ), Cool) )),
        Told = told(thermal, Asked, Risks, Cool, Unknown, Readings, Cut)
    ).

action:wording(thermal_risk(Node), Words) :-
    (   Node == none
    ->  Words = "tell which nodes become too hot"
    ;   format(string(Words), "tell whether node ~s becomes too hot", [Node])
    ).
