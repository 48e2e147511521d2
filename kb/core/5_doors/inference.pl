%   SPDX-License-Identifier: Apache-2.0

:- module(door_inference,
          [ inference/2                 % +In, -Out
          ]).
:- use_module(library(lists), [member/2, nth0/3]).
:- use_module(library(pairs), [pairs_values/2]).
:- use_module(kb('1_words/wire'), [answered/3, fields/3]).
:- use_module(kb('2_seen/site'), []).
:- use_module(kb('2_seen/state'), []).
:- use_module(kb('3_rules/power'), [limits_of/5, sleep_of/2]).

/** <module> Door inference: the table of hosts and pools, as docs/inference.md §3 says it

From site facts and learned state alone; it is the gateway's, and shown to nobody who may not see
the site.
*/

%!  inference(+In, -Out) is det.

:- det(inference/2).
inference(In, Out) :-
    answered(table, In, Out).

table(In, obj([hosts-Hosts, pools-Pools, measured-Measured])) :-
    fields(In, [], []),
    findall(Host-Obj, ( site:host(Host, Agent, Words), host_obj(Host, Agent, Words, Obj) ),
            HostPairs),
    ordered(HostPairs, Hosts),
    findall(Pool-Obj, pool_obj(Pool, Obj), PoolPairs),
    ordered(PoolPairs, Pools),
    findall(Key-Obj, measured_obj(Key, Obj), MeasuredPairs),
    ordered(MeasuredPairs, Measured).

ordered(Pairs, Values) :-
    sort(1, @<, Pairs, Sorted),
    pairs_values(Sorted, Values).

host_obj(Host, Agent, Words, Obj) :-
    wake_obj(Host, Wake),
    sleep_of(Host, How),
    limits_of(Host, BootS, MinOnS, MinOffS, WakesPerHour),
    findall(Took, state:boot_time(Host, _, Took), Boots),
    median_or_null(Boots, BootMs),
    (   state:host_power(Host, Power0, Since0)
    ->  Power = Power0,
        Since = Since0
    ;   Power = unknown,
        Since = null
    ),
    Obj = obj([ host-Host, agent-Agent, words-Words, wake-Wake, sleep-How, boot_s-BootS,
                min_on_s-MinOnS, min_off_s-MinOffS, wakes_per_hour-WakesPerHour,
                boot_ms_learned-BootMs, power-Power, since_ms-Since ]).

wake_obj(Host, Wake) :-
    (   site:host_wake(Host, Mac, Broadcast, _)
    ->  Wake = obj([mac-Mac, broadcast-Broadcast])
    ;   Wake = null
    ).

pool_obj(Pool, Obj) :-
    site:pool(Pool, Host, Kind, Mask, VramMib, Words),
    engine_of(Pool, Engine, Slots, Context, Kv),
    findall(Model, site:pool_serves(Pool, Model), Serves0),
    sort(Serves0, Serves),
    (   site:pool_at(Pool, Url0)
    ->  Url = Url0
    ;   Url = null
    ),
    loaded_obj(Pool, Loaded),
    findall(Model, state:load_time(Pool, Model, _, _), Models0),
    sort(Models0, Models),
    findall(Model-Ms, ( member(Model, Models), load_ms(Pool, Model, Ms) ), Learned),
    Obj = obj([ pool-Pool, host-Host, kind-Kind, mask-Mask, vram_mib-VramMib, words-Words,
                serves-Serves, engine-Engine, slots-Slots, context-Context, kv-Kv, url-Url,
                loaded-Loaded, load_ms_learned-obj(Learned) ]).

%   A pool without pool_engine is a fault of the site facts; the table says what it can.
engine_of(Pool, Engine, Slots, Context, Kv) :-
    (   site:pool_engine(Pool, Engine0, Slots0, Context0, Kv0)
    ->  Engine-Slots-Context-Kv = Engine0-Slots0-Context0-Kv0
    ;   Engine-Slots-Context-Kv = ""-1-8192-f16
    ).

loaded_obj(Pool, Loaded) :-
    (   state:loaded(Pool, Model, Sha, Version, AtMs)
    ->  Loaded = obj([model-Model, sha256-Sha, engine_version-Version, at_ms-AtMs])
    ;   Loaded = null
    ).

load_ms(Pool, Model, Ms) :-
    findall(Took, state:load_time(Pool, Model, _, Took), Times),
    median_or_null(Times, Ms).

%   Of an even number the larger of the middle two: an estimate had better be late.
median_or_null([], null) :- !.
median_or_null(Numbers, Median) :-
    msort(Numbers, Sorted),
    length(Sorted, Count),
    Middle is Count // 2,
    nth0(Middle, Sorted, Median).

measured_obj(m(Sha, Version, Kind, Context, Slots, Kv), Obj) :-
    state:measured(Sha, Version, Kind, Context, Slots, Kv, Weights, KvBytes, Compute, Other, _),
    Obj = obj([ sha256-Sha, engine_version-Version, device_kind-Kind, context-Context,
                slots-Slots, kv-Kv, weights_bytes-Weights, kv_bytes-KvBytes,
                compute_bytes-Compute, other_bytes-Other ]).
