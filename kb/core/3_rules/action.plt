%   SPDX-License-Identifier: Apache-2.0

:- use_module(kb('3_rules/action')).

:- begin_tests(action).

test(a_term_has_its_parameters_in_order,
     Action == dns_record_add("a.local", 'A', "1.1.1.1", none)) :-
    action_term("dns_record_add", obj(["value"-"1.1.1.1", "name"-"A.local"]), Action).
test(and_back, Params == obj([name-"a.local", type-'A', value-"1.1.1.1"])) :-
    action_params(dns_record_add("a.local", 'A', "1.1.1.1", none), Params).
test(tier, Tier == risky) :-
    action_tier(dns_record_delete("a.local", none, none), Tier).
test(a_stranger_is_refused, throws(refused(unknown_action, action, _))) :-
    action_named("format_disk", _).
test(prolog_syntax_is_no_action, throws(refused(unknown_action, action, _))) :-
    action_named("dns_record_add(X):-halt.", _).
test(each_example_is_a_sentence, [forall(action:example(_, Sentence))]) :-
    string(Sentence).

:- end_tests(action).
