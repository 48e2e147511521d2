%   SPDX-License-Identifier: Apache-2.0

:- module(zones,
          [ zone_of/2,                  % +Name, -Zone
            owned_zone/3,               % ?Zone, -Server, -Visibility
            scope_zone/2,               % +Name, -Zone
            server_of/2,                % +Name, -Server
            zone_job/4                  % +Op, +Zone, +Rest, -Job
          ]).
:- use_module(kb('1_words/dns_name'), [parent_name/2]).
:- use_module(kb('2_seen/site'), []).
:- use_module(kb('2_seen/state'), []).

/** <module> Which zone a name belongs to, and who serves it */

%!  zone_of(+Name:string, -Zone:string) is semidet.
%
%   The longest owned suffix of Name; false when we own none.

zone_of(Name, Zone) :-
    (   owned(Name)
    ->  Zone = Name
    ;   parent_name(Name, Parent),
        zone_of(Parent, Zone)
    ).

owned(Zone) :- site:zone(Zone, _, _), !.
owned(Zone) :- state:zone(Zone, _), !.

%!  owned_zone(?Zone:string, -Server, -Visibility) is nondet.
%
%   The owner's zones and those that the node created for them.

owned_zone(Zone, Server, Visibility) :-
    site:zone(Zone, Server, Visibility).
owned_zone(Zone, Server, Visibility) :-
    state:zone(Zone, Server),
    \+ site:zone(Zone, _, _),
    created_visibility(Zone, Visibility).

%   A created zone is as visible as the owner's zone around it; special-use names are private.
created_visibility(Zone, Visibility) :-
    (   site_zone_above(Zone, Above),
        site:zone(Above, _, Found)
    ->  Visibility = Found
    ;   special_use(Zone)
    ->  Visibility = private
    ;   Visibility = public
    ).

site_zone_above(Name, Zone) :-
    parent_name(Name, Parent),
    (   site:zone(Parent, _, _)
    ->  Zone = Parent
    ;   site_zone_above(Parent, Zone)
    ).

special_use(Zone) :-
    special_use_suffix(Suffix),
    (   Zone == Suffix
    ;   string_concat(".", Suffix, Ending),
        string_concat(_, Ending, Zone)
    ),
    !.

special_use_suffix("home.arpa").
special_use_suffix("internal").
special_use_suffix("lan").
special_use_suffix("local").
special_use_suffix("test").
special_use_suffix("in-addr.arpa").
special_use_suffix("ip6.arpa").

%!  scope_zone(+Name:string, -Zone:string) is nondet.
%
%   The zones that a grant may name to reach Name: the zone it belongs to; for a zone that the
%   node created also the owner's zone around it. A zone of the owner is never reached through
%   another.

scope_zone(Name, Zone) :-
    zone_of(Name, Own),
    (   Zone = Own
    ;   \+ site:zone(Own, _, _),
        site_zone_above(Own, Zone)
    ).

%!  server_of(+Name:string, -Server) is semidet.

server_of(Name, Server) :-
    zone_of(Name, Zone),
    owned_zone(Zone, Server, _),
    !.

%!  zone_job(+Op, +Zone:string, +Rest:list, -Job) is semidet.
%
%   A job for the DNS hand on Zone; Rest are the pairs that Op adds.

zone_job(Op, Zone, Rest, Job) :-
    owned_zone(Zone, Server, _),
    !,
    site:dns_server(Server, Host, Port, Key, Secret),
    !,
    Job = obj([ hand-dns, op-Op, server-Host, port-Port, zone-Zone,
                key-obj([name-Key, algorithm-'hmac-sha256', secret-Secret]) | Rest ]).
