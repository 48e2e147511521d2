%   SPDX-License-Identifier: Apache-2.0

:- module(host_wake, []).
:- use_module(kb('2_seen/machines'), [host_known/2]).
:- use_module(kb('2_seen/site'), []).
:- use_module(kb('3_rules/action'), []).
:- use_module(kb('3_rules/policy'), []).
:- use_module(kb('3_rules/power'),
              [ hosts_known/1, limits_of/5, off_too_short/4, person_asks/1, power_plan/4,
                quiet_now/4, sleep_of/2, woken_too_often/4 ]).

/** <module> host_wake: a magic packet until the machine's agent answers

No look comes first: a machine that sleeps cannot be looked at, and waking one that is awake
changes nothing.
*/

action:action(host_wake, change, "Wake a host").

action:summary(host_wake,
    "Wakes a sleeping machine by magic packets and waits until its agent answers.").

action:parameter(host_wake, host, machine, required,
    "The host by its name in the site facts, such as tower").

action:example(host_wake, "wake tower").
action:example(host_wake, "start the gaming pc").

policy:forbids(host_wake(Text), _, unknown_host(Text, Known)) :-
    \+ host_known(Text, _),
    hosts_known(Known).
policy:forbids(host_wake(Text), _, cannot_wake(Host)) :-
    host_known(Text, Host),
    \+ site:host_wake(Host, _, _, _).
policy:forbids(host_wake(Text), _, off_too_short(Host, OffS, MinOffS, RetryMs)) :-
    host_known(Text, Host),
    off_too_short(Host, OffS, MinOffS, RetryMs).
policy:forbids(host_wake(Text), _, woken_too_often(Host, Count, Max, RetryMs)) :-
    host_known(Text, Host),
    woken_too_often(Host, Count, Max, RetryMs).
policy:forbids(host_wake(Text), By, quiet_now(Host, From, To, RetryMs)) :-
    host_known(Text, Host),
    \+ person_asks(By),
    quiet_now(Host, From, To, RetryMs).

action:plan(host_wake(Text), _, Plan) :-
    host_known(Text, Host),
    site:host(Host, Agent, _),
    site:host_wake(Host, Mac, Broadcast, SecureOn),
    limits_of(Host, BootS, _, _, _),
    !,
    Job = obj([ hand-host, op-wake, host-Host, agent-Agent, mac-Mac, broadcast-Broadcast,
                secure_on-SecureOn, limit_s-BootS ]),
    (   sleep_of(Host, never)
    ->  Undo = null
    ;   Undo = undo(host_sleep, [host-Host])
    ),
    format(string(Target), "host ~w", [Host]),
    format(string(Diff), "~w is woken by packets to ~s", [Host, Mac]),
    format(string(Verify), "the agent of ~w answers within ~d s", [Host, BootS]),
    power_plan(host_wake(Text), Target, parts([Diff], [], Job, Undo, Verify), Plan).

action:wording(host_wake(Text), Words) :-
    format(string(Words), "wake host ~s", [Text]).
