%   SPDX-License-Identifier: Apache-2.0

:- use_module('../../../test/asking').

:- begin_tests(dns_record_add).

me("loopback"/api).
add(Params, Sets, Verdict) :-
    me(By),
    sets(Sets, Seen),
    judge(dns_record_add, Params, By, Seen, Verdict).
same_set(List, List).

test(first_look, Names == ["test.local", "100.1.168.192.in-addr.arpa"]) :-
    me(By),
    judge(dns_record_add, [name="Test.Local.", value="192.168.1.100"], By, null, V),
    at(V, verdict, permit),
    at(V, plan, null),
    at(V, look/names, Names).
test(then_a_plan, Type/Ttl/Prerequisites == 'A'/300/[obj([is-rrset_absent, name-"test.local",
    type-'A']),
                                                  obj([is-rrset_absent, name-"test.local",
                                                      type-'CNAME'])]) :-
    Params = [name="test.local", value="192.168.1.100"],
    me(By),
    sets([], Seen),
    judge(dns_record_add, Params, By, Seen, V0),
    at(V0, verdict, permit),
    at(V0, plan/job/prerequisites, P0),
    at(V0, params/type, Type),
    at(V0, params/ttl, Ttl),
    Prerequisites = [_, _],
    same_set(P0, Prerequisites).
test(a_name_at_a_reverse_name_is_a_ptr, Type == 'PTR') :-
    add([name="5.1.168.192.in-addr.arpa", value="nas.local"], [], V),
    at(V, params/type, Type).
test(the_missing_ptr_is_offered, true(sub_string(Words, _, _, _, "The matching PTR is missing"))) :-
    add([name="test.local", value="192.168.1.9"], [], V),
    at(V, words, Words),
    !.
test(a_ptr_that_is_there_is_not_offered, fail) :-
    add([name="test.local", value="192.168.1.9"],
        ["9.1.168.192.in-addr.arpa"/'PTR'/60/["test.local."]], V),
    at(V, words, Words),
    sub_string(Words, _, _, _, "PTR"), !.
test(undo_of_adding, Undo == dns_record_delete) :-
    add([name="test.local", value="1.1.1.1"], [], V),
    at(V, plan/undo/action, Undo).
test(not_ours,
    Rules-Would == [not_owned]-["a zone that holds www.example.org were in the site facts"]) :-
    me(By),
    judge(dns_record_add, [name="www.example.org", value="1.1.1.1"], By, null, V),
    at(V, verdict, deny),
    rules(V, Rules),
    at(V, would_permit, Would).

:- end_tests(dns_record_add).
