%   SPDX-License-Identifier: Apache-2.0

:- use_module('../../test/asking').

:- begin_tests(learn_door, [setup(empty), cleanup(empty)]).

empty :-
    retractall(state:change(_, _, _, _, _, _)),
    retractall(state:zone(_, _)),
    retractall(state:host_tried(_, _, _)).
query(Name, Args, Answers) :-
    door_query:query(obj(["query"-Name, "args"-obj(Args)]), Out),
    (   at(Out, answers, Found) -> Answers = Found ; at(Out, error/code, Answers) ).
learn(Seq, Action, Params, Changed) :-
    door_learn:learn(obj([ "kind"-"case_executed", "case"-"01C", "seq"-Seq,
        "at"-"2026-01-01T00:00:00.000Z",
                           "body"-obj(["result"-obj([]), "undo"-null, "action"-Action,
                               "params"-obj(Params),
                                       "by"-obj(["principal"-"loopback", "via"-"api"])]) ]), Out),
    (   at(Out, changed, C) -> Changed = C ; at(Out, error/code, Changed) ).

test(learning_twice_is_learning_once, [setup(empty), true([A, B] == [true, false])]) :-
    learn(5, "dns_record_add", ["name"-"a.local"], A),
    learn(5, "dns_record_add", ["name"-"a.local"], B).
test(a_created_zone_is_ours, [setup(empty), true(Zone == ["lab.home.arpa"])]) :-
    learn(6, "dns_zone_create", ["name"-"lab.home.arpa", "server"-"home"], true),
    query("zone_of", ["name"-"x.lab.home.arpa"], Zone).
test(other_entries_teach_nothing, [setup(empty), true(Changed == false)]) :-
    door_learn:learn(obj(["kind"-"case_opened", "case"-"c", "seq"-1, "at"-"", "body"-obj([])]),
        Out),
    at(Out, changed, Changed).
test(a_crooked_entry_is_refused, [setup(empty), true(Code == missing_field)]) :-
    door_learn:learn(obj(["kind"-"case_executed", "case"-"c", "seq"-1, "at"-"", "body"-obj([])]),
        Out),
    at(Out, error/code, Code).

%   a wake that failed
failed(Seq, At, Changed, Deed, Learned) :-
    door_learn:learn(obj([ "kind"-"case_failed", "case"-"01C", "seq"-Seq, "at"-At,
                           "body"-obj([ "error"-obj(["message"-"m"]), "changed"-Changed|Deed ]) ]),
                     Out),
    (   at(Out, changed, C) -> Learned = C ; at(Out, error/code, Learned) ).
wake(Host, [ "action"-"host_wake", "params"-obj(["host"-Host]),
             "by"-obj(["principal"-"node:gateway", "via"-"rule"]) ]).
tried(Host, Seq, At, Learned) :-
    wake(Host, Deed),
    failed(Seq, At, "unknown", Deed, Learned).

test(a_wake_that_failed_was_tried, [setup(empty), true(Tries == [9/1767225605000])]) :-
    tried("tower", 9, "2026-01-01T00:00:05.000Z", true),
    findall(Seq/At, state:host_tried(tower, Seq, At), Tries).
test(a_try_is_learned_once, [setup(empty), true([A, B] == [true, false])]) :-
    tried("tower", 9, "2026-01-01T00:00:05.000Z", A),
    tried("tower", 9, "2026-01-01T00:00:05.000Z", B).
test(a_try_has_a_number, [setup(empty), true(Known == 9)]) :-
    learn(5, "dns_record_add", ["name"-"a.local"], true),
    tried("tower", 9, "2026-01-01T00:00:05.000Z", true),
    state:learned_until(Known).
test(a_try_is_no_change_that_could_be_undone, [setup(empty), true(Changes == [])]) :-
    tried("tower", 9, "2026-01-01T00:00:05.000Z", true),
    state:newest_changes(Changes).
test(an_hour_later_it_is_forgotten_and_stays_so,
     [setup(empty), true(Seqs-Again == [12]-false)]) :-
    tried("tower", 9, "2026-01-01T00:00:05.000Z", true),
    tried("tower", 12, "2026-01-01T01:00:05.000Z", true),
    findall(Seq, state:host_tried(tower, Seq, _), Seqs),
    tried("tower", 9, "2026-01-01T00:00:05.000Z", Again).
test(the_newest_sixty_four_tries_stay, [setup(empty), true(Count/Least/Again == 64/7/false)]) :-
    forall(between(1, 70, Seq), tried("tower", Seq, "2026-01-01T00:00:05.000Z", true)),
    findall(Seq, state:host_tried(tower, Seq, _), Seqs),
    length(Seqs, Count),
    min_list(Seqs, Least),
    tried("tower", 6, "2026-01-01T00:00:05.000Z", Again).
test(what_changed_nothing_was_no_try, [setup(empty), true(Learned == false)]) :-
    wake("tower", Deed),
    failed(9, "2026-01-01T00:00:05.000Z", "no", Deed, Learned).
test(other_failures_teach_nothing,
     [setup(empty), forall(member(Deed, [ [], [ "action"-"dns_record_add",
                                                "params"-obj(["host"-"tower"]), "by"-obj([]) ] ])),
      true(Learned == false)]) :-
    failed(9, "2026-01-01T00:00:05.000Z", "unknown", Deed, Learned).
test(a_stranger_was_not_tried, [setup(empty), true(Learned == false)]) :-
    tried("mars", 9, "2026-01-01T00:00:05.000Z", Learned).
test(a_crooked_failure_is_refused, [setup(empty), true(Code == missing_field)]) :-
    door_learn:learn(obj(["kind"-"case_failed", "case"-"c", "seq"-1, "at"-"", "body"-obj([])]),
        Out),
    at(Out, error/code, Code).

%   Alerts; their entries are in 2_seen/alert_entries.plt.
learn_alert(Kind, Seq, Body, Changed) :-
    door_learn:learn(obj([ "kind"-Kind, "case"-"", "seq"-Seq, "at"-"2026-01-01T00:00:00.000Z",
                           "body"-obj(Body) ]), Out),
    at(Out, changed, Changed).
no_alerts :-
    retractall(state:alert(_, _, _, _, _, _, _, _, _, _, _, _, _)),
    retractall(state:acknowledged(_, _, _, _, _)),
    retractall(state:runbook(_, _, _, _)).
test(an_alert_and_its_acknowledgement,
     [ setup(no_alerts), cleanup(no_alerts),
       true(Changed-Until == [true, true, true, true, false]-24) ]) :-
    learn_alert("alert_raised", 21, [ "condition"-"cpu_hot", "node"-"nas", "part"-"",
                                      "severity"-"warning", "words"-"w" ], A),
    learn_alert("alert_changed", 22, ["alert"-21, "severity"-"critical", "words"-"v"], B),
    learn_alert("case_executed", 23, [ "action"-"alert_acknowledge", "undo"-null, "result"-null,
                                       "params"-obj(["alert"-21, "words"-"mine"]),
                                       "by"-obj(["principal"-"user:ana", "via"-"api"]) ], C),
    alerts:alert_acknowledged(21, "user:ana", "mine", _),
    learn_alert("alert_cleared", 24, ["alert"-21, "words"-"v", "why"-"clear"], D),
    learn_alert("alert_cleared", 24, ["alert"-21, "words"-"v", "why"-"clear"], E),
    Changed = [A, B, C, D, E],
    state:learned_until(Until0),
    Until is min(Until0, 24).

:- end_tests(learn_door).
