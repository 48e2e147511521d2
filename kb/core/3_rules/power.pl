%   SPDX-License-Identifier: Apache-2.0

:- module(power,
          [ host_named/3,               % +Param, +Text, -Host
            pool_named/3,               % +Param, +Text, -Pool
            host_look/2,                % +Host, -Job
            limits_of/5,                % +Host, -BootS, -MinOnS, -MinOffS, -WakesPerHour
            sleep_of/2                  % +Host, -How
          ]).
:- use_module(kb('1_words/wire'), [refuse/4, shown/2]).
:- use_module(kb('2_seen/machines'), [host_known/2, pool_known/2]).
:- use_module(kb('2_seen/site'), []).

/** <module> What the owner said about hosts and pools, with what holds where nothing was said */

%!  host_named(+Param, +Text:string, -Host) is det.
%
%   @throws refused(unknown_host, Param, Message)

host_named(Param, Text, Host) :-
    (   host_known(Text, Found)
    ->  Host = Found
    ;   findall(Known, site:host(Known, _, _), All),
        unknown(unknown_host, Param, "host", Text, All)
    ).

%!  pool_named(+Param, +Text:string, -Pool) is det.
%
%   @throws refused(unknown_pool, Param, Message)

pool_named(Param, Text, Pool) :-
    (   pool_known(Text, Found)
    ->  Pool = Found
    ;   findall(Known, site:pool(Known, _, _, _, _, _), All),
        unknown(unknown_pool, Param, "pool", Text, All)
    ).

unknown(Code, Param, What, Text, All) :-
    shown(Text, Shown),
    sort(All, Sorted),
    (   Sorted == []
    ->  List = 'none'
    ;   atomic_list_concat(Sorted, ', ', List)
    ),
    refuse(Code, Param, "'~s' is no ~s of the site facts; known are: ~w", [Shown, What, List]).

%!  host_look(+Host, -Job) is det.

host_look(Host, Job) :-
    site:host(Host, Agent, _),
    !,
    Job = obj([hand-host, op-status, host-Host, agent-Agent]).

%!  limits_of(+Host, -BootS, -MinOnS, -MinOffS, -WakesPerHour) is det.
%
%   Without a fact: what a desktop computer bears.

limits_of(Host, BootS, MinOnS, MinOffS, WakesPerHour) :-
    (   site:host_limits(Host, BootS0, MinOnS0, MinOffS0, WakesPerHour0)
    ->  BootS-MinOnS-MinOffS-WakesPerHour = BootS0-MinOnS0-MinOffS0-WakesPerHour0
    ;   BootS-MinOnS-MinOffS-WakesPerHour = 180-600-60-6
    ).

%!  sleep_of(+Host, -How) is det.

sleep_of(Host, How) :-
    (   site:host_sleep(Host, How0)
    ->  How = How0
    ;   How = never
    ).
