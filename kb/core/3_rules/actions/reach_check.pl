%   SPDX-License-Identifier: Apache-2.0

:- module(reach_check, []).
:- use_module(kb('1_words/house_words'), [service_named/2]).
:- use_module(kb('3_rules/action'), []).
:- use_module(kb('3_rules/house'), [node_known/2, strangers/2]).
:- use_module(kb('3_rules/network'), [reach/5, reach_services/4]).
:- use_module(kb('3_rules/policy'), []).
:- use_module(kb('3_rules/sensed'), [facts_job/3, readings_seen/3, nodes_down/2]).

/** <module> reach_check: whether a node gets through to another, and by which rule

Nothing is sent: addresses, routes, firewall and cables of the site facts say it, and the readings
say who does not answer. Without a service, each that the firewall names is told.
*/

action:action(reach_check, observe, "Check whether a node reaches another").

action:summary(reach_check,
    "Tells whether one node can reach another by the site's VLANs, routes, firewall and cables, \c
     and which rule decides.").

action:parameter(reach_check, from, node, required, "The node that wants to get through").
action:parameter(reach_check, to, node, required, "The node that it wants to reach").
action:parameter(reach_check, service, service, optional,
    "tcp/443, udp/53 or icmp; without it each service that the firewall names").

action:example(reach_check, "can laptop1 reach nas on port 443?").
action:example(reach_check, "can laptop1 ping nas?").

action:looks_with(reach_check, senses).

action:look(reach_check(From, To, _), Job) :-
    node_known(From, _),
    node_known(To, _),
    facts_job(all, ["source_ok", "uptime", "load_1"], Job).

action:answer(reach_check(From, To, Service), Told) :-
    (   strangers([From, To], Told)
    ->  true
    ;   readings_seen(Readings, _, _),
        nodes_down(Readings, Down),
        (   Service == none
        ->  reach_services(From, To, Down, Outcomes)
        ;   service_named(Service, Wanted),
            reach(From, To, Wanted, Down, Outcome),
            Outcomes = [Wanted-Outcome]
        ),
        Told = told(reach, From, To, Service, Outcomes)
    ).

action:wording(reach_check(From, To, none), Words) :-
    format(string(Words), "tell on what ~s reaches ~s", [From, To]).
action:wording(reach_check(From, To, Service), Words) :-
    Service \== none,
    format(string(Words), "tell whether ~s reaches ~s on ~s", [From, To, Service]).
