%   SPDX-License-Identifier: Apache-2.0

:- module(conditions,
          [ alert_condition/4,          % ?Condition, -Measure, -Levels, -Options
            watching/3,                 % ?Metric, ?Condition, -Why
            levels_for/3,               % +Condition, +Node, -Levels
            condition_option/3          % +Condition, ?Option, +Default
          ]).
:- use_module(library(lists), [memberchk/2, max_list/2]).

:- use_module(kb('2_seen/site'), []).

/** <module> The registry: what is wrong when, of which readings

A row is alert_condition(Condition, Measure, Levels, Options). One row each, and nothing else knows
a condition: to add one, add a row here and its words in condition_words.

Measure, out of the readings of one part of one node:

    of(Metric)            its value
    away(Metric)          its value without the sign
    per(Metric, Other)    one by the other, both of the whole node
    runs_out(Metric)      minutes until it is zero, by its slope
    climbs(Metric, Hot)   minutes until it raises the condition Hot, by its slope
    silence               seconds since the node was heard
    absence(Metric)       seconds since this part told it, while its node is heard

Levels is levels(up|down, [Severity-Raise, …], Clear): up is raised at Raise or more and clear at
Clear or less, down the other way round; severities from the lower to the higher. A threshold fact
replaces the first Raise and Clear; threshold(_, critical(Condition), Raise, _) the critical one.

Options:

    for_s(S)           it must stand so long before it is told; default 30
    hits(N, WindowS)   instead: N readings within the window
    clear_s(S)         clear for so long before it is over; doubled by each flap up to 16 times;
                       default 60
    armed              only after it was once on the clear side: a fan that never turned is none
    with(Metric, Of, At, Limit)   only while this reading (Of: same part, or whole node) is
                       at_least or at_most Limit; `heard` is the seconds since the node was heard,
                       `others` how many other sources it has
*/

%!  alert_condition(?Condition, -Measure, -Levels, -Options) is nondet.

%   the node itself; its levels depend on its sources: levels_for/3
alert_condition(node_silent, silence, levels(up, [warning-60, critical-600], 20),
                [ for_s(0), clear_s(30) ]).
alert_condition(exporter_failing, of(source_ok), levels(down, [warning-0], 1),
                [ hits(4, 900), clear_s(60), with(heard, whole, at_most, 30),
                  with(others, whole, at_least, 1) ]).
%   heat
alert_condition(cpu_hot, of(cpu_temperature), levels(up, [warning-85000, critical-95000], 80000),
                [ for_s(20), clear_s(60) ]).
alert_condition(gpu_hot, of(gpu_temperature), levels(up, [warning-84000, critical-92000], 78000),
                [ for_s(20), clear_s(60) ]).
alert_condition(disk_hot, of(disk_temperature), levels(up, [warning-65000, critical-75000], 60000),
                [ for_s(60), clear_s(120) ]).
alert_condition(board_hot, of(board_temperature),
                levels(up, [warning-80000, critical-95000], 75000),
                [ for_s(60), clear_s(120) ]).
alert_condition(cpu_heating, climbs(cpu_temperature, cpu_hot), levels(down, [warning-5], 15),
                [ for_s(60), clear_s(120), with(cpu_temperature, same, at_least, 70000) ]).
alert_condition(gpu_heating, climbs(gpu_temperature, gpu_hot), levels(down, [warning-5], 15),
                [ for_s(60), clear_s(120), with(gpu_temperature, same, at_least, 70000) ]).
alert_condition(cpu_throttling, of(cpu_throttles), levels(up, [warning-60], 0),
                [ for_s(60), clear_s(300) ]).
alert_condition(gpu_throttling, of(gpu_throttled), levels(up, [warning-1], 0),
                [ for_s(60), clear_s(300) ]).
alert_condition(fan_stopped, of(fan_speed), levels(down, [warning-0], 200),
                [ for_s(30), clear_s(60), armed ]).
%   disks
alert_condition(disk_full, of(disk_used_share), levels(up, [warning-900, critical-970], 880),
                [ for_s(60), clear_s(60), with(disk_free, same, at_most, 107374182400) ]).
alert_condition(inodes_short, of(inodes_used_share), levels(up, [warning-900, critical-980], 870),
                [ for_s(60), clear_s(60) ]).
alert_condition(disk_filling, runs_out(disk_free), levels(down, [warning-1440, critical-240], 2880),
                [ for_s(600), clear_s(1800), with(disk_used_share, same, at_least, 500) ]).
alert_condition(filesystem_readonly, of(filesystem_readonly), levels(up, [critical-1], 0),
                [ for_s(10), clear_s(60), armed ]).
alert_condition(filesystem_error, of(filesystem_error), levels(up, [critical-1], 0),
                [ for_s(60), clear_s(60) ]).
alert_condition(disk_failing, of(disk_healthy), levels(down, [critical-0], 1),
                [ for_s(0), clear_s(3600) ]).
alert_condition(disk_wearing, of(disk_reallocated), levels(up, [warning-10, critical-100], 5),
                [ for_s(0), clear_s(3600) ]).
alert_condition(raid_degraded, of(raid_missing), levels(up, [critical-1], 0),
                [ for_s(10), clear_s(60) ]).
alert_condition(pool_degraded, of(zpool_online), levels(down, [critical-0], 1),
                [ for_s(10), clear_s(60) ]).
alert_condition(io_stalled, of(io_pressure), levels(up, [warning-600, critical-900], 300),
                [ for_s(300), clear_s(120) ]).
%   memory
alert_condition(memory_short, of(memory_available_share),
                levels(down, [warning-80, critical-30], 120), [ for_s(60), clear_s(60) ]).
