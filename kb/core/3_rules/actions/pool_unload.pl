%   SPDX-License-Identifier: Apache-2.0

:- module(pool_unload, []).
:- use_module(kb('1_words/wire'), [shown/2]).
:- use_module(kb('2_seen/machines'), [pool_known/2]).
:- use_module(kb('2_seen/seen'), [looked/2]).
:- use_module(kb('2_seen/site'), []).
:- use_module(kb('3_rules/action'), []).
:- use_module(kb('3_rules/agent_said'), [silent/1, unclear/2, pool_said/2]).
:- use_module(kb('3_rules/policy'), []).
:- use_module(kb('3_rules/power'), [pools_known/1, power_plan/4]).

/** <module> pool_unload: the model out of a pool that nobody is using */

action:action(pool_unload, change, "Unload a pool").

action:summary(pool_unload,
    "Stops the engine of a pool that serves nobody and gives its memory back.").

action:parameter(pool_unload, pool, machine, required,
    "The pool by its name in the site facts, such as gpu0").
action:parameter(pool_unload, because, text, optional,
    "Why, for the record: the node says here who wants the machine for himself").

action:example(pool_unload, "unload gpu0").
action:example(pool_unload, "free the pool gpu0").

policy:forbids(pool_unload(Text, _), _, unknown_pool(Text, Known)) :-
    \+ pool_known(Text, _),
    pools_known(Known).
policy:forbids(pool_unload(Text, _), _, not_our_engine(Pool)) :-
    pool_known(Text, Pool),
    \+ managed(Pool, _, _).
policy:forbids(pool_unload(Text, _), _, agent_silent(Host, Words)) :-
    pool_known(Text, Pool),
    managed(Pool, Host, _),
    silent(Words).
policy:forbids(pool_unload(Text, _), _, status_unclear(Host, What)) :-
    pool_known(Text, Pool),
    managed(Pool, Host, _),
    unclear(Host, What).
policy:forbids(pool_unload(Text, _), _, pool_busy(Text, Busy)) :-
    pool_known(Text, _),
    pool_said(Text, said(_, Busy, _)),
    Busy \== 0.
policy:forbids(pool_unload(Text, _), _, pool_changes(Pool, State)) :-
    pool_known(Text, Pool),
    pool_said(Text, said(State, _, _)),
    State \== "ready",
    State \== "failed",
    State \== "empty".
policy:forbids(pool_unload(Text, _), _, nothing_loaded(Pool)) :-
    pool_known(Text, Pool),
    looked(agent, _),
    \+ silent(_),
    \+ ( pool_said(Text, said(State, _, _)), State \== "empty" ).

managed(Pool, Host, Agent) :-
    site:pool(Pool, Host, Kind, _, _, _),
    Kind \== external,
    site:host(Host, Agent, _),
    !.

action:looks_with(pool_unload, agent).

action:look(pool_unload(Text, _), Job) :-
    pool_known(Text, Pool),
    managed(Pool, Host, Agent),
    (   site:pool_engine(Pool, Engine0, _, _, _)
    ->  Engine = Engine0
    ;   Engine = ""
    ),
    !,
    Job = obj([ hand-pool, op-status, host-Host, agent-Agent, pool-Pool, model-null,
                engine-Engine ]).

action:plan(pool_unload(Text, Because), _, Plan) :-
    pool_known(Text, Pool),
    managed(Pool, Host, Agent),
    once(pool_said(Text, said(_, _, Model))),
    !,
    Job = obj([ hand-pool, op-unload, host-Host, agent-Agent, pool-Pool, limit_s-120 ]),
    (   site:pool_serves(Pool, Model)
    ->  Undo = undo(pool_load, [pool-Pool, model-Model])
    ;   site:pool_serves(Pool, any),
        Model \== "unknown"
    ->  Undo = undo(pool_load, [pool-Pool, model-Model])
    ;   Undo = null
    ),
    format(string(Target), "pool ~w on host ~w", [Pool, Host]),
    format(string(Diff), "~w no longer serves ~s", [Pool, Model]),
    format(string(Verify), "the engine of ~w has ended and its memory is free", [Pool]),
    power_plan(pool_unload(Text, Because), Target,
               parts([Diff], ["nobody is being served by the pool"], Job, Undo, Verify), Plan).

action:wording(pool_unload(Text, Because), Words) :-
    (   Because == none
    ->  format(string(Words), "unload pool ~s", [Text])
    ;   shown(Because, Shown),
        format(string(Words), "unload pool ~s, because ~s", [Text, Shown])
    ).
