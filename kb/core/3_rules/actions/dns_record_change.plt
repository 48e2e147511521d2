%   SPDX-License-Identifier: Apache-2.0

:- use_module('../../../test/asking').

:- begin_tests(dns_record_change).

me("loopback"/api).
a(Values, "test.local"/'A'/60/Values).
change(Params, Sets, Verdict) :-
    me(By),
    sets(Sets, Seen),
    judge(dns_record_change, Params, By, Seen, Verdict).

test(one_value_is_replaced, Kind-Ops-Undo == needs_consent-[delete_value, add]-["1.1.1.1",
    "2.2.2.2", 60]) :-
    a(["1.1.1.1"], A),
    change([name="test.local", value="2.2.2.2"], [A], V),
    at(V, verdict, Kind),
    at(V, plan/job/updates, Updates),
    findall(Op, ( member(U, Updates), at(U, op, Op) ), Ops),
    at(V, plan/undo/params, P),
    at(P, value, Old), at(P, old_value, New), at(P, ttl, Ttl),
    Undo = [Old, New, Ttl].
test(only_the_ttl, Texts == ["test.local 60 -> 600 IN A 1.1.1.1",
    "test.local 60 -> 600 IN A 2.2.2.2"]) :-
    a(["1.1.1.1", "2.2.2.2"], A),
    change([name="test.local", ttl=600], [A], V),
    at(V, plan/diff, Diff),
    findall(Text, ( member(D, Diff), at(D, text, Text) ), Texts).
test(a_named_value_of_several, Expect == ["1.1.1.1", "3.3.3.3"]) :-
    a(["1.1.1.1", "2.2.2.2"], A),
    change([name="test.local", value="3.3.3.3", old_value="2.2.2.2"], [A], V),
    at(V, plan/job/expect/0/values, Expect).
test(a_text_takes_the_only_type, Type == 'TXT') :-
    change([name="test.local", value="hello"], ["test.local"/'TXT'/60/["\"x\""]], V),
    at(V, params/type, Type).
test(changes_that_cannot_be,
     [forall(member(Params/Sets/Rule,
        [ [name="test.local", value="2.2.2.2"]/[]/not_there,
          [name="test.local", value="2.2.2.2"]/["test.local"/'AAAA'/60/["fd00::1"]]/not_there,
          [name="test.local", value="2.2.2.2",
              old_value="9.9.9.9"]/["test.local"/'A'/60/["1.1.1.1"]]/not_there,
          [name="test.local", value="3.3.3.3"]/["test.local"/'A'/60/["1.1.1.1",
              "2.2.2.2"]]/which_value,
          [name="test.local", value="1.1.1.1"]/["test.local"/'A'/60/["1.1.1.1"]]/same_as_now,
          [name="test.local", ttl=60]/["test.local"/'A'/60/["1.1.1.1"]]/same_as_now,
          [name="test.local", ttl=60]/[]/not_there,
          [name="test.local", ttl=5]/["test.local"/'A'/60/["1.1.1.1"],
              "test.local"/'TXT'/60/["\"x\""]]/which_type,
          [name="test.local", value="2.2.2.2",
              old_value="1.1.1.1"]/["test.local"/'A'/60/["1.1.1.1", "2.2.2.2"]]/duplicate ])),
      Found == deny-Rule]) :-
    change(Params, Sets, V),
    at(V, verdict, Kind),
    rules(V, [First|_]),
    Found = Kind-First.
test(what_exists_is_said, true(sub_string(Words, _, _, _, "there is AAAA fd00::1"))) :-
    change([name="test.local", value="2.2.2.2"], ["test.local"/'AAAA'/60/["fd00::1"]], V),
    at(V, words, Words),
    !.

:- end_tests(dns_record_change).
