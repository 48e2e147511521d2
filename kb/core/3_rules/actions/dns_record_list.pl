%   SPDX-License-Identifier: Apache-2.0

:- module(dns_record_list, []).
:- use_module(library(lists), [member/2]).
:- use_module(kb('1_words/wire'), [field/3, refuse/4]).
:- use_module(kb('2_seen/seen'), [looked/2]).
:- use_module(kb('3_rules/action'), []).
:- use_module(kb('3_rules/policy'), []).
:- use_module(kb('3_rules/zones'), [owned_zone/3, zone_of/2, scope_zone/2, zone_job/4]).

/** <module> dns_record_list: the records of a zone of ours

`type` and `name` are filters: the hand leaves out what does not match.
*/

action:action(dns_record_list, observe, "List the records of a zone").

action:summary(dns_record_list,
    "Lists the records of a zone that this node manages, as its server has them now; type and \c
     name narrow it down.").

action:parameter(dns_record_list, zone, zone, required,
    "The zone, or a name in it, such as home.arpa").
action:parameter(dns_record_list, type, record_type, optional,
    "List only records of this type").
action:parameter(dns_record_list, name, fqdn, optional,
    "List only records of this name in the zone, such as nas.home.arpa").

action:example(dns_record_list, "List all records in home.arpa").
action:example(dns_record_list, "show me the DNS records of local").
action:example(dns_record_list, "list the MX records in home.arpa").

action:completed(dns_record_list(Name, Type, Only), dns_record_list(Zone, Type, Only)) :-
    zone_of(Name, Zone),
    narrowed(Only, Zone).

narrowed(none, _) => true.
narrowed(Only, Zone), zone_of(Only, Zone) => true.
narrowed(Only, Zone) =>
    refuse(not_in_zone, name, "'~s' is not in the zone '~s'; name its own zone, or leave it out",
           [Only, Zone]).

action:zone_touched(dns_record_list(Name, _, _), Zone) :-
    scope_zone(Name, Zone).

action:look(dns_record_list(Zone, Type, Only), Job) :-
    filters(Type, Only, Filters),
    zone_job(list, Zone, Filters, Job).

filters(Type, Only, Filters) :-
    findall(Key-Value, ( member(Key-Value, [type-Type, name-Only]), Value \== none ), Filters).

policy:forbids(dns_record_list(Zone, _, _), _, not_owned(Zone)) :-
    \+ owned_zone(Zone, _, _).

action:answer(dns_record_list(Zone, Type, Only), obj([zone-Zone, rrsets-Sets|Filters])) :-
    looked(dns, Seen),
    field(Seen, rrsets, Sets),
    filters(Type, Only, Filters).

action:wording(dns_record_list(Zone, Type, Only), Text) :-
    (   Type == none
    ->  Kind = ""
    ;   format(string(Kind), "~w ", [Type])
    ),
    (   Only == none
    ->  format(string(Text), "list the ~srecords of zone ~s", [Kind, Zone])
    ;   format(string(Text), "list the ~srecords of ~s in zone ~s", [Kind, Only, Zone])
    ).
