%   SPDX-License-Identifier: Apache-2.0

:- module(vitals,
          [ node_vitals/2,              % +Node, -Pairs
            node_look/2                 % +Node, -Pairs
          ]).
:- use_module(library(lists), [max_list/2, max_member/2, member/2, nth1/3, sum_list/2]).
:- use_module(kb('1_words/first'), [first/3]).
:- use_module(kb('1_words/wire'), [shown/2]).
:- use_module(kb('2_seen/senses'), [sensed/5]).
:- use_module(kb('2_seen/site'), []).

/** <module> What a list of many nodes shows of each: a few numbers, rounded as they are shown

Out of fresh readings only; what is unknown is absent, and a node that tells nothing of itself has
no vitals. Ask inside senses:live/1. Rounded in the rules, so that a row does not change with noise
that nobody would see. All whole numbers:

    cpu         percent of all cores       load   in thousandths, by 100, and cores: where cpu is
    memory      percent in use                    unknown
    memory_mib  how much there is          celsius  of the hottest of processor and board
    disk        percent of the fullest file system, disk_part; disk_celsius  of the hottest disk
    watts       what processors and GPUs draw
    gpus        at most eight [{part, name, busy, celsius, vram_used_mib (by 64), vram_mib, watts}]
*/

gpus_max(8).

%!  node_look(+Node, -Pairs:list) is det.
%
%   What a row of a list has besides: words and the range of watts of the site facts, and vitals.

node_look(Node, Pairs) :-
    findall(Pair, look_pair(Node, Pair), Pairs).

look_pair(Node, words-Words) :-
    site:node(Node, _, Said),
    shown(Said, Words),
    Words \== "".
look_pair(Node, watts_range-[Idle, Peak]) :-
    site:node_power(Node, Idle, Peak).
look_pair(Node, vitals-obj(Vitals)) :-
    node_vitals(Node, Vitals).

%!  node_vitals(+Node, -Pairs:list) is semidet.

node_vitals(Node, Pairs) :-
    findall(m(Metric, Part, Value), sensed(Node, Metric, Part, Value, _), All),
    member(m(Metric, _, _), All),
    Metric \== source_ok,
    !,
    findall(Pair, vital(Node, All, Pair), Pairs).

vital(_, All, Pair) :-
    (   whole(All, cpu_busy, Busy)
    ->  percent(Busy, Percent),
        Pair = cpu-Percent
    ;   load(All, Pair)
    ).
vital(_, All, memory-Percent) :-
    whole(All, memory_available_share, Free),
    Used is 1000 - Free,
    percent(Used, Percent).
vital(_, All, memory_mib-Mib) :-
    whole(All, memory_total, Bytes),
    Mib is Bytes // 1048576.
vital(_, All, celsius-Celsius) :-
    hottest(All, [cpu_temperature, board_temperature], Celsius).
vital(_, All, disk_celsius-Celsius) :-
    hottest(All, [disk_temperature], Celsius).
vital(_, All, Pair) :-
    findall(Share-Part, member(m(disk_used_share, Part, Share), All), Disks),
    max_member(Most-Fullest, Disks),
    (   percent(Most, Percent),
        Pair = disk-Percent
    ;   Pair = disk_part-Fullest
    ).
vital(_, All, watts-Watts) :-
    findall(Draw, ( member(Metric, [power_draw, gpu_power]), member(m(Metric, _, Draw), All) ),
            Draws),
    Draws = [_|_],
    sum_list(Draws, Sum),
    thousandth(Sum, Watts).
vital(Node, All, gpus-Gpus) :-
    gpus(Node, All, Gpus),
    Gpus = [_|_].

load(All, load-Load) :-
    whole(All, load_1, Milli),
    Load is (Milli + 50) // 100 * 100.
load(All, cores-Cores) :-
    whole(All, cpu_cores, Cores).

%   Of the whole node.
whole(All, Metric, Value) :-
    member(m(Metric, "", Value), All),
    !.

hottest(All, Metrics, Celsius) :-
    findall(Value, ( member(Metric, Metrics), member(m(Metric, _, Value), All) ), Values),
    Values = [_|_],
    max_list(Values, Most),
    thousandth(Most, Celsius).

percent(Permille, Percent) :- Percent is (Permille + 5) // 10.

thousandth(Milli, Whole) :- Whole is (Milli + 500) // 1000.

                /*  GPUs  */

%   In the order of their parts; the names are those of the site facts, in theirs.
gpus(Node, All, Gpus) :-
    findall(Part, ( member(m(Metric, Part, _), All), gpu_vital(Metric, _, _) ), Parts0),
    sort(Parts0, Parts),
    gpus_max(Max),
    first(Max, Parts, Some),
    findall(Name, site:node_gpu(Node, Name, _, _), Names),
    findall(obj([part-Part|Pairs]),
            ( nth1(At, Some, Part), findall(Pair, gpu_pair(At, Part, Names, All, Pair), Pairs) ),
            Gpus).

gpu_pair(At, _, Names, _, name-Name) :-
    nth1(At, Names, Said),
    shown(Said, Name).
gpu_pair(_, Part, _, All, Key-Value) :-
    gpu_vital(Metric, Key, How),
    member(m(Metric, Part, Reading), All),
    rounded(How, Reading, Value).

gpu_vital(gpu_busy,         busy,          percent).
gpu_vital(gpu_temperature,  celsius,       thousandth).
gpu_vital(gpu_memory_used,  vram_used_mib, mib(64)).
gpu_vital(gpu_memory_total, vram_mib,      mib(1)).
gpu_vital(gpu_power,        watts,         thousandth).

rounded(percent, Reading, Value)    => percent(Reading, Value).
rounded(thousandth, Reading, Value) => thousandth(Reading, Value).
rounded(mib(Step), Reading, Value)  =>
    Value is (Reading + Step * 524288) // (Step * 1048576) * Step.
