%   SPDX-License-Identifier: Apache-2.0

:- use_module(kb('3_rules/notify')).
:- use_module('../../test/other_sites').

:- begin_tests(notify).

entry(Kind, Body, obj(["seq"-7, "kind"-Kind, "case"-"", "at"-"2026-11-21T08:00:00.000Z",
                       "body"-obj(Body)])).

topic(Kind, Body, Case, NowMs, What-About) :-
    entry(Kind, Body, Entry),
    notice_topic(Entry, Case, NowMs, What, obj(About)).

now_ms(1795250034449).                  %   2026-11-21T08:33:54

test(a_case_that_waits, Topic == consent-[what-consent, case-"C"]) :-
    topic("case_planned", [], obj(["id"-"C", "status"-"awaiting_consent"]), 0, Topic).
test(one_that_waits_no_more, [forall(member(Status, ["success", "refused", "working", "failed"])),
                              fail]) :-
    topic("case_planned", [], obj(["id"-"C", "status"-Status]), 0, _).
test(a_case_without_an_id, [fail]) :-
    topic("case_planned", [], obj(["status"-"awaiting_consent"]), 0, _).
test(a_failure, Topic == case_failed-[what-case_failed, case-"C"]) :-
    now_ms(NowMs),
    topic("case_failed", [], obj(["id"-"C"]), NowMs, Topic).
test(an_old_failure, [fail]) :-
    now_ms(NowMs0),
    NowMs is NowMs0 + 3600000,
    topic("case_failed", [], obj(["id"-"C"]), NowMs, _).
test(a_failure_of_no_known_case, [fail]) :-
    now_ms(NowMs),
    topic("case_failed", [], null, NowMs, _).
test(alerts_by_severity, [forall(member(Severity-What, [ "critical"-alert_critical,
                                                         "warning"-alert_warning ])),
                          true(Topic == What-[what-What, alert-7])]) :-
    topic("alert_raised", ["severity"-Severity], null, 0, Topic).
test(one_that_became_worse_is_the_same_alert,
     Topic == alert_critical-[what-alert_critical, alert-3]) :-
    topic("alert_changed", ["severity"-"critical", "alert"-3], null, 0, Topic).
test(a_strange_severity, [fail]) :-
    topic("alert_raised", ["severity"-"fatal"], null, 0, _).
test(an_alert_that_is_over, [fail]) :-
    topic("alert_cleared", ["severity"-"critical", "alert"-3], null, 0, _).
test(the_node, [forall(member(Kind, ["kb_loaded", "kb_refused"])),
                true(Topic == node-[what-node, seq-7])]) :-
    now_ms(NowMs),
    topic(Kind, [], null, NowMs, Topic).
test(a_start_of_yesterday, [fail]) :-
    now_ms(NowMs0),
    NowMs is NowMs0 + 86400000,
    topic("kb_loaded", [], null, NowMs, _).
test(what_nobody_is_told, [forall(member(Kind, [ "notification_sent", "notification_failed",
                                                 "case_opened", "case_executed", "warrant_issued",
                                                 "runbook_generated", "stranger", "" ])), fail]) :-
    now_ms(NowMs),
    topic(Kind, ["severity"-"critical", "alert"-3], obj(["id"-"C", "status"-"awaiting_consent"]),
          NowMs, _).

test(each_channel_once, Targets == [ target(office, slack, "https://hooks.example/T0/B0"),
                                     target(phone, ntfy, "secret:notify/phone") ]) :-
    notice_targets(consent, Targets).
test(only_who_subscribed, Targets == [target(phone, ntfy, "secret:notify/phone")]) :-
    notice_targets(alert_critical, Targets).
test(nobody, [forall(member(What, [alert_warning, stranger])), true(Targets == [])]) :-
    notice_targets(What, Targets).
test(a_channel_by_name, Kind == ntfy) :-
    notice_channel("phone", target(phone, Kind, _)).
test(a_strange_channel, throws(refused(unknown_channel, channel, Words))) :-
    Words = "there is no channel 'mars'; there are: log, office, phone",
    notice_channel("mars", _).
test(what_each_is_told, Channels == [
         channel(log, webhook, "http://127.0.0.1:9000/in", [node]),
         channel(office, slack, "https://hooks.example/T0/B0", [case_failed, consent]),
         channel(phone, ntfy, "secret:notify/phone", [alert_critical, consent]) ]) :-
    notice_channels(Channels).
test(at_most_so_many_channels) :-
    many(17, Facts),
    faults_of(notify:notice_channels, Facts, Text),
    sub_string(Text, _, _, _, "channel(c24,"),
    \+ sub_string(Text, _, _, _, "channel(c25,"),
    !.

many(Count, Facts) :-
    findall(Fact, ( between(1, Count, I), N is I + 8,
                    format(string(Fact), "notify_channel(c~|~`0t~d~2+, webhook, \"http://a/\"). ",
                           [N]) ),
            Each),
    atomic_list_concat(Each, Atom),
    atom_string(Atom, Facts).

test(the_first_origin_is_the_link, Link == "https://node.test:30443/#/cases/C") :-
    page_link("#/cases/C", Link).

test(this_house_has_no_fault, Faults == []) :-
    findall(Fault, notify_fault(Fault), Faults).
test(a_channel_that_nobody_declared,
     Text == "notify_about ghost, consent names a channel that no notify_channel declares\n") :-
    faults_of(notify:notify_fault, "notify_about(ghost, consent). ", Text).
test(a_channel_twice, Text == "notify_channel a is declared twice\n") :-
    faults_of(notify:notify_fault, "notify_channel(a, slack, \"http://a/\"). \c
                                    notify_channel(a, ntfy, \"http://b/\"). ", Text).
test(too_many_channels, Text == "there are 17 channels of notifications; 16 are used\n") :-
    many(17, Facts),
    faults_of(notify:notify_fault, Facts, Text).
test(as_many_as_are_used, Text == "") :-
    many(16, Facts),
    faults_of(notify:notify_fault, Facts, Text).

:- end_tests(notify).
