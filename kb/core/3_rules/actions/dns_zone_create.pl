%   SPDX-License-Identifier: Apache-2.0

:- module(dns_zone_create, []).
:- use_module(kb('2_seen/seen'), [looked/2]).
:- use_module(kb('2_seen/site'), []).
:- use_module(kb('1_words/dns_name'), [parent_name/2]).
:- use_module(kb('1_words/wire'), [refuse/4, shown/2]).
:- use_module(kb('3_rules/action'), []).
:- use_module(kb('3_rules/policy'), []).
:- use_module(kb('3_rules/playbooks'), [check_job/5, playbook_plan/4]).
:- use_module(kb('3_rules/zones'), [owned_zone/3]).

/** <module> dns_zone_create: a new zone on one of our DNS servers, by Ansible */

action:action(dns_zone_create, risky, "Create a DNS zone").

action:summary(dns_zone_create,
    "Creates an empty zone on a DNS server of the site by running its Ansible playbook, \c
     after a dry run.").

action:parameter(dns_zone_create, name, zone, required,
    "The new zone, such as lab.home.arpa").
action:parameter(dns_zone_create, server, path_word, optional,
    "The DNS server, by its name in the site facts; without it the only one").

action:example(dns_zone_create, "Create the zone lab.home.arpa").
action:example(dns_zone_create, "set up a new DNS zone called iot.home.arpa").

%   A server of the site by its name; `none` stays when the site has not exactly one.
action:completed(dns_zone_create(Name, Server0), dns_zone_create(Name, Server)) :-
    findall(Known, site:dns_server(Known, _, _, _, _), All0),
    sort(All0, All),
    (   Server0 == none
    ->  (   All = [Server]
        ->  true
        ;   atomic_list_concat(All, ', ', List),
            refuse(missing_field, server, "say on which server: ~w", [List])
        )
    ;   site:dns_server(Known, _, _, _, _),
        atom_string(Known, Server0)
    ->  Server = Known
    ;   shown(Server0, Shown),
        atomic_list_concat(All, ', ', List),
        refuse(unknown_server, server, "'~s' is not a DNS server here; known are: ~w",
               [Shown, List])
    ).

%   A grant for a zone reaches the zones to be made inside it.
action:zone_touched(dns_zone_create(Name, _), Zone) :-
    within(Name, Zone).

within(Name, Zone) :-
    Zone = Name.
within(Name, Zone) :-
    parent_name(Name, Parent),
    within(Parent, Zone).

policy:forbids(dns_zone_create(Name, _), _, zone_exists(Name)) :-
    owned_zone(Name, _, _).
policy:forbids(dns_zone_create(Name, Server), _, no_zone_playbook(Name, Server)) :-
    \+ site:zone_playbook(Server, _, _).

action:look(Action, Job) :-
    zone_check(Action, Job).

zone_check(dns_zone_create(Name, Server), Job) :-
    site:zone_playbook(Server, Playbook, Inventory),
    !,
    findall(Variable-Value, site:zone_variable(Server, Variable, Value), Variables),
    findall(Variable-Secret, site:zone_secret(Server, Variable, Secret), Secrets),
    check_job(Playbook, Inventory, ["zone"-Name|Variables], Secrets, Job).

action:plan(dns_zone_create(Name, Server), _, Plan) :-
    looked(ansible, Seen),
    Action = dns_zone_create(Name, Server),
    zone_check(Action, Job),
    format(string(Target), "zone ~s on server ~w", [Name, Server]),
    playbook_plan(Action, Target, Job-Seen, Plan).

action:wording(dns_zone_create(Name, Server), Text) :-
    format(string(Text), "create zone ~s on server ~w", [Name, Server]).
