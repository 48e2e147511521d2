%   SPDX-License-Identifier: Apache-2.0

:- module(state,
          [ change/6,                   % Case, Seq, Principal, Action, Params, Undo
            zone/2,                     % Name, Server
            remember_change/6,          % +Case, +Seq, +Principal, +Action, +Params, +Undo
            remember_zone/2,            % +Name, +Server
            changes_max/1,              % -Count
            newest_changes/1            % -Changes
          ]).
:- use_module(library(lists), [nth0/3]).
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

%!  remember_change(+Case, +Seq, +Principal, +Action, +Params, +Undo) is semidet.
%
%   False if this entry of the ledger is known already.

remember_change(Case, Seq, Principal, Action, Params, Undo) :-
    with_mutex(ln_state,
               transaction(remembered(Case, Seq, Principal, Action, Params, Undo))).

remembered(Case, Seq, Principal, Action, Params, Undo) :-
    \+ change(_, Seq, _, _, _, _),
    assertz(change(Case, Seq, Principal, Action, Params, Undo)),
    forget_oldest.

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

%!  remember_zone(+Name:string, +Server:atom) is semidet.
%
%   False if it is known already.

remember_zone(Name, Server) :-
    with_mutex(ln_state,
               transaction(( \+ zone(Name, _),
                             assertz(zone(Name, Server)) ))).

%!  newest_changes(-Changes:list) is det.
%
%   All remembered changes as change/6 terms, the newest first.

newest_changes(Changes) :-
    findall(Seq-change(Case, Seq, Principal, Action, Params, Undo),
            change(Case, Seq, Principal, Action, Params, Undo), Pairs),
    sort(1, @>=, Pairs, Sorted),
    pairs_values(Sorted, Changes).
