%   SPDX-License-Identifier: Apache-2.0

:- module(state,
          [ change/6,                   % Case, Seq, Principal, Action, Params, Undo
            zone/2,                     % Name, Server
            host_power/3,               % Host, Power, AtMs
            host_woken/2,               % Host, AtMs
            host_tried/3,               % Host, Seq, AtMs
            boot_time/3,                % Host, AtMs, TookMs
            load_time/4,                % Pool, Model, AtMs, TookMs
            loaded/5,                   % Pool, Model, Sha256, EngineVersion, AtMs
            alert/13,                   % these three: 2_seen/alerts.pl
            acknowledged/5,
            runbook/4,
            node_stands/5,              % these two: 2_seen/standing_entries.pl
            cluster_guests/4,
            measured/11,                % Sha256, EngineVersion, Kind, Context, Slots, Kv, …
            remember_change/7,          % +Case, +Seq, +Principal, +Action, +Params, +Undo, +Effects
            remember_tries/1,           % +Tries
            forgetting/2,               % +Effect, -Facts
            learned_until/1,            % -Seq
            changes_max/1,              % -Count
            newest_changes/1            % -Changes
          ]).
:- use_module(library(lists), [append/3, max_list/2, member/2, memberchk/2, min_list/2, nth0/3]).
:- use_module(library(pairs), [pairs_values/2]).

/** <module> What the node itself brought about

Ground facts, rebuilt from the ledger and kept readable in the state folder. Params and undo are
wire terms: obj(["name"-"test.local", …]); undo is obj(["action"-A, "params"-P]) or null.
One writer: the door `learn` holds the mutex; readers see each change whole or not at all.
*/

:- dynamic
    change/6, zone/2, host_power/3, host_woken/2, host_tried/3, boot_time/3, load_time/4,
    loaded/5, measured/11, alert/13, acknowledged/5, runbook/4, node_stands/5, cluster_guests/4.

%!  changes_max(-Count) is det.
%
%   Older changes leave the state (never the ledger): "undo that" is about the recent past.

changes_max(100).

%   The node's own wakes and loads come by the dozen: they push out each other, not what people did.
own_changes_max(20).

%!  remember_change(+Case, +Seq, +Principal, +Action, +Params, +Undo, +Effects) is semidet.
%
%   With the change goes what else became true: Effects are zone(Name, Server), or what
%   2_seen/machines.pl makes of a wake, a load and their like. All of it at once, so that
%   learned_until/1 says exactly what is known. False if nothing of it is new.

remember_change(Case, Seq, Principal, Action, Params, Undo, Effects) :-
    with_mutex(ln_state,
               transaction(remembered(change(Case, Seq, Principal, Action, Params, Undo),
                                      Effects))).

remembered(Change, Effects) :-
    Change = change(_, Seq, Principal, _, _, _),
    (   change(_, Seq, _, _, _, _)
    ->  Known = true
    ;   old_news(Change)
    ->  Known = true
    ;   assertz(Change),
        forget_oldest(Principal),
        Known = false
    ),
    findall(zone(Name, Server),
            ( member(zone(Name, Server), Effects), \+ zone(Name, _) ), New),
    forall(member(Zone, New), assertz(Zone)),
    (   Known == false
    ->  forall(( member(Effect, Effects), Effect \= zone(_, _) ), befall(Effect))
    ;   true
    ),
    \+ ( Known == true, New == [] ).

%   Older than all that is kept of its kind: it was learned once and left.
old_news(change(_, Seq, Principal, _, _, _)) :-
    findall(Kept, kept_beside(Principal, Kept), Seqs),
    length(Seqs, Count),
    kept_max(Principal, Max),
    Count >= Max,
    min_list(Seqs, Least),
    Seq < Least.

kept_beside(Principal, Seq) :-
    change(_, Seq, Other, _, _, _),
    same_kind(Principal, Other).

same_kind(One, Other) :-
    kept_max(One, Max),
    kept_max(Other, Max).

kept_max(Principal, Max) :-
    (   string_concat("node:", _, Principal)
    ->  own_changes_max(Max)
    ;   changes_max(Max)
    ).

forget_oldest(Principal) :-
    findall(Seq, kept_beside(Principal, Seq), Seqs),
    length(Seqs, Count),
    kept_max(Principal, Max),
    (   Count > Max
    ->  sort(0, @>=, Seqs, Sorted),
        nth0(Max, Sorted, Oldest),
        retractall(change(_, Oldest, _, _, _, _))
    ;   true
    ).

%!  remember_tries(+Tries:list) is semidet.
%
%   host_tried(Host, Seq, AtMs): the entry Seq tells of a wake that failed, and whose packets may
%   have woken it all the same. False if none of it is new.

remember_tries(Tries) :-
    with_mutex(ln_state, transaction(tried(Tries))).

tried(Tries) :-
    findall(Try, ( member(Try, Tries), \+ old_try(Try) ), New),
    New \== [],
    forall(member(Try, New), befall(Try)).

