%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(kb('2_seen/machines')).

:- begin_tests(machines).

sha("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef").
load_result(obj([ "took_ms"-9000, "engine_version"-"0.7.0 (build 9000, commit x)",
                  "buffers"-obj([ "weights_bytes"-100, "kv_bytes"-20, "compute_bytes"-3,
                                  "other_bytes"-4, "device"-"CUDA0", "offloaded"-"33/33" ]) ])).

test(times, [forall(member(Text-Ms, [ "1970-01-01T00:00:00.000Z"-0,
                                      "2026-01-01T00:00:00.000Z"-1767225600000,
                                      "2024-02-29T23:59:59.999Z"-1709251199999,
                                      "2000-03-01T12:00:00.001Z"-951912000001 ])),
             true(Found == Ms)]) :-
    time_ms(Text, Found).
test(no_times, [forall(member(Text, [ "", "2026-13-01T00:00:00.000Z", "2026-01-01T00:00:00Z",
                                      "2026-01-01 00:00:00.000Z", "2026-01-01T24:00:00.000Z", 7 ])),
                fail]) :-
    time_ms(Text, _).
test(a_wake, true(Effects = [ host_power(tower, awake, 5), host_woken(tower, 5),
                             boot_time(tower, 5, 77), forget(loaded(gpu0, _, _, _, _)) ])) :-
    machine_effects("host_wake", obj(["host"-"tower"]), "1970-01-01T00:00:00.005Z",
                    obj(["took_ms"-77, "packets"-3]), Effects).
test(a_wake_that_took_a_lie_is_a_wake, Names == [host_power, host_woken]) :-
    machine_effects("host_wake", obj(["host"-"here"]), "1970-01-01T00:00:00.005Z",
                    obj(["took_ms"- -1]), Effects0),
    findall(Name, ( member(Effect, Effects0), Effect \= forget(_), functor(Effect, Name, _) ),
            Names).
test(a_sleep_forgets_what_was_loaded, true(Power == host_power(tower, asleep, 5))) :-
    machine_effects("host_sleep", obj(["host"-"tower"]), "1970-01-01T00:00:00.005Z", null,
                    [Power, forget(loaded(gpu0, _, _, _, _))]).
test(a_load, true(Names == [loaded, load_time, measured])) :-
    sha(Sha),
    load_result(Result),
    machine_effects("pool_load", obj(["pool"-"gpu0", "model"-"llama3", "sha256"-Sha]),
                    "1970-01-01T00:00:00.005Z", Result, Effects),
    findall(Name, ( member(Effect, Effects), functor(Effect, Name, _) ), Names),
    Version = "0.7.0 (build 9000, commit x)",
    memberchk(measured(Sha, Version, cuda, 8192, 4, f16, 100, 20, 3, 4, 5), Effects).
test(a_load_without_a_hash_is_not_pinned, true(Effects == [load_time(gpu0, "llama3", 5, 9000)])) :-
    load_result(Result),
    machine_effects("pool_load", obj(["pool"-"gpu0", "model"-"llama3"]),
                    "1970-01-01T00:00:00.005Z", Result, Effects).
test(a_stranger_teaches_nothing, fail) :-
    machine_effects("host_wake", obj(["host"-"mars"]), "1970-01-01T00:00:00.005Z", null, _).
test(other_actions_teach_nothing, fail) :-
    machine_effects("dns_record_add", obj(["host"-"tower"]), "1970-01-01T00:00:00.005Z", null, _).

:- end_tests(machines).
