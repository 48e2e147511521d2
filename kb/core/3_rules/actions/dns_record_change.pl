%   SPDX-License-Identifier: Apache-2.0

:- module(dns_record_change, []).
:- use_module(library(lists), [member/2, memberchk/2]).
:- use_module(kb('1_words/dns_value'), [record_value/4]).
:- use_module(kb('1_words/wire'), [refuse/4]).
:- use_module(kb('1_words/vocabulary'), [record_type/1]).
:- use_module(kb('2_seen/seen'), [rrset/4, looked/2]).
:- use_module(kb('3_rules/action'), []).
:- use_module(kb('3_rules/policy'), []).
:- use_module(kb('3_rules/record_sets'),
              [record_look/3, record_plan/4, target_owned/2, inferred_for/3, current_sets/2]).
:- use_module(kb('3_rules/zones'), [scope_zone/2]).

/** <module> dns_record_change: another value or TTL for a record that exists

Of a set with several values only one is changed, so it must be named (old_value). A new TTL
is for the whole set: one set has one TTL (RFC 2181 section 5.2).
*/

action:action(dns_record_change, risky, "Change a DNS record").

action:summary(dns_record_change,
    "Replaces the value of one existing record, or changes the TTL of its set. The old value must \c
     be named when there are several.").

action:parameter(dns_record_change, name, fqdn, required,
    "The full name, without a final dot, such as test.local").
action:parameter(dns_record_change, type, record_type, optional,
    "The record type; without it what the value speaks for, or the only type that is there").
action:parameter(dns_record_change, value, record_value, optional,
    "The new value; may be left out when only the TTL changes").
action:parameter(dns_record_change, old_value, record_value, optional,
    "The value that is replaced; needed when the name has several of this type").
action:parameter(dns_record_change, ttl, ttl, optional,
    "The new TTL in seconds; without it the TTL stays").

action:example(dns_record_change, "Change test.local to 192.168.1.101").
action:example(dns_record_change, "set the TTL of test.local to 10 minutes").
action:example(dns_record_change,
    "update the A record of nas.home.arpa from 192.168.1.5 to 192.168.1.6").

action:completed(dns_record_change(Name, Type0, Value0, Old0, Ttl),
                 dns_record_change(Name, Type, Value, Old, Ttl)) :-
    (   Value0 == none,
        Ttl == none
    ->  refuse(missing_field, value, "nothing would change: give a value, a ttl or both", [])
    ;   Value0 == none,
        Old0 \== none
    ->  refuse(unknown_field, old_value,
               "old_value without value: a TTL belongs to the whole set", [])
    ;   true
    ),
    (   Type0 \== none
    ->  Type = Type0
    ;   Value0 \== none,
        inferred_for(Name, Value0, Inferred)
    ->  Type = Inferred
    ;   Type = none
    ),
    in_form(value, Type, Value0, Value),
    in_form(old_value, Type, Old0, Old).

in_form(_, none, Value, Value) :- !.
in_form(_, _, none, none) :- !.
in_form(Param, Type, Value0, Value) :-
    record_value(Param, Type, Value0, Value).

action:zone_touched(dns_record_change(Name, _, _, _, _), Zone) :-
    scope_zone(Name, Zone).

action:look(dns_record_change(Name, Type, Value, _, _), Job) :-
    findall(Other, ( Type \== none, Value \== none, target_owned(Type-Value, Other) ), Extra),
    record_look(Name, Extra, Job).

%   Only what is there can be meant: the one type, the one value, the TTL that stays.
action:settled(dns_record_change(Name, Type0, Value0, Old0, Ttl0),
               dns_record_change(Name, Type, Value, Old, Ttl)) :-
    (   Type0 \== none
    ->  Type = Type0
    ;   findall(T, ( record_type(T), rrset(Name, T, _, _) ), [Type])
    ),
    in_form(value, Type, Value0, Value),
    in_form(old_value, Type, Old0, Old1),
    rrset(Name, Type, SetTtl, Values),
    (   Value == none
    ->  Old = none
    ;   Old1 \== none
    ->  Old = Old1
    ;   Values = [Only]
    ->  Old = Only
    ;   Old = none
    ),
    (   Ttl0 == none
    ->  Ttl = SetTtl
    ;   Ttl = Ttl0
    ),
    !.

policy:forbids(dns_record_change(Name, none, _, _, _), _, which_type(Name, Types)) :-
    looked(dns, _),
    findall(Type, ( record_type(Type), rrset(Name, Type, _, _) ), Types),
    Types = [_, _|_].
policy:forbids(dns_record_change(Name, none, _, _, _), _, not_there(Name, any, any, Sets)) :-
    looked(dns, _),
    \+ ( record_type(Type), rrset(Name, Type, _, _) ),
    current_sets(Name, Sets).
policy:forbids(dns_record_change(Name, Type, _, _, _), _, not_there(Name, Type, any, Sets)) :-
    Type \== none,
    looked(dns, _),
    \+ rrset(Name, Type, _, _),
    current_sets(Name, Sets).
policy:forbids(dns_record_change(Name, Type, _, Old, _), _, not_there(Name, Type, Old, Sets)) :-
    Type \== none,
    Old \== none,
    looked(dns, _),
    rrset(Name, Type, _, Values),
    \+ memberchk(Old, Values),
    current_sets(Name, Sets).
policy:forbids(dns_record_change(Name, Type, Value, none, _), _, which_value(Name, Type, Values)) :-
    Type \== none,
    Value \== none,
    looked(dns, _),
    rrset(Name, Type, _, Values),
    Values = [_, _|_].
policy:forbids(dns_record_change(Name, Type, Value, Old, Ttl), _, same_as_now(Name, Type)) :-
    Type \== none,
    looked(dns, _),
    rrset(Name, Type, Ttl, _),
    (   Value == none
    ->  true
    ;   Value == Old
    ).
policy:forbids(dns_record_change(Name, Type, Value, Old, _), _, duplicate(Name, Type, Value)) :-
    Type \== none,
    Value \== none,
    looked(dns, _),
    rrset(Name, Type, _, Values),
    Value \== Old,
    memberchk(Value, Values).

action:effects(dns_record_change(Name, Type, Value, Old, Ttl), Effects) :-
    (   Value == none
    ->  Effects = [ttl(Name, Type, Ttl)]
    ;   Effects = [remove(Name, Type, Old), add(Name, Type, Ttl, Value)]
    ).

action:plan(dns_record_change(Name, Type, Value, Old, Ttl), After, Plan) :-
    rrset(Name, Type, TtlNow, _),
    (   Value == none
    ->  Undo = [name-Name, type-Type, ttl-TtlNow]
    ;   Undo = [name-Name, type-Type, value-Old, old_value-Value, ttl-TtlNow]
    ),
    record_plan(dns_record_change(Name, Type, Value, Old, Ttl), After,
                undo(dns_record_change, Undo), Plan),
    !.

action:wording(dns_record_change(Name, Type0, Value, Old, Ttl), Text) :-
    (   Type0 == none
    ->  Type = record
    ;   Type = Type0
    ),
    (   Value == none
    ->  format(string(Text), "change the TTL of ~w at ~s to ~d s", [Type, Name, Ttl])
    ;   Old == none
    ->  format(string(Text), "change ~w at ~s to ~s", [Type, Name, Value])
    ;   format(string(Text), "change ~w at ~s from ~s to ~s", [Type, Name, Old, Value])
    ).
