%   SPDX-License-Identifier: Apache-2.0

:- use_module('../../../test/asking').

:- begin_tests(dns_record_delete).

me("loopback"/api).
a(Values, "test.local"/'A'/60/Values).
delete(Params, Sets, Verdict) :-
    me(By),
    sets(Sets, Seen),
    judge(dns_record_delete, Params, By, Seen, Verdict).

test(all_of_a_name, Ops-Expect-Undo == [delete_rrset, delete_rrset]-[[], []]-null) :-
    delete([name="test.local"], ["test.local"/'A'/60/["1.1.1.1"], "test.local"/'TXT'/60/["\"x\""]],
        V),
    at(V, verdict, needs_consent),
    at(V, plan/job/updates, Updates),
    findall(Op, ( member(U, Updates), at(U, op, Op) ), Ops),
    findall(Values, ( at(V, plan/job/expect, E), member(S, E), at(S, values, Values) ), Expect),
    at(V, plan/undo, Undo).
test(one_value_of_two, Updates-Undo == [obj([op-delete_value, name-"test.local", type-'A',
    value-"1.1.1.1"])]-dns_record_add) :-
    a(["1.1.1.1", "2.2.2.2"], A),
    delete([name="test.local", value="1.1.1.1"], [A], V),
    at(V, plan/job/updates, Updates),
    at(V, plan/undo/action, Undo).
test(an_ns_set_stays, Types == ['A']) :-
    delete([name="local"], ["local"/'NS'/60/["ns.local."], "local"/'SOA'/60/["x"],
        "local"/'A'/60/["1.1.1.1"]], V),
    findall(Type, ( at(V, plan/job/updates, U), member(S, U), at(S, type, Type) ), Types).
test(nothing_to_delete, [forall(member(Params/Sets, [ [name="test.local"]/[], [name="test.local",
    type="MX"]/["test.local"/'A'/60/["1.1.1.1"]],
                                  [name="test.local",
                                      value="2.2.2.2"]/["test.local"/'A'/60/["1.1.1.1"]],
                                      [name="local"]/["local"/'NS'/60/["n."]] ])),
                         Rules == [not_there, granted]]) :-
    delete(Params, Sets, V),
    rules(V, Rules0),
    sort(0, @>=, Rules0, Rules).

:- end_tests(dns_record_delete).
