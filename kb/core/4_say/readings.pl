%   SPDX-License-Identifier: Apache-2.0

:- module(readings,
          [ fact_id/4,                  % +Node, +Metric, +Part, -Id
            reading_words/2,            % +Reading, -Words
            reading_objs/2,             % +Readings, -Objs
            and_list/2                  % +Texts, -Text
          ]).
:- use_module(library(lists), [append/3, member/2]).
:- use_module(kb('1_words/metric_words'), [metric/5, metric_words/2]).
:- use_module(quantities, [amount/3, duration/2]).

/** <module> A reading as a sentence, and the id by which it is cited */

%!  fact_id(+Node, +Metric, +Part, -Id:string) is det.
%
%   tower.cpu_temperature, tower.disk_free./srv

fact_id(Node, Metric, "", Id) =>
    format(string(Id), "~w.~w", [Node, Metric]).
fact_id(Node, Metric, Part, Id) =>
    format(string(Id), "~w.~w.~w", [Node, Metric, Part]).

%!  reading_words(+Reading, -Words:string) is det.
%
%   reading(Node, Metric, Part, Value, AgeS, Fresh) of 3_rules/sensed.pl.

reading_words(reading(Node, Metric, Part, Value, AgeS, Fresh), Words) :-
    metric(Metric, Unit, _, _, _),
    !,
    metric_words(Metric, Name),
    Seconds is max(0, AgeS),
    duration(Seconds, Age),
    ( Part == "" -> Of = "" ; format(string(Of), " of ~s", [Part]) ),
    (   Fresh == true
    ->  amount(Unit, Value, Amount),
        format(string(Words), "~s: ~w~s ~s (~s ago)", [Node, Name, Of, Amount, Age])
    ;   format(string(Words), "~s: ~w~s is unknown; the last reading is ~s old",
               [Node, Name, Of, Age])
    ).

%!  reading_objs(+Readings:list, -Objs:list) is det.
%
%   As facts that can be cited, in the order of their ids; what is not fresh has the value null.

reading_objs(Readings, Objs) :-
    findall(Id-Obj, ( member(Reading, Readings), reading_obj(Reading, Id, Obj) ), Pairs0),
    sort(Pairs0, Pairs),
    findall(Obj, member(_-Obj, Pairs), Objs).

reading_obj(Reading, Id, obj([ id-Id, words-Words, metric-Metric, part-Part, unit-Unit, value-Said,
                               age_s-AgeS, fresh-Fresh ])) :-
    Reading = reading(Node, Metric, Part, Value, AgeS, Fresh),
    metric(Metric, Unit, _, _, _),
    !,
    fact_id(Node, Metric, Part, Id),
    reading_words(Reading, Words),
    ( Fresh == true -> Said = Value ; Said = null ).

%!  and_list(+Texts:list, -Text:string) is det.
%
%   "a", "a and b", "a, b and c"; "none" for none.

and_list([], Text) =>
    Text = "none".
and_list([One], Text) =>
    format(string(Text), "~w", [One]).
and_list(Many, Text) =>
    append(Head, [Last], Many),
    !,
    atomic_list_concat(Head, ', ', Front),
    format(string(Text), "~w and ~w", [Front, Last]).
