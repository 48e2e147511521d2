%   SPDX-License-Identifier: Apache-2.0

:- module(notify,
          [ notice_topic/5,             % ++Entry, ++Case, +NowMs, -What, -About
            notice_targets/2,           % +What, -Targets
            notice_channel/2,           % +Text, -Target
            notice_channels/1,          % -Channels
            page_link/2,                % +Hash, -Link
            notify_fault/1              % -Fault
          ]).
:- use_module(library(lists), [member/2, memberchk/2, append/3]).
:- use_module(kb('1_words/notify_words'), [notify_what/1]).
:- use_module(kb('1_words/wire'), [field/3, refuse/4, shown/2]).
:- use_module(kb('2_seen/site'), []).
:- use_module(kb('2_seen/machines'), [time_ms/2]).

/** <module> Who is told what of what was recorded

Pure: an entry of the ledger (and its case as it is now) to a topic and the channels that the owner
subscribed to it. What is about no topic, or about one that is over or long ago, is told to nobody.
Entries about notifications have no topic, so none is ever told about another.
*/

%   A failure or a start that is older than this is told no more: nobody wants yesterday's after a
%   restart. What still waits or still is so is told whenever it is seen.
told_within_ms(3600000).

channels_max(16).

%!  notice_topic(++Entry, ++Case, +NowMs, -What:atom, -About) is semidet.
%
%   About is what a channel is told of once: obj([what-What, Key-Value]), Key one
%   of case, alert and seq (of an entry).

notice_topic(Entry, Case, NowMs, What, About) :-
    field(Entry, kind, Kind),
    topic(Kind, Entry, Case, NowMs, What, Key, Value),
    !,
    About = obj([what-What, Key-Value]).

topic("case_planned", _, Case, _, consent, case, Id) :-
    field(Case, status, "awaiting_consent"),
    case_id(Case, Id).
topic("case_failed", Entry, Case, NowMs, case_failed, case, Id) :-
    recent(Entry, NowMs),
    case_id(Case, Id).
topic("alert_raised", Entry, _, _, What, alert, Id) :-
    field(Entry, seq, Id),
    integer(Id),
    severity_topic(Entry, What).
topic("alert_changed", Entry, _, _, What, alert, Id) :-
    field(Entry, body, Body),
    field(Body, alert, Id),
    integer(Id),
    severity_topic(Entry, What).
topic(Kind, Entry, _, NowMs, node, seq, Seq) :-
    memberchk(Kind, ["kb_loaded", "kb_refused"]),
    field(Entry, seq, Seq),
    integer(Seq),
    recent(Entry, NowMs).

case_id(Case, Id) :-
    field(Case, id, Id),
    string(Id),
    Id \== "".

severity_topic(Entry, What) :-
    field(Entry, body, Body),
    field(Body, severity, Severity),
    severity_what(Severity, What).

severity_what("critical", alert_critical).
severity_what("warning", alert_warning).

recent(Entry, NowMs) :-
    field(Entry, at, At),
    string(At),
    time_ms(At, AtMs),
    told_within_ms(Within),
    NowMs - AtMs =< Within.

%!  notice_targets(+What:atom, -Targets:list) is det.
%
%   Each target(Channel, Kind, Where) that is told of What, once.

notice_targets(What, Targets) :-
    findall(Target, ( site:notify_about(Channel, What), channel(Channel, Target) ), Targets0),
    sort(Targets0, Sorted),
    channels_max(Max),
    at_most(Max, Sorted, Targets).

channel(Channel, target(Channel, Kind, Where)) :-
    site:notify_channel(Channel, Kind0, Where0),
    !,
    Kind = Kind0,
    Where = Where0.

at_most(Max, List, Head) :-
    (   length(Head0, Max),
        append(Head0, _, List)
    ->  Head = Head0
    ;   Head = List
    ).

%!  notice_channel(+Text:string, -Target) is det.
%
%   @throws refused(unknown_channel, channel, Message)

notice_channel(Text, Target) :-
    (   site:notify_channel(Channel, _, _),
        atom_string(Channel, Text)
    ->  channel(Channel, Target)
    ;   shown(Text, Shown),
        findall(Known, site:notify_channel(Known, _, _), Known0),
        sort(Known0, All),
        (   All == []
        ->  refuse(unknown_channel, channel,
                   "there is no channel '~s'; the site facts have none: write notify_channel",
                   [Shown])
        ;   atomic_list_concat(All, ', ', List),
            refuse(unknown_channel, channel, "there is no channel '~s'; there are: ~w",
                   [Shown, List])
        )
    ).

%!  notice_channels(-Channels:list) is det.
%
%   Each channel(Channel, Kind, Where, Abouts).

notice_channels(Channels) :-
    findall(Channel, site:notify_channel(Channel, _, _), Names0),
    sort(Names0, Names1),
    channels_max(Max),
    at_most(Max, Names1, Names),
    findall(channel(Channel, Kind, Where, Abouts),
            ( member(Channel, Names),
              channel(Channel, target(_, Kind, Where)),
              findall(What, ( notify_what(What), site:notify_about(Channel, What) ), Abouts0),
              sort(Abouts0, Abouts) ),
            Channels).

%!  page_link(+Hash:string, -Link) is det.
%
%   null when the owner wrote no page_origin.

page_link(Hash, Link) :-
    (   site:page_origin(Origin)
    ->  format(string(Link), "~s/~s", [Origin, Hash])
    ;   Link = null
    ).

%!  notify_fault(-Fault:string) is nondet.

notify_fault(Fault) :-
    site:notify_about(Channel, What),
    \+ site:notify_channel(Channel, _, _),
    format(string(Fault), "notify_about ~w, ~w names a channel that no notify_channel declares",
           [Channel, What]).
notify_fault(Fault) :-
    findall(Channel, site:notify_channel(Channel, _, _), Channels),
    msort(Channels, Sorted),
    append(_, [Channel, Channel|_], Sorted),
    format(string(Fault), "notify_channel ~w is declared twice", [Channel]).
notify_fault(Fault) :-
    findall(Channel, site:notify_channel(Channel, _, _), Channels),
    length(Channels, Count),
    channels_max(Max),
    Count > Max,
    format(string(Fault), "there are ~d channels of notifications; ~d are used", [Count, Max]).
