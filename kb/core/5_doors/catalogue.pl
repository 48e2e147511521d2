%   SPDX-License-Identifier: Apache-2.0

:- module(door_catalogue,
          [ catalogue/2                 % +In, -Out
          ]).
:- use_module(kb('1_words/wire'), [answered/3, fields/3]).
:- use_module(kb('1_words/types'), [type_schema/2]).
:- use_module(kb('3_rules/action'), [action/3, summary/2, parameter/5, example/2]).
:- use_module(library(lists), [append/3]).

/** <module> Door catalogue: what can be asked for

The JSON Schema of each action is made from its declarations, so API, command line, models and
the guards cannot disagree.
*/

%!  catalogue(+In, -Out) is det.

:- det(catalogue/2).
catalogue(In, Out) :-
    answered(listed, In, Out).

listed(In, obj([actions-Actions])) :-
    fields(In, [], []),
    findall(Name-Entry, ( action(Name, Tier, Title), entry(Name, Tier, Title, Entry) ), Pairs0),
    keysort(Pairs0, Pairs),
    findall(Entry, ( member_value(Pairs, Entry) ), Actions).

member_value([_-Value|_], Value).
member_value([_|Pairs], Value) :-
    member_value(Pairs, Value).

entry(Name, Tier, Title, Entry) :-
    summary(Name, Summary),
    !,
    findall(Sentence, example(Name, Sentence), Examples),
    schema(Name, Title, Schema),
    Entry = obj([ name-Name, title-Title, tier-Tier, summary-Summary, examples-Examples,
                  parameters-Schema ]).

schema(Name, Title, Schema) :-
    findall(Param-obj(Pairs), property(Name, Param, Pairs), Properties),
    findall(Text, ( parameter(Name, Param, _, required, _), atom_string(Param, Text) ), Required),
    Schema = obj([ '$schema'-"https://json-schema.org/draft/2020-12/schema", title-Title,
                   type-"object", properties-obj(Properties), required-Required,
                   additionalProperties-false ]).

property(Name, Param, Pairs) :-
    parameter(Name, Param, Type, _, Doc),
    type_schema(Type, TypePairs),
    append(TypePairs, [description-Doc], Pairs).
