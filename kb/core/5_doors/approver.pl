%   SPDX-License-Identifier: Apache-2.0

:- module(door_approver,
          [ approver/2                  % +In, -Out
          ]).
:- use_module(library(lists), [member/2, memberchk/2]).
:- use_module(kb('1_words/vocabulary'), [tier/1, tier_rank/2]).
:- use_module(kb('1_words/wire'), [answered/3, fields/3, refuse/4, shown/2]).
:- use_module(kb('2_seen/site'), []).
:- use_module(kb('3_rules/action'), [action_term/3]).
:- use_module(kb('3_rules/asked'), [by_term/2]).
:- use_module(kb('3_rules/policy'),
              [supports/3, signatures_needed/5, may_sign/3, principal_person/2]).

/** <module> Door approver: may this key or passkey consent, and would it be enough?

Consent counts persons and keys, both distinct; the proposer's own does not count. The approvals
so far are judged by the same rules again, so a person who lost the right no longer counts. Of a
passkey it also says for which site it was made and on which pages it may be used.
*/

%!  approver(+In, -Out) is det.

:- det(approver/2).
approver(In, Out) :-
    answered(judged_key, In, Out).

judged_key(In, Out) :-
    fields(In,
           [ required(key_id, string), required(tier, string), required(action, string),
             required(params, obj), required(by, obj), optional(approvals, list, []) ],
           [KeyId, TierText, ActionText, Params, ByObj, ApprovalObjs]),
    by_term(ByObj, By),
    tier_named(TierText, Asked),
    action_term(ActionText, Params, Action),
    approvals(ApprovalObjs, Approvals),
    findall(Reason, supports(Action, By, Reason), For),
    (   For = [_|_],
        signatures_needed(Action, By, For, Found, Needed)
    ->  higher_tier(Asked, Found, Tier)
    ;   Tier = Asked,
        Needed = nobody
    ),
    By = by(Principal, _),
    key_answer(KeyId, Tier, Principal, Needed, Approvals, Out).

tier_named(Text, Tier) :-
    (   tier(Known),
        atom_string(Known, Text)
    ->  Tier = Known
    ;   shown(Text, Shown),
        refuse(bad_value, tier, "'~s' is no tier: observe, change, risky or destructive", [Shown])
    ).

higher_tier(A, B, Tier) :-
    tier_rank(A, RankA),
    tier_rank(B, RankB),
    (   RankA >= RankB
    ->  Tier = A
    ;   Tier = B
    ).

%   Person-KeyId of each approval so far, as text.
approvals([], []).
approvals([Obj|Objs], [Person-KeyId|Approvals]) :-
    fields(Obj, [required(person, string), required(key_id, string)], [Person, KeyId]),
    approvals(Objs, Approvals).

key_answer(KeyId, Tier, Principal, Needed, Approvals, Out) :-
    (   site:key_person(KeyId, Person, PublicKey)
    ->  verdict(Person, KeyId, Tier, Principal, Needed, Approvals, May, Enough, Words),
        passkey_obj(PublicKey, Passkey),
        Out = obj([ known-true, may-May, enough-Enough, person-Person, public_key-PublicKey,
                    passkey-Passkey, words-Words ])
    ;   shown(KeyId, Shown),
        format(string(Words), "the key ~s is in no operator_key or operator_passkey of the site \c
                               facts", [Shown]),
        Out = obj([ known-false, may-false, enough-false, person-"", public_key-"", passkey-null,
                    words-Words ])
    ).

%   null: a key file, which signs the text itself.
passkey_obj(PublicKey, Passkey) :-
    (   site:operator_passkey(_, _, PublicKey, RpId, _)
    ->  findall(Origin, site:page_origin(Origin), Origins),
        Passkey = obj([rp_id-RpId, origins-Origins])
    ;   Passkey = null
    ).

verdict(Person, KeyId, Tier, Principal, Needed, Approvals, May, Enough, Words) :-
    (   principal_person(Principal, Person)
    ->  no(May, Enough),
        format(string(Words), "~w proposed this; nobody consents to their own proposal", [Person])
    ;   \+ may_sign(Person, Tier, Principal)
    ->  no(May, Enough),
        format(string(Words), "~w may not approve ~w actions (may_approve in the site facts)",
               [Person, Tier])
    ;   Needed == nobody
    ->  no(May, Enough),
        Words = "the site facts no longer allow this action to its proposer"
    ;   given_before(Person, KeyId, Approvals)
    ->  no(May, Enough),
        format(string(Words), "~w, or this key, has signed already", [Person])
    ;   May = true,
        counted(Approvals, Tier, Principal, [Person-KeyId], Count),
        (   Count >= Needed
        ->  Enough = true
        ;   Enough = false
        ),
        format(string(Words), "~w may approve this; ~d of ~d signatures", [Person, Count, Needed])
    ).

no(false, false).

given_before(Person, KeyId, Approvals) :-
    atom_string(Person, Text),
    member(Before-Key, Approvals),
    (   Before == Text
    ;   Key == KeyId
    ),
    !.

%   counted(+Approvals, +Tier, +Principal, +Counted, -Count): only keys that are known to belong
%   to the person named, only persons that may, each person and each key once.
counted([], _, _, Counted, Count) :-
    length(Counted, Count).
counted([PersonText-KeyId|Approvals], Tier, Principal, Counted0, Count) :-
    (   site:key_person(KeyId, Person, _),
        atom_string(Person, PersonText),
        may_sign(Person, Tier, Principal),
        \+ memberchk(Person-_, Counted0),
        \+ memberchk(_-KeyId, Counted0)
    ->  counted(Approvals, Tier, Principal, [Person-KeyId|Counted0], Count)
    ;   counted(Approvals, Tier, Principal, Counted0, Count)
    ).
