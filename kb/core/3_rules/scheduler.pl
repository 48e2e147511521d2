%   SPDX-License-Identifier: Apache-2.0

:- module(scheduler,
          [ placement/4,                % +Load, +Machines, -Ranked, -Refused
            best_place/3,               % +Load, +Machines, -Node
            machine/4,                  % +Node, +Used, +Power, -Machine
            used_by/2                   % +Loads, -Used
          ]).
:- use_module(library(lists), [max_list/2, member/2, memberchk/2]).
:- use_module(library(pairs), [pairs_values/2]).
:- use_module(kb('2_seen/site'), []).

/** <module> Where a load can run: what fits, in an order without ties

    load(VramMib, MemoryMib, Capability, Volatile)      0, 0, none and no: nothing asked
    machine(Node, Power, Idle, Fixed, FreeMemory, Gpus)
        Power awake, asleep, down or unknown; Idle yes, no or unknown (of its person), or why not:
        person (somebody is at it), full_screen (a game or a film has its whole screen)
        Fixed fixed(Weight, Volatility, BootS, IdleWatts, PeakWatts, Flags)
        FreeMemory and each gpu(Gpu, Vram, Free, Lanes): MiB, or unknown

What is in use is an argument and kept per node (a reading, or used_by/2 over the loads, once), so
placing is one pass over the nodes: no load is looked at again for each node. A volatile node (it
may leave: a gaming PC) takes a load only if that is allowed, or if nobody uses it.

The order of those that fit, each only where all before it are equal:
awake before asleep · stable before volatile before ephemeral · the higher weight · the shorter
boot · the GPU with less left over (large ones stay free for large loads) · more PCIe lanes · fewer
watts · name.
*/

%!  placement(+Load, +Machines:list, -Ranked:list, -Refused:list) is det.
%
%   Ranked holds place(Node, Gpu or none, LeftMib, reasons(…)), the best first; Refused
%   refused(Node, Reason) in the order of names. Reason, the first of these that holds:
%   lacks(Capability), no_gpu, small(Need, Of); down, power_unknown, cannot_wake;
%   in_use(Volatility, Idle); memory(Need, Free), memory_unknown(Need); vram(Need, Free, Of),
%   vram_unknown(Need, Of).

placement(Load, Machines, Ranked, Refused) :-
    findall(Verdict, ( member(Machine, Machines), verdict(Load, Machine, Verdict) ), Verdicts),
    parted(Verdicts, Keyed, Refused0),
    sort(1, @=<, Keyed, Sorted),
    pairs_values(Sorted, Ranked),
    sort(Refused0, Refused).

parted([], [], []).
parted([Verdict|Verdicts], Keyed, Refused) :-
    (   Verdict = refused(_, _)
    ->  Refused = [Verdict|Refused1],
        parted(Verdicts, Keyed, Refused1)
    ;   Keyed = [Verdict|Keyed1],
        parted(Verdicts, Keyed1, Refused)
    ).

%!  best_place(+Load, +Machines:list, -Node) is semidet.
%
%   The first of placement/4, without putting the others in order.

best_place(Load, Machines, Node) :-
    best(Machines, Load, none, _-place(Node, _, _, _)).

best([], _, Best, Best) :-
    Best \== none.
best([Machine|Machines], Load, Best0, Best) :-
    (   verdict(Load, Machine, Key-Place),
        ( Best0 == none -> true ; Best0 = Key0-_, Key @< Key0 )
    ->  best(Machines, Load, Key-Place, Best)
    ;   best(Machines, Load, Best0, Best)
    ).

%   verdict(+Load, +Machine, -Verdict): Key-place(…), or refused(Node, Reason) by the first reason.
verdict(load(Vram, Memory, Capability, Allowed), Machine, Verdict) :-
    Machine = machine(Node, Power, Idle, Fixed, FreeMemory, Gpus),
    Fixed = fixed(Weight, Volatility, Boot, IdleWatts, PeakWatts, Flags),
    (   Capability \== none,
        \+ memberchk(Capability, Flags)
    ->  Verdict = refused(Node, lacks(Capability))
    ;   too_small(Vram, Gpus, Reason)
    ->  Verdict = refused(Node, Reason)
    ;   unfit(Power, Flags, Reason)
    ->  Verdict = refused(Node, Reason)
    ;   Volatility \== stable,
        Allowed \== yes,
        Idle \== yes
    ->  Verdict = refused(Node, in_use(Volatility, Idle))
    ;   too_little(Memory, FreeMemory, Reason)
    ->  Verdict = refused(Node, Reason)
    ;   gpu_for(Vram, Gpus, Found),
        Found = gpu(Gpu, Left, Lanes)
    ->  rank(Power, PowerRank),
        rank(Volatility, VolatilityRank),
        cost(Power, Boot, IdleWatts, PeakWatts, BootCost, Watts),
        Heavy is -Weight,
        Narrow is -Lanes,
        Verdict = key(PowerRank, VolatilityRank, Heavy, BootCost, Left, Narrow, Watts, Node)
                  -place(Node, Gpu, Left,
                         reasons(Power, Volatility, Idle, Weight, BootCost, Watts, Lanes))
    ;   lacking(Gpus, Vram, Reason),
        Verdict = refused(Node, Reason)
    ).

%   Never, whatever is free.
too_small(Vram, Gpus, Reason) :-
    Vram > 0,
    (   Gpus == []
    ->  Reason = no_gpu
    ;   \+ as_large(Gpus, Vram),
        findall(Of, member(gpu(_, Of, _, _), Gpus), Sizes),
        max_list(Sizes, Largest),
        Reason = small(Vram, Largest)
    ).