alert_condition(memory_leaking, runs_out(memory_available), levels(down, [warning-30], 120),
                [ for_s(300), clear_s(600), with(memory_available_share, same, at_most, 300) ]).
alert_condition(swap_storm, of(swap_in), levels(up, [warning-1000, critical-10000], 200),
                [ for_s(60), clear_s(120), with(swap_out, same, at_least, 500) ]).
alert_condition(oom_killed, of(oom_kills), levels(up, [warning-1], 0),
                [ hits(1, 60), clear_s(600) ]).
%   work
alert_condition(load_high, per(load_5, cpu_cores), levels(up, [warning-3000, critical-10000], 2000),
                [ for_s(300), clear_s(120) ]).
alert_condition(cpu_stolen, of(cpu_steal), levels(up, [warning-200], 100),
                [ for_s(300), clear_s(120) ]).
alert_condition(unit_failed, of(unit_failed), levels(up, [warning-1], 0),
                [ for_s(30), clear_s(30) ]).
alert_condition(files_short, of(files_open_share), levels(up, [warning-850, critical-950], 800),
                [ for_s(60), clear_s(60) ]).
%   the clock
alert_condition(clock_skewed, away(clock_ahead), levels(up, [warning-2000, critical-60000], 1000),
                [ for_s(60), clear_s(60) ]).
alert_condition(clock_adrift, of(clock_synchronised), levels(down, [warning-0], 1),
                [ for_s(900), clear_s(60), armed ]).
%   the network
alert_condition(network_errors, of(network_errors), levels(up, [warning-360, critical-36000], 60),
                [ hits(3, 300), clear_s(300) ]).
alert_condition(network_lost, of(network_carrier), levels(down, [warning-0], 1),
                [ for_s(20), clear_s(30), armed ]).
alert_condition(connections_short, of(conntrack_share),
                levels(up, [warning-800, critical-950], 700),
                [ for_s(60), clear_s(60) ]).
%   the backup: its timer runs every four hours
alert_condition(backup_old, of(backup_age), levels(up, [warning-21600, critical-43200], 18000),
                [ for_s(60), clear_s(60) ]).
alert_condition(backup_unknown, of(backup_known), levels(down, [warning-0], 1),
                [ for_s(120), clear_s(60) ]).
%   GPU and engines
alert_condition(gpu_lost, absence(gpu_temperature), levels(up, [critical-120], 30),
                [ for_s(0), clear_s(60), with(heard, whole, at_most, 60) ]).
alert_condition(gpu_full, of(gpu_memory_share), levels(up, [warning-980], 950),
                [ for_s(300), clear_s(60) ]).
alert_condition(engine_stuffed, of(engine_waiting), levels(up, [warning-8, critical-32], 2),
                [ for_s(60), clear_s(60) ]).

%!  watching(?Metric, ?Condition, -Why) is nondet.
%
%   A new value (Why: value) or a new point of its window (point) of Metric may change Condition.
%   A table, because this is asked at each reading that is news.

:- table watching/3 as incremental.

watching(Metric, Condition, Why) :-
    alert_condition(Condition, Measure, _, _),
    watched(Measure, Metric, Why).

watched(of(Metric), Metric, value).
watched(away(Metric), Metric, value).
watched(per(Metric, _), Metric, value).
watched(runs_out(Metric), Metric, point).
watched(climbs(Metric, _), Metric, point).

%!  condition_option(+Condition, ?Option, +Default) is det.

condition_option(Condition, Option, Default) :-
    (   alert_condition(Condition, _, _, Options),
        memberchk(Option, Options)
    ->  true
    ;   arg(1, Option, Default)
    ).

%!  levels_for(+Condition, +Node, -Levels) is semidet.
%
%   With what the owner said (a fact of the node before one of any), else by the rule.

levels_for(Condition, Node, levels(Direction, Raises, Clear)) :-
    own_levels(Condition, Node, levels(Direction, [Severity-Raise0|More0], Clear0)),
    (   said(Node, Condition, Raise, Clear)
    ->  true
    ;   Raise = Raise0,
        Clear = Clear0
    ),
    (   Severity == critical
    ->  ( said(Node, critical(Condition), Critical, _) -> Raises = [critical-Critical]
        ; Raises = [critical-Raise] )
    ;   (   said(Node, critical(Condition), Critical, _)
        ->  true
        ;   memberchk(critical-Critical, More0)
        )
    ->  farther(Direction, Raise, Critical, Far),
        Raises = [Severity-Raise, critical-Far]
    ;   Raises = [Severity-Raise]
    ).

said(Node, Condition, Raise, Clear) :-
    (   site:threshold(Node, Condition, Raise0, Clear0)
    ->  true
    ;   site:threshold(any, Condition, Raise0, Clear0)
    ),
    !,
    Raise = Raise0,
    Clear = Clear0.

%   More severe is never sooner.
farther(up, A, B, Far)   :- Far is max(A, B).
farther(down, A, B, Far) :- Far is min(A, B).

%   Nobody is silent before three rounds of the slowest of his sources, and a moment.
own_levels(node_silent, Node, levels(up, [warning-Raise, critical-Critical], Clear)) :-
    !,
    alert_condition(node_silent, _, levels(up, [_-Least, _-Most], Calm), _),
    findall(EveryS, site:sense_source(_, Node, _, _, EveryS), Rounds),
    max_list([0|Rounds], Slowest),
    Raise is max(Least, 3 * Slowest + 5),
    Critical is max(Most, 10 * Raise),
    Clear is max(Calm, 2 * Slowest).
own_levels(Condition, _, Levels) :-
    alert_condition(Condition, _, Levels, _),
    !.
