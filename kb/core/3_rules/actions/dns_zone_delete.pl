%   SPDX-License-Identifier: Apache-2.0

:- module(dns_zone_delete, []).
:- use_module(kb('3_rules/action'), []).
:- use_module(kb('3_rules/policy'), []).
:- use_module(kb('3_rules/zones'), [owned_zone/3, scope_zone/2]).

/** <module> dns_zone_delete: known, so that it can be refused with its reason

No grant opens it: the core itself forbids it, because every name below would vanish at once
and no plan could show a person what depends on them.
*/

action:action(dns_zone_delete, destructive, "Delete a DNS zone").

action:summary(dns_zone_delete,
    "Would delete a whole zone. Always refused by the core policy; delete single records instead.").

action:parameter(dns_zone_delete, name, zone, required,
    "The zone, such as lab.home.arpa").

action:example(dns_zone_delete, "Delete the zone home.arpa").
action:example(dns_zone_delete, "remove the DNS zone local completely").

action:zone_touched(dns_zone_delete(Name), Zone) :-
    scope_zone(Name, Zone).

policy:forbids(dns_zone_delete(Zone), _, zone_deletion(Zone)).
policy:forbids(dns_zone_delete(Zone), _, not_owned(Zone)) :-
    \+ owned_zone(Zone, _, _).

action:wording(dns_zone_delete(Zone), Text) :-
    format(string(Text), "delete the whole zone ~s", [Zone]).
