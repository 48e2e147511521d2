%   SPDX-License-Identifier: Apache-2.0

:- use_module(kb('3_rules/policy')).

:- begin_tests(policy).

add(Name, dns_record_add(Name, 'A', "10.0.0.1", none)).

test(an_operator_may, all(Terms == [freely])) :-
    add("a.local", Action),
    supports(Action, by("loopback", api), granted(_, _, _, Terms)).
test(a_guest_may_not, fail) :-
    add("a.local", Action),
    supports(Action, by("uid:1", api), _).
test(a_stranger_may_not, fail) :-
    add("a.local", Action),
    supports(Action, by("mallory", api), _).
test(a_zone_that_is_not_granted, fail) :-
    add("a.dmz.home.arpa", Action),
    supports(Action, by("loopback", api), _).
test(roles, [forall(member(Principal-Roles, [ "loopback"-[operator], "uid:1"-[guest],
    "uid:1000"-[operator, guest],
                "person:owner"-[operator], "person:junior"-[guest], "token:laptop"-[operator],
                    "token:probe"-[guest],
                "token:stolen"-[], "person:nobody"-[], ""-[], "channel:loopback"-[],
                    "operator"-[] ])),
             Found == Roles]) :-
    findall(Role, role_of(Principal, Role), Found).
test(signatures, [forall(member(Name/Via/Terms/Tier/Count,
        [ dns_record_add/api/freely/change/0, dns_record_add/model/freely/risky/1,
          dns_record_add/grammar/signatures(2)/change/2, dns_record_delete/api/freely/risky/1,
          dns_record_delete/api/signatures(3)/risky/3,
              dns_record_delete/model/signatures(1)/destructive/2,
          dns_lookup/model/freely/observe/0 ])),
      Found == Tier/Count]) :-
    length(Args, 5),
    ( member(Arity, [4, 3, 2]), length(Some, Arity), append(Some, _, Args), Action =.. [Name|Some],
      action:action(Name, _, _) -> true ),
    signatures_needed(Action, by("loopback", Via), [granted(operator, Name, any, Terms)], T, C),
    Found = T/C.
test(the_mildest_grant_counts, Count == 0) :-
    add("a.local", Action),
    signatures_needed(Action, by("loopback", api),
                      [granted(r, a, any, signatures(2)), granted(s, a, any, freely)], _, Count).
test(a_model_cannot_go_above_destructive, Reason == above_every_tier(dns_zone_delete)) :-
    forbids(dns_zone_delete("local"), by("loopback", model), Reason),
    !.
test(approvers, Persons == [ada, owner]) :-
    possible_approvers(risky, "loopback", Persons).
test(nobody_approves_their_own, Persons == [ada]) :-
    possible_approvers(risky, "token:laptop", Persons).
test(a_uid_is_its_person, Persons == [owner]) :-
    possible_approvers(risky, "uid:1000", Persons).
test(junior_may_sign_changes_only, Persons == [ada, junior, owner, robin]) :-
    possible_approvers(change, "loopback", Persons).
test(a_passkey_alone_is_enough_to_sign) :-
    once(may_sign(robin, change, "loopback")).
test(a_passkey_makes_nobody_sign_more, fail) :-
    may_sign(robin, risky, "loopback").
test(who_signs_with_a_passkey_signs_nothing_of_their_own, fail) :-
    may_sign(robin, change, "person:robin").
test(a_person_without_key_and_passkey_signs_nothing, fail) :-
    may_sign(kim, change, "loopback").

:- end_tests(policy).
