%   SPDX-License-Identifier: Apache-2.0

:- module(door_state_text,
          [ state_text/2                % +In, -Out
          ]).
:- use_module(kb('1_words/fact_words'), [fact_word/3]).
:- use_module(kb('1_words/wire'), [answered/3, fields/3]).
:- use_module(kb('2_seen/alerts'), []).
:- use_module(kb('2_seen/state'), []).

/** <module> Door state_text: the state as files that a person can read and `main` can load */

%!  state_text(+In, -Out) is det.

:- det(state_text/2).
state_text(In, Out) :-
    answered(written, In, Out).

written(In, obj([files-Files])) :-
    fields(In, [], []),
    findall(File, file(File), Files).

file(obj([name-Name, text-Text])) :-
    state_file(Name, Fact, Order),
    fact_word(state, Fact, Columns),
    length(Columns, Arity),
    functor(Head, Fact, Arity),
    findall(Head, call(state:Head), Facts0),
    sort(Order, @=<, Facts0, Facts),
    head_line(Fact, Columns, Line),
    fact_lines(Facts, Lines),
    atomic_list_concat([Line|Lines], '\n', Body),
    format(string(Text), "~w~n", [Body]).

%   state_file(?Name, -Fact, -Column that orders it)
state_file("changes.pl", change, 2).
state_file("zones.pl",   zone,   1).
state_file("host_power.pl", host_power, 1).
state_file("host_woken.pl", host_woken, 2).
state_file("host_tried.pl", host_tried, 2).
state_file("boot_times.pl", boot_time,  2).
state_file("load_times.pl", load_time,  3).
state_file("loaded.pl",     loaded,     1).
state_file("measured.pl",   measured,   11).
state_file("alerts.pl",     alert,      1).
state_file("acknowledged.pl", acknowledged, 1).
state_file("runbooks.pl",   runbook,    1).
state_file("standing.pl",   node_stands, 1).
state_file("cluster_guests.pl", cluster_guests, 1).

head_line(Fact, Columns, Line) :-
    findall(Column, in_columns(Columns, Column), Names),
    atomic_list_concat(Names, ', ', List),
    format(string(Line), "%   Written by the node from its ledger; do not edit.~n%   ~w(~w)~n",
           [Fact, List]).

in_columns([Column:_|_], Column).
in_columns([_|Columns], Column) :-
    in_columns(Columns, Column).

fact_lines([], []).
fact_lines([Fact|Facts], [Line|Lines]) :-
    format(string(Line), "~q.", [Fact]),
    fact_lines(Facts, Lines).
