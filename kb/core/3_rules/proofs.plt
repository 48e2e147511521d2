%   SPDX-License-Identifier: Apache-2.0

:- use_module(kb('3_rules/proofs')).

:- begin_tests(proofs).

test(each_proof_holds_in_this_house, all(Name-Faults == [])) :-
    proof(Name, Faults),
    Faults \== [].
test(each_reason_is_named_in_the_head_of_its_rule, fail) :-
    reason_kind(_, unnamed(_)).
test(reasons_for_and_against_are_known) :-
    once(reason_kind(for, granted(_, _, _, _))),
    once(reason_kind(against, alias_beside(_, _))).
test(a_stranger_is_no_proof, fail) :-
    proof(never_heard_of, _).

:- end_tests(proofs).
