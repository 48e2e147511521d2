%   SPDX-License-Identifier: Apache-2.0

:- module(door_senses,
          [ senses/2                    % +In, -Out
          ]).
:- use_module(library(lists), [memberchk/2]).
:- use_module(library(pairs), [pairs_values/2]).
:- use_module(kb('1_words/metric_words'), [metric/5, metric_from/3]).
:- use_module(kb('1_words/wire'), [answered/3, fields/3]).
:- use_module(kb('2_seen/site'), []).

/** <module> Door senses: whom the sensor asks, and what it makes of what they say

The table of docs/senses.md §4: sources and history out of the site facts, metrics out of the
vocabulary. §4.1 says how a row is read.
*/

%!  senses(+In, -Out) is det.

:- det(senses/2).
senses(In, Out) :-
    answered(table, In, Out).

table(In, obj([sources-Sources, metrics-Metrics, history-History])) :-
    fields(In, [], []),
    findall(Source-obj([ source-Source, node-Node, kind-Kind, where-Where, every_s-EveryS ]),
            site:sense_source(Source, Node, Kind, Where, EveryS), Pairs),
    sort(1, @<, Pairs, Sorted),
    pairs_values(Sorted, Sources),
    findall(Metric, metric_obj(Metric), Metrics),
    (   site:history(Url)
    ->  History = Url
    ;   History = null
    ).

%   In the order of the vocabulary: it says which row takes a sample first.
metric_obj(obj([ metric-Metric, unit-Unit, min-Min, max-Max, stale_s-StaleS, from-Rows ])) :-
    metric(Metric, Unit, Min, Max, StaleS),
    findall(Row, ( metric_from(Metric, Name, Options), row_obj(Name, Options, Row) ), Rows).

row_obj(Name, Options, Row) :-
    option(how(How), Options, value),
    option(scale(Scale), Options, 1),
    option(divide(Divide), Options, 1),
    option(part(Part), Options, []),
    option(labels(Labels), Options, []),
    option(many(Many), Options, sum),
    option(keep(Keep), Options, all),
    option(untaken(Untaken), Options, false),
    option(of(Of), Options, []),
    labels_obj(Labels, LabelsObj),
    findall(obj([name-OfName, labels-OfObj]),
            ( member_of(OfName-OfLabels, Of), labels_obj(OfLabels, OfObj) ), Ofs),
    (   memberchk(join(JoinName, On, Take), Options)
    ->  Join = obj([name-JoinName, on-On, take-Take])
    ;   Join = null
    ),
    Row = obj([ name-Name, labels-LabelsObj, part-Part, how-How, scale-Scale, divide-Divide,
                many-Many, keep-Keep, untaken-Untaken, of-Ofs, join-Join ]).

option(Option, Options, Default) :-
    (   memberchk(Option, Options)
    ->  true
    ;   arg(1, Option, Default)
    ).

labels_obj(Labels, obj(Pairs)) :-
    findall(Label-Patterns, member_of(Label=Patterns, Labels), Pairs).

member_of(Item, [Item|_]).
member_of(Item, [_|Items]) :-
    member_of(Item, Items).
