%   SPDX-License-Identifier: Apache-2.0

:- module(passkey_faults,
          [ passkey_fault/1             % -Words
          ]).
:- use_module(library(lists), [member/2]).
:- use_module(kb('2_seen/site'), []).

/** <module> What is wrong with people and their passkeys in the site facts */

%!  passkey_fault(-Words:string) is nondet.

passkey_fault(Words) :-
    site:operator_passkey(_, Credential, KeyA, _, _),
    site:operator_passkey(_, Credential, KeyB, _, _),
    KeyA @< KeyB,
    format(string(Words), "two passkeys have the id ~s: remove one", [Credential]).
passkey_fault(Words) :-
    site:operator_passkey(Person, IdA, Key, _, _),
    site:operator_passkey(Person, IdB, Key, _, _),
    IdA @< IdB,
    format(string(Words), "two passkeys of ~w have one key: remove one", [Person]).
passkey_fault(Words) :-
    site:operator_passkey(_, _, Key, _, _),
    site:operator_key(Person, Key),
    format(string(Words),
           "a key of ~w is both a key file's and a passkey's: what one signs must not pass for \c
            the other's",
           [Person]).
passkey_fault(Words) :-
    site:may_approve(Person, Tier),
    viewer_only(Person),
    format(string(Words),
           "~w may approve ~w and is a viewer: give a role besides (person_role), or take \c
            may_approve away",
           [Person, Tier]).

%   A viewer looks and does nothing else.
viewer_only(Person) :-
    site:person_role(Person, viewer),
    \+ ( site:person_role(Person, Role), Role \== viewer ).
