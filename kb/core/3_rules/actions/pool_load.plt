%   SPDX-License-Identifier: Apache-2.0

:- use_module('../../../test/asking').
:- use_module('../../../test/machines').

:- begin_tests(pool_load, [setup(nothing_learned), cleanup(nothing_learned)]).

me("loopback"/api).

load(Pool, Model, Seen, Verdict) :-
    load(Pool, Model, [], Seen, Verdict).
load(Pool, Model, State, Seen, Verdict) :-
    me(By),
    with_state(State, judge(pool_load, [pool=Pool, model=Model], By, Seen, Verdict)).

engine(obj(["engine"-"llama", "version"-"b9000"])).
seen(Need, Seen) :-
    status("tower", [], [], Status),
    model("llama3", Need, Model),
    engine(Engine),
    pool_seen(Status, Model, Engine, Seen).

first(Verdict, Kind-First) :-
    at(Verdict, verdict, Kind),
    rules(Verdict, [First|_]).

test(it_looks_first, Job == obj([ hand-pool, op-status, host-tower,
                                  agent-"https://192.168.1.20:30443", pool-gpu0, model-"llama3",
                                  engine-llama, kind-cuda, slots-4, context-8192, kv-f16 ])) :-
    load("gpu0", "llama3", null, V), at(V, look, Job).
test(the_plan_pins_what_was_seen,
     Job == obj([ hand-pool, op-load, host-tower, agent-"https://192.168.1.20:30443", pool-gpu0,
                  kind-cuda, mask-"0", vram_mib-16303, slots-4, context-8192, kv-f16,
                  model-obj([ name-"llama3", file-"llama/model.gguf", bytes-4000000000, sha256-Sha,
                              embedding-false ]),
                  engine-obj([engine-llama, version-"b9000"]), need_bytes-6000000000,
                  limit_s-840 ])) :-
    sha(Sha), seen(6000000000, Seen), load("gpu0", "llama3", Seen, V), at(V, plan/job, Job).
test(the_hash_is_settled, Found == Sha) :-
    sha(Sha), seen(6000000000, Seen), load("gpu0", "llama3", Seen, V), at(V, params/sha256, Found).
test(unload_undoes_it, Undo == pool_unload) :-
    seen(1, Seen), load("gpu0", "llama3", Seen, V), at(V, plan/undo/action, Undo).
test(a_stranger_may_not, Rules == [no_role]) :-
    judge(pool_load, [pool="gpu0", model="llama3"], "mallory"/api, null, V), rules(V, Rules).
test(the_node_may, Kind == permit) :-
    seen(1, Seen),
    judge(pool_load, [pool="gpu0", model="llama3"], "node:gateway"/rule, Seen, V),
    at(V, verdict, Kind).
test(a_strange_pool, First == deny-unknown_pool) :-
    load("gpu9", "llama3", null, V), first(V, First).
test(an_external_pool, First == deny-not_our_engine) :-
    load("box", "big", null, V), first(V, First).
test(a_model_it_does_not_serve, First == deny-not_served) :-
    load("gpu1", "mistral", null, V), first(V, First).
test(a_model_it_serves, Kind == permit) :-
    load("gpu1", "llama3", null, V), at(V, verdict, Kind).
test(no_answer, true(memberchk(agent_silent, Rules))) :-
    load("gpu0", "llama3", obj([ "reachable"-false, "status"-null, "words"-"", "pool"-null,
                                 "model"-null, "engine"-null ]), V),
    rules(V, Rules).
test(no_entry, First == deny-model_unknown) :-
    seen(1, Seen0), with_member(Seen0, "model", null, Seen),
    load("gpu0", "llama3", Seen, V), first(V, First).
test(half_an_entry, [forall(member(Key, ["file", "bytes", "sha256"])),
                     true(First == deny-model_unknown)]) :-
    model("llama3", 1, Model0), without(Model0, Key, Model),
    seen(1, Seen0), with_member(Seen0, "model", Model, Seen),
    load("gpu0", "llama3", Seen, V), first(V, First).
test(no_engine, [forall(member(Engine, [null, obj([]), obj(["version"-7])])),
                 true(First == deny-engine_unknown)]) :-
    seen(1, Seen0), with_member(Seen0, "engine", Engine, Seen),
    load("gpu0", "llama3", Seen, V), first(V, First).
