%   SPDX-License-Identifier: Apache-2.0

:- module(dns_lookup, []).
:- use_module(kb('1_words/address'), [reverse_name/2]).
:- use_module(kb('1_words/dns_name'), [fqdn/3]).
:- use_module(kb('1_words/wire'), [field/3]).
:- use_module(kb('2_seen/seen'), [looked/2]).
:- use_module(kb('2_seen/site'), []).
:- use_module(kb('3_rules/action'), []).
:- use_module(kb('3_rules/policy'), []).
:- use_module(kb('3_rules/zones'), [scope_zone/2, server_of/2]).

/** <module> dns_lookup: what a name resolves to

Our own servers are asked: a name outside our zones is refused, because the node is not a resolver
for the world.
*/

action:action(dns_lookup, observe, "Look up a DNS name").

action:summary(dns_lookup,
    "Asks the server of one of our zones what a name or an address resolves to.").

action:parameter(dns_lookup, name, record_value, required,
    "The full name, such as test.local, or an address for its reverse name").
action:parameter(dns_lookup, type, record_type, optional,
    "The record type; without it A, and PTR for an address").

action:example(dns_lookup, "What is the address of test.local?").
action:example(dns_lookup, "look up the MX of home.arpa").
action:example(dns_lookup, "who has 192.168.1.100?").

action:completed(dns_lookup(Text, Type0), dns_lookup(Name, Type)) :-
    (   reverse_name(Text, Reverse)
    ->  Name = Reverse,
        given(Type0, 'PTR', Type)
    ;   fqdn(name, Text, Name),
        given(Type0, 'A', Type)
    ).

given(none, Default, Type) => Type = Default.
given(Given, _, Type)      => Type = Given.

action:zone_touched(dns_lookup(Name, _), Zone) :-
    scope_zone(Name, Zone).

action:look(dns_lookup(Name, Type), Job) :-
    server_of(Name, Server),
    site:dns_server(Server, Host, Port, _, _),
    !,
    Job = obj([hand-dns, op-lookup, server-Host, port-Port, name-Name, type-Type]).

policy:forbids(dns_lookup(Name, _), _, not_owned(Name)) :-
    \+ server_of(Name, _).

action:answer(dns_lookup(Name, Type), obj([name-Name, type-Type, rrsets-Sets, rcode-Rcode])) :-
    looked(dns, Seen),
    field(Seen, rrsets, Sets),
    (   field(Seen, rcode, Found)
    ->  Rcode = Found
    ;   Rcode = "NOERROR"
    ).

action:wording(dns_lookup(Name, Type), Text) :-
    format(string(Text), "look up ~w of ~s", [Type, Name]).
