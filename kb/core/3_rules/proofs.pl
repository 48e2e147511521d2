%   SPDX-License-Identifier: Apache-2.0

:- module(proofs,
          [ proof/2,                    % ?Name, -Faults
            reason_kind/2               % ?Use, -Reason
          ]).
:- use_module(library(lists), [member/2]).
:- use_module(kb('1_words/vocabulary'), [tier_rank/2, stricter_tier/2]).
:- use_module(kb('1_words/types'), [type_schema/2]).
:- use_module(kb('1_words/wire'), []).
:- use_module(kb('2_seen/site'), []).
:- use_module(machine_faults, [machine_fault/1]).
:- use_module(house, [house_fault/1]).
:- use_module(sense_faults, [sense_fault/1]).
:- use_module(notify, [notify_fault/1]).
:- use_module(standing, [standing_fault/1]).
:- use_module(passkey_faults, [passkey_fault/1]).
:- use_module(action, [action/3, summary/2, parameter/5, example/2]).
:- use_module(policy,
              [supports/3, forbids/3, breaks/3, invariant/2, possible_approvers/3,
               signatures_needed/5]).

/** <module> What is proven about rules and site before the first question

Each proof is a name and the list of its faults in words; it holds when there are none. They
are run by `kb check`, by the door `site`, and by the tests.
*/

%!  proof(?Name, -Faults:list(string)) is multi.

proof(tiers_have_approvers, Faults) :-
    findall(Fault, no_approver(Fault), Faults0),
    sort(Faults0, Faults).
proof(signatures_are_never_zero, Faults) :-
    findall(Fault, free_of_signature(Fault), Faults0),
    sort(Faults0, Faults).
proof(observing_needs_no_signature, Faults) :-
    findall(Fault, signed_observation(Fault), Faults0),
    sort(Faults0, Faults).
proof(actions_are_complete, Faults) :-
    findall(Fault, incomplete_action(Fault), Faults0),
    sort(Faults0, Faults).
proof(site_hangs_together, Faults) :-
    findall(Fault, loose_end(Fault), Faults0),
    sort(Faults0, Faults).
proof(house_is_consistent, Faults) :-
    findall(Fault, ( house_fault(Fault) ; sense_fault(Fault) ; notify_fault(Fault)
                     ; standing_fault(Fault) ), Faults0),
    sort(Faults0, Faults).

                /*  consent  */

%   Every tier above observe that a grant reaches, by a person or by a model, has enough people.
no_approver(Fault) :-
    findall(Tier-Count, ( reachable(_, _, _, Tier, Count), Count > 0 ), Needs0),
    sort(Needs0, Needs),
    member(Tier-Count, Needs),
    possible_approvers(Tier, "", Persons),
    length(Persons, Possible),
    Possible < Count,
    findall(Name, reachable(_, Name, _, Tier, Count), Names0),
    sort(Names0, Names),
    atomic_list_concat(Names, ', ', List),
    format(string(Fault),
           "tier ~w needs ~d signature(s) for ~w, but ~d person(s) have both a key or passkey and \c
            may_approve for it, so these are denied (logicctl key new prints the fact)",
           [Tier, Count, List, Possible]).

reachable(Role, Name, Via, Tier, Count) :-
    site:grant(Role, Name, Scope, Terms),
    action(Name, Tier0, _),
    Tier0 \== observe,
    Name \== dns_zone_delete,
    blank_action(Name, Action),
    member(Via, [api, model]),
    signatures_needed(Action, by("", Via), [granted(Role, Name, Scope, Terms)], Tier, Count).

blank_action(Name, Action) :-
    findall(Param, parameter(Name, Param, _, _, _), Params),
    length(Params, Arity),
    functor(Action, Name, Arity).

%   signatures(N) must come out as at least N, and a model's word is never free.
free_of_signature(Fault) :-
    site:grant(Role, Name, Scope, Terms),
    action(Name, Tier0, _),
    Tier0 \== observe,
    blank_action(Name, Action),
    member(Via, [api, model]),
    signatures_needed(Action, by("", Via), [granted(Role, Name, Scope, Terms)], _, Count),
    (   Terms = signatures(Asked),
        Count < Asked
    ;   Via == model,
        Count < 1
    ),
    format(string(Fault), "~w by ~w via ~w would need ~d signatures, fewer than granted",
           [Name, Role, Via, Count]).

signed_observation(Fault) :-
    site:grant(Role, Name, _, signatures(_)),
    action(Name, observe, _),
    format(string(Fault),
           "grant(~w, ~w, …) asks for signatures, but it changes nothing: say freely",
           [Role, Name]).

                /*  actions  */

