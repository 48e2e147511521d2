%   SPDX-License-Identifier: Apache-2.0

:- module(host_sleep, []).
:- use_module(kb('1_words/wire'), [shown/2]).
:- use_module(kb('2_seen/machines'), [host_known/2]).
:- use_module(kb('2_seen/seen'), [looked/2]).
:- use_module(kb('2_seen/site'), []).
:- use_module(kb('3_rules/action'), []).
:- use_module(kb('3_rules/agent_said'),
              [silent/1, unclear/2, inhibited/2, pool_said/2, empty_state/1]).
:- use_module(kb('3_rules/policy'), []).
:- use_module(kb('3_rules/power'),
              [host_look/2, hosts_known/1, on_too_short/4, power_plan/4, sleep_of/2]).

/** <module> host_sleep: suspend a machine, or power it off, when nobody needs it

The agent is looked at first. A person at the machine, work of others, a model that is loaded, and
whatever the agent does not say, each keep it awake.
*/

action:action(host_sleep, change, "Put a host to sleep").

action:summary(host_sleep,
    "Suspends a machine or powers it off, as the site says, if nothing keeps it awake.").

action:parameter(host_sleep, host, machine, required,
    "The host by its name in the site facts, such as tower").

action:example(host_sleep, "put tower to sleep").
action:example(host_sleep, "shut tower down").

policy:forbids(host_sleep(Text), _, unknown_host(Text, Known)) :-
    \+ host_known(Text, _),
    hosts_known(Known).
policy:forbids(host_sleep(Text), _, own_machine(Host)) :-
    host_known(Text, Host),
    site:host(Host, "local", _).
policy:forbids(host_sleep(Text), _, never_sleeps(Host)) :-
    host_known(Text, Host),
    sleep_of(Host, never).
policy:forbids(host_sleep(Text), _, on_too_short(Host, OnS, MinOnS, RetryMs)) :-
    host_known(Text, Host),
    on_too_short(Host, OnS, MinOnS, RetryMs).
policy:forbids(host_sleep(Text), _, agent_silent(Host, Words)) :-
    host_known(Text, Host),
    silent(Words).
policy:forbids(host_sleep(Text), _, status_unclear(Host, What)) :-
    host_known(Text, Host),
    unclear(Host, What).
policy:forbids(host_sleep(Text), _, inhibited(Host, Kind, Words)) :-
    host_known(Text, Host),
    inhibited(Kind, Words).
policy:forbids(host_sleep(Text), _, pool_in_use(Host, Pool, State, Model)) :-
    host_known(Text, Host),
    pool_said(Name, said(State, _, Model)),
    \+ empty_state(State),
    shown(Name, Pool).
policy:forbids(host_sleep(Text), _, pool_busy(Pool, Busy)) :-
    host_known(Text, _),
    pool_said(Name, said(_, Busy, _)),
    Busy \== 0,
    shown(Name, Pool).

action:looks_with(host_sleep, agent).

action:look(host_sleep(Text), Job) :-
    host_known(Text, Host),
    host_look(Host, Job).

action:plan(host_sleep(Text), _, Plan) :-
    looked(agent, _),
    host_known(Text, Host),
    site:host(Host, Agent, _),
    sleep_of(Host, How),
    !,
    Job = obj([ hand-host, op-sleep, host-Host, agent-Agent, how-How, limit_s-120 ]),
    (   site:host_wake(Host, _, _, _)
    ->  Undo = undo(host_wake, [host-Host])
    ;   Undo = null
    ),
    format(string(Target), "host ~w", [Host]),
    done(How, Done),
    format(string(Diff), "~w is ~w", [Host, Done]),
    format(string(Verify), "the agent of ~w falls silent", [Host]),
    power_plan(host_sleep(Text), Target,
               parts([Diff],
                     [ "no person is at the machine and nothing else keeps it awake",
                       "none of its pools has a model loaded" ], Job, Undo, Verify), Plan).

done(suspend,  suspended).
done(poweroff, 'powered off').

action:wording(host_sleep(Text), Words) :-
    format(string(Words), "put host ~s to sleep", [Text]).
