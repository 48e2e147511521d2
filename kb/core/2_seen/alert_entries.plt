%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(kb('2_seen/alerts')).
:- use_module(kb('2_seen/alert_entries')).
:- use_module(kb('2_seen/standings')).

:- begin_tests(alert_entries, [setup(none), cleanup(none)]).

none :-
    forget_standings,
    retractall(state:alert(_, _, _, _, _, _, _, _, _, _, _, _, _)),
    retractall(state:acknowledged(_, _, _, _, _)),
    retractall(state:runbook(_, _, _, _)).
at("1970-01-01T00:00:05.000Z").
learn(Kind, Seq, Pairs, Changed) :-
    at(At),
    learn_alert(Kind, Seq, At, obj(Pairs), Changed).
raised(Condition, Pairs, [ "condition"-Condition, "node"-"nas", "part"-"", "severity"-"warning",
                           "words"-"w", "answer"-null |Pairs]).

test(raised_and_cleared, [setup(none), true(Past == past(warning, 5000, 5000, gone))]) :-
    raised("cpu_hot", [], Body),
    learn("alert_raised", 7, Body, true),
    alert_open(7, cpu_hot, "nas", "", warning, 5000, 1, []),
    learn("alert_cleared", 8, ["alert"-7, "words"-"x", "why"-"gone"], true),
    alert_past(7, _, _, _, Severity, Raised, Cleared, Why),
    Past = past(Severity, Raised, Cleared, Why).
test(a_storm, [setup(none), true(Members == ["a", "b", "c"])]) :-
    learn("alert_raised", 7, [ "condition"-"storm", "node"-"", "part"-"cpu_hot",
                               "severity"-"critical", "words"-"w", "members"-["a", "b"] ], true),
    learn("alert_changed", 9, [ "alert"-7, "severity"-"critical", "words"-"w", "count"-3,
                                "members"-["a", "b", "c"] ], true),
    alert_open(7, storm, "", "cpu_hot", critical, _, 3, Members).
test(older_rules_words, [setup(none), true(Condition == unknown)]) :-
    raised("fridge_open", [], Body),
    learn("alert_raised", 7, Body, true),
    alert_open(7, Condition, "nas", "", _, _, _, _).
test(no_whole_entry, [setup(none), forall(member(Kind, ["alert_raised", "alert_changed",
        "alert_cleared", "runbook_generated", "runbook_failed"])), true(Changed == false)]) :-
    learn(Kind, 7, ["alert"-"seven"], Changed).
test(not_about_alerts, fail) :-
    learn("case_executed", 7, [], _).
test(runbooks, [setup(none), true(Failure == "engine_away")]) :-
    raised("cpu_hot", [], Body),
    learn("alert_raised", 7, Body, true),
    learn("runbook_generated", 8, ["alert"-7], true),
    alert_runbook(7, 8, 5000, ""),
    learn("runbook_failed", 9, ["alert"-7, "code"-"engine_away"], true),
    alert_runbook(7, 9, _, Failure).
test(acknowledged, [setup(none), forall(member(Id, [7, "7"])), true(Status == acknowledged)]) :-
    raised("cpu_hot", [], Body),
    learn("alert_raised", 7, Body, true),
    at(At),
    learn_acknowledged(8, At, obj(["alert"-Id, "words"-"mine"]), "user:ana", true),
    alert_acknowledged(7, "user:ana", "mine", 5000),
    alert_status(7, Status).
test(a_strangers_acknowledgement, [setup(none), true(Changed == false)]) :-
    at(At),
    learn_acknowledged(8, At, obj(["alert"-"x7"]), "user:ana", Changed),
    learn_acknowledged(8, At, obj(["alert"-77]), "user:ana", Changed).
test(a_pending_standing_gets_its_alert, [setup(none), true(Owner == alert(7))]) :-
    State = st(raised, warning, 1, 1, 1, 0, 0, []),
    stand(cpu_hot, "nas", "", State, pending),
    raised("cpu_hot", [], Body),
    learn("alert_raised", 7, Body, true),
    standing(cpu_hot, "nas", "", State, Owner).

:- end_tests(alert_entries).
