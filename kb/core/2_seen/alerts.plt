%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(library(lists)).
:- use_module(kb('2_seen/alerts')).

:- begin_tests(alerts_seen, [setup(none), cleanup(none)]).

none :-
    retractall(state:alert(_, _, _, _, _, _, _, _, _, _, _, _, _)),
    retractall(state:acknowledged(_, _, _, _, _)),
    retractall(state:runbook(_, _, _, _)).
raised(Seq, Changed) :-
    remember_alert(raised(Seq, 1000, cpu_hot, "nas", "", warning, "hot", []), Changed).

test(a_life, [setup(none), true(Status-Id == [raised, raised, acknowledged, cleared]-5)]) :-
    raised(5, true),
    alert_status(5, One),
    remember_alert(changed(5, 6, 2000, critical, "hotter", 2, same), true),
    alert_status(5, Two),
    alert_open(Id, cpu_hot, "nas", "", critical, 1000, 2, []),
    remember_alert(acknowledged(5, 7, 2500, "user:ana", "on it"), true),
    alert_status(5, Three),
    alert_acknowledged(5, "user:ana", "on it", 2500),
    remember_alert(runbook(5, 8, 2600, ""), true),
    alert_runbook(5, 8, 2600, ""),
    remember_alert(cleared(5, 9, 3000, "cool", clear), true),
    alert_status(5, Four),
    alert_past(5, cpu_hot, "nas", "", critical, 1000, 3000, clear),
    alert_words(5, "cool"),
    alerts_until(9),
    Status = [One, Two, Three, Four].
test(again_is_nothing_new, [setup(none), true(Changed == [false, false, false, false, false])]) :-
    raised(5, true),
    remember_alert(changed(5, 6, 2000, critical, "hotter", 2, same), true),
    remember_alert(acknowledged(5, 7, 2500, "a", ""), true),
    remember_alert(runbook(5, 8, 2600, ""), true),
    remember_alert(cleared(5, 9, 3000, "cool", clear), true),
    raised(5, A),
    remember_alert(changed(5, 6, 2000, critical, "hotter", 2, same), B),
    remember_alert(acknowledged(5, 7, 2500, "a", ""), C),
    remember_alert(runbook(5, 8, 2600, ""), D),
    remember_alert(cleared(5, 9, 3000, "cool", clear), E),
    Changed = [A, B, C, D, E].
test(nothing_of_a_stranger, [setup(none),
        forall(member(Entry, [ changed(7, 8, 1, critical, "", 1, same), cleared(7, 8, 1, "", clear),
                               acknowledged(7, 8, 1, "a", ""), runbook(7, 8, 1, "") ])),
        true(Changed == false)]) :-
    remember_alert(Entry, Changed).
test(open_ones_are_never_forgotten, [setup(none), true(Open-Past == 3-500)]) :-
    forall(between(1, 3, Seq), raised(Seq, true)),
    forall(between(1, 510, I),
           ( Seq is 10 * I, End is Seq + 1,
             raised(Seq, true), remember_alert(cleared(Seq, End, 2, "", gone), true) )),
    aggregate_all(count, alert_open(_, _, _, _, _, _, _, _), Open),
    aggregate_all(count, alert_past(_, _, _, _, _, _, _, _), Past),
    \+ alert_known(100),
    alert_known(110).
test(the_newest_first, [setup(none), true(All-Open-Old == [3, 2, 1]-[3, 1]-[1])]) :-
    forall(between(1, 3, Seq), raised(Seq, true)),
    remember_alert(cleared(2, 9, 2, "", clear), true),
    newest_alerts(all, 0, 10, All),
    newest_alerts(open, 0, 10, Open),
    newest_alerts(raised, 3, 10, Old).

test(what_became_worse_is_not_acknowledged, [setup(none),
        true(Statuses == [acknowledged, raised, raised, acknowledged, acknowledged])]) :-
    raised(5, true),
    remember_alert(acknowledged(5, 6, 2000, "user:ana", "on it"), true),
    remember_alert(changed(5, 7, 2500, warning, "hot again", 2, same), true),
    alert_status(5, One),
    remember_alert(changed(5, 8, 3000, critical, "hotter", 2, same), true),
    alert_status(5, Two),
    \+ alert_acknowledged(5, _, _, _),
    remember_alert(acknowledged(5, 6, 2000, "user:ana", "on it"), false),
    alert_status(5, Three),
    remember_alert(acknowledged(5, 9, 3500, "user:bob", ""), true),
    alert_acknowledged(5, "user:bob", "", 3500),
    alert_status(5, Four),
    remember_alert(changed(5, 10, 4000, warning, "less", 2, same), true),
    alert_status(5, Five),
    Statuses = [One, Two, Three, Four, Five].
test(worse_before_anybody_saw_it, [setup(none), true(Until == 6)]) :-
    raised(5, true),
    remember_alert(changed(5, 6, 2000, critical, "hotter", 2, same), true),
    \+ state:acknowledged(5, _, _, _, _),
    alerts_until(Until).
test(no_words_keep_those_before, [setup(none), true(Last-Words == "user:ana"-["on it", "mine"])]) :-
    raised(5, true),
    remember_alert(acknowledged(5, 6, 2000, "user:ana", "on it"), true),
    remember_alert(acknowledged(5, 7, 2500, "user:bob", ""), true),
    alert_acknowledged(5, "user:bob", One, 2500),
    remember_alert(acknowledged(5, 8, 3000, "user:ana", "mine"), true),
    alert_acknowledged(5, Last, Two, 3000),
    Words = [One, Two].

:- end_tests(alerts_seen).
