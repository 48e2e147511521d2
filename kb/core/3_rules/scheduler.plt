%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(library(lists), [member/2, memberchk/2, permutation/2]).
:- use_module(kb('3_rules/scheduler')).

:- begin_tests(scheduler).

%   machine(Name, Power, Idle, Weight, Volatility, Boot, [Gpu-Vram-Free-Lanes …])
m(Name, Power, Idle, Weight, How, Boot, Gpus0,
  machine(Name, Power, Idle, fixed(Weight, How, Boot, 50, 400, [wake_on_lan, cuda]), 16000,
  Gpus)) :-
    findall(gpu(Gpu, Vram, Free, Lanes), member(Gpu-Vram-Free-Lanes, Gpus0), Gpus).

names(Places, Names) :-
    findall(Node, member(place(Node, _, _, _), Places), Names).

ranked(Machines, Load, Names) :-
    placement(Load, Machines, Ranked, []),
    names(Ranked, Names).

big(load(12288, 0, none, yes)).

test(awake_before_asleep, Names == ["b", "a"]) :-
    m("a", asleep, yes, 100, stable, 1, ["X"-16303-16303-16], A),
    m("b", awake, yes, 1, ephemeral, 99, ["X"-16303-16303-16], B),
    big(Load),
    ranked([A, B], Load, Names).
test(stable_before_volatile_before_ephemeral, Names == ["c", "b", "a"]) :-
    m("a", awake, yes, 100, ephemeral, 1, ["X"-16303-16303-16], A),
    m("b", awake, yes, 50, volatile, 1, ["X"-16303-16303-16], B),
    m("c", awake, yes, 1, stable, 1, ["X"-16303-16303-16], C),
    big(Load),
    ranked([A, B, C], Load, Names).
test(then_weight, Names == ["b", "a"]) :-
    m("a", awake, yes, 10, stable, 1, ["X"-16303-12288-16], A),
    m("b", awake, yes, 20, stable, 1, ["X"-16303-16303-16], B),
    big(Load),
    ranked([A, B], Load, Names).
test(of_sleepers_the_one_that_boots_faster, Names == ["b", "a"]) :-
    m("a", asleep, yes, 10, stable, 90, ["X"-16303-16303-16], A),
    m("b", asleep, yes, 10, stable, 45, ["X"-16303-16303-16], B),
    big(Load),
    ranked([A, B], Load, Names).
test(then_what_is_left_over, Names == ["b", "a"]) :-
    m("a", awake, yes, 10, stable, 1, ["X"-24576-24576-16], A),
    m("b", awake, yes, 10, stable, 1, ["X"-16303-16303-16], B),
    big(Load),
    ranked([A, B], Load, Names).
test(then_lanes, Names == ["b", "a"]) :-
    m("a", awake, yes, 10, stable, 1, ["X"-16303-16303-4], A),
    m("b", awake, yes, 10, stable, 1, ["X"-16303-16303-16], B),
    big(Load),
    ranked([A, B], Load, Names).
test(last_the_name, [forall(permutation(["a", "b", "c"], Order)), Names == ["a", "b", "c"]]) :-
    findall(M, ( member(Name, Order), m(Name, awake, yes, 10, stable, 1, ["X"-16303-16303-16], M) ),
            Machines),
    big(Load),
    ranked(Machines, Load, Names),
    best_place(Load, Machines, "a").
test(the_gpu_with_less_left_over, Gpu-Left == "small"-100) :-
    m("a", awake, yes, 10, stable, 1, ["large"-24576-24576-16, "small"-16303-12388-8], A),
    big(Load),
    placement(Load, [A], [place("a", Gpu, Left, _)], []).
test(exactly_what_is_free_fits, Left == 0) :-
    m("a", awake, yes, 10, stable, 1, ["X"-16303-12288-16], A),
    big(Load),
    placement(Load, [A], [place("a", "X", Left, _)], []).

refused(Machine, Load, Reason) :-
    placement(Load, [Machine], [], [refused(_, Reason)]),
    \+ best_place(Load, [Machine], _).

test(one_less_does_not, Reason == vram(12288, 12287, 16303)) :-
    m("a", awake, yes, 10, stable, 1, ["X"-16303-12287-16], A),
    big(Load),
    refused(A, Load, Reason).
test(two_halves_are_no_whole, Reason == vram(12288, 9000, 20000)) :-
    m("a", awake, yes, 10, stable, 1, ["X"-20000-8000-16, "Y"-20000-9000-16], A),
    big(Load),
    refused(A, Load, Reason).
