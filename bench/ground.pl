%   SPDX-License-Identifier: Apache-2.0

/*  ground — CPU of door `ground` with 10,000 readings of 200 nodes, and of the site facts besides.

        swipl -q -O -f none -F none bench/ground.pl KB SITE CALLS

    Each line: a name, the median and the 99th percentile in us of CPU.
*/

:- use_module(library(lists), [member/2, nth1/3]).

:- initialization(main, main).

texts(one_node,   ["is node017 too hot?"]).
texts(two_nodes,  ["how much memory do node042 and node113 have left, and why is node042 slow?"]).
texts(stranger,   ["is zeus healthy? and what runs on the vm web1 of node017?"]).
texts(topic,      ["which nodes are the hottest, and are there any alerts?"]).
texts(nothing,    ["write a haiku about autumn"]).
texts(long_chat,  Texts) :-
    findall(Text, ( between(1, 12, N),
                    format(string(Text),
                           "turn ~d: I was thinking about my garden and the weather of last week, \c
                            which reminds me that the kitchen window wants paint, that we need \c
                            bread, and that node~|~`0t~d~3+ was slow while its temperature was \c
                            high again; what do you think about its fans and the gpu?", [N, N]) ),
            Texts).

main :-
    current_prolog_flag(argv, [Kb, Site, CallsText]),
    atom_number(CallsText, Calls),
    assertz(user:ln_folder(site, Site)),
    atom_concat(Kb, '/main.pl', Main),
    load_files(user:Main, []),
    set_prolog_flag(autoload, true),
    now(NowMs),
    readings(NowMs, Count),
    format("readings ~d~n", [Count]),
    forall(texts(Name, Texts), measured(Name, Texts, NowMs, Calls)).

now(1800000000000).

readings(NowMs, Count) :-
    findall(Metric, ( metric_words:metric(Metric, _, _, _, _) ), All),
    length(Fifty, 50),
    append(Fifty, _, All),
    senses:begin_observing(NowMs, _),
    forall(( site:node(Node, _, _), member(Metric, Fifty) ),
           ( metric_words:metric(Metric, _, Min, Max, _),
             Value is max(Min, min(Max, 40000)),
             atom_string(Metric, Text),
             AtMs is NowMs - 2000,
             senses:take_row([Node, Text, "", Value, AtMs], NowMs, _) )),
    senses:series_count(Count).

measured(Name, Texts, NowMs, Calls) :-
    findall(Micros, ( between(1, Calls, _), once_us(Texts, NowMs, Micros) ), All),
    msort(All, Sorted),
    length(Sorted, Count),
    Middle is (Count + 1) // 2,
    High is max(1, Count * 99 // 100),
    nth1(Middle, Sorted, Median),
    nth1(High, Sorted, P99),
    format("~w ~1f ~1f~n", [Name, Median, P99]).

once_us(Texts, NowMs, Micros) :-
    statistics(cputime, Before),
    door_ground:ground(obj(["texts"-Texts, "now_ms"-NowMs]), obj(Out)),
    statistics(cputime, After),
    memberchk(block-_, Out),
    Micros is (After - Before) * 1000000.
