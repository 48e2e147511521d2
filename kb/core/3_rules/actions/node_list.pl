%   SPDX-License-Identifier: Apache-2.0

:- module(node_list, []).
:- use_module(library(pairs), [pairs_values/2]).
:- use_module(kb('2_seen/site'), []).
:- use_module(kb('3_rules/action'), []).
:- use_module(kb('3_rules/policy'), []).

/** <module> node_list: the machines of the house, as the owner wrote them down */

action:action(node_list, observe, "List the nodes").

action:summary(node_list, "Lists the machines that the site facts know.").

action:example(node_list, "List all nodes").
action:example(node_list, "which machines do you know?").

action:answer(node_list, obj([nodes-Nodes])) :-
    findall(Name-obj([name-Name, host-Host, words-Words]), site:node(Name, Host, Words), Pairs0),
    sort(Pairs0, Pairs),
    pairs_values(Pairs, Nodes).

action:wording(node_list, "list the nodes").
