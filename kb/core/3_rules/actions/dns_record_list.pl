%   SPDX-License-Identifier: Apache-2.0

:- module(dns_record_list, []).
:- use_module(kb('1_words/wire'), [field/3]).
:- use_module(kb('2_seen/seen'), [looked/2]).
:- use_module(kb('3_rules/action'), []).
:- use_module(kb('3_rules/policy'), []).
:- use_module(kb('3_rules/zones'), [owned_zone/3, zone_of/2, scope_zone/2, zone_job/4]).

/** <module> dns_record_list: all records of a zone of ours */

action:action(dns_record_list, observe, "List the records of a zone").

action:summary(dns_record_list,
    "Lists every record of a zone that this node manages, as its server has them now.").

action:parameter(dns_record_list, zone, zone, required,
    "The zone, or a name in it, such as home.arpa").

action:example(dns_record_list, "List all records in home.arpa").
action:example(dns_record_list, "show me the DNS records of local").
action:example(dns_record_list, "which records does zone home.arpa have?").

action:completed(dns_record_list(Name), dns_record_list(Zone)) :-
    zone_of(Name, Zone).

action:zone_touched(dns_record_list(Name), Zone) :-
    scope_zone(Name, Zone).

action:look(dns_record_list(Zone), Job) :-
    zone_job(list, Zone, [], Job).

policy:forbids(dns_record_list(Zone), _, not_owned(Zone)) :-
    \+ owned_zone(Zone, _, _).

action:answer(dns_record_list(Zone), obj([zone-Zone, rrsets-Sets])) :-
    looked(dns, Seen),
    field(Seen, rrsets, Sets).

action:wording(dns_record_list(Zone), Text) :-
    format(string(Text), "list the records of zone ~s", [Zone]).
