%   SPDX-License-Identifier: Apache-2.0

:- module(dns_record_delete, []).
:- use_module(library(lists), [member/2, memberchk/2]).
:- use_module(kb('1_words/dns_value'), [record_value/4]).
:- use_module(kb('1_words/vocabulary'), [record_type/1]).
:- use_module(kb('2_seen/seen'), [rrset/4, looked/2]).
:- use_module(kb('3_rules/action'), []).
:- use_module(kb('3_rules/policy'), []).
:- use_module(kb('3_rules/record_sets'),
              [record_look/3, record_plan/4, reverse_owned/2, current_sets/2]).
:- use_module(kb('3_rules/zones'), [scope_zone/2]).

/** <module> dns_record_delete: take records away

`type` and `value` are filters: without them all records of the name go, of the types that
this node writes (never SOA or NS).
*/

action:action(dns_record_delete, risky, "Delete DNS records").

action:summary(dns_record_delete,
    "Deletes the records of a name; type and value narrow it down. What is not there cannot be \c
     deleted: the answer then says what is.").

action:parameter(dns_record_delete, name, fqdn, required,
    "The full name, without a final dot, such as test.local").
action:parameter(dns_record_delete, type, record_type, optional,
    "Delete only records of this type").
action:parameter(dns_record_delete, value, record_value, optional,
    "Delete only the record with this value").

action:example(dns_record_delete, "Delete test.local").
action:example(dns_record_delete, "remove the TXT records of home.arpa").
action:example(dns_record_delete, "delete the A record 192.168.1.100 from test.local").

action:completed(dns_record_delete(Name, Type, Value0), dns_record_delete(Name, Type, Value)) :-
    Type \== none,
    Value0 \== none,
    record_value(value, Type, Value0, Value).

action:zone_touched(dns_record_delete(Name, _, _), Zone) :-
    scope_zone(Name, Zone).

action:look(dns_record_delete(Name, _, Value), Job) :-
    findall(Reverse, ( Value \== none, reverse_owned(Value, Reverse) ), Extra),
    record_look(Name, Extra, Job).

%   When all that matches is of one type, or one value, that is said.
action:settled(dns_record_delete(Name, Type0, Value0), dns_record_delete(Name, Type, Value)) :-
    findall(T-V, meant(Name, Type0, Value0, T, V), Found),
    (   Found = [Type-Value]
    ->  true
    ;   Found = [Type-_|_],
        \+ ( member(Other-_, Found), Other \== Type )
    ->  Value = none
    ;   Found = [_|_],
        Type = none,
        Value = Value0
    ).

%   meant(+Name, +TypeFilter, +ValueFilter, -Type, -Value)
meant(Name, TypeFilter, ValueFilter, Type, Value) :-
    record_type(Type),
    (   TypeFilter == none
    ->  true
    ;   Type == TypeFilter
    ),
    rrset(Name, Type, _, Values),
    (   ValueFilter == none
    ->  member(Value, Values)
    ;   catch(record_value(value, Type, ValueFilter, Value), refused(_, _, _), fail),
        memberchk(Value, Values)
    ).

policy:forbids(dns_record_delete(Name, TypeFilter, ValueFilter), _,
               not_there(Name, Type, Value, Sets)) :-
    looked(dns, _),
    \+ meant(Name, TypeFilter, ValueFilter, _, _),
    any(TypeFilter, Type),
    any(ValueFilter, Value),
    current_sets(Name, Sets).

any(none, Any) => Any = any.
any(Filter, Any) => Any = Filter.

action:effects(dns_record_delete(Name, TypeFilter, ValueFilter), Effects) :-
    findall(remove(Name, Type, Value), meant(Name, TypeFilter, ValueFilter, Type, Value), Effects).

%   Only one record has an opposite that is one action.
action:plan(dns_record_delete(Name, TypeFilter, ValueFilter), After, Plan) :-
    findall(Type-Value, meant(Name, TypeFilter, ValueFilter, Type, Value), Found),
    (   Found = [Type-Value],
        rrset(Name, Type, Ttl, _)
    ->  Undo = undo(dns_record_add, [name-Name, type-Type, value-Value, ttl-Ttl])
    ;   Undo = null
    ),
    record_plan(dns_record_delete(Name, TypeFilter, ValueFilter), After, Undo, Plan),
    !.

action:wording(dns_record_delete(Name, Type, Value), Text) :-
    (   Type == none,
        Value == none
    ->  format(string(Text), "delete all records of ~s", [Name])
    ;   Type == none
    ->  format(string(Text), "delete ~s from ~s", [Value, Name])
    ;   Value == none
    ->  format(string(Text), "delete all ~w records of ~s", [Type, Name])
    ;   format(string(Text), "delete ~w ~s from ~s", [Type, Value, Name])
    ).

action:remark(dns_record_delete(Name, _, Address), Text) :-
    looked(dns, _),
    Address \== none,
    reverse_owned(Address, Reverse),
    rrset(Reverse, 'PTR', _, Targets),
    memberchk(Name, Targets),
    format(string(Text), "The PTR of ~s would still point here: delete it too.", [Reverse]).
