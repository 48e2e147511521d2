%   SPDX-License-Identifier: Apache-2.0

:- module(verdict,
          [ judged/4,                   % +Action, +By, ++Seen, -Judged
            permission/3                % +Action, +By, -Judged
          ]).
:- use_module(library(lists), [member/2, memberchk/2]).
:- use_module(library(apply), [maplist/3]).
:- use_module(kb('1_words/vocabulary'), [record_type_named/2]).
:- use_module(kb('1_words/dns_value'), [record_value/4]).
:- use_module(kb('1_words/wire'), [field/3, refuse/4]).
:- use_module(kb('2_seen/seen'), [in_sight/2, supposing/2, rrset/4]).
:- use_module(kb('2_seen/site'), []).
:- use_module(action,
              [ look/2, looks_with/2,
                settled/2, effects/2, plan/3, answer/2, remark/2, action_tier/2 ]).
:- use_module(policy,
              [ supports/3, forbids/3, breaks/3, invariant/2, role_of/2,
                signatures_needed/5, possible_approvers/3 ]).

/** <module> The verdict on a proposal

Asked twice: without Seen it judges what was proposed and names the look that must come
first; with Seen, what the look found, it judges the world that would be. Same rules, facts
and question: same verdict, bit for bit.

    judged(Kind, Action, By, Tier, consent(Count, Persons), For, Against, Held, Outcome)

Kind is permit, needs_consent or deny. For and Against are reasons, Held the invariants that
would still hold. Outcome is look(Job), plan(Plan, Remarks), answer(Answer) or none.
*/

%!  judged(+Action, +By, ++Seen, -Judged) is det.

judged(Action, By, null, Judged) =>
    permission(Action, By, Permission),
    outcome_before(Permission, Judged).
judged(Action, By, Seen, Judged) =>
    seen_facts(Action, Seen, Facts),
    in_sight(Facts, judged_in_sight(Action, By, Judged)).

%   Nothing seen yet: look first, unless there is nothing to look at.
outcome_before(judged(Kind, Action, By, Tier, Consent, For, Against, Held, none), Judged) :-
    (   Kind == deny
    ->  Outcome = none
    ;   look(Action, Job)
    ->  Outcome = look(Job)
    ;   answer(Action, Answer)
    ->  Outcome = answer(Answer)
    ;   plan(Action, [], Plan),
        findall(Text, remark(Action, Text), Remarks),
        Outcome = plan(Plan, Remarks)
    ),
    Judged = judged(Kind, Action, By, Tier, Consent, For, Against, Held, Outcome).

judged_in_sight(Action0, By, Judged) :-
    (   settled(Action0, Settled)
    ->  Action = Settled
    ;   Action = Action0
    ),
    permission(Action, By, Permission),
    Permission = judged(Kind, Action, By, Tier, Consent, For, _, _, _),
    (   Kind == deny
    ->  Judged = Permission
    ;   answer(Action, Answer)
    ->  Judged = judged(Kind, Action, By, Tier, Consent, For, [], [], answer(Answer))
    ;   hypothesis(Action, After, Broken),
        held(Action, Broken, Held),
        broken_reasons(Broken, Reasons),
        (   Reasons == []
        ->  plan(Action, After, Plan),
            findall(Text, remark(Action, Text), Remarks),
            Judged = judged(Kind, Action, By, Tier, Consent, For, [], Held,
                            plan(Plan, Remarks))
        ;   Judged = judged(deny, Action, By, Tier, none, For, Reasons, Held, none)
        )
    ),
    !.

%   The world after the effects: the record sets that were touched, and what would be broken.
hypothesis(Action, After, Broken) :-
    (   effects(Action, Effects)
    ->  supposing(Effects,
                  ( findall(Invariant-Reason, breaks(Action, Invariant, Reason), Broken0),
                    findall(rrset(Name, Type, Ttl, Values),
                            rrset(Name, Type, Ttl, Values), After) )),
        sort(Broken0, Broken)
    ;   After = [],
        Broken = []
    ).

