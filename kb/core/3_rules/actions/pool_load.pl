%   SPDX-License-Identifier: Apache-2.0

:- module(pool_load, []).
:- use_module(kb('2_seen/machines'), [pool_known/2]).
:- use_module(kb('2_seen/seen'), [looked/2]).
:- use_module(kb('2_seen/site'), []).
:- use_module(kb('2_seen/state'), []).
:- use_module(kb('3_rules/action'), []).
:- use_module(kb('3_rules/agent_said'),
              [silent/1, unclear/2, pool_said/2, empty_state/1, free_bytes/4, entry/2]).
:- use_module(kb('3_rules/policy'), []).
:- use_module(kb('3_rules/power'), [pools_known/1, power_plan/4]).

/** <module> pool_load: a model into a pool, where it fits

The look brings how the pool is, the model's and the engine's entry in the catalogue of this node,
and what the model needs. The plan pins file, size, hash, version and need: what was judged is what
is loaded.
*/

action:action(pool_load, change, "Load a model into a pool").

action:summary(pool_load,
    "Loads a model of the catalogue into a pool, if it fits, and waits until it answers.").

action:parameter(pool_load, pool, machine, required,
    "The pool by its name in the site facts, such as gpu0").
action:parameter(pool_load, model, model, required,
    "The model by its name in the catalogue, such as llama3").
action:parameter(pool_load, sha256, sha256, optional,
    "The SHA-256 that the model's file must have; without it the catalogue's").

action:example(pool_load, "load llama3 on gpu0").
action:example(pool_load, "Load the model llama3 into pool gpu0").

action:settled(pool_load(Pool, Model, none), pool_load(Pool, Model, Sha)) :-
    entry(model, model(_, _, Sha, _, _)).

policy:forbids(pool_load(Text, _, _), _, unknown_pool(Text, Known)) :-
    \+ pool_known(Text, _),
    pools_known(Known).
policy:forbids(pool_load(Text, _, _), _, not_our_engine(Pool)) :-
    pool_known(Text, Pool),
    \+ managed(Pool, _, _, _, _).
policy:forbids(pool_load(Text, Model, _), _, not_served(Pool, Model, Served)) :-
    pool_known(Text, Pool),
    \+ site:pool_serves(Pool, any),
    \+ site:pool_serves(Pool, Model),
    findall(Name, site:pool_serves(Pool, Name), Served0),
    sort(Served0, Served).
policy:forbids(pool_load(Text, _, _), _, no_engine(Pool)) :-
    pool_known(Text, Pool),
    managed(Pool, _, _, _, _),
    \+ site:pool_engine(Pool, _, _, _, _).
policy:forbids(pool_load(Text, _, _), _, agent_silent(Host, Words)) :-
    pool_known(Text, Pool),
    managed(Pool, Host, _, _, _),
    silent(Words).
policy:forbids(pool_load(Text, _, _), _, status_unclear(Host, What)) :-
    pool_known(Text, Pool),
    managed(Pool, Host, _, _, _),
    unclear(Host, What).
policy:forbids(pool_load(Text, _, _), _, pool_not_empty(Pool, State, Model)) :-
    pool_known(Text, Pool),
    pool_said(Text, said(State, _, Model)),
    \+ empty_state(State).
policy:forbids(pool_load(Text, Model, _), _, model_unknown(Model)) :-
    pool_known(Text, _),
    looked(agent, _),
    \+ entry(model, _).
policy:forbids(pool_load(Text, _, _), _, engine_unknown(Pool, Engine)) :-
    pool_known(Text, Pool),
    looked(agent, _),
    site:pool_engine(Pool, Engine, _, _, _),
    \+ entry(engine, _).
policy:forbids(pool_load(Text, Model, Wanted), _, hash_differs(Model, Wanted, Sha)) :-
    pool_known(Text, _),
    entry(model, model(_, _, Sha, _, _)),
    Wanted \== none,
    Wanted \== Sha.
policy:forbids(pool_load(Text, Model, _), _, need_unknown(Model, Pool, Words)) :-
    pool_known(Text, Pool),
    entry(model, model(_, _, _, _, cannot(Words))).
