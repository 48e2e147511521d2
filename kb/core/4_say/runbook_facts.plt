%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(lists), [member/2, memberchk/2]).
:- use_module(kb('2_seen/alerts'), [remember_alert/2]).
:- use_module(kb('2_seen/senses'), [begin_observing/2, forget_senses/0, take_row/3]).
:- use_module(kb('4_say/runbook_facts')).

:- begin_tests(runbook_facts, [setup(nothing), cleanup(nothing)]).

now(1795228235550).

nothing :-
    forget_senses,
    retractall(state:alert(_, _, _, _, _, _, _, _, _, _, _, _, _)),
    retractall(state:acknowledged(_, _, _, _, _)),
    retractall(state:runbook(_, _, _, _)).

started :-
    nothing,
    now(Now),
    begin_observing(Now, _).

raised(Id, Condition, Node, Part, Severity) :-
    AtMs is 1795220000000 + Id * 1000,
    remember_alert(raised(Id, AtMs, Condition, Node, Part, Severity, "words", []), true).

cleared(Id, Note) :-
    ( Note == "" -> true ; AckSeq is Id + 100,
      remember_alert(acknowledged(Id, AckSeq, 5, "user:ana", Note), true) ),
    Seq is Id + 200,
    AtMs is 1795220500000 + Id * 1000,
    remember_alert(cleared(Id, Seq, AtMs, "well", clear), true).

told(Node, Metric, Part, Value, AgoMs) :-
    now(Now),
    AtMs is Now - AgoMs,
    take_row([Node, Metric, Part, Value, AtMs], Now, _).

facts(Id, Alert, Facts) :-
    now(Now),
    runbook_facts(Id, Now, Alert, Facts).

test(no_such_alert, [setup(started), fail]) :-
    facts(5, _, _).
test(an_alert_that_is_over, [setup(started), fail]) :-
    raised(5, cpu_hot, "nas", "", warning),
    cleared(5, ""),
    facts(5, _, _).
test(what_is_known_of_the_machine, [setup(started),
        true(Alert-Machine-Note == alert(5, cpu_hot, "pve", "cpu", critical, 1795220005000, 1, [])
                                   -machine("pve", [gpu_server, hypervisor], 16, 65536)
                                   -said(note, "pve", "Proxmox"))]) :-
    raised(5, cpu_hot, "pve", "cpu", critical),
    facts(5, Alert, Facts),
    memberchk(machine(A, B, C, D), Facts),
    Machine = machine(A, B, C, D),
    memberchk(said(E, F, G), Facts),
    Note = said(E, F, G).
test(fresh_readings_in_the_order_of_the_vocabulary, [setup(started),
        true(Readings == [cpu_busy-"", disk_free-"/", disk_free-"/srv"])]) :-
    raised(5, disk_full, "nas", "/", warning),
    told("nas", "disk_free", "/srv", 5, 0),
    told("nas", "disk_free", "/", 7, 1000),
    told("nas", "cpu_busy", "", 35, 0),
    told("nas", "load_1", "", 35, 600000),
    told("pve", "cpu_busy", "", 35, 0),
    facts(5, _, Facts),
    findall(Metric-Part, member(reading("nas", Metric, Part, _, _), Facts), Readings),
    \+ memberchk(reading("pve", _, _, _, _), Facts).
test(what_else_is_wrong_there, [setup(started), true(Ids == [8, 7])]) :-
    raised(5, disk_full, "nas", "/", warning),
    raised(6, cpu_hot, "pve", "", critical),
    raised(7, fan_stopped, "nas", "", warning),
    raised(8, cpu_hot, "nas", "", critical),
    facts(5, _, Facts),
    findall(Id, member(anomaly(Id, _, _, _, _, _), Facts), Ids).
test(three_that_were_alike_the_nearest_first, [setup(started),
        true(Past == [9-"", 3-"emptied the bin", 8-""])]) :-
    raised(2, disk_full, "pve", "/", warning), cleared(2, ""),
    raised(3, disk_full, "nas", "/", warning), cleared(3, "emptied the bin"),
    raised(4, cpu_hot, "nas", "", warning), cleared(4, ""),
    raised(8, disk_full, "nas", "/srv", warning), cleared(8, ""),
    raised(9, disk_full, "nas", "/", warning), cleared(9, ""),
    raised(10, disk_full, "nas", "/", warning),
    facts(10, _, Facts),
    findall(Id-Note, member(past(Id, _, _, _, _, _, _, clear, Note), Facts), Past).
test(how_a_number_went, [setup(started), true(Values == [60000, 65000, 70000])]) :-
    raised(5, cpu_hot, "nas", "c", warning),
    told("nas", "cpu_temperature", "c", 60000, 60000),
    told("nas", "cpu_temperature", "c", 65000, 30000),
    told("nas", "cpu_temperature", "c", 70000, 0),
    facts(5, _, Facts),
    memberchk(trend("nas", cpu_temperature, "c", Points), Facts),
    findall(Value, member(_-Value, Points), Values).

:- end_tests(runbook_facts).
