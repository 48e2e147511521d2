%   SPDX-License-Identifier: Apache-2.0

:- module(wire,
          [ answered/3,                 % :Door, +In, -Out
            fields/3,                   % ++Obj, +Specs, -Values
            field/3,                    % ++Obj, +Name, -Value
            refuse/4,                   % +Code, +Param, +Format, +Arguments
            shown/2,                    % +Text, -Shown
            json_value/1                % ++Value
          ]).
:- use_module(library(lists), [member/2, memberchk/2, append/3]).
:- use_module(library(apply), [maplist/2, maplist/3]).

/** <module> Reading what came through a door

An object is obj([Key-Value, …]) with string keys. fields/3 reads one against a list of
specifications and refuses, by name, what is missing, unknown, double or of another type.
A refusal is the exception refused(Code, Param, Message); answered/3, which every door wraps
around itself, turns it into the answer that docs/protocol.md §1 promises. So rules simply
call guards and never carry error arguments.
*/

:- meta_predicate answered(2, +, -).

%!  answered(:Door, +In, -Out) is det.
%
%   Call Door once. A refusal of the input becomes an answer; anything else that is thrown,
%   and failure, is a bug and goes on to C.

answered(Door, In, Out) :-
    catch(call(Door, In, Found), refused(Code, Param, Message),
          Found = obj([error-obj([kind-input, code-Code, param-Param, message-Message])])),
    !,
    Out = Found.

%!  refuse(+Code, +Param, +Format, +Arguments) is erroneous.
%
%   Refuse the input: the value of Param is wrong, and Format says how and what to do.

refuse(Code, Param, Format, Arguments) :-
    format(string(Message), Format, Arguments),
    throw(refused(Code, Param, Message)).

%!  fields(++Obj, +Specs, -Values:list) is det.
%
%   Specs are required(Name, Type) or optional(Name, Type, Default), Name an atom; Values
%   are in their order. Types: string, integer, obj, list, any, nullable(Type).
%
%   @throws refused(unknown_field|missing_field|double_field|wrong_type, Name, Message)

fields(obj(Pairs), Specs, Values), all_well(Specs, Pairs, Found) =>
    Values = Found.
fields(obj(Pairs), Specs, Values) =>
    refuse_unknown(Pairs, Specs),
    maplist(field_value(Pairs), Specs, Values).
fields(_, _, _) =>
    refuse(wrong_type, "", "an object was expected; send {…}", []).

%   The usual case, without a word about what is wrong: every field is taken once, each is of
%   its type, none is left. Half of a small question's time went into the careful way.
all_well([], [], []).
all_well([Spec|Specs], Pairs, [Value|Values]) :-
    well(Spec, Pairs, Value, Left),
    all_well(Specs, Left, Values).

well(required(Name, Type), Pairs, Value, Left) =>
    atom_string(Name, Key),
    picked(Pairs, Key, Value, Left),
    has_type(Type, Value).
well(optional(Name, Type, Default), Pairs, Value, Left) =>
    atom_string(Name, Key),
    (   picked(Pairs, Key, Sent, Others)
    ->  has_type(Type, Sent),
        Value = Sent,
        Left = Others
    ;   Value = Default,
        Left = Pairs
    ).

picked([Pair|Pairs], Key, Value, Left) :-
    Pair = Found-Sent,
    (   Found == Key
    ->  Value = Sent,
        Left = Pairs
    ;   Left = [Pair|Others],
        picked(Pairs, Key, Value, Others)
    ).

refuse_unknown(Pairs, Specs) :-
    maplist(spec_key, Specs, Keys),
    known_once(Pairs, Keys).

spec_key(required(Name, _), Key)    => atom_string(Name, Key).
spec_key(optional(Name, _, _), Key) => atom_string(Name, Key).