test(another_file, First == deny-hash_differs) :-
    me(By), seen(1, Seen),
    judge(pool_load, [ pool="gpu0", model="llama3",
                       sha256="ff23456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" ],
          By, Seen, V),
    first(V, First).
test(the_file_that_was_said, Kind == permit) :-
    me(By), seen(1, Seen), sha(Sha),
    judge(pool_load, [pool="gpu0", model="llama3", sha256=Sha], By, Seen, V), at(V, verdict, Kind).
test(no_hash, Code == bad_value) :-
    me(By), judge(pool_load, [pool="gpu0", model="llama3", sha256="x"], By, null, V),
    at(V, error/code, Code).
test(an_unknown_need, First-true == (deny-need_unknown)-Said) :-
    model("llama3", null, Model0),
    with_member(Model0, "cannot", obj(["code"-"x", "message"-"context 8192 > 2048"]), Model),
    seen(1, Seen0), with_member(Seen0, "model", Model, Seen),
    load("gpu0", "llama3", Seen, V), first(V, First), at(V, words, Words),
    ( sub_string(Words, _, _, _, "8192 > 2048") -> Said = true ; Said = false ).
test(it_does_not_fit, First == deny-too_large) :-
    seen(17000000000, Seen), load("gpu0", "llama3", Seen, V), first(V, First).
test(the_gib_are_said, true(sub_string(Words, _, _, _, "needs 14.9 GiB (16000000000 bytes), \c
    and gpu0 has 14.9 GiB free"))) :-
    seen(16000000000, Seen0), at(Seen0, "status", Status0),
    with_member(Status0, "gpus", [obj([ "index"-0, "total_bytes"-16000000000,
                                        "used_bytes"-1 ])], Status),
    with_member(Seen0, "status", Status, Seen),
    load("gpu0", "llama3", Seen, V), at(V, words, Words),
    !.
test(never_more_than_the_owner_said, First == deny-too_large) :-
    status("here", [], [], Status), model("tiny", 5000000000, Model), engine(Engine),
    pool_seen(Status, Model, Engine, Seen), load("cpu0", "tiny", Seen, V), first(V, First).
test(a_cpu_pool, Kind == permit) :-
    status("here", [], [], Status), model("tiny", 4000000000, Model), engine(Engine),
    pool_seen(Status, Model, Engine, Seen), load("cpu0", "tiny", Seen, V), at(V, verdict, Kind).
test(an_unlisted_cuda_device, [forall(member(Gpus, [ [], null, 7, [7], [obj(["index"-0])],
                [obj(["index"-1, "total_bytes"-9000000000, "used_bytes"-0])],
                [obj(["index"-0, "total_bytes"-5, "used_bytes"-9])],
                [obj(["index"-0, "total_bytes"-1.0e10, "used_bytes"-0])] ])),
                               true(First == deny-free_unknown)]) :-
    seen(1, Seen0), at(Seen0, "status", Status0), with_member(Status0, "gpus", Gpus, Status),
    with_member(Seen0, "status", Status, Seen), load("gpu0", "llama3", Seen, V), first(V, First).
test(what_was_measured_counts_more, Need == 127) :-
    sha(Sha), seen(6000000000, Seen),
    load("gpu0", "llama3", [measured(Sha, "b9000", cuda, 8192, 4, f16, 100, 20, 3, 4, 5)], Seen, V),
    at(V, plan/job/need_bytes, Need).
test(measured_otherwise_counts_nothing, Need == 6000000000) :-
    sha(Sha), seen(6000000000, Seen),
    load("gpu0", "llama3", [measured(Sha, "b9001", cuda, 8192, 4, f16, 100, 20, 3, 4, 5)], Seen, V),
    at(V, plan/job/need_bytes, Need).
test(a_pool_that_is_not_empty, [forall(member(State, ["ready", "loading", "draining", "x"])),
                                true(First == deny-pool_not_empty)]) :-
    pool("gpu0", State, 0, Pool), status("tower", [Pool], [], Status),
    model("llama3", 1, Model), engine(Engine), pool_seen(Status, Model, Engine, Seen),
    load("gpu0", "llama3", Seen, V), first(V, First).
test(a_shorter_context_is_kept, Context == 2048) :-
    model("llama3", 1, Model0), with_member(Model0, "need", obj(["context"-2048]), Model),
    seen(1, Seen0), with_member(Seen0, "model", Model, Seen),
    load("gpu0", "llama3", Seen, V), at(V, plan/job/context, Context).

:- end_tests(pool_load).
