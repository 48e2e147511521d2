%   SPDX-License-Identifier: Apache-2.0

:- module(sense_words,
          [ sense_fact/3,          % ?Module, ?Name, ?Columns
            sense_column/2,             % +Type, +Value
            sense_expected/2            % +Type, -Words
          ]).
:- use_module(library(lists), [member/2, memberchk/2]).
:- use_module(house_words, [node_name/1]).
:- use_module(metric_words, [part_text/1]).
:- use_module(condition_words, [condition/1, severity/2]).

/** <module> The facts about what is sensed: sources, history, thresholds; alerts in the state */

%!  sense_fact(?Module, ?Name, ?Columns:list) is nondet.

sense_fact(site, sense_source, [ source:source, node:node_name, kind:source_kind, where:text,
                                      every_s:every_s ]).
sense_fact(site, history,      [ url:http_url ]).
sense_fact(site, threshold,    [ node:node_or_any, condition:condition, raise:whole,
                                      clear:whole ]).
sense_fact(state, alert,            [ id:seq, seq:seq, condition:any_condition, node:text,
                                      part:text, severity:severity, raised_ms:at_ms,
                                      changed_ms:at_ms, count:whole, words:text, members:names,
                                      cleared_ms:at_ms, why:alert_why ]).
sense_fact(state, acknowledged,     [ alert:seq, seq:seq, by:text, words:text, at_ms:at_ms ]).
sense_fact(state, runbook,          [ alert:seq, seq:seq, at_ms:at_ms, failure:text ]).

%!  sense_column(+Type, +Value) is semidet.

sense_column(source, Value)      => string(Value), Value \== "", part_text(Value).
sense_column(source_kind, Value) => atom(Value), memberchk(Value, [exporter, agent, push, backup]).
sense_column(every_s, Value)     => integer(Value), Value >= 1, Value =< 3600.
sense_column(node_or_any, Value) => ( Value == any ; node_name(Value) ), !.
sense_column(condition, Value)   => threshold_of(Value).
sense_column(any_condition, Value) => atom(Value), ( condition(Value) ; Value == unknown ), !.
sense_column(severity, Value)    => atom(Value), severity(Value, _).
sense_column(names, Value)       => is_list(Value), \+ ( member(Name, Value), \+ string(Name) ).
sense_column(alert_why, Value)   => atom(Value), memberchk(Value, [open, clear, gone]).
sense_column(whole, Value)       => integer(Value), abs(Value) =< 9007199254740991.

threshold_of(critical(Condition)) :- !, atom(Condition), condition(Condition).
threshold_of(Condition) :- atom(Condition), condition(Condition).

%!  sense_expected(+Type, -Words) is det.

sense_expected(source, 'a name of at most 64 letters, digits and _./:-').
sense_expected(source_kind, 'exporter, agent, push or backup').
sense_expected(every_s, 'seconds, 1 to 3600').
sense_expected(node_or_any, 'the name of a node, or any (without quotes)').
sense_expected(condition, 'a condition such as cpu_hot, or critical(cpu_hot)').
sense_expected(any_condition, 'a condition such as cpu_hot, storm, or unknown').
sense_expected(severity, 'warning or critical').
sense_expected(names, 'a list of names').
sense_expected(alert_why, 'open, clear or gone').
sense_expected(whole, 'a whole number').