%   Known, or so old that it was known once and left.
old_try(host_tried(_, Seq, _)) :-
    host_tried(_, Seq, _),
    !.
old_try(host_tried(Host, Seq, AtMs)) :-
    findall(Was-At, ( host_tried(Host, Was, At), Was > Seq ), Newer),
    hour_ms(Hour),
    wakes_kept_max(Max),
    length(Newer, Count),
    (   Count >= Max
    ->  true
    ;   member(_-At, Newer),
        AtMs =< At - Hour
    ),
    !.

                /*  machines  */

hour_ms(3600000).
wakes_kept_max(64).
times_kept_max(5).
load_times_max(512).
measured_max(256).

%   befall(+Effect): forget what it replaces and what has become too much; remember it.
befall(forget(Fact)) :-
    !,
    retractall(Fact).
befall(Fact) :-
    forgetting(Fact, Olds),
    forall(member(Old, Olds), retractall(Old)),
    assertz(Fact).

%!  forgetting(+Fact, -Olds:list) is det.
%
%   What leaves when Fact comes, so that no history makes the state large.

forgetting(host_power(Host, _, _), Olds) =>
    Olds = [host_power(Host, _, _)].
forgetting(loaded(Pool, _, _, _, _), Olds) =>
    Olds = [loaded(Pool, _, _, _, _)].
forgetting(host_woken(Host, AtMs), Olds) =>
    hour_ms(Hour),
    wakes_kept_max(Max),
    findall(Was, host_woken(Host, Was), All),
    newest(Max, All, Kept),
    findall(host_woken(Host, Was),
            ( member(Was, All), ( \+ memberchk(Was, Kept) ; Was =< AtMs - Hour ) ), Olds).
forgetting(host_tried(Host, _, AtMs), Olds) =>
    hour_ms(Hour),
    wakes_kept_max(Max),
    findall(Seq, host_tried(Host, Seq, _), All),
    newest(Max, All, Kept),
    findall(host_tried(Host, Seq, Was),
            ( host_tried(Host, Seq, Was),
              ( \+ memberchk(Seq, Kept) ; Was =< AtMs - Hour ) ), Olds).
forgetting(boot_time(Host, _, _), Olds) =>
    times_kept_max(Max),
    findall(Was, boot_time(Host, Was, _), All),
    newest(Max, All, Kept),
    findall(boot_time(Host, Was, _), ( member(Was, All), \+ memberchk(Was, Kept) ), Olds).
forgetting(load_time(Pool, Model, _, _), Olds) =>
    times_kept_max(Max),
    findall(Was, load_time(Pool, Model, Was, _), All),
    newest(Max, All, Kept),
    findall(load_time(Pool, Model, Was, _),
            ( member(Was, All), \+ memberchk(Was, Kept) ), Olds0),
    load_times_max(Most),
    oldest_beyond(Most, load_time(_, _, _, _), 3, Olds1),
    append(Olds0, Olds1, Olds).
forgetting(measured(Sha, Version, Kind, Context, Slots, Kv, _, _, _, _, _), Olds) =>
    measured_max(Most),
    oldest_beyond(Most, measured(_, _, _, _, _, _, _, _, _, _, _), 11, Olds1),
    Olds = [measured(Sha, Version, Kind, Context, Slots, Kv, _, _, _, _, _)|Olds1].

%   The newest Max - 1: one more comes.
newest(Max, All, Kept) :-
    sort(0, @>=, All, Sorted),
    Left is Max - 1,
    length(Sorted, Count),
    Take is min(Left, Count),
    length(Kept, Take),
    append(Kept, _, Sorted).

oldest_beyond(Most, Head, Column, Olds) :-
    findall(At-Head, ( call(Head), arg(Column, Head, At) ), Pairs0),
    length(Pairs0, Count),
    (   Count >= Most
    ->  keysort(Pairs0, [_-Oldest|_]),
        Olds = [Oldest]
    ;   Olds = []
    ).

%!  learned_until(-Seq) is det.
%
%   The newest entry of the ledger that is known here; 0 before the first. Whoever reads the same
%   number before and after has seen one state.

learned_until(Seq) :-
    findall(Known,
            ( change(_, Known, _, _, _, _)
            ; host_tried(_, Known, _)
            ; alert(_, Known, _, _, _, _, _, _, _, _, _, _, _)
            ; acknowledged(_, Known, _, _, _)
            ; node_stands(Known, _, _, _, _)
            ; cluster_guests(_, Known, _, _) ),
            Seqs),
    max_list([0|Seqs], Seq).

%!  newest_changes(-Changes:list) is det.
%
%   All remembered changes as change/6 terms, the newest first.

newest_changes(Changes) :-
    findall(Seq-change(Case, Seq, Principal, Action, Params, Undo),
            change(Case, Seq, Principal, Action, Params, Undo), Pairs),
    sort(1, @>=, Pairs, Sorted),
    pairs_values(Sorted, Changes).
