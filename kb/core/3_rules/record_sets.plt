%   SPDX-License-Identifier: Apache-2.0

:- use_module('../../test/asking').

:- begin_tests(record_sets).

me("loopback"/api).
a(Values, "test.local"/'A'/60/Values).
add(Params, Sets, Verdict) :-
    me(By),
    sets(Sets, Seen),
    judge(dns_record_add, Params, By, Seen, Verdict).

test(a_second_value_joins_and_keeps_the_ttl, Update-Expect == [obj([op-add, name-"test.local",
    type-'A', ttl-60, value-"2.2.2.2"])]-["1.1.1.1", "2.2.2.2"]) :-
    a(["1.1.1.1"], A),
    add([name="test.local", value="2.2.2.2"], [A], V),
    at(V, plan/job/prerequisites/0/is, rrset_equals),
    at(V, plan/job/prerequisites/0/values, ["1.1.1.1"]),
    at(V, plan/job/updates, Update),
    at(V, plan/job/expect/0/values, Expect).
test(another_ttl_is_for_the_whole_set, Ops == [delete_rrset, add, add]) :-
    a(["1.1.1.1"], A),
    add([name="test.local", value="2.2.2.2", ttl=120], [A], V),
    at(V, plan/job/updates, Updates),
    findall(Op, ( member(U, Updates), at(U, op, Op) ), Ops).
test(an_alias_needs_an_empty_name, Is == name_absent) :-
    add([name="www.local", value="web.local"], [], V),
    at(V, plan/job/prerequisites/0/is, Is).
test(broken_worlds_are_denied,
     [forall(member(Params/Sets/Rule,
        [ [name="test.local", value="1.1.1.1"]/["test.local"/'A'/60/["1.1.1.1"]]/duplicate,
          [name="test.local", value="1.1.1.1"]/["test.local"/'CNAME'/60/["x.local"]]/alias_beside,
          [name="test.local", value="x.local"]/["test.local"/'TXT'/60/["\"x\""]]/alias_beside,
          [name="test.local", value="x.local"]/["test.local"/'SPF'/60/["\"x\""]]/alias_beside,
          [name="test.local", value="x.local"]/["test.local"/'CNAME'/60/["y.local."]]/second_alias,
          [name="local", value="x.home.arpa"]/[]/alias_at_apex,
          [name="test.local", type="CNAME", value="test.local"]/[]/alias_loop,
          [name="test.local", value="x.local"]/["x.local"/'CNAME'/60/["test.local"]]/alias_loop,
          [name="test.local", type="MX",
              value="10 m.local"]/["m.local"/'CNAME'/60/["x.local"]]/points_at_alias,
          [name="_x.local", value="1.1.1.1"]/[]/no_host_name,
          [name="a.example.com", value="192.168.1.1"]/[]/private_in_public,
          [name="a.example.com", value="fd00::1"]/[]/private_in_public ])),
      Found == deny-Rule]) :-
    add(Params, Sets, V),
    at(V, verdict, Kind),
    rules(V, [First|_]),
    at(V, would_permit, [_|_]),
    at(V, plan, null),
    Found = Kind-First.
test(whole_worlds_are_not,
     [forall(member(Params/Sets,
        [ [name="test.local", value="1.1.1.1"]/["test.local"/'TXT'/60/["\"x\""]],
          [name="*.local", value="1.1.1.1"]/[], [name="_x.local", type="TXT", value="x"]/[],
          [name="test.local", value="x.local"]/["x.local"/'CNAME'/60/["y.local"]],
          [name="test.local", value="x.local"]/["test.local"/'RRSIG'/60/["x"]],
          [name="test.local", type="MX", value="10 m.local"]/["m.local"/'A'/60/["1.1.1.1"]],
          [name="a.example.com", value="8.8.8.8"]/[], [name="a.open.example.net",
              value="192.168.1.1"]/[],
          [name="5.1.168.192.in-addr.arpa", value="nas.local"]/[] ]))]) :-
    add(Params, Sets, V),
    at(V, plan/job/op, update).

:- end_tests(record_sets).
