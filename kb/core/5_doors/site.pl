%   SPDX-License-Identifier: Apache-2.0

:- module(door_site,
          [ site/2                      % +In, -Out
          ]).
:- use_module(kb('1_words/wire'), [answered/3, fields/3]).
:- use_module(kb('2_seen/site'), []).
:- use_module(kb('3_rules/zones'), [owned_zone/3]).
:- use_module(kb('4_say/proven'), [proven/3]).
:- use_module(library(pairs), [pairs_values/2]).

/** <module> Door site: what the node is about, and whether its proofs hold */

%!  site(+In, -Out) is det.

:- det(site/2).
site(In, Out) :-
    answered(described, In, Out).

described(In, obj([node-Node, proofs-Proofs, zones-Zones, people-People])) :-
    fields(In, [], []),
    (   site:this_node(Name)
    ->  Node = Name
    ;   Node = "logic-node"
    ),
    findall(obj([name-Proof, holds-Holds, words-Words]), proven(Proof, Holds, Words), Proofs),
    findall(Zone-obj([name-Zone, server-Server, visibility-Visibility]),
            owned_zone(Zone, Server, Visibility), ZonePairs),
    ordered_values(ZonePairs, Zones),
    findall(Person-PersonObj, person_obj(Person, PersonObj), PersonPairs),
    ordered_values(PersonPairs, People).

ordered_values(Pairs, Values) :-
    sort(Pairs, Sorted),
    pairs_values(Sorted, Values).

person_obj(Person, Obj) :-
    site:person(Person, Name),
    findall(Role, site:person_role(Person, Role), Roles),
    findall(KeyId, site:key_person(KeyId, Person, _), Keys),
    findall(Tier, site:may_approve(Person, Tier), Tiers),
    Obj = obj([person-Person, name-Name, roles-Roles, keys-Keys, may_approve-Tiers]).