%   Each key may be taken once: what is found is taken from those left.
known_once([], _).
known_once([Key-_|Pairs], Keys) :-
    (   take(Key, Keys, Left)
    ->  known_once(Pairs, Left)
    ;   shown(Key, Shown),
        (   Keys == []
        ->  refuse(unknown_field, Shown, "unknown or double field '~s': no more is taken here",
                   [Shown])
        ;   join(Keys, Words),
            refuse(unknown_field, Shown, "unknown or double field '~s'; still open are: ~s",
                   [Shown, Words])
        )
    ).

take(Key, [Key|Keys], Keys) :- !.
take(Key, [Other|Keys], [Other|Left]) :-
    take(Key, Keys, Left).

join([], "none").
join([Key|Keys], Words) :-
    atomics_to_string_list([Key|Keys], Words).

atomics_to_string_list(Keys, Words) :-
    atomic_list_concat(Keys, ', ', Atom),
    atom_string(Atom, Words).

field_value(Pairs, Spec, Value) :-
    (   Spec = required(Name, Type)
    ->  atom_string(Name, Key),
        (   memberchk(Key-Found, Pairs)
        ->  true
        ;   refuse(missing_field, Key, "field '~s' is missing", [Key])
        )
    ;   Spec = optional(Name, Type, Default),
        atom_string(Name, Key),
        (   memberchk(Key-Sent, Pairs)
        ->  Found = Sent
        ;   Found = default(Default)
        )
    ),
    (   Found = default(Value0)
    ->  Value = Value0
    ;   has_type(Type, Found)
    ->  Value = Found
    ;   type_words(Type, Words),
        refuse(wrong_type, Key, "field '~s' must be ~s", [Key, Words])
    ).

has_type(string, Value)         => string(Value).
has_type(integer, Value)        => integer(Value).
has_type(obj, Value)            => Value = obj(_).
has_type(list, Value)           => is_list(Value).
has_type(any, _)                => true.
has_type(nullable(Type), Value) => ( Value == null -> true ; has_type(Type, Value) ).

type_words(string, "a string").
type_words(integer, "a whole number").
type_words(obj, "an object").
type_words(list, "a list").
type_words(nullable(Type), Words) :-
    type_words(Type, Bare),
    string_concat(Bare, " or null", Words).

%!  field(++Obj, +Name:atom, -Value) is semidet.
%
%   The value of Name, if it is there: for reading what other parts of us wrote.

field(obj(Pairs), Name, Value) :-
    atom_string(Name, Key),
    (   memberchk(Key-Found, Pairs)
    ->  true
    ;   memberchk(Name-Found, Pairs)
    ),
    Value = Found.

%!  shown(+Text, -Shown:string) is det.
%
%   Foreign text, fit to stand in a sentence: at most 64 characters, nothing unprintable.

shown(Text, Shown) :-
    string(Text),
    !,
    string_length(Text, Length),
    (   Length =< 64
    ->  Head = Text, Tail = ""
    ;   sub_string(Text, 0, 64, _, Head), Tail = "…"
    ),
    string_codes(Head, Codes),
    maplist(printable, Codes, Printable),
    string_codes(Clean, Printable),
    string_concat(Clean, Tail, Shown).
shown(Value, Shown) :-
    format(string(Text), "~q", [Value]),
    shown(Text, Shown).

printable(Code, Code) :-
    Code >= 0'\s,
    Code =\= 127,
    \+ ( Code >= 128, Code < 160 ),
    \+ ( Code >= 0x200B, Code =< 0x200F ),
    \+ ( Code >= 0x2028, Code =< 0x202E ),
    !.
printable(_, 0'?).

%!  json_value(++Value) is semidet.
%
%   Value is what the wire can carry and came from it.

json_value(Value) :-
    (   string(Value)
    ;   number(Value)
    ;   memberchk(Value, [true, false, null])
    ;   is_list(Value),
        maplist(json_value, Value)
    ;   Value = obj(Pairs),
        is_list(Pairs),
        maplist(json_pair, Pairs)
    ),
    !.

json_pair(Key-Value) :-
    string(Key),
    json_value(Value).
