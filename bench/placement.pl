%   SPDX-License-Identifier: Apache-2.0

/*  placement — where the next load goes, 50 nodes and 200 loads; beside it the full join.

        swipl -q -O -f none -F none bench/placement.pl ROUNDS

    Ours: scheduler:best_place/3 and placement/4 over machines whose use is kept per node; once more
    with the machines made of facts each time. The peers sum the loads of each node anew: the full
    join, and with an index on the node. All must give the same node. One line: us of CPU of these
    five.
*/

:- multifile(user:file_search_path/2).
:- dynamic(user:file_search_path/2).
:- prolog_load_context(directory, Here),
   atom_concat(Here, '/../kb/core', Core),
   asserta(user:file_search_path(kb, Core)).

:- use_module(library(apply), [maplist/2]).
:- use_module(kb('3_rules/scheduler'), [placement/4, best_place/3, used_by/2]).

:- dynamic node/3, load/4, usage/3.

:- initialization(main, main).

main :-
    current_prolog_flag(argv, [Text]),
    atom_number(Text, Rounds),
    house(50, 200),
    machines(Machines),
    Load = load(4096, 2048, none, yes),
    best_place(Load, Machines, Best),
    joined(4096, 2048, Best),
    summed(4096, 2048, Best),
    placement(Load, Machines, [place(Best, _, _, _)|_], _),
    micros(Rounds, best_place(Load, Machines, _), BestUs),
    micros(Rounds, placement(Load, Machines, _, _), RankedUs),
    micros(Rounds, ( machines(M), best_place(Load, M, _) ), BuiltUs),
    Fewer is Rounds // 20,
    micros(Fewer, joined(4096, 2048, _), JoinUs),
    micros(Fewer, summed(4096, 2048, _), SumUs),
    format("~2f ~2f ~2f ~2f ~2f~n", [BestUs, RankedUs, BuiltUs, JoinUs, SumUs]).

micros(Rounds, Goal, Micros) :-
    statistics(cputime, Before),
    forall(between(1, Rounds, _), \+ \+ Goal),
    statistics(cputime, After),
    Micros is (After - Before) * 1000000 / Rounds.

%   Deterministic: no random state. Loads sit where there is room.
house(Nodes, Loads) :-
    forall(between(1, Nodes, N),
           ( format(string(Name), "node~|~`0t~d~3+", [N]),
             Vram is 8192 + (N * 7919 mod 5) * 8192,
             Memory is 32768 + (N * 104729 mod 4) * 32768,
             assertz(node(Name, Vram, Memory)) )),
    forall(between(1, Loads, L),
           ( N is L * 31 mod Nodes + 1,
             format(string(Name), "node~|~`0t~d~3+", [N]),
             Vram is 256 + L * 613 mod 1500,
             Memory is 512 + L * 911 mod 3000,
             assertz(load(L, Name, Vram, Memory)) )),
    findall(on(Node, V, M), load(_, Node, V, M), All),
    used_by(All, Used),
    forall(member(used(Node, V, M), Used), assertz(usage(Node, V, M))).

%   Kept: what is used of each node is one fact, found by its name.
machines(Machines) :-
    findall(machine(Node, awake, yes, fixed(10, stable, 60, 50, 400, []), FreeMemory,
                    [gpu("GPU", Vram, Free, 16)]),
            ( node(Node, Vram, Memory), usage(Node, V, M),
              Free is Vram - V, FreeMemory is Memory - M ),
            Machines).

%   The full join, as one writes it first: every node with every load.
joined(Vram, Memory, Best) :-
    findall(Left-Node,
            ( node(Node, TotalV, TotalM),
              findall(V-M, ( load(_, On, V, M), On == Node ), Pairs),
              sums(Pairs, 0, 0, UsedV, UsedM),
              TotalV - UsedV >= Vram,
              TotalM - UsedM >= Memory,
              Left is TotalV - UsedV - Vram ),
            Fits),
    sort(Fits, [_-Best|_]).

%   The same with the loads found by their node.
summed(Vram, Memory, Best) :-
    findall(Left-Node,
            ( node(Node, TotalV, TotalM),
              findall(V-M, load(_, Node, V, M), Pairs),
              sums(Pairs, 0, 0, UsedV, UsedM),
              TotalV - UsedV >= Vram,
              TotalM - UsedM >= Memory,
              Left is TotalV - UsedV - Vram ),
            Fits),
    sort(Fits, [_-Best|_]).

sums([], V, M, V, M).
sums([V1-M1|Pairs], V0, M0, V, M) :-
    V2 is V0 + V1,
    M2 is M0 + M1,
    sums(Pairs, V2, M2, V, M).
