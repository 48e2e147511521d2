%   SPDX-License-Identifier: Apache-2.0

:- module(power,
          [ host_named/3,               % +Param, +Text, -Host
            pool_named/3,               % +Param, +Text, -Pool
            host_look/2,                % +Host, -Job
            limits_of/5,                % +Host, -BootS, -MinOnS, -MinOffS, -WakesPerHour
            sleep_of/2,                 % +Host, -How
            off_too_short/4,            % +Host, -OffS, -MinOffS, -RetryMs
            on_too_short/4,             % +Host, -OnS, -MinOnS, -RetryMs
            woken_too_often/4,          % +Host, -Count, -Max, -RetryMs
            quiet_now/4,                % +Host, -From, -To, -RetryMs
            person_asks/1,              % +By
            hosts_known/1,              % -Hosts
            pools_known/1,              % -Pools
            power_plan/4                % +Action, +Target, +Parts, -Plan
          ]).
:- use_module(library(lists), [member/2, append/3]).
:- use_module(kb('1_words/machine_words'), [clock_minutes/2]).
:- use_module(kb('2_seen/seen'), [asked_at/1]).
:- use_module(kb('2_seen/state'), []).
:- use_module(action, [wording/2]).
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
    ;   hosts_known(All),
        unknown(unknown_host, Param, "host", Text, All)
    ).

%!  pool_named(+Param, +Text:string, -Pool) is det.
%
%   @throws refused(unknown_pool, Param, Message)

pool_named(Param, Text, Pool) :-
    (   pool_known(Text, Found)
    ->  Pool = Found
    ;   pools_known(All),
        unknown(unknown_pool, Param, "pool", Text, All)
    ).

unknown(Code, Param, What, Text, All) :-
    shown(Text, Shown),
    (   All == []
    ->  List = none
    ;   atomic_list_concat(All, ', ', List)
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

%!  hosts_known(-Hosts:list) is det.

hosts_known(Hosts) :-
    findall(Host, site:host(Host, _, _), Found),
    sort(Found, Hosts).

%!  pools_known(-Pools:list) is det.

pools_known(Pools) :-
    findall(Pool, site:pool(Pool, _, _, _, _, _), Found),
    sort(Found, Pools).

                /*  time  */

hour_ms(3600000).
day_minutes(1440).

%!  off_too_short(+Host, -OffS, -MinOffS, -RetryMs) is semidet.
%
%   It went to sleep less than its least time off ago. A clock that went back counts as no time.

off_too_short(Host, OffS, MinOffS, RetryMs) :-
    limits_of(Host, _, _, MinOffS, _),
    since(Host, asleep, ForMs),
    short_of(ForMs, MinOffS, OffS, RetryMs).

%!  on_too_short(+Host, -OnS, -MinOnS, -RetryMs) is semidet.

on_too_short(Host, OnS, MinOnS, RetryMs) :-
    limits_of(Host, _, MinOnS, _, _),
    since(Host, awake, ForMs),
    short_of(ForMs, MinOnS, OnS, RetryMs).

since(Host, Power, ForMs) :-
    asked_at(NowMs),
    state:host_power(Host, Power, AtMs),
    ForMs is max(0, NowMs - AtMs).

short_of(ForMs, LeastS, ForS, RetryMs) :-
    RetryMs is LeastS * 1000 - ForMs,
    RetryMs > 0,
    ForS is ForMs // 1000.

%!  woken_too_often(+Host, -Count, -Max, -RetryMs) is semidet.
%
%   As often within the hour as it may be; RetryMs until enough of these are an hour old.

woken_too_often(Host, Count, Max, RetryMs) :-
    asked_at(NowMs),
    limits_of(Host, _, _, _, Max),
    hour_ms(Hour),
    findall(AtMs, ( woken_or_tried(Host, AtMs), AtMs > NowMs - Hour ), Ats0),
    msort(Ats0, Ats),
    length(Ats, Count),
    Count >= Max,
    Before is Count - Max,
    length(Head, Before),
    append(Head, [Frees|_], Ats),
    RetryMs is min(Hour, Frees + Hour - NowMs).

woken_or_tried(Host, AtMs) :- state:host_woken(Host, AtMs).
woken_or_tried(Host, AtMs) :- state:host_tried(Host, _, AtMs).

%!  quiet_now(+Host, -From, -To, -RetryMs) is semidet.
%
%   Local time is in one of the host's quiet hours; they may go over midnight.

quiet_now(Host, From, To, RetryMs) :-
    asked_at(NowMs),
    (   site:utc_offset(Offset)
    ->  true
    ;   Offset = 0
    ),
    day_minutes(Day),
    LocalMs is (NowMs + Offset * 60000) mod (Day * 60000),
    site:quiet_hours(Host, From, To),
    clock_minutes(From, Begin),
    clock_minutes(To, End),
    Length is (End - Begin) mod Day,
    InMs is (LocalMs - Begin * 60000) mod (Day * 60000),
    InMs < Length * 60000,
    !,
    RetryMs is Length * 60000 - InMs.

%!  person_asks(+By) is semidet.
%
%   Somebody said so: no rule, no model, not the node itself.

person_asks(by(Principal, Via)) :-
    ( Via == grammar ; Via == api ),
    \+ string_concat("node:", _, Principal),
    !.

                /*  plans  */

%!  power_plan(+Action, +Target, +Parts, -Plan) is det.
%
%   Parts is parts(Diff, Conditions, Job, Undo, Verify); Diff are texts, Undo is
%   undo(Action, Params) or null.

power_plan(Action, Target, parts(Diff, Conditions, Job, Undo, Verify), Plan) :-
    wording(Action, Summary),
    findall(obj([op-change, text-Text]), member(Text, Diff), DiffObjs),
    length(Diff, Changed),
    undo_obj(Undo, UndoObj),
    Plan = obj([ summary-Summary, targets-[Target], current-[], diff-DiffObjs,
                 preconditions-Conditions,
                 coverage-obj([ok-0, changed-Changed, skipped-0, unsupported-0]),
                 job-Job, undo-UndoObj, verify-Verify ]).

undo_obj(null, null).
undo_obj(undo(Name, Params), obj([action-Name, params-obj(Params)])).
