%   SPDX-License-Identifier: Apache-2.0

:- module(door_observe,
          [ observe/2                   % +In, -Out
          ]).
:- use_module(library(lists), [member/2]).
:- use_module(kb('1_words/wire'), [answered/3, fields/3, refuse/4]).
:- use_module(kb('2_seen/seen'), [asking_at/2]).
:- use_module(kb('2_seen/senses'), [begin_observing/2, hear/2, live/1, take_row/3]).
:- use_module(kb('3_rules/make_way'), [makes_way/2]).
:- use_module(observe_flow, [look_at_news/4, look_around/4]).
:- use_module(observe_storms, [tell_what_waits/3]).

/** <module> Door observe: readings come in, what they change of alerts goes out

and which pools make way now, all of them each time: whoever listens compares.

It writes (senses, standings), so doors let one in at a time. What it gives out is not true before
it is in the ledger and learned: until then the condition waits.
*/

rows_max(500).

%!  observe(+In, -Out) is det.

:- det(observe/2).
observe(In, Out) :-
    answered(observed, In, Out).

observed(In, obj([ transitions-Transitions, refused-Refused, reasons-obj(Reasons),
                   make_way-MakeWay ])) :-
    fields(In, [required(now_ms, integer), required(rows, list)], [NowMs, Rows]),
    (   NowMs > 0
    ->  true
    ;   refuse(bad_value, now_ms, "now_ms is a time, not ~d", [NowMs])
    ),
    length(Rows, Count),
    rows_max(Max),
    (   Count =< Max
    ->  true
    ;   refuse(bad_value, rows, "~d rows; at most ~d are taken at once", [Count, Max])
    ),
    begin_observing(NowMs, _),
    take_rows(Rows, NowMs, none, 0, [], News, [], Reasons),
    asking_at(NowMs, live(changes(News, Rows, NowMs, Transitions, MakeWay))),
    refused(Reasons, 0, Refused).

changes(News, Rows, NowMs, Transitions, MakeWay) :-
    look_at_news(News, NowMs, Transitions, Rest),
    look_around(Rows, NowMs, Rest, Rest1),
    tell_what_waits(NowMs, Rest1, []),
    findall(Pool-Words, makes_way(Pool, Words), Pools),
    sort(1, @<, Pools, Once),
    findall(obj([pool-Pool, words-Words]), member(Pool-Words, Once), MakeWay).

refused([], Refused, Refused).
refused([_-Count|Reasons], Refused0, Refused) :-
    Refused1 is Refused0 + Count,
    refused(Reasons, Refused1, Refused).

%   Rows come by node: it is heard once for all of its rows that stand together.
take_rows([], _, Node, AtMs, News, News, Reasons, Reasons) :-
    heard(Node, AtMs).
take_rows([Row|Rows], NowMs, Node0, AtMs0, News0, News, Reasons0, Reasons) :-
    take_row(Row, NowMs, Outcome),
    (   Outcome = refused(Reason)
    ->  counted(Reasons0, Reason, Reasons1),
        take_rows(Rows, NowMs, Node0, AtMs0, News0, News, Reasons1, Reasons)
    ;   ( Outcome == quiet -> News1 = News0 ; News1 = [Outcome|News0] ),
        Row = [Node, Metric, _, _, AtMs],
        (   Metric == "source_ok"       % to be asked is not to answer
        ->  Node1 = Node0,
            AtMs1 = AtMs0
        ;   Node == Node0
        ->  Node1 = Node0,
            AtMs1 is max(AtMs, AtMs0)
        ;   heard(Node0, AtMs0),
            Node1 = Node,
            AtMs1 = AtMs
        ),
        take_rows(Rows, NowMs, Node1, AtMs1, News1, News, Reasons0, Reasons)
    ).

heard(Node, AtMs) :-
    (   Node == none
    ->  true
    ;   hear(Node, AtMs)
    ).

counted([], Reason, [Reason-1]).
counted([Reason-Count0|Reasons], Reason, [Reason-Count|Reasons]) :-
    !,
    Count is Count0 + 1.
counted([Other|Reasons0], Reason, [Other|Reasons]) :-
    counted(Reasons0, Reason, Reasons).
