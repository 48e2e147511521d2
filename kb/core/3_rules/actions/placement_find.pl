%   SPDX-License-Identifier: Apache-2.0

:- module(placement_find, []).
:- use_module(library(lists), [member/2]).
:- use_module(kb('1_words/wire'), [refuse/4]).
:- use_module(kb('3_rules/action'), []).
:- use_module(kb('3_rules/house'), [nodes_known/1]).
:- use_module(kb('3_rules/policy'), []).
:- use_module(kb('3_rules/scheduler'), [placement/4, machine/4]).
:- use_module(kb('3_rules/sensed'),
              [facts_job/3, readings_seen/3, node_power_now/3, node_use/3]).

/** <module> placement_find: where a load would run best, and why nowhere else */

action:action(placement_find, observe, "Find where a load can run").

action:summary(placement_find,
    "Ranks the nodes where a load fits now by power, volatility and weight, and says why each \c
     other one is left out.").

action:parameter(placement_find, vram_mib, mib, optional, "Memory of one GPU, in MiB").
action:parameter(placement_find, memory_mib, mib, optional, "Main memory, in MiB").
action:parameter(placement_find, capability, capability, optional,
    "What the node must be able to, such as cuda").
action:parameter(placement_find, volatile, yes_no, optional,
    "Whether a node that may leave is welcome while its person uses it").

action:example(placement_find, "where can a 12 GB model run?").
action:example(placement_find, "which node has room for 8 GB of vram?").

action:completed(placement_find(Vram, Memory, Capability, Volatile), Action) :-
    (   \+ ( member(Asked, [Vram, Memory, Capability]), Asked \== none )
    ->  refuse(missing_field, vram_mib,
               "say what the load needs: vram_mib, memory_mib or capability", [])
    ;   Action = placement_find(Vram, Memory, Capability, Volatile)
    ).

action:looks_with(placement_find, senses).

action:look(placement_find(_, _, _, _), Job) :-
    facts_job(all,
              [ "source_ok", "uptime", "memory_available", "gpu_memory_used", "gpu_busy",
                "inhibitors", "full_screen" ], Job).

action:answer(placement_find(Vram, Memory, Capability, Volatile), Told) :-
    readings_seen(Readings, _, _),
    number_or_none(Vram, VramMib),
    number_or_none(Memory, MemoryMib),
    ( Volatile == true -> Allowed = yes ; Allowed = no ),
    Load = load(VramMib, MemoryMib, Capability, Allowed),
    nodes_known(Nodes),
    findall(Machine, ( member(Node, Nodes), as_machine(Node, Readings, Machine) ), Machines),
    placement(Load, Machines, Ranked, Refused),
    Told = told(placement, Load, Ranked, Refused).

number_or_none(none, 0) :- !.
number_or_none(Mib, Mib).

as_machine(Node, Readings, Machine) :-
    node_power_now(Node, Readings, Power),
    node_use(Node, Readings, Used),
    machine(Node, Used, power(Power), Machine).

action:wording(placement_find(Vram, Memory, Capability, _), Words) :-
    findall(Text, need(Vram, Memory, Capability, Text), Texts),
    atomic_list_concat(Texts, ' and ', Needs),
    format(string(Words), "find where a load fits that needs ~w", [Needs]).

need(Vram, _, _, Text) :- integer(Vram), format(string(Text), "~d MiB of GPU memory", [Vram]).
need(_, Memory, _, Text) :- integer(Memory), format(string(Text), "~d MiB of memory", [Memory]).
need(_, _, Capability, Text) :-
    Capability \== none,
    format(string(Text), "~w", [Capability]).
