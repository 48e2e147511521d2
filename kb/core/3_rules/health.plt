%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(kb('2_seen/senses')).
:- use_module(kb('3_rules/health')).
:- use_module(kb('3_rules/thermal')).

:- begin_tests(health, [setup(no_alerts), cleanup(no_alerts)]).

no_alerts :- retractall(state:alert(_, _, _, _, _, _, _, _, _, _, _, _, _)).
fact(old(Short), Fact) => fact(Short, false, Fact).
fact(Short, Fact)      => fact(Short, true, Fact).
fact(Node/Metric/Part/Value, Fresh,
     obj([ "node"-Node, "metric"-Text, "part"-Part, "value"-Value, "at_ms"-1000, "slope"-null,
           "fresh"-Fresh ])) :-
    atom_string(Metric, Text).
:- meta_predicate seeing(+, 0).
seeing(Short, Goal) :-
    findall(Fact, ( member(One, Short), fact(One, Fact) ), Facts),
    seen:asking_at(1000, senses:from_look(Facts, Goal)).

test(ok, true(Health-Anomalies == ok-[])) :-
    seeing(["nas"/cpu_temperature/"a"/50000], node_health("nas", Health, Anomalies)).
test(degraded, true(Health-What == degraded-[warning/cpu_hot/"a"/none])) :-
    seeing(["nas"/cpu_temperature/"a"/90000], node_health("nas", Health, Anomalies)),
    findall(S/C/P/I, member(anomaly(S, C, P, _, I), Anomalies), What).
test(critical_comes_first,
     true(Health-What == critical-[critical/raid_degraded, warning/cpu_hot])) :-
    seeing(["nas"/cpu_temperature/"a"/90000, "nas"/raid_missing/"md0"/1],
           node_health("nas", Health, Anomalies)),
    findall(S/C, member(anomaly(S, C, _, _, _), Anomalies), What).
test(the_owners_threshold, true(Health == degraded)) :-
    seeing(["pve"/cpu_temperature/"a"/71000], node_health("pve", Health, _)).
test(unknown_without_a_fresh_reading,
     forall(member(Short, [ [], [old("nas"/cpu_temperature/"a"/90000)],
                            ["nas"/source_ok/"nas"/1] ])), true(Health == unknown)) :-
    seeing(Short, node_health("nas", Health, _)).
test(a_stranger, fail) :-
    seeing([], node_health("mars", _, _)).
test(an_open_alert_counts, [cleanup(no_alerts), true(Health-Alert == critical-7)]) :-
    assertz(state:alert(7, 7, fan_stopped, "nas", "f", critical, 1, 1, 1, "", [], 0, open)),
    seeing(["nas"/cpu_temperature/"a"/50000],
           node_health("nas", Health, [anomaly(_, fan_stopped, "f", [], Alert)])).
test(a_member_of_a_storm, [cleanup(no_alerts), true(Health == degraded)]) :-
    assertz(state:alert(7, 7, storm, "", "cpu_hot", warning, 1, 1, 1, "", ["nas"], 0, open)),
    seeing(["nas"/cpu_busy/""/5], node_health("nas", Health, _)).
test(full_only_with_little_left, true(A-B == ok-degraded)) :-
    seeing(["nas"/disk_used_share/"/"/950, "nas"/disk_free/"/"/900000000000],
           node_health("nas", A, _)),
    seeing(["nas"/disk_used_share/"/"/950, "nas"/disk_free/"/"/900000000],
           node_health("nas", B, _)).

:- end_tests(health).
