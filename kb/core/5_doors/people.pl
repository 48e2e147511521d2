%   SPDX-License-Identifier: Apache-2.0

:- module(door_people,
          [ people/2                    % +In, -Out
          ]).
:- use_module(library(aggregate), [aggregate_all/3]).
:- use_module(library(lists), [last/2]).
:- use_module(library(pairs), [pairs_values/2]).
:- use_module(kb('1_words/vocabulary'), [tier_rank/2]).
:- use_module(kb('1_words/wire'), [answered/3, fields/3]).
:- use_module(kb('2_seen/site'), []).

/** <module> Door people: who is who, with which passkeys, and on which pages

Public keys stand in it: the gateway checks a sign-in with them. What it then says of itself is
believed only as far as the judge lets a principal act; what it says of a plan is not believed.
*/

%!  people(+In, -Out) is det.

:- det(people/2).
people(In, Out) :-
    answered(listed, In, Out).

listed(In, obj([people-People, origins-Origins])) :-
    fields(In, [], []),
    findall(Person-Obj, person_obj(Person, Obj), Pairs),
    sort(1, @<, Pairs, Sorted),
    pairs_values(Sorted, People),
    findall(Origin, site:page_origin(Origin), Origins).

person_obj(Person, obj([ person-Person, name-Name, roles-Roles, may_approve-Tier, keys-Keys,
                         passkeys-Passkeys ])) :-
    site:person(Person, Name),
    findall(Role, site:person_role(Person, Role), Roles0),
    sort(Roles0, Roles),
    highest_tier(Person, Tier),
    aggregate_all(count, site:operator_key(Person, _), Keys),
    findall(Obj, passkey_obj(Person, Obj), Passkeys).

highest_tier(Person, Tier) :-
    findall(Rank-Named, ( site:may_approve(Person, Named), tier_rank(Named, Rank) ), Ranked0),
    sort(Ranked0, Ranked),
    (   last(Ranked, _-Highest)
    ->  Tier = Highest
    ;   Tier = null
    ).

passkey_obj(Person, obj([ key_id-KeyId, credential_id-Credential, public_key-Key, rp_id-RpId,
                          words-Words ])) :-
    site:operator_passkey(Person, Credential, Key, RpId, Words),
    once(site:key_person(KeyId, Person, Key)).
