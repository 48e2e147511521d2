%   SPDX-License-Identifier: Apache-2.0

:- module(policy,
          [ supports/3,                 % +Action, +By, -Reason
            forbids/3,                  % +Action, +By, -Reason
            breaks/3,                   % +Action, ?Invariant, -Reason
            invariant/2,                % ?Name, ?Invariant
            role_of/2,                  % +Principal, ?Role
            principal_person/2,         % +Principal, -Person
            signatures_needed/5,        % +Action, +By, +Supports, -Tier, -Count
            possible_approvers/3,       % +Tier, +Principal, -Persons
            may_sign/3                  % +Person, +Tier, +Principal
          ]).
:- use_module(library(lists), [member/2, min_list/2, memberchk/2]).
:- use_module(kb('1_words/vocabulary'), [tier_rank/2, stricter_tier/2]).
:- use_module(kb('2_seen/site'), []).
:- use_module(action, [zone_touched/2, playbook_touched/2, action_tier/2]).

/** <module> Who may do what: deny by default

A permit needs one reason that supports it and none that forbids it.

    supports(Action, By, Reason)      someone who is allowed to
    forbids(Action, By, Reason)       what stands against it, in the world as it is
    breaks(Action, Invariant, Reason) what would be wrong afterwards, in the world as it would be

By is by(Principal, Via). Principal is a string as the gateway names it: "loopback", "uid:NUMBER"
(the unix socket), "token:NAME", "person:NAME", or "node:gateway" (the node's own wishes; no caller
can be it). Reasons are ground terms; 4_say puts every one in words.
*/

:- multifile supports/3, forbids/3, breaks/3, invariant/2.

%!  supports(+Action, +By, -Reason) is nondet.

supports(Action, by(Principal, _), granted(Role, Name, Scope, Terms)) :-
    functor(Action, Name, _),
    role_of(Principal, Role),
    site:grant(Role, Name, Scope, Terms),
    in_scope(Scope, Action),
    signable(Action, Terms).

in_scope(any, _).
in_scope(zone(Zone), Action) :-
    zone_touched(Action, Zone),
    !.
in_scope(playbook(Playbook), Action) :-
    playbook_touched(Action, Playbook),
    !.

%   What changes nothing has no plan that one could sign: such a grant is `freely` or nothing.
signable(Action, Terms) :-
    (   Terms == freely
    ->  true
    ;   action_tier(Action, Tier),
        Tier \== observe
    ).

%!  forbids(+Action, +By, -Reason) is nondet.

forbids(Action, by(_, model), above_every_tier(Name)) :-
    action_tier(Action, Tier),
    Tier \== observe,
    \+ stricter_tier(Tier, _),
    functor(Action, Name, _).

%!  role_of(+Principal:string, ?Role) is nondet.

role_of(Principal, Role) :-
    principal_person(Principal, Person),
    site:person_role(Person, Role).
role_of(Principal, Role) :-
    principal_channel(Principal, Channel),
    site:channel_role(Channel, Role).
role_of(Principal, Role) :-
    string_concat("token:", Token, Principal),
    site:token_role(Token, Role).

%!  principal_person(+Principal:string, -Person) is semidet.
%
%   The person behind Principal, if the site knows one.

principal_person(Principal, Person) :-
    string_concat("person:", Name, Principal),
    !,
    site:person(Person, _),
    atom_string(Person, Name),
    !.
principal_person(Principal, Person) :-
    string_concat("token:", Token, Principal),
    !,
    site:token_person(Token, Person),
    !.
principal_person(Principal, Person) :-
    string_concat("uid:", Text, Principal),
    site:unix_person(Uid, Person),
    number_string(Uid, Text),
    !.

principal_channel(Principal, unix) :-
    string_concat("uid:", _, Principal),
    !.
principal_channel("loopback", loopback).
principal_channel("node:gateway", node).

%!  signatures_needed(+Action, +By, +Supports:list, -Tier, -Count) is semidet.
%
%   The tier that counts and the number of signatures under the mildest grant. What a model
%   worded is one tier stricter and never free; false when there is no stricter tier.

signatures_needed(Action, by(_, Via), Supports, Tier, Count) :-
    action_tier(Action, Tier0),
    findall(N, ( member(granted(_, _, _, Terms), Supports), terms_count(Terms, N) ), Counts),
    min_list(Counts, Granted),
    (   Tier0 == observe
    ->  Tier = Tier0,
        Count = Granted
    ;   Via == model
    ->  stricter_tier(Tier0, Tier),
        Asked is max(Granted, 1),
        at_least(Tier, Asked, Count)
    ;   Tier = Tier0,
        at_least(Tier, Granted, Count)
    ).

terms_count(freely, 0).
terms_count(signatures(Count), Count).

%   The owner may set a floor for a whole tier.
at_least(Tier, Asked, Count) :-
    findall(N, site:tier_signatures(Tier, N), Floors),
    foldl_max(Floors, Asked, Count).

foldl_max([], Max, Max).
foldl_max([N|Ns], Max0, Max) :-
    Max1 is max(N, Max0),
    foldl_max(Ns, Max1, Max).

%!  possible_approvers(+Tier, +Principal:string, -Persons:list) is det.
%
%   Who could sign for Tier, the proposer left out: nobody consents to their own proposal.

possible_approvers(Tier, Principal, Persons) :-
    findall(Person, may_sign(Person, Tier, Principal), Found),
    sort(Found, Persons).

%!  may_sign(?Person, +Tier, +Principal:string) is nondet.
%
%   With a key file or a passkey: a person without either could not sign.

may_sign(Person, Tier, Principal) :-
    tier_rank(Tier, Rank),
    site:may_approve(Person, Upto),
    tier_rank(Upto, UptoRank),
    UptoRank >= Rank,
    once(site:key_person(_, Person, _)),
    \+ principal_person(Principal, Person).
