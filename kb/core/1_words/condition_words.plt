%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(kb('1_words/condition_words')).

:- begin_tests(condition_words).

test(each_once, Names == Sorted) :-
    findall(Condition, condition(Condition), Names0),
    msort(Names0, Names),
    sort(Names0, Sorted).
test(named, Condition == cpu_hot) :-
    condition_named("cpu_hot", Condition).
test(no_stranger, [forall(member(Text, ["fridge_open", "", cpu_hot, 7])), fail]) :-
    condition_named(Text, _).
test(severities, Order == [warning, critical]) :-
    findall(Rank-Severity, severity(Severity, Rank), Pairs0),
    keysort(Pairs0, Pairs),
    findall(Severity, member(_-Severity, Pairs), Order).

:- end_tests(condition_words).
