%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(kb('3_rules/conditions')).
:- use_module(kb('4_say/alerts')).

:- begin_tests(say_alerts).

words(Move, Condition, Part, Severity, Used, Words) :-
    levels_for(Condition, "nas", Levels),
    move_words(Move, Condition/"nas"/Part, Severity, Levels, Used,
               st(raised, Severity, 1, 1, 3, 0, 0, []), Words).

test(raised, Words == "warning: nas has a hot processor (c/1): 90.0 °C (warning from 85.0 °C).") :-
    words(raise, cpu_hot, "c/1", warning, [used(cpu_temperature, "c/1", 90000, 1, null)], Words).
test(below, Words == "critical: nas is short of memory: 2.0 % (critical from 3.0 % down).") :-
    Used = [used(memory_available_share, "", 20, 1, null)],
    words(worse, memory_short, "", critical, Used, Words).
test(silent, Words == "warning: nas is silent: not heard for 75 s.") :-
    words(raise, node_silent, "", warning, [used(heard, "", 75, 1, null)], Words).
test(yes_and_no_have_no_number,
     Words == "critical: nas has a file system that takes no writes (/).") :-
    words(raise, filesystem_readonly, "/", critical, [used(filesystem_readonly, "/", 1, 1, null)],
          Words).
test(again, Words == "warning: nas has a hot processor: 90.0 °C; 3 times by now.") :-
    words(again, cpu_hot, "", warning, [used(cpu_temperature, "", 90000, 1, null)], Words).
test(over, Words == "over: nas has a hot processor: 70.0 °C.") :-
    words(clear, cpu_hot, "", warning, [used(cpu_temperature, "", 70000, 1, null)], Words).
test(every_condition_has_words_without_a_reading,
     [forall(alert_condition(Condition, _, _, _)), nondet]) :-
    words(raise, Condition, "x", warning, [], Words),
    string(Words).
test(gone, Words == "over: nas has a hot disk (sda); nothing was told of this part for a day.") :-
    gone_words(part, disk_hot/"nas"/"sda", Words).
test(storm,
     Words == "warning storm: 10 nodes, each is silent: a, b, c, d, e, f, g, h and 2 more.") :-
    storm_words(raise, node_silent-1, warning,
                ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"], Words).
test(storm_of_others,
     Words == "over: the storm (with conditions of several kinds) has no member left.") :-
    storm_words(clear, others-2, warning, [], Words).

:- end_tests(say_alerts).
