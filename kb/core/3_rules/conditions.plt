%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(library(lists)).
:- use_module(kb('1_words/condition_words')).
:- use_module(kb('1_words/metric_words')).
:- use_module(kb('3_rules/conditions')).

:- begin_tests(conditions).

test(one_row_and_words_each, Rows == Worded) :-
    findall(Condition, alert_condition(Condition, _, _, _), Rows0),
    msort(Rows0, Rows),
    findall(Condition, ( condition(Condition), Condition \== storm ), Worded0),
    sort(Worded0, Worded).
test(of_known_metrics, [forall(alert_condition(_, Measure, _, Options)), nondet]) :-
    \+ ( measures(Measure, Metric), \+ metric(Metric, _, _, _, _) ),
    \+ ( member(with(Metric, Of, At, Limit), Options),
         \+ ( ( metric(Metric, _, _, _, _) ; memberchk(Metric, [heard, others]) ),
              memberchk(Of, [same, whole]), memberchk(At, [at_least, at_most]),
              integer(Limit) ) ).
test(whoever_needs_a_slope_has_a_window,
     [forall(( alert_condition(_, Measure, _, _),
               ( Measure = runs_out(Metric) ; Measure = climbs(Metric, _) ) )), nondet]) :-
    trend_metric(Metric, _, _).
test(clear_is_on_the_other_side_of_raise, [forall(alert_condition(_, _, Levels, _)), nondet]) :-
    Levels = levels(Direction, Raises, Clear),
    findall(Raise, member(_-Raise, Raises), Limits),
    (   Direction == up
    ->  msort(Limits, Limits),
        \+ ( member(Limit, Limits), Limit =< Clear )
    ;   sort(0, @>=, Limits, Limits),
        \+ ( member(Limit, Limits), Limit >= Clear )
    ),
    findall(Rank, ( member(Severity-_, Raises), severity(Severity, Rank) ), Ranks),
    sort(Ranks, Ranks).
test(watching, Conditions == [cpu_hot]-[cpu_heating]) :-
    findall(Condition, watching(cpu_temperature, Condition, value), Values),
    findall(Condition, watching(cpu_temperature, Condition, point), Points),
    Conditions = Values-Points.
test(nobody_watches_the_uptime, fail) :-
    watching(uptime, _, _).
test(the_rules_levels, Levels == levels(up, [warning-85000, critical-95000], 80000)) :-
    levels_for(cpu_hot, "nas", Levels).
test(the_owners, Levels == levels(up, [warning-70000, critical-95000], 65000)) :-
    levels_for(cpu_hot, "pve", Levels).
test(the_owners_critical, Levels == levels(up, [warning-65000, critical-72000], 60000)) :-
    levels_for(disk_hot, "nas", Levels).
test(silence_by_the_slowest_source, Levels == [ levels(up, [warning-60, critical-600], 20),
                                               levels(up, [warning-185, critical-1850], 120) ]) :-
    findall(Of, ( member(Node, ["nas", "pve"]), levels_for(node_silent, Node, Of) ), Levels).
test(a_backup_is_old_after_six_hours_and_badly_so_after_twelve,
     Levels == levels(up, [warning-21600, critical-43200], 18000)) :-
    levels_for(backup_old, "nas", Levels).
test(no_levels_of_a_stranger, fail) :-
    levels_for(fridge_open, "nas", _).
test(options, For-Clear-Default == 20-60-30) :-
    condition_option(cpu_hot, for_s(For), 30),
    condition_option(cpu_hot, clear_s(Clear), 9),
    condition_option(exporter_failing, for_s(Default), 30).

measures(Measure, Metric) :-
    memberchk(Measure, [ of(Metric), away(Metric), runs_out(Metric), climbs(Metric, _),
                         absence(Metric) ]).
measures(per(A, B), Metric) :- member(Metric, [A, B]).

:- end_tests(conditions).
