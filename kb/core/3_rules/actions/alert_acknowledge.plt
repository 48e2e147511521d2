%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module('../../../test/asking').
:- use_module('../../../test/machines', [with_state/2]).

:- begin_tests(alert_acknowledge).

me("loopback"/api).

open(alert(17, 17, cpu_hot, "tower", "", warning, 5, 5, 1, "tower is hot.", [], 0, open)).
over(alert(12, 14, disk_full, "nas", "/", warning, 1, 3, 1, "nas is full.", [], 3, clear)).

asked(Params, Verdict) :-
    me(By),
    open(Open),
    over(Over),
    with_state([Open, Over], judge(alert_acknowledge, Params, By, null, Verdict)).

test(an_open_one, Job == obj([hand-record, op-acknowledge, alert-17])) :-
    asked([alert=17], V),
    at(V, verdict, permit), at(V, tier, change),
    at(V, plan/job, Job).
test(with_words, Words == "the fan is on its way") :-
    asked([alert=17, words="the fan is on its way"], V),
    at(V, plan/job/words, Words).
test(one_that_is_over, Rules == [alert_is_cleared, granted]) :-
    asked([alert=12], V),
    rules(V, Rules).
test(one_that_there_is_none_of) :-
    asked([alert=18], V),
    rules(V, [unknown_alert, granted]),
    at(V, words, Words),
    sub_string(Words, _, _, _, "There is no alert 18."),
    !.
test(no_number, [forall(member(Raw, [0, -1, "17", 1.5, null, 99999999999999999999])),
                 Code == bad_value]) :-
    asked([alert=Raw], V),
    at(V, error/code, Code).
test(a_model_may_not_do_it_freely, Kind == needs_consent) :-
    open(Open),
    with_state([Open], judge(alert_acknowledge, [alert=17], "loopback"/model, null, V)),
    at(V, verdict, Kind).
test(a_guest_may_not, Kind == deny) :-
    judge(alert_acknowledge, [alert=17], "uid:1"/api, null, V),
    at(V, verdict, Kind).

:- end_tests(alert_acknowledge).
