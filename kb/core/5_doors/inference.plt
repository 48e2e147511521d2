%   SPDX-License-Identifier: Apache-2.0

:- use_module('../../test/asking').

:- begin_tests(inference_door, [setup(empty), cleanup(empty)]).

empty :-
    forall(member(Head, [ change(_, _, _, _, _, _), host_power(_, _, _), host_woken(_, _),
                          host_tried(_, _, _),
                          boot_time(_, _, _), load_time(_, _, _, _), loaded(_, _, _, _, _),
                          measured(_, _, _, _, _, _, _, _, _, _, _) ]),
           retractall(state:Head)).

table(Out) :-
    door_inference:inference(obj([]), Out).

sha("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef").

executed(Seq, At, Action, Params, Result) :-
    door_learn:learn(obj([ "kind"-"case_executed", "case"-"01C", "seq"-Seq, "at"-At,
                           "body"-obj([ "result"-Result, "undo"-null, "action"-Action,
                                        "params"-obj(Params),
                                        "by"-obj([ "principal"-"node:gateway",
                                                   "via"-"rule" ]) ]) ]), Out),
    at(Out, changed, true),
    !.

booted(Seq, TookMs) :-
    format(string(At), "2026-01-01T00:00:0~d.000Z", [Seq]),
    executed(Seq, At, "host_wake", ["host"-"tower"], obj(["took_ms"-TookMs, "packets"-3])).

test(it_is_ground, [setup(empty), true(ground(Out))]) :-
    table(Out).
test(the_members_of_a_host,
     [setup(empty),
      true(Keys == [host, agent, words, wake, sleep, boot_s, min_on_s, min_off_s, wakes_per_hour,
                    boot_ms_learned, power, since_ms])]) :-
    table(Out),
    at(Out, hosts/0, obj(Pairs)),
    findall(Key, member(Key-_, Pairs), Keys).
test(the_members_of_a_pool,
     [setup(empty),
      true(Keys == [pool, host, kind, mask, vram_mib, words, serves, engine, slots, context, kv,
                    url, loaded, load_ms_learned])]) :-
    table(Out),
    at(Out, pools/0, obj(Pairs)),
    findall(Key, member(Key-_, Pairs), Keys).
test(hosts_in_their_order, [setup(empty), true(Hosts == ['gaming-pc', here, tower, vault])]) :-
    table(Out),
    at(Out, hosts, List),
    findall(Host, ( member(Obj, List), at(Obj, host, Host) ), Hosts).
test(no_secret_is_told, [setup(empty), fail]) :-
    table(Out),
    format(string(Text), "~q", [Out]),
    sub_string(Text, _, _, _, "secret:").
test(nothing_was_learned,
     [setup(empty), true([A, B, C, D, E] == [unknown, null, null, null, []])]) :-
    table(Out),
    at(Out, hosts/2/power, A), at(Out, hosts/2/since_ms, B), at(Out, hosts/2/boot_ms_learned, C),
    at(Out, pools/3/loaded, D), at(Out, measured, E).
test(a_host_without_wake, [setup(empty), true(Wake-Sleep == null-never)]) :-
    table(Out),
    at(Out, hosts/1/wake, Wake), at(Out, hosts/1/sleep, Sleep).
test(an_external_pool,
     [setup(empty), true([H, K, U] == [none, external, "http://192.0.2.9:8080"])]) :-
    table(Out),
    at(Out, pools/0/host, H), at(Out, pools/0/kind, K), at(Out, pools/0/url, U).
test(any_and_models, [setup(empty), true([A, B] == [[any], ["llama3"]])]) :-
    table(Out),
    at(Out, pools/2/serves, A), at(Out, pools/3/serves, B).
test(the_median_of_the_last_five_boots, [setup(empty), true(Ms-Count == 40-5)]) :-
    forall(nth1(Seq, [1000, 50, 30, 40, 20, 60], TookMs), booted(Seq, TookMs)),
    table(Out),
    at(Out, hosts/2/boot_ms_learned, Ms),
    aggregate_all(count, state:boot_time(_, _, _), Count).
test(awake_and_asleep, [setup(empty), true([A, B] == [awake, asleep])]) :-
    booted(1, 50),
    table(Out1),
    at(Out1, hosts/2/power, A),
    executed(2, "2026-01-01T00:00:05.000Z", "host_sleep", ["host"-"tower"], obj(["took_ms"-1])),
    table(Out2),
    at(Out2, hosts/2/power, B).
test(what_a_load_teaches, [setup(empty), true([M, T, C] == ["llama3", 9000, 100])]) :-
    sha(Sha),
    executed(3, "2026-01-01T00:00:05.000Z", "pool_load",
             ["pool"-"gpu0", "model"-"llama3", "sha256"-Sha],
             obj([ "took_ms"-9000, "engine_version"-"b9000",
                   "buffers"-obj([ "weights_bytes"-100, "kv_bytes"-20, "compute_bytes"-3,
                                   "other_bytes"-4 ]) ])),
    table(Out),
    at(Out, pools/2/loaded/model, M),
    at(Out, pools/2/load_ms_learned/"llama3", T),
    at(Out, measured/0/weights_bytes, C).
test(an_unload_empties_the_pool, [setup(empty), true(Loaded == null)]) :-
    sha(Sha),
    executed(3, "2026-01-01T00:00:05.000Z", "pool_load",
             ["pool"-"gpu0", "model"-"llama3", "sha256"-Sha],
             obj(["took_ms"-9000, "engine_version"-"b9000"])),
    executed(4, "2026-01-01T00:00:06.000Z", "pool_unload", ["pool"-"gpu0"], obj([])),
    table(Out),
    at(Out, pools/2/loaded, Loaded).
test(a_field_too_many, [setup(empty), true(Code == unknown_field)]) :-
    door_inference:inference(obj(["x"-1]), Out),
    at(Out, error/code, Code).

:- end_tests(inference_door).
