%   SPDX-License-Identifier: Apache-2.0

:- module(dns_record_add, []).
:- use_module(library(lists), [member/2, memberchk/2]).
:- use_module(kb('1_words/dns_value'), [record_value/4]).
:- use_module(kb('1_words/wire'), [refuse/4, shown/2]).
:- use_module(kb('2_seen/seen'), [rrset/4, looked/2]).
:- use_module(kb('3_rules/action'), []).
:- use_module(kb('3_rules/policy'), []).
:- use_module(kb('3_rules/record_sets'),
              [ record_look/3, record_plan/4, reverse_owned/2, target_owned/2, default_ttl/1,
                inferred_for/3 ]).
:- use_module(kb('3_rules/zones'), [scope_zone/2]).

/** <module> dns_record_add: a new record in a zone of ours */

action:action(dns_record_add, change, "Add a DNS record").

action:summary(dns_record_add,
    "Adds one record to a zone that this node manages. The zone is found from the name; the \c
     type is inferred from an address or a name when it is not given.").

action:parameter(dns_record_add, name, fqdn, required,
    "The full name, without a final dot, such as test.local").
action:parameter(dns_record_add, type, record_type, optional,
    "The record type; without it an IPv4 address means A, an IPv6 address AAAA, a name CNAME").
action:parameter(dns_record_add, value, record_value, required,
    "The value as in a zone file: an address, a name, '10 mail.home.arpa', a text").
action:parameter(dns_record_add, ttl, ttl, optional,
    "How long caches may keep it, in seconds; without it the TTL of the set or of the site").

action:example(dns_record_add, "Add DNS record test.local to 192.168.1.100").
action:example(dns_record_add, "add a CNAME www.home.arpa pointing at web.home.arpa").
action:example(dns_record_add, "create an MX record for home.arpa with value 10 mail.home.arpa").

action:completed(dns_record_add(Name, Type0, Value0, Ttl),
                 dns_record_add(Name, Type, Value, Ttl)) :-
    (   Type0 \== none
    ->  Type = Type0
    ;   inferred_for(Name, Value0, Inferred)
    ->  Type = Inferred
    ;   shown(Value0, Shown),
        refuse(missing_field, type, "'~s' is neither an address nor a name; say the type", [Shown])
    ),
    record_value(value, Type, Value0, Value).

action:zone_touched(dns_record_add(Name, _, _, _), Zone) :-
    scope_zone(Name, Zone).

action:look(dns_record_add(Name, Type, Value, _), Job) :-
    findall(Other,
            ( reverse_of(Type, Value, Other)
            ; target_owned(Type-Value, Other) ),
            Extra),
    record_look(Name, Extra, Job).

reverse_of(Type, Address, Reverse) :-
    memberchk(Type, ['A', 'AAAA']),
    reverse_owned(Address, Reverse).

action:settled(dns_record_add(Name, Type, Value, none), dns_record_add(Name, Type, Value, Ttl)) :-
    (   rrset(Name, Type, Found, _)
    ->  Ttl = Found
    ;   default_ttl(Ttl)
    ).

policy:forbids(dns_record_add(Name, Type, Value, _), _, duplicate(Name, Type, Value)) :-
    looked(dns, _),
    rrset(Name, Type, _, Values),
    memberchk(Value, Values).

action:effects(dns_record_add(Name, Type, Value, Ttl), [add(Name, Type, Ttl, Value)]).

action:plan(dns_record_add(Name, Type, Value, Ttl), After, Plan) :-
    record_plan(dns_record_add(Name, Type, Value, Ttl), After,
                undo(dns_record_delete, [name-Name, type-Type, value-Value]), Plan).

action:wording(dns_record_add(Name, Type, Value, Ttl), Text) :-
    (   Ttl == none
    ->  format(string(Text), "add ~w ~s to ~s", [Type, Value, Name])
    ;   format(string(Text), "add ~w ~s to ~s (TTL ~d s)", [Type, Value, Name, Ttl])
    ).

action:remark(dns_record_add(Name, Type, Address, _), Text) :-
    looked(dns, _),
    reverse_of(Type, Address, Reverse),
    (   rrset(Reverse, 'PTR', _, Targets)
    ->  \+ memberchk(Name, Targets),
        Targets = [Target|_],
        format(string(Text), "The reverse name ~s points at ~s and not here.", [Reverse, Target])
    ;   format(string(Text), "The matching PTR is missing: add PTR ~s to ~s.", [Name, Reverse])
    ).