as_large([gpu(_, Of, _, _)|Gpus], Vram) :-
    (   Of >= Vram
    ->  true
    ;   as_large(Gpus, Vram)
    ).

unfit(down, _, down).
unfit(unknown, _, power_unknown).
unfit(asleep, Flags, cannot_wake) :-
    \+ memberchk(wake_on_lan, Flags).

too_little(Need, Free, Reason) :-
    Need > 0,
    (   Free == unknown
    ->  Reason = memory_unknown(Need)
    ;   Free < Need,
        Reason = memory(Need, Free)
    ).

rank(awake, 0).
rank(asleep, 1).
rank(stable, 0).
rank(volatile, 1).
rank(ephemeral, 2).

%   What it costs to begin: an awake node has booted and draws its idle watts already.
cost(awake, _, Idle, Peak, 0, Watts) :- Watts is Peak - Idle.
cost(asleep, Boot, _, Peak, Boot, Peak).

%   The GPU that has the least left over; gpu(none, 0, 0) where no VRAM is asked.
gpu_for(0, _, gpu(none, 0, 0)) :- !.
gpu_for(Need, Gpus, gpu(Gpu, Left, Lanes)) :-
    fitting(Gpus, Need, none, fit(Left, Narrow, Gpu)),
    Lanes is -Narrow.

fitting([], _, Best, Best).
fitting([gpu(Gpu, _, Free, Lanes)|Gpus], Need, Best0, Best) :-
    (   integer(Free),
        Free >= Need
    ->  Left is Free - Need,
        Narrow is -Lanes,
        Fit = fit(Left, Narrow, Gpu),
        (   ( Best0 == none ; Fit @< Best0 )
        ->  fitting(Gpus, Need, Fit, Best)
        ;   fitting(Gpus, Need, Best0, Best)
        )
    ;   fitting(Gpus, Need, Best0, Best)
    ).

lacking(Gpus, Need, Reason) :-
    findall(Vram-Free, member(gpu(_, Vram, Free, _), Gpus), Pairs),
    largest(Pairs, unknown, 0, Free, Of),
    (   Free == unknown
    ->  Reason = vram_unknown(Need, Of)
    ;   Reason = vram(Need, Free, Of)
    ).

%   The most that is free on one GPU, and the size of that GPU; what is unknown may be more.
largest([], Free, Of, Free, Of).
largest([Vram-Free1|Pairs], Free0, Of0, Free, Of) :-
    (   integer(Free1),
        ( Free0 == unknown ; Free1 > Free0 )
    ->  largest(Pairs, Free1, Vram, Free, Of)
    ;   Free1 == unknown,
        Of0 =:= 0
    ->  largest(Pairs, Free0, Vram, Free, Of)
    ;   largest(Pairs, Free0, Of0, Free, Of)
    ).

%!  machine(+Node, +Used, +Power, -Machine) is semidet.
%
%   Node out of the site facts. Used is used(FreeMemory, [Gpu-Free, …], Idle): what was measured, or
%   unknown; a GPU that is not listed is taken as unknown. Power is power(awake), and so on. Who
%   sleeps has all of it free, and nobody at it.

machine(Node, Used0, power(Power), Machine) :-
    site:node(Node, _, _),
    !,
    findall(Flag, site:node_can(Node, Flag), Flags),
    findall(Gpu-Vram-Lanes, site:node_gpu(Node, Gpu, Vram, Lanes), Known),
    (   Power == asleep
    ->  ( site:node_memory(Node, FreeMemory) -> true ; FreeMemory = unknown ),
        findall(gpu(Gpu, Vram, Vram, Lanes), member(Gpu-Vram-Lanes, Known), Gpus),
        Idle = yes
    ;   Used0 = used(FreeMemory, Measured, Idle),
        findall(gpu(Gpu, Vram, Free, Lanes),
                ( member(Gpu-Vram-Lanes, Known), free_of(Gpu, Measured, Free) ), Gpus)
    ),
    ( site:node_weight(Node, Weight) -> true ; Weight = 10 ),
    ( site:node_volatility(Node, Volatility) -> true ; Volatility = stable ),
    ( site:node_boot(Node, Boot) -> true ; Boot = 0 ),
    ( site:node_power(Node, IdleWatts, PeakWatts) -> true ; IdleWatts = 0, PeakWatts = 0 ),
    Fixed = fixed(Weight, Volatility, Boot, IdleWatts, PeakWatts, Flags),
    Machine = machine(Node, Power, Idle, Fixed, FreeMemory, Gpus).

free_of(Gpu, Measured, Free) :-
    (   memberchk(Gpu-Found, Measured)
    ->  Free = Found
    ;   Free = unknown
    ).

%!  used_by(+Loads:list, -Used:list) is det.
%
%   Loads are on(Node, VramMib, MemoryMib); Used is used(Node, VramMib, MemoryMib) for each node, in
%   the order of names: one pass, after which no load is looked at again.

used_by(Loads, Used) :-
    sort(1, @=<, Loads, Sorted),
    summed(Sorted, Used).

summed([], []).
summed([on(Node, Vram, Memory)|Loads], [used(Node, VramSum, MemorySum)|Used]) :-
    same_node(Loads, Node, Vram, Memory, VramSum, MemorySum, Rest),
    summed(Rest, Used).

same_node([on(Same, V, M)|Loads], Node, Vram0, Memory0, Vram, Memory, Rest) :-
    Same == Node,
    !,
    Vram1 is Vram0 + V,
    Memory1 is Memory0 + M,
    same_node(Loads, Node, Vram1, Memory1, Vram, Memory, Rest).
same_node(Rest, _, Vram, Memory, Vram, Memory, Rest).
