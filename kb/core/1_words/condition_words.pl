%   SPDX-License-Identifier: Apache-2.0

:- module(condition_words,
          [ condition/1,                % ?Condition
            condition_named/2,          % +Text, -Condition
            condition_words/2,          % ?Condition, -Words
            severity/2                  % ?Severity, ?Rank
          ]).

/** <module> What a rule can call wrong, and how badly */

%!  condition(?Condition) is nondet.

condition(Condition) :-
    condition_words(Condition, _).

%!  condition_named(+Text, -Condition) is semidet.
%
%   Makes no atom of foreign text.

condition_named(Text, Condition) :-
    string(Text),
    condition(Condition),
    atom_string(Condition, Text),
    !.

%!  condition_words(?Condition, -Words) is nondet.
%
%   As it stands in a sentence after the node: "nas is silent".

condition_words(node_silent,         "is silent").
condition_words(exporter_failing,    "has a source that fails").
condition_words(cpu_hot,             "has a hot processor").
condition_words(gpu_hot,             "has a hot GPU").
condition_words(disk_hot,            "has a hot disk").
condition_words(board_hot,           "has a hot board").
condition_words(cpu_throttling,      "slows its processor down because of heat").
condition_words(gpu_throttling,      "slows its GPU down because of heat").
condition_words(cpu_heating,         "will soon have a hot processor").
condition_words(gpu_heating,         "will soon have a hot GPU").
condition_words(fan_stopped,         "has a fan that stands still").
condition_words(disk_full,           "has a full file system").
condition_words(inodes_short,        "has a file system without room for more files").
condition_words(disk_filling,        "has a file system that fills up").
condition_words(filesystem_readonly, "has a file system that takes no writes").
condition_words(filesystem_error,    "has a file system that cannot be read").
condition_words(disk_failing,        "has a disk that calls itself failing").
condition_words(disk_wearing,        "has a disk with reallocated sectors").
condition_words(raid_degraded,       "has a RAID that lacks a disk").
condition_words(pool_degraded,       "has a ZFS pool that is not online").
condition_words(memory_short,        "is short of memory").
condition_words(memory_leaking,      "will be out of memory soon").
condition_words(swap_storm,          "swaps all the time").
condition_words(oom_killed,          "had to kill processes for memory").
condition_words(load_high,           "has more to do than it can").
condition_words(cpu_stolen,          "does not get the processor time that it was given").
condition_words(io_stalled,          "waits for its disks").
condition_words(clock_skewed,        "has a wrong clock").
condition_words(clock_adrift,        "does not synchronise its clock").
condition_words(unit_failed,         "has a service that failed").
condition_words(files_short,         "is short of file handles").
condition_words(network_errors,      "has network errors").
condition_words(network_lost,        "has a network card without a cable").
condition_words(connections_short,   "is short of room for tracked connections").
condition_words(gpu_lost,            "has lost a GPU").
condition_words(gpu_full,            "has a full GPU memory").
condition_words(engine_stuffed,      "has an engine with a long queue").
condition_words(backup_old,          "has no recent backup").
condition_words(backup_unknown,      "has a backup of which nothing is known").
condition_words(storm,               "stands for many nodes").

%!  severity(?Severity, ?Rank) is nondet.

severity(warning, 1).
severity(critical, 2).
