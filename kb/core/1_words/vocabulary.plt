%   SPDX-License-Identifier: Apache-2.0

:- use_module(kb('1_words/vocabulary')).

:- begin_tests(vocabulary).

test(tiers_are_ordered, all(Tier == [observe, change, risky, destructive])) :-
    tier(Tier).
test(risky_comes_after_change, Next == risky) :-
    stricter_tier(change, Next).
test(nothing_is_above_destructive, fail) :-
    stricter_tier(destructive, _).
test(no_stranger_is_a_tier, fail) :-
    stricter_tier(huge, _).
test(a_type_in_any_case, Type == 'CNAME') :-
    record_type_named("cName", Type).
test(soa_is_not_written, fail) :-
    record_type_named("SOA", _).
test(a_long_stranger_is_no_type, fail) :-
    record_type_named("AAAAAAAAAAAAAAAAAAAAA", _).
test(a_word_is_a_label) :-
    label('dns-1').
test(a_capital_is_no_label, fail) :-
    label('Dns').
test(a_string_is_no_label, fail) :-
    label("dns").

:- end_tests(vocabulary).
