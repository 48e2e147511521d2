%   SPDX-License-Identifier: Apache-2.0

:- module(node_show, []).
:- use_module(kb('2_seen/site'), []).
:- use_module(kb('3_rules/action'), []).
:- use_module(kb('3_rules/house'), [node_known/2, node_card/2, strangers/2]).
:- use_module(kb('3_rules/policy'), []).
:- use_module(kb('3_rules/sensed'), [facts_job/2, readings_seen/3, node_power_now/3]).

/** <module> node_show: a node as the owner wrote it down, and what it tells of itself now */

action:action(node_show, observe, "Show a node").

action:summary(node_show,
    "Shows what the site facts know of a node, and its readings as they are now.").

action:parameter(node_show, node, node, required,
    "The node by its name in the site facts, such as tower").

action:example(node_show, "Show node tower").
action:example(node_show, "what do you know about tower?").

action:looks_with(node_show, senses).

action:look(node_show(Node), Job) :-
    node_known(Node, _),
    facts_job([Node], Job).

action:answer(node_show(Node), Told) :-
    (   strangers([Node], Told)
    ->  true
    ;   node_card(Node, Card),
        readings_seen(Readings, Refused, Cut),
        node_power_now(Node, Readings, Power),
        Told = told(node_show, Node, Card, Power, Readings, Refused-Cut)
    ).

action:wording(node_show(Node), Words) :-
    format(string(Words), "show node ~s", [Node]).
