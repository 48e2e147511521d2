%   SPDX-License-Identifier: Apache-2.0

:- module(machines,
          [ machine_effects/5,          % +Action, ++Params, +At, ++Result, -Effects
            machine_tries/5,            % +Action, ++Params, +At, +Seq, -Tries
            time_ms/2,                  % +Text, -Ms
            host_known/2,               % +Text, -Host
            pool_known/2                % +Text, -Pool
          ]).
:- use_module(library(lists), [member/2, memberchk/2]).
:- use_module(kb('1_words/machine_words'), [machine_column/2]).
:- use_module(kb('1_words/wire'), [field/3]).
:- use_module(site, []).
:- use_module(state, []).

/** <module> What a wake, a load and their like teach

An entry of the ledger is certain in what was done and when. What the hands measured beside it
(how long, how large) came from a machine: it is kept where it is of its form, and left out where
it is not.
*/

%!  machine_effects(+Action:string, ++Params, +At:string, ++Result, -Effects:list) is semidet.
%
%   Facts of state.pl, or forget(Fact). False if Action is no such action, or names a host or pool
%   that the site does not have (any more).

machine_effects("host_wake", Params, At, Result, Effects) :-
    host_param(Params, Host),
    moment(At, AtMs),
    findall(Effect, woken(Host, AtMs, Result, Effect), Effects).
machine_effects("host_sleep", Params, At, _, [host_power(Host, asleep, AtMs)|Forgotten]) :-
    host_param(Params, Host),
    moment(At, AtMs),
    findall(forget(loaded(Pool, _, _, _, _)), site:pool(Pool, Host, _, _, _, _), Forgotten).
machine_effects("pool_load", Params, At, Result, Effects) :-
    pool_param(Params, Pool),
    field(Params, model, Model),
    machine_column(model_name, Model),
    moment(At, AtMs),
    findall(Effect, held(Pool, Model, Params, AtMs, Result, Effect), Effects).
machine_effects("pool_unload", Params, _, _, [forget(loaded(Pool, _, _, _, _))]) :-
    pool_param(Params, Pool).

woken(Host, AtMs, _, host_power(Host, awake, AtMs)).
woken(Host, AtMs, _, host_woken(Host, AtMs)).
woken(Host, AtMs, Result, boot_time(Host, AtMs, TookMs)) :-
    number_of(Result, took_ms, took_ms, TookMs).
woken(Host, _, _, forget(loaded(Pool, _, _, _, _))) :-
    site:pool(Pool, Host, _, _, _, _).

held(Pool, Model, Params, AtMs, Result, loaded(Pool, Model, Sha, Version, AtMs)) :-
    pinned(Params, Result, Sha, Version).
held(Pool, Model, _, AtMs, Result, load_time(Pool, Model, AtMs, TookMs)) :-
    number_of(Result, took_ms, took_ms, TookMs).
held(Pool, _, Params, AtMs, Result, Measured) :-
    pinned(Params, Result, Sha, Version),
    site:pool(Pool, _, Kind, _, _, _),
    site:pool_engine(Pool, _, Slots, Context, Kv),
    !,
    field(Result, buffers, Buffers),
    number_of(Buffers, weights_bytes, bytes, Weights),
    number_of(Buffers, kv_bytes, bytes, KvBytes),
    number_of(Buffers, compute_bytes, bytes, Compute),
    number_of(Buffers, other_bytes, bytes, Other),
    Measured = measured(Sha, Version, Kind, Context, Slots, Kv, Weights, KvBytes, Compute, Other,
                        AtMs).

pinned(Params, Result, Sha, Version) :-
    field(Params, sha256, Sha),
    machine_column(sha256, Sha),
    field(Result, engine_version, Version),
    machine_column(engine_version, Version).

number_of(Obj, Name, Type, Number) :-
    field(Obj, Name, Number),
    machine_column(Type, Number).

host_param(Params, Host) :-
    field(Params, host, Text),
    host_known(Text, Host).

pool_param(Params, Pool) :-
    field(Params, pool, Text),
    pool_known(Text, Pool).

%!  machine_tries(+Action:string, ++Params, +At:string, +Seq, -Tries:list) is semidet.
%
%   What a failure teaches that may have had its effect: the packets of a wake were sent, so it
%   counts among the wakes of the hour, or a host that never answers would be woken without end.

machine_tries("host_wake", Params, At, Seq, [host_tried(Host, Seq, AtMs)]) :-
    host_param(Params, Host),
    moment(At, AtMs).

%!  host_known(+Text, -Host) is semidet.
%
%   The host of that name in the site facts. Makes no atom of foreign text.

host_known(Text, Host) :-
    string(Text),
    site:host(Host, _, _),
    atom_string(Host, Text),
    !.

%!  pool_known(+Text, -Pool) is semidet.

pool_known(Text, Pool) :-
    string(Text),
    site:pool(Pool, _, _, _, _, _),
    atom_string(Pool, Text),
    !.

moment(At, AtMs) :-
    (   time_ms(At, AtMs)
    ->  true
    ;   AtMs = 0
    ).

%!  time_ms(+Text, -Ms) is semidet.
%
%   Milliseconds since 1970 of "2026-01-01T00:00:00.000Z", the ledger's way of writing.

time_ms(Text, Ms) :-
    string(Text),
    string_codes(Text, [Y1, Y2, Y3, Y4, 0'-, M1, M2, 0'-, D1, D2, 0'T, H1, H2, 0':, N1, N2, 0':,
                        S1, S2, 0'., F1, F2, F3, 0'Z]),
    whole([Y1, Y2, Y3, Y4], Year),
    whole([M1, M2], Month),
    whole([D1, D2], Day),
    whole([H1, H2], Hour),
    whole([N1, N2], Minute),
    whole([S1, S2], Second),
    whole([F1, F2, F3], Fraction),
    Year >= 1970,
    Month >= 1, Month =< 12,
    Day >= 1, Day =< 31,
    Hour < 24, Minute < 60, Second =< 60,
    days(Year, Month, Day, Days),
    Ms is (((Days * 24 + Hour) * 60 + Minute) * 60 + Second) * 1000 + Fraction.

whole(Codes, Number) :-
    \+ ( member(Code, Codes), \+ memberchk(Code, `0123456789`) ),
    number_codes(Number, Codes).

%   Days since 1970 in the Gregorian calendar; a year begins in March, so a leap day ends it.
days(Year0, Month, Day, Days) :-
    (   Month > 2
    ->  Year = Year0,
        Shifted is Month - 3
    ;   Year is Year0 - 1,
        Shifted is Month + 9
    ),
    Days is 365 * Year + Year // 4 - Year // 100 + Year // 400
            + (153 * Shifted + 2) // 5 + Day - 1 - 719468.
