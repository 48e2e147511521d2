%   SPDX-License-Identifier: Apache-2.0

:- module(path_find, []).
:- use_module(kb('3_rules/action'), []).
:- use_module(kb('3_rules/house'), [node_known/2, strangers/2]).
:- use_module(kb('3_rules/network'), [path_between/4]).
:- use_module(kb('3_rules/policy'), []).
:- use_module(kb('3_rules/sensed'), [facts_job/3, readings_seen/3, nodes_down/2]).

/** <module> path_find: over which cables one gets from a node to another, around what is down */

action:action(path_find, observe, "Find the path between two nodes").

action:summary(path_find,
    "Finds the cables from one node to another, around those that are known to be down.").

action:parameter(path_find, from, node, required, "The node where it begins").
action:parameter(path_find, to, node, required, "The node where it ends").

action:example(path_find, "what is the path from laptop1 to nas?").
action:example(path_find, "how does tower get to nas?").

action:looks_with(path_find, senses).

action:look(path_find(From, To), Job) :-
    node_known(From, _),
    node_known(To, _),
    facts_job(all, ["source_ok", "uptime", "load_1"], Job).

action:answer(path_find(From, To), Told) :-
    (   strangers([From, To], Told)
    ->  true
    ;   readings_seen(Readings, _, _),
        nodes_down(Readings, Down),
        path_between(From, To, Down, Result),
        Told = told(path, From, To, Down, Result)
    ).

action:wording(path_find(From, To), Words) :-
    format(string(Words), "find the path from ~s to ~s", [From, To]).