incomplete_action(Fault) :-
    action(Name, Tier, Title),
    (   \+ tier_rank(Tier, _),
        format(string(Fault), "~w has the unknown tier ~w", [Name, Tier])
    ;   ( \+ string(Title) ; \+ ( summary(Name, Text), string(Text) ) ),
        format(string(Fault), "~w has no title or summary", [Name])
    ;   \+ example(Name, _),
        format(string(Fault), "~w has no example", [Name])
    ;   parameter(Name, Param, Type, Need, Doc),
        \+ ( catch(type_schema(Type, _), _, fail),
             string(Doc),
             memberchk_need(Need) ),
        format(string(Fault), "parameter ~w of ~w has no schema or no words", [Param, Name])
    ;   findall(x, action(Name, _, _), [_, _|_]),
        format(string(Fault), "~w is declared twice", [Name])
    ;   blank_action(Name, Action),
        \+ ( clause(action:wording(Head, _), _), \+ \+ Head = Action ),
        format(string(Fault), "~w has no wording (wording/2)", [Name])
    ).

memberchk_need(required).
memberchk_need(optional).

                /*  site  */

loose_end(Fault) :-
    site:grant(_, Name, _, _),
    \+ action(Name, _, _),
    format(string(Fault), "a grant names the action ~w, which does not exist", [Name]).
loose_end(Fault) :-
    site:grant(_, _, zone(Zone), _),
    \+ site:zone(Zone, _, _),
    format(string(Fault), "a grant names the zone ~s, which is not in the site facts", [Zone]).
loose_end(Fault) :-
    site:grant(_, _, playbook(Playbook), _),
    \+ site:playbook(Playbook, _, _),
    format(string(Fault), "a grant names the playbook ~s, which is not in the site facts",
           [Playbook]).
loose_end(Fault) :-
    ( site:zone(_, Server, _) ; site:zone_playbook(Server, _, _) ),
    \+ site:dns_server(Server, _, _, _, _),
    format(string(Fault), "the DNS server ~w is used but not in the site facts", [Server]).
loose_end(Fault) :-
    site:zone(Zone, A, _),
    site:zone(Zone, B, _),
    A @< B,
    format(string(Fault), "zone ~s has two servers, ~w and ~w", [Zone, A, B]).
loose_end(Fault) :-
    site:zone(Zone, _, public),
    site:zone(Zone, _, private),
    format(string(Fault), "zone ~s is both public and private", [Zone]).
loose_end(Fault) :-
    site:dns_server(Server, A, P, _, _),
    site:dns_server(Server, B, Q, _, _),
    A-P @< B-Q,
    format(string(Fault), "DNS server ~w is declared twice", [Server]).
loose_end(Fault) :-
    ( site:playbook_variable(Playbook, _) ; site:playbook_secret(Playbook, _, _) ),
    \+ site:playbook(Playbook, _, _),
    format(string(Fault), "variables for ~s, which is no playbook of the site", [Playbook]).
loose_end(Fault) :-
    ( site:operator_key(Person, _) ; site:may_approve(Person, _) ; site:unix_person(_, Person)
    ; site:token_person(_, Person) ; site:person_role(Person, _)
    ; site:operator_passkey(Person, _, _, _, _) ),
    \+ site:person(Person, _),
    format(string(Fault), "~w is no person of the site", [Person]).
loose_end(Fault) :-
    site:key_person(KeyId, A, _),
    site:key_person(KeyId, B, _),
    A @< B,
    format(string(Fault), "key ~s belongs to both ~w and ~w: one key, one person", [KeyId, A, B]).
loose_end(Fault) :-
    passkey_fault(Fault).
loose_end(Fault) :-
    machine_fault(Fault).

                /*  reasons, for the proof that each can be put in words  */

%!  reason_kind(?Use, -Reason) is nondet.
%
%   Each kind of reason that a rule gives; Use is for or against. A rule whose reason is not
%   named in its head gives unnamed(Where).

reason_kind(for, Reason) :-
    clause(policy:supports(_, _, Found), _),
    named(Found, supports, Reason).
reason_kind(against, Reason) :-
    clause(policy:forbids(_, _, Found), _),
    named(Found, forbids, Reason).
reason_kind(against, Reason) :-
    clause(policy:breaks(_, _, Found), _),
    named(Found, breaks, Reason).
reason_kind(against, no_role(_)).
reason_kind(against, no_grant(_, _, _)).
reason_kind(against, too_few_approvers(_, _, _)).

named(Found, Where, Reason) :-
    (   nonvar(Found)
    ->  Reason = Found
    ;   Reason = unnamed(Where)
    ).
