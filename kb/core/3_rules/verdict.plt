%   SPDX-License-Identifier: Apache-2.0

:- use_module('../../test/asking').

:- begin_tests(verdict).

me("loopback"/api).
a(Values, "test.local"/'A'/60/Values).
add(Params, Sets, Verdict) :-
    me(By),
    sets(Sets, Seen),
    judge(dns_record_add, Params, By, Seen, Verdict).

test(a_model_is_one_tier_stricter, Kind-Tier-N == needs_consent-risky-1) :-
    judge(dns_record_add, [name="a.local", value="1.1.1.1"], "loopback"/model, null, V),
    at(V, verdict, Kind), at(V, tier, Tier), at(V, consent/signatures, N).
test(a_guest_is_denied_with_the_way_out, Rules == [no_grant]) :-
    judge(dns_record_add, [name="a.local", value="1.1.1.1"], "uid:1"/api, null, V),
    rules(V, Rules), at(V, would_permit, [_]).
test(a_stranger_is_denied, Rules == [no_role]) :-
    judge(node_list, [], "mallory"/api, null, V),
    rules(V, Rules).
test(too_few_people, Rule-Kind == too_few_approvers-deny) :-
    judge(dns_record_add, [name="a.open.example.net", value="8.8.8.8"], "person:owner"/model, null,
        V0),
    at(V0, verdict, Kind), rules(V0, [Rule|_]).
test(the_same_bit_for_bit, First == Second) :-
    a(["2.2.2.2", "1.1.1.1"], A),
    add([name="test.local", value="3.3.3.3"], [A, "test.local"/'TXT'/5/["\"x\""]], First),
    add([name="test.local", value="3.3.3.3"], ["test.local"/'TXT'/5/["\"x\""], A], Second).

:- end_tests(verdict).
