%   SPDX-License-Identifier: Apache-2.0

:- use_module(kb('3_rules/policy'), []).
:- use_module(kb('3_rules/proofs'), [reason_kind/2]).
:- use_module(kb('4_say/verdict')).

:- begin_tests(verdict_words).

test(each_reason_has_words, [forall(reason_kind(_, Reason))]) :-
    reason_said(Reason).
test(each_reason_against_has_a_remedy, [forall(reason_kind(against, Reason))]) :-
    remedy_said(Reason).
test(each_invariant_has_words, [forall(policy:invariant(_, Invariant))]) :-
    invariant_text(Invariant, _),
    !.
test(a_stranger_has_no_words, fail) :-
    reason_said(never_heard_of(_)).
test(what_supports_needs_no_remedy, fail) :-
    remedy_said(granted(_, _, _, _)).
test(a_reason, Text == "test.local already has A 1.1.1.1") :-
    reason_text(duplicate("test.local", 'A', "1.1.1.1"), Text).
test(what_exists_is_listed, Text == "a.local has no MX; there is A 1.1.1.1, 2.2.2.2; TXT \"x\"") :-
    reason_text(not_there("a.local", 'MX', any,
                          [ rrset("a.local", 'A', 5, ["1.1.1.1", "2.2.2.2"]),
                            rrset("a.local", 'TXT', 5, ["\"x\""]) ]), Text).
test(nothing_exists, Text == "a.local has no record; there is nothing") :-
    reason_text(not_there("a.local", any, any, []), Text).
test(two_signatures,
    Text == "risky actions by this proposer need 2 signatures, and ada could sign") :-
    reason_text(too_few_approvers(risky, 2, [ada]), Text).
test(a_remedy,
    Text == "the address were public, or allow_private(\"a.b\") stood in the site facts") :-
    remedy_text(private_in_public("10.0.0.1", "a.b"), Text).
test(what_is_not_there_would_have_to_be, Text == "there were such data at a.local (A)") :-
    remedy_text(not_there("a.local", 'A', any, []), Text).
test(who_could_sign_needs_a_key_of_either_kind,
    Text == "1 person other than the proposer had a key or passkey and may_approve for risky \c
             in the site facts") :-
    remedy_text(too_few_approvers(risky, 1, []), Text).
test(a_foreign_principal_is_shown_clean, Text == "nothing allows it: x?y has no role here") :-
    reason_text(no_role("x\ny"), Text).

:- end_tests(verdict_words).
