%   SPDX-License-Identifier: Apache-2.0

:- use_module('../../../test/asking').
:- use_module('../../../test/machines').

:- begin_tests(host_wake, [setup(nothing_learned), cleanup(nothing_learned)]).

me("loopback"/api).
node("node:gateway"/rule).

%   2026-01-01 12:00 UTC; 13:00 in this house.
noon(1767268800000).

wake(Host, By, State, Verdict) :-
    noon(Now),
    wake_at(Now, Host, By, State, Verdict).
wake_at(Now, Host, By, State, Verdict) :-
    with_state(State, judge_at(Now, host_wake, [host=Host], By, null, Verdict)).

first(Verdict, Kind-First) :-
    at(Verdict, verdict, Kind),
    rules(Verdict, [First|_]).

test(a_person_may, Kind-Op == permit-wake) :-
    me(By), wake("tower", By, [], V), at(V, verdict, Kind), at(V, plan/job/op, Op).
test(the_node_may, Kind == permit) :-
    node(By), wake("tower", By, [], V), at(V, verdict, Kind).
test(a_stranger_may_not, Rules == [no_role]) :-
    wake("tower", "mallory"/api, [], V), rules(V, Rules).
test(a_guest_may_not, Rules == [no_grant]) :-
    wake("tower", "token:probe"/api, [], V), rules(V, Rules).
test(another_node_is_a_stranger, Rules == [no_role]) :-
    wake("tower", "node:evil"/rule, [], V), rules(V, Rules).
test(a_model_needs_a_signature, Kind-Tier == needs_consent-risky) :-
    wake("tower", "loopback"/model, [], V), at(V, verdict, Kind), at(V, tier, Tier).
test(the_whole_job,
     Job == obj([ hand-host, op-wake, host-'gaming-pc', agent-"https://192.168.1.21:30443",
                  mac-"52:54:00:aa:bb:02", broadcast-"", secure_on-"secret:wake/gaming",
                  limit_s-180 ])) :-
    me(By), wake("gaming-pc", By, [], V), at(V, plan/job, Job).
test(sleep_undoes_it, Undo == host_sleep) :-
    me(By), wake("tower", By, [], V), at(V, plan/undo/action, Undo).
test(a_strange_host, First == deny-unknown_host) :-
    me(By), wake("mars", By, [], V), first(V, First).
test(a_host_without_a_card, First == deny-cannot_wake) :-
    me(By), wake("here", By, [], V), first(V, First).
test(capitals_are_one_name, Kind == permit) :-
    me(By), wake("Tower", By, [], V), at(V, verdict, Kind).
test(no_name_of_a_host, [forall(member(Name, ["", "a b", "../x", "1x", "x\u0000y", 7])),
                         true(Kind == input)]) :-
    me(By), wake(Name, By, [], V), at(V, error/kind, Kind).

%   least time off: 60 s
test(just_asleep, First-Retry == (deny-off_too_short)-20000) :-
    node(By), noon(Now), At is Now - 40000,
    wake("tower", By, [host_power(tower, asleep, At)], V), first(V, First), at(V, retry_ms, Retry).
test(long_enough_asleep, Kind == permit) :-
    node(By), noon(Now), At is Now - 60000,
    wake("tower", By, [host_power(tower, asleep, At)], V), at(V, verdict, Kind).
test(a_clock_that_went_back, Retry == 60000) :-
    node(By), noon(Now), At is Now + 5000,
    wake("tower", By, [host_power(tower, asleep, At)], V), at(V, retry_ms, Retry).
test(a_person_must_wait_too, First == deny-off_too_short) :-
    me(By), noon(Now),
    wake("tower", By, [host_power(tower, asleep, Now)], V), first(V, First).
test(the_numbers_are_said, true(sub_string(Words, _, _, _, "asleep for 40 s"))) :-
    node(By), noon(Now), At is Now - 40000,
    wake("tower", By, [host_power(tower, asleep, At)], V), at(V, words, Words),
    !.

%   six wakes in an hour
woken(Ages, State) :-
    noon(Now),
    findall(host_woken(tower, At), ( member(Age, Ages), At is Now - Age * 60000 ), State).
test(six_within_the_hour, First-Retry == (deny-woken_too_often)-600000) :-
    node(By), woken([50, 40, 30, 20, 10, 5], State),
    wake("tower", By, State, V), first(V, First), at(V, retry_ms, Retry).
test(five_within_the_hour, Kind == permit) :-
    node(By), woken([61, 40, 30, 20, 10, 5], State),
    wake("tower", By, State, V), at(V, verdict, Kind).
test(wakes_that_failed_count_too, First-Retry == (deny-woken_too_often)-600000) :-
    node(By), noon(Now), woken([40, 20, 10, 5], State),
    findall(host_tried(tower, Age, At),
            ( member(Age, [50, 30]), At is Now - Age * 60000 ), Tried),
    append(State, Tried, All),
    wake("tower", By, All, V), first(V, First), at(V, retry_ms, Retry).
test(eight_wait_for_the_third_to_age, Retry == 1200000) :-
    node(By), woken([55, 50, 40, 30, 20, 10, 6, 5], State),
    wake("tower", By, State, V), at(V, retry_ms, Retry).

%   quiet from 17:00 to 21:00 local: 16:00 to 20:00 UTC
at_utc(Hour, Minute, Now) :-
    Now is 1767225600000 + (Hour * 60 + Minute) * 60000.
test(quiet_hours, [forall(member(Hour/Minute/Found, [ 15/59/permit, 16/0/deny, 19/59/deny,
                                                      20/0/permit ])),
                   true(Kind == Found)]) :-
    node(By), at_utc(Hour, Minute, Now), wake_at(Now, "tower", By, [], V), at(V, verdict, Kind).
test(quiet_hours_over_midnight, [forall(member(Hour/Found, [ 20/permit, 21/deny, 23/deny, 4/deny,
                                                             5/permit ])),
                                 true(Kind == Found)]) :-
    node(By), at_utc(Hour, 0, Now), wake_at(Now, "gaming-pc", By, [], V), at(V, verdict, Kind).
test(the_end_of_quiet_is_told, Retry == 7200000) :-
    node(By), at_utc(18, 0, Now), wake_at(Now, "tower", By, [], V), at(V, retry_ms, Retry).
test(a_person_wakes_in_quiet_hours, Kind == permit) :-
    me(By), at_utc(18, 0, Now), wake_at(Now, "tower", By, [], V), at(V, verdict, Kind).
test(a_rule_of_a_person_does_not, First == deny-quiet_now) :-
    at_utc(18, 0, Now), wake_at(Now, "tower", "loopback"/rule, [], V), first(V, First).
test(a_model_does_not, First == deny-quiet_now) :-
    at_utc(18, 0, Now), wake_at(Now, "tower", "loopback"/model, [], V), first(V, First).

test(where_time_is_not_all_there_is_no_retry, fail) :-
    noon(Now),
    wake("tower", "mallory"/rule, [], V),
    with_state([host_power(tower, asleep, Now)], true),
    at(V, retry_ms, _).
test(a_permit_has_no_retry, fail) :-
    me(By), wake("tower", By, [], V), at(V, retry_ms, _).
test(the_same_bit_for_bit, One == Two) :-
    node(By), woken([50, 40, 30, 20, 10, 5], State), reverse(State, Turned),
    wake("tower", By, State, One), wake("tower", By, Turned, Two).

:- end_tests(host_wake).
