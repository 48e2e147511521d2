%   SPDX-License-Identifier: Apache-2.0

:- module(state,
          [ change/6,                   % Case, Seq, Principal, Action, Params, Undo
            zone/2,                     % Name, Server
            remember_change/7,          % +Case, +Seq, +Principal, +Action, +Params, +Undo, +Zones
            learned_until/1,            % -Seq
            changes_max/1,              % -Count
            newest_changes/1            % -Changes
          ]).
:- use_module(library(lists), [max_list/2, member/2, nth0/3]).
:- use_module(library(pairs), [pairs_values/2]).

/** <module> What the node itself brought about

Ground facts, rebuilt from the ledger and kept readable in the state folder. Params and undo are
wire terms: obj(["name"-"test.local", …]); undo is obj(["action"-A, "params"-P]) or null.
One writer: the door `learn` holds the mutex; readers see each change whole or not at all.
*/

:- dynamic change/6, zone/2.

%!  changes_max(-Count) is det.
%
%   Older changes leave the state (never the ledger): "undo that" is about the recent past.

changes_max(100).

%!  remember_change(+Case, +Seq, +Principal, +Action, +Params, +Undo, +Zones) is semidet.
%
%   With the change goes what else became true: Zones are Name-Server. All of it at once, so that
%   learned_until/1 says exactly what is known. False if nothing of it is new.

remember_change(Case, Seq, Principal, Action, Params, Undo, Zones) :-
    with_mutex(ln_state,
               transaction(remembered(change(Case, Seq, Principal, Action, Params, Undo), Zones))).

remembered(Change, Zones) :-
    Change = change(_, Seq, _, _, _, _),
    (   change(_, Seq, _, _, _, _)
    ->  Known = true
    ;   assertz(Change),
        forget_oldest,
        Known = false
    ),
    findall(zone(Name, Server), ( member(Name-Server, Zones), \+ zone(Name, _) ), New),
    forall(member(Zone, New), assertz(Zone)),
    \+ ( Known == true, New == [] ).

forget_oldest :-
    findall(Seq, change(_, Seq, _, _, _, _), Seqs),
    length(Seqs, Count),
    changes_max(Max),
    (   Count > Max
    ->  sort(0, @>=, Seqs, Sorted),
        nth0(Max, Sorted, Oldest),
        retractall(change(_, Oldest, _, _, _, _))
    ;   true
    ).

%!  learned_until(-Seq) is det.
%
%   The newest entry of the ledger that is known here; 0 before the first. Whoever reads the same
%   number before and after has seen one state.

learned_until(Seq) :-
    findall(Known, change(_, Known, _, _, _, _), Seqs),
    max_list([0|Seqs], Seq).

%!  newest_changes(-Changes:list) is det.
%
%   All remembered changes as change/6 terms, the newest first.

newest_changes(Changes) :-
    findall(Seq-change(Case, Seq, Principal, Action, Params, Undo),
            change(Case, Seq, Principal, Action, Params, Undo), Pairs),
    sort(1, @>=, Pairs, Sorted),
    pairs_values(Sorted, Changes).
