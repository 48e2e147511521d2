%   SPDX-License-Identifier: Apache-2.0

:- module(test_machines,
          [ nothing_learned/0,
            with_state/2,               % +Facts, :Goal
            status/4,                   % +Host, +Pools, +Inhibitors, -Seen
            pool_seen/4,                % +Status, +Model, +Engine, -Seen
            pool/4,                     % +Name, +State, +Busy, -Pool
            model/3,                    % +Name, +NeedBytes, -Model
            without/3,                  % +Obj, +Key, -Less
            with_member/4,              % +Obj, +Key, +Value, -More
            sha/1
          ]).
:- use_module(library(lists), [member/2]).
:- use_module(kb('2_seen/state'), []).

/** <module> For the tests of machines: what an agent would say, what was learned before */

:- meta_predicate with_state(+, 0).

nothing_learned :-
    forall(member(Head, [ change(_, _, _, _, _, _), host_power(_, _, _), host_woken(_, _),
                          host_tried(_, _, _),
                          boot_time(_, _, _), load_time(_, _, _, _), loaded(_, _, _, _, _),
                          measured(_, _, _, _, _, _, _, _, _, _, _) ]),
           retractall(state:Head)).

with_state(Facts, Goal) :-
    snapshot(( forall(member(Fact, Facts), assertz(state:Fact)), call(Goal) )).

sha("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef").

status(Host, Pools, Inhibitors,
       obj([ "reachable"-true, "words"-"",
             "status"-obj([ "v"-1, "host"-Host, "inhibitors"-Inhibitors, "pools"-Pools,
                            "memory"-obj([ "total_bytes"-8589934592,
                                           "available_bytes"-6442450944 ]),
                            "gpus"-[ obj([ "index"-0, "uuid"-"GPU-aaaabbbb", "name"-"RTX 5080",
                                           "total_bytes"-17179869184,
                                           "used_bytes"-1073741824 ]) ] ]) ])).

pool_seen(obj(Pairs), Model, Engine, obj(["pool"-null, "model"-Model, "engine"-Engine|Pairs])).

pool(Name, State, Busy,
     obj(["pool"-Name, "state"-State, "slots_busy"-Busy, "model"-"llama3"])).

model(Name, Need,
      obj([ "name"-Name, "file"-"llama/model.gguf", "bytes"-4000000000, "sha256"-Sha,
            "embedding"-false, "context_max"-8192, "need"-obj(["context"-8192]),
            "need_bytes"-Need ])) :-
    sha(Sha).

without(obj(Pairs0), Key, obj(Pairs)) :-
    findall(K-V, ( member(K-V, Pairs0), K \== Key ), Pairs).

with_member(Obj0, Key, Value, obj([Key-Value|Pairs])) :-
    without(Obj0, Key, obj(Pairs)).
