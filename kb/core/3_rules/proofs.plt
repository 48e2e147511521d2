%   SPDX-License-Identifier: Apache-2.0

:- use_module(kb('3_rules/proofs')).
:- use_module(kb('4_say/proven')).
:- use_module(kb('4_say/verdict')).

:- begin_tests(proofs).

test(each_proof_holds, all(Name-Words == [])) :-
    proven(Name, false, Words).
test(there_are_six, Count == 6) :-
    aggregate_all(count, proven(_, _, _), Count).
test(each_reason_has_words, [forall(reason_kind(_, Reason))]) :-
    reason_said(Reason).
test(each_reason_against_has_a_remedy, [forall(reason_kind(against, Reason))]) :-
    remedy_said(Reason).
test(a_stranger_has_no_words, fail) :-
    reason_said(never_heard_of(_)).
test(a_stranger_has_no_remedy, fail) :-
    remedy_said(granted(_, _, _, _)).

:- end_tests(proofs).