policy:forbids(pool_load(Text, _, _), _, free_unknown(Pool, Kind, Mask)) :-
    pool_known(Text, Pool),
    managed(Pool, _, Kind, Mask, VramMib),
    looked(agent, _),
    \+ silent(_),
    \+ free_bytes(Kind, Mask, VramMib, _).
policy:forbids(pool_load(Text, Model, _), _, too_large(Model, Pool, NeedBytes, FreeBytes)) :-
    pool_known(Text, Pool),
    managed(Pool, _, Kind, Mask, VramMib),
    free_bytes(Kind, Mask, VramMib, FreeBytes),
    needed(Pool, Kind, NeedBytes),
    NeedBytes > FreeBytes.

%   A pool whose engine is ours to start: managed(?Pool, -Host, -Kind, -Mask, -VramMib)
managed(Pool, Host, Kind, Mask, VramMib) :-
    site:pool(Pool, Host, Kind, Mask, VramMib, _),
    Kind \== external,
    site:host(Host, _, _),
    !.

%   What was measured when exactly this was loaded before counts more than what was reckoned.
needed(Pool, Kind, Bytes) :-
    entry(model, model(_, _, Sha, _, need(Reckoned, _))),
    (   entry(engine, engine(Version)),
        site:pool_engine(Pool, _, Slots, Context, Kv),
        state:measured(Sha, Version, Kind, Context, Slots, Kv, Weights, KvBytes, Compute, Other, _),
        Weights > 0
    ->  Bytes is Weights + KvBytes + Compute + Other
    ;   Bytes = Reckoned
    ).

action:looks_with(pool_load, agent).

action:look(pool_load(Text, Model, _), Job) :-
    pool_known(Text, Pool),
    managed(Pool, Host, Kind, _, _),
    site:host(Host, Agent, _),
    site:pool_engine(Pool, Engine, Slots, Context, Kv),
    !,
    Job = obj([ hand-pool, op-status, host-Host, agent-Agent, pool-Pool, model-Model,
                engine-Engine, kind-Kind, slots-Slots, context-Context, kv-Kv ]).

action:plan(pool_load(Text, Model, Sha), _, Plan) :-
    pool_known(Text, Pool),
    managed(Pool, Host, Kind, Mask, VramMib),
    site:host(Host, Agent, _),
    site:pool_engine(Pool, Engine, Slots, Context0, Kv),
    entry(model, model(File, Bytes, Sha, Embedding, need(_, Reckoned))),
    entry(engine, engine(Version)),
    needed(Pool, Kind, NeedBytes),
    free_bytes(Kind, Mask, VramMib, FreeBytes),
    !,
    context(Reckoned, Context0, Context),
    Job = obj([ hand-pool, op-load, host-Host, agent-Agent, pool-Pool, kind-Kind, mask-Mask,
                vram_mib-VramMib, slots-Slots, context-Context, kv-Kv,
                model-obj([ name-Model, file-File, bytes-Bytes, sha256-Sha,
                            embedding-Embedding ]),
                engine-obj([engine-Engine, version-Version]), need_bytes-NeedBytes,
                limit_s-840 ]),
    format(string(Target), "pool ~w on host ~w", [Pool, Host]),
    NeedMib is (NeedBytes + 1048575) // 1048576,
    FreeMib is FreeBytes // 1048576,
    format(string(Diff), "~w serves ~s: ~d MiB of ~d MiB free", [Pool, Model, NeedMib, FreeMib]),
    format(string(Condition), "the file of ~s has ~d bytes and SHA-256 ~s", [Model, Bytes, Sha]),
    format(string(Verify), "~s answers on ~w, on its device alone", [Model, Pool]),
    power_plan(pool_load(Text, Model, Sha), Target,
               parts([Diff], [Condition, "the pool is empty"], Job,
                     undo(pool_unload, [pool-Pool]), Verify), Plan).

%   Never more than the owner said; less where the model was not trained for more.
context(Reckoned, Context0, Context) :-
    (   integer(Reckoned),
        Reckoned < Context0
    ->  Context = Reckoned
    ;   Context = Context0
    ).

action:wording(pool_load(Text, Model, _), Words) :-
    format(string(Words), "load model ~s into pool ~s", [Model, Text]).