held(Action, Broken, Held) :-
    functor(Action, Name, _),
    findall(Invariant,
            ( invariant(Name, Invariant), \+ memberchk(Invariant-_, Broken) ), Held).

broken_reasons(Broken, Reasons) :-
    findall(Reason, member(_-Reason, Broken), Reasons).

%!  permission(+Action, +By, -Judged) is det.
%
%   The verdict of the policy alone, in the world as it is.

permission(Action, By, Judged) :-
    findall(Reason, supports(Action, By, Reason), For0),
    sort(For0, For),
    findall(Reason, forbids(Action, By, Reason), Against0),
    sort(Against0, Against),
    (   Against = [_|_]
    ->  denied(Action, By, For, Against, Judged)
    ;   For == []
    ->  nothing_supports(Action, By, Reason),
        denied(Action, By, [], [Reason], Judged)
    ;   signatures_needed(Action, By, For, Tier, Count),
        consent(Count, Tier, Action, By, For, Judged)
    ).

denied(Action, By, For, Against, Judged) :-
    action_tier(Action, Tier),
    Judged = judged(deny, Action, By, Tier, none, For, Against, [], none).

consent(0, Tier, Action, By, For, Judged) =>
    Judged = judged(permit, Action, By, Tier, none, For, [], [], none).
consent(Count, Tier, Action, By, For, Judged) =>
    By = by(Principal, _),
    possible_approvers(Tier, Principal, Persons),
    length(Persons, Possible),
    (   Possible >= Count
    ->  Judged = judged(needs_consent, Action, By, Tier, consent(Count, Persons), For, [], [],
                        none)
    ;   Judged = judged(deny, Action, By, Tier, none, For,
                        [too_few_approvers(Tier, Count, Persons)], [], none)
    ).

%   Why nobody allowed it: the principal has no role, or its roles have no such grant.
nothing_supports(Action, by(Principal, _), Reason) :-
    functor(Action, Name, _),
    findall(Role, role_of(Principal, Role), Roles0),
    sort(Roles0, Roles),
    (   Roles == []
    ->  Reason = no_role(Principal)
    ;   findall(Scope, ( member(Role, Roles), site:grant(Role, Name, Scope, _) ), Scopes0),
        sort(Scopes0, Scopes),
        Reason = no_grant(Roles, Name, Scopes)
    ).

%   What a look found, as facts. Values are put in our way of writing, so that they compare.
seen_facts(Action, Seen, [looked(Hand, Seen)|Facts]) :-
    functor(Action, Name, _),
    (   looks_with(Name, Hand0),
        Seen = obj(_)
    ->  Hand = Hand0,
        Facts = []
    ;   field(Seen, rrsets, Sets)
    ->  Hand = dns,
        (   is_list(Sets),
            maplist(seen_set, Sets, Facts)
        ->  true
        ;   refuse(bad_value, seen, "what was seen holds no proper record sets", [])
        )
    ;   Seen = obj(_)
    ->  Hand = ansible,
        Facts = []
    ;   refuse(wrong_type, seen, "field 'seen' must be an object or null", [])
    ).

seen_set(Set, rrset(Name, Type, Ttl, Values)) :-
    field(Set, name, Name0),
    field(Set, type, TypeText),
    field(Set, ttl, Ttl),
    field(Set, values, Values0),
    string(Name0),
    string(TypeText),
    integer(Ttl),
    is_list(Values0),
    string_lower(Name0, Name),
    (   record_type_named(TypeText, Type)
    ->  maplist(seen_value(Type), Values0, Values1)
    ;   Type = TypeText,
        Values1 = Values0
    ),
    sort(Values1, Values).

seen_value(Type, Text, Value) :-
    string(Text),
    (   catch(record_value(seen, Type, Text, Found), refused(_, _, _), fail)
    ->  Value = Found
    ;   Value = Text
    ).