test(unknown_is_not_free, Reason == vram_unknown(12288, 16303)) :-
    m("a", awake, yes, 10, stable, 1, ["X"-16303-unknown-16], A),
    big(Load),
    refused(A, Load, Reason).
test(too_small_whatever_is_free, Reason == small(12288, 8192)) :-
    m("a", unknown, yes, 10, stable, 1, ["X"-8192-8192-16, "Y"-4096-unknown-16], A),
    big(Load),
    refused(A, Load, Reason).
test(who_sleeps_has_all_of_it_free, Machine-Idle-Memory == gpu("RTX 5080", 16303, 16303,
    16)-yes-65536) :-
    machine("pve", used(1, ["RTX 5080"-1], no), power(asleep),
            machine(_, asleep, Idle, _, Memory, [Machine])).
test(no_gpu, Reason == no_gpu) :-
    m("a", awake, yes, 10, stable, 1, [], A),
    big(Load),
    refused(A, Load, Reason).
test(nothing_asked_needs_no_gpu, Gpu == none) :-
    m("a", awake, yes, 10, stable, 1, [], A),
    placement(load(0, 0, none, yes), [A], [place("a", Gpu, 0, _)], []).
test(memory, Reason == memory(16001, 16000)) :-
    m("a", awake, yes, 10, stable, 1, [], A),
    refused(A, load(0, 16001, none, yes), Reason).
test(memory_unknown, Reason == memory_unknown(1)) :-
    m("a", awake, yes, 10, stable, 1, [], machine(N, P, I, F, _, G)),
    refused(machine(N, P, I, F, unknown, G), load(0, 1, none, yes), Reason).
test(capability, Reason == lacks(rocm)) :-
    m("a", awake, yes, 10, stable, 1, [], A),
    refused(A, load(0, 0, rocm, yes), Reason).
test(down, Reason == down) :-
    m("a", down, yes, 10, stable, 1, [], A),
    refused(A, load(0, 0, none, yes), Reason).
test(power_that_nobody_knows, Reason == power_unknown) :-
    m("a", unknown, yes, 10, stable, 1, [], A),
    refused(A, load(0, 0, none, yes), Reason).
test(a_sleeper_that_nothing_wakes, Reason == cannot_wake) :-
    m("a", asleep, yes, 10, stable, 1, [], machine(N, P, I, fixed(W, V, B, L, H, _), Mem, G)),
    refused(machine(N, P, I, fixed(W, V, B, L, H, []), Mem, G), load(0, 0, none, yes), Reason).
test(a_volatile_node_whose_person_is_there,
     [forall(member(Idle, [no, unknown, person, full_screen])),
      Reason == in_use(volatile, Idle)]) :-
    m("a", awake, Idle, 10, volatile, 1, [], A),
    refused(A, load(0, 0, none, no), Reason).
test(it_is_idle, Node == "a") :-
    m("a", awake, yes, 10, volatile, 1, [], A),
    best_place(load(0, 0, none, no), [A], Node).
test(it_is_allowed, Node == "a") :-
    m("a", awake, no, 10, volatile, 1, [], A),
    best_place(load(0, 0, none, yes), [A], Node).
test(nowhere, fail) :-
    best_place(load(0, 0, none, yes), [], _).
test(a_sleeper_costs_its_boot_and_its_watts, Reasons == reasons(asleep, stable, yes, 10, 90, 400,
    0)) :-
    m("a", asleep, yes, 10, stable, 90, [], A),
    placement(load(0, 0, none, yes), [A], [place(_, _, _, Reasons)], []).
test(out_of_the_site_facts, Gpus == [gpu("RTX 5080", 16303, 15000, 16)]) :-
    machine("pve", used(64000, ["RTX 5080"-15000], yes), power(awake), Machine),
    Machine = machine("pve", awake, yes, fixed(80, stable, 90, 45, 480, Flags), 64000, Gpus),
    memberchk(cuda, Flags).
test(what_is_not_measured_is_unknown, Free == unknown) :-
    machine("pve", used(unknown, [], yes), power(awake), machine(_, _, _, _, _, [gpu(_, _, Free,
    _)])).
test(a_stranger_is_no_machine, fail) :-
    machine("zeus", used(1, [], yes), power(awake), _).
test(use_is_summed_once, Used == [used("a", 30, 3), used("b", 5, 5)]) :-
    used_by([on("b", 5, 5), on("a", 10, 1), on("a", 20, 2)], Used).

:- end_tests(scheduler).
