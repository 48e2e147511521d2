%   SPDX-License-Identifier: Apache-2.0

:- use_module('../../test/asking').

:- begin_tests(approver_door).

approver(KeyId, Principal, Approvals, Out) :-
    approver(KeyId, Principal, api, Approvals, Out).
approver(KeyId, Principal, Via, Approvals, Out) :-
    findall(obj(["person"-Person, "key_id"-Key]), member(Person-Key, Approvals), Objs),
    atom_string(Via, ViaText),
    door_approver:approver(obj([ "key_id"-KeyId, "tier"-"risky", "action"-"dns_record_delete",
                                 "params"-obj(["name"-"a.local"]),
                                 "by"-obj(["principal"-Principal, "via"-ViaText]),
                                     "approvals"-Objs ]), Out).
owner("72cd6e8422c407fb").
ada("75877bb41d393b5f").
junior("648aa5c579fb30f3").
answer(Out, Known/May/Enough) :-
    at(Out, known, Known), at(Out, may, May), at(Out, enough, Enough).

test(the_owner_may_and_it_is_enough, A == true/true/true) :-
    owner(Key), approver(Key, "loopback", [], Out), answer(Out, A).
test(an_unknown_key, A == false/false/false) :-
    approver("0000000000000000", "loopback", [], Out), answer(Out, A).
test(not_ones_own, A == true/false/false) :-
    owner(Key), approver(Key, "person:owner", [], Out), answer(Out, A).
test(not_ones_own_through_a_token, A == true/false/false) :-
    owner(Key), approver(Key, "token:laptop", [], Out), answer(Out, A).
test(not_above_ones_tier, A == true/false/false) :-
    junior(Key), approver(Key, "loopback", [], Out), answer(Out, A).
test(a_models_needs_two, A == true/true/false) :-
    owner(Key), approver(Key, "loopback", model, [], Out), answer(Out, A).
test(two_persons_are_two, A == true/true/true) :-
    owner(Key), ada(Ada), approver(Key, "loopback", model, ["ada"-Ada], Out), answer(Out, A).
test(not_twice, A == true/false/false) :-
    owner(Key), approver(Key, "loopback", model, ["owner"-Key], Out), answer(Out, A).
test(a_false_approval_counts_for_nothing, A == true/true/false) :-
    owner(Key), ada(Ada), approver(Key, "loopback", model, ["junior"-Ada,
        "ada"-"0000000000000000"], Out), answer(Out, A).
test(nobody_for_a_stranger, A == true/false/false) :-
    owner(Key), approver(Key, "mallory", [], Out), answer(Out, A).
test(the_public_key, Public == "ed25519:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=") :-
    owner(Key), approver(Key, "loopback", [], Out), at(Out, public_key, Public).


robin(Key) :- site:key_person(Key, robin, _).
owners_passkey(Key) :-
    site:operator_passkey(owner, _, Public, _, _),
    site:key_person(Key, owner, Public).

passkey_answer(KeyId, Action, Principal, Approvals, Out) :-
    findall(obj(["person"-Person, "key_id"-Key]), member(Person-Key, Approvals), Objs),
    door_approver:approver(obj([ "key_id"-KeyId, "tier"-"change", "action"-Action,
                                 "params"-obj(["name"-"a.example.com", "value"-"10.0.0.1"]),
                                 "by"-obj(["principal"-Principal, "via"-"api"]),
                                 "approvals"-Objs ]), Out).

test(a_passkey_says_where_it_may_be_used,
     A-RpId-Origins == (true/true/true)-"node.test"-["https://node.test:30443",
                                                     "https://second.node.test"]) :-
    robin(Key), passkey_answer(Key, "dns_record_add", "loopback", [], Out), answer(Out, A),
    at(Out, passkey, Passkey), at(Passkey, rp_id, RpId), at(Passkey, origins, Origins).
test(a_key_file_is_no_passkey, Passkey == null) :-
    owner(Key), approver(Key, "loopback", [], Out), at(Out, passkey, Passkey).
test(a_stranger_has_no_passkey, Passkey == null) :-
    approver("0000000000000000", "loopback", [], Out), at(Out, passkey, Passkey).
test(not_above_the_tier_of_a_passkeys_person, A == true/false/false) :-
    robin(Key), approver(Key, "loopback", [], Out), answer(Out, A).
test(not_ones_own_by_passkey, A == true/false/false) :-
    robin(Key), passkey_answer(Key, "dns_record_add", "person:robin", [], Out), answer(Out, A).
test(key_and_passkey_of_one_person_are_one, A == true/false/false) :-
    owner(Key), owners_passkey(Passkey),
    approver(Passkey, "loopback", model, ["owner"-Key], Out), answer(Out, A).
test(key_and_passkey_of_two_are_two, A == true/true/true) :-
    ada(Key), owners_passkey(Passkey),
    approver(Passkey, "loopback", model, ["ada"-Key], Out), answer(Out, A).

:- end_tests(approver_door).
