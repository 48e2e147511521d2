%   SPDX-License-Identifier: Apache-2.0

:- module(machine_faults,
          [ machine_fault/1             % -Fault
          ]).
:- use_module(library(lists), [member/2, memberchk/2]).
:- use_module(kb('2_seen/site'), []).

/** <module> Whether the facts about hosts and pools hang together

Part of the proof site_hangs_together (proofs.pl): one sentence for each thing that cannot be.
*/

%!  machine_fault(-Fault:string) is nondet.

machine_fault(Fault) :-
    site:pool(Pool, Host, Kind, _, _, _),
    Kind \== external,
    \+ site:host(Host, _, _),
    format(string(Fault), "pool ~w is on the host ~w, which is not in the site facts",
           [Pool, Host]).
machine_fault(Fault) :-
    site:pool(Pool, Host, external, _, _, _),
    Host \== none,
    format(string(Fault), "pool ~w is external, so its host is none, not ~w", [Pool, Host]).
machine_fault("a host cannot be called none: that is the host of an external pool") :-
    site:host(none, _, _).
machine_fault(Fault) :-
    site:pool(Pool, _, external, _, _, _),
    \+ site:pool_at(Pool, _),
    format(string(Fault), "pool ~w is external, but no pool_at says where it is", [Pool]).
machine_fault(Fault) :-
    site:pool_at(Pool, _),
    site:pool(Pool, _, Kind, _, _, _),
    Kind \== external,
    format(string(Fault), "pool ~w has a pool_at, so its kind is external, not ~w", [Pool, Kind]).
machine_fault(Fault) :-
    site:pool(Pool, _, Kind, Mask, _, _),
    (   memberchk(Kind, [cpu, external])
    ->  Mask \== "",
        format(string(Fault), "pool ~w of kind ~w has no device: write \"\", not \"~s\"",
               [Pool, Kind, Mask])
    ;   Mask == "",
        format(string(Fault), "pool ~w of kind ~w names no device, such as \"0\"", [Pool, Kind])
    ).
machine_fault(Fault) :-
    site:pool(A, Host, KindA, Mask, _, _),
    site:pool(B, Host, KindB, Mask, _, _),
    A @< B,
    Host \== none,
    gpu(KindA),
    gpu(KindB),
    format(string(Fault), "pools ~w and ~w are both on device ~s of ~w", [A, B, Mask, Host]).
machine_fault(Fault) :-
    of_pool(Word, Pool),
    \+ site:pool(Pool, _, _, _, _, _),
    format(string(Fault), "~w names the pool ~w, which is not in the site facts", [Word, Pool]).
machine_fault(Fault) :-
    site:pool(Pool, _, _, _, _, _),
    \+ site:pool_engine(Pool, _, _, _, _),
    format(string(Fault), "pool ~w has no pool_engine", [Pool]).
machine_fault(Fault) :-
    site:pool(Pool, _, _, _, _, _),
    \+ site:pool_serves(Pool, _),
    format(string(Fault), "pool ~w serves nothing: say pool_serves(~w, any) or a model",
           [Pool, Pool]).
machine_fault(Fault) :-
    site:host_sleep(Host, How),
    How \== never,
    \+ site:host_wake(Host, _, _, _),
    format(string(Fault), "host ~w may ~w, but no host_wake could wake it again", [Host, How]).
machine_fault(Fault) :-
    of_host(Word, Host),
    \+ site:host(Host, _, _),
    format(string(Fault), "~w names the host ~w, which is not in the site facts", [Word, Host]).
machine_fault(Fault) :-
    twice(Word, Name),
    format(string(Fault), "~w(~w, …) is declared twice", [Word, Name]).

gpu(cuda).
gpu(rocm).
gpu(vulkan).

of_pool(pool_serves, Pool) :- site:pool_serves(Pool, _).
of_pool(pool_engine, Pool) :- site:pool_engine(Pool, _, _, _, _).
of_pool(pool_at, Pool)     :- site:pool_at(Pool, _).

of_host(host_wake, Host)   :- site:host_wake(Host, _, _, _).
of_host(host_limits, Host) :- site:host_limits(Host, _, _, _, _).
of_host(host_sleep, Host)  :- site:host_sleep(Host, _).
of_host(quiet_hours, Host) :- site:quiet_hours(Host, _, _).

%   One of a kind for each name: a second one would be silently passed over.
twice(Word, Name) :-
    member(Word, [host, host_wake, host_limits, host_sleep, pool, pool_engine, pool_at,
                  utc_offset]),
    findall(Found, named(Word, Found), Names),
    msort(Names, Sorted),
    again(Sorted, Name).

named(host, Host)        :- site:host(Host, _, _).
named(pool, Pool)        :- site:pool(Pool, _, _, _, _, _).
named(pool_engine, Pool) :- site:pool_engine(Pool, _, _, _, _).
named(pool_at, Pool)     :- site:pool_at(Pool, _).
named(utc_offset, '…')   :- site:utc_offset(_).
named(Word, Host) :-
    Word \== quiet_hours,
    of_host(Word, Host).

again([Name, Name|_], Name).
again([_|Names], Name) :-
    again(Names, Name).
