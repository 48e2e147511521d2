%   SPDX-License-Identifier: Apache-2.0

:- use_module('../../test/asking').
:- use_module(kb('5_doors/people'), []).

:- begin_tests(people_door).

people(People, Origins) :-
    door_people:people(obj([]), Out),
    at(Out, people, People),
    at(Out, origins, Origins).

person(Name, Obj) :-
    people(People, _),
    member(Obj, People),
    at(Obj, person, Name),
    !.

test(everybody_once_and_in_order, Names == [ada, junior, kim, owner, robin]) :-
    people(People, _),
    findall(Name, ( member(Obj, People), at(Obj, person, Name) ), Names).
test(the_origins_in_the_owners_order,
     Origins == ["https://node.test:30443", "https://second.node.test"]) :-
    people(_, Origins).
test(a_person_with_a_passkey_only,
     Found == ["Robin", [operator], change, 0, "cm9iaW4", "node.test", "phone"]) :-
    person(robin, Obj),
    maplist(at(Obj), [name, roles, may_approve, keys, passkeys],
            [Name, Roles, Tier, Keys, [Passkey]]),
    maplist(at(Passkey), [credential_id, rp_id, words], [Credential, RpId, Words]),
    Found = [Name, Roles, Tier, Keys, Credential, RpId, Words].
test(its_key_has_the_id_that_consent_names, KeyId-Key == Id-Public) :-
    person(robin, Obj),
    at(Obj, passkeys, [Passkey]),
    maplist(at(Passkey), [key_id, public_key], [KeyId, Key]),
    site:key_person(Id, robin, Public).
test(a_person_with_both, Found == destructive/1/1) :-
    person(owner, Obj),
    maplist(at(Obj), [may_approve, keys, passkeys], [Tier, Keys, Passkeys]),
    length(Passkeys, Count),
    Found = Tier/Keys/Count.
test(who_approves_nothing_has_no_tier, Found == [viewer]/null/0/[]) :-
    person(kim, Obj),
    maplist(at(Obj), [roles, may_approve, keys, passkeys], [Roles, Tier, Keys, Passkeys]),
    Found = Roles/Tier/Keys/Passkeys.
test(a_stranger_is_nobody, fail) :-
    person(mallory, _).
test(nothing_may_be_asked_of_it, Code == unknown_field) :-
    door_people:people(obj(["person"-"owner"]), Out),
    at(Out, error, Error),
    at(Error, code, Code).

:- end_tests(people_door).
