%   SPDX-License-Identifier: Apache-2.0

:- module(types,
          [ typed/4,                    % +Type, +Param, ++Raw, -Value
            type_schema/2,              % +Type, -Pairs
            ttl_seconds_max/1           % -Seconds
          ]).
:- use_module(library(lists), [member/2, memberchk/2]).
:- use_module(library(apply), [maplist/2, maplist/3]).
:- use_module(library(pairs), [pairs_keys/2]).
:- use_module(wire, [refuse/4, shown/2]).
:- use_module(machine_words, [model_name/1, sha256_text/1]).
:- use_module(house_words, [node_name/1, node_flag_word/1, service_named/2]).
:- use_module(vocabulary, [record_type/1, record_type_named/2]).
:- use_module(dns_name, [fqdn/3, zone_name/3]).

/** <module> Types of action parameters: a guard and a JSON Schema each

The guard turns what was sent into the one way of writing it, or refuses it by name. The
schema is what API, command line, models and MCP clients are shown: never wider than the guard.
*/

%!  ttl_seconds_max(-Seconds) is det.
%
%   One week. The protocol's own limit is 2^31 - 1, but a mistake that lives longer than a
%   week in every cache of the world is no longer a setting.

ttl_seconds_max(604800).

variables_max(32).
mib_max(4194304).
alert_max(9007199254740991).
text_bytes_max(1024).

%!  typed(+Type, +Param:atom, ++Raw, -Value) is det.
%
%   @throws refused(Code, Param, Message)

typed(fqdn, Param, Raw, Value) =>
    text(Param, Raw, 1024),
    fqdn(Param, Raw, Value).
typed(zone, Param, Raw, Value) =>
    text(Param, Raw, 1024),
    zone_name(Param, Raw, Value).
typed(record_type, Param, Raw, Value) =>
    text(Param, Raw, 1024),
    (   record_type_named(Raw, Type)
    ->  Value = Type
    ;   findall(T, record_type(T), Types),
        atomic_list_concat(Types, ', ', Known),
        shown(Raw, Shown),
        refuse(unknown_type, Param, "'~s' is not a record type known here: ~w", [Shown, Known])
    ).
typed(record_value, Param, Raw, Value) =>       % its form depends on the type: dns_value
    text(Param, Raw, 4096),
    Value = Raw.
typed(ttl, Param, Raw, Value) =>
    ttl_seconds_max(Max),
    whole(Param, Raw, 0, Max, "seconds"),
    Value = Raw.
typed(text, Param, Raw, Value) =>
    text_bytes_max(Max),
    text(Param, Raw, Max),
    Value = Raw.
typed(path_word, Param, Raw, Value) =>
    text(Param, Raw, 128),
    string_codes(Raw, Codes),
    (   Codes = [First|_],
        code_type(First, alnum),
        maplist(path_code, Codes),
        \+ sub_string(Raw, _, _, _, "..")
    ->  Value = Raw
    ;   shown(Raw, Shown),
        refuse(bad_value, Param,
               "'~s' is not a playbook name: letters, digits, '-', '_', '.' and '/' only", [Shown])
    ).
typed(case_id, Param, Raw, Value) =>
    text(Param, Raw, 64),
    string_codes(Raw, Codes),
    (   Codes = [_|_],
        maplist(id_code, Codes)
    ->  Value = Raw
    ;   shown(Raw, Shown),
        refuse(bad_value, Param, "'~s' is not a case: letters, digits, '-' and '_' only", [Shown])
    ).
typed(machine, Param, Raw, Value) =>            % a host or pool: how the site facts name it
    text(Param, Raw, 64),
    string_lower(Raw, Lower),
    string_codes(Lower, Codes),
    (   Codes = [First|_],
        First >= 0'a, First =< 0'z,
        maplist(machine_code, Codes)
    ->  Value = Lower
    ;   shown(Raw, Shown),
        refuse(bad_value, Param,
               "'~s' is no name of a host or pool: a letter, then letters, digits, '-' and '_'",
               [Shown])
    ).
typed(model, Param, Raw, Value) =>
    text(Param, Raw, 128),
    (   model_name(Raw)
    ->  Value = Raw
    ;   shown(Raw, Shown),
        refuse(bad_value, Param, "'~s' is no name of a model: printable ASCII without spaces",
               [Shown])
    ).
typed(sha256, Param, Raw, Value) =>
    text(Param, Raw, 64),
    string_lower(Raw, Lower),
    (   sha256_text(Lower)
    ->  Value = Lower
    ;   shown(Raw, Shown),
        refuse(bad_value, Param, "'~s' is no SHA-256: 64 hex digits", [Shown])
    ).
typed(node, Param, Raw, Value) =>               % whether there is such a node is for the rules
    text(Param, Raw, 64),
    string_lower(Raw, Lower),
    (   node_name(Lower)
    ->  Value = Lower
    ;   shown(Raw, Shown),
        refuse(bad_value, Param,
               "'~s' is no name of a node: a letter, then letters, digits, '-' and '_'", [Shown])
    ).
typed(service, Param, Raw, Value) =>
    text(Param, Raw, 16),
    string_lower(Raw, Lower),
    (   service_named(Lower, _)
    ->  Value = Lower
    ;   shown(Raw, Shown),
        refuse(bad_value, Param, "'~s' is no service: tcp/443, udp/53 or icmp", [Shown])
    ).
typed(capability, Param, Raw, Value) =>
    text(Param, Raw, 32),
    findall(Flag, node_flag_word(Flag), Flags),
    (   string_lower(Raw, Lower),
        member(Flag, Flags),
        atom_string(Flag, Lower)
    ->  Value = Flag
    ;   shown(Raw, Shown),
        atomic_list_concat(Flags, ', ', Known),
        refuse(bad_value, Param, "'~s' is nothing that a node can: ~w", [Shown, Known])
    ).
typed(mib, Param, Raw, Value) =>
    mib_max(Max),
    whole(Param, Raw, 0, Max, "MiB"),
    Value = Raw.
typed(yes_no, Param, Raw, Value) =>
    (   memberchk(Raw, [true, false])
    ->  Value = Raw
    ;   refuse(wrong_type, Param, "'~w' must be true or false", [Param])
    ).
typed(alert, Param, Raw, Value) =>
    alert_max(Max),
    whole(Param, Raw, 1, Max, "alerts"),
    Value = Raw.
typed(alert_status, Param, Raw, Value) =>
    text(Param, Raw, 16),
    (   member(Status, [open, raised, acknowledged, cleared, all]),
        atom_string(Status, Raw)
    ->  Value = Status
    ;   shown(Raw, Shown),
        refuse(bad_value, Param,
               "'~s' is no state of an alert: open, raised, acknowledged, cleared or all",
               [Shown])
    ).
typed(variables, Param, Raw, Value) =>
    (   Raw = obj(Pairs)
    ->  length(Pairs, Count),
        variables_max(Max),
        (   Count > Max
        ->  refuse(bad_value, Param, "~d variables were given; ~d are the most", [Count, Max])
        ;   true
        ),
        keysort(Pairs, Sorted),
        once_each(Sorted, Param),
        maplist(variable(Param), Sorted),
        Value = obj(Sorted)
    ;   refuse(wrong_type, Param, "'~w' must be an object of variables", [Param])
    ).

text(Param, Raw, BytesMax) :-
    (   \+ string(Raw)
    ->  refuse(wrong_type, Param, "'~w' must be a string", [Param])
    ;   string_length(Raw, Length),
        Length > BytesMax
    ->  shown(Raw, Shown),
        refuse(too_long, Param, "'~w' ('~s') has ~d characters; ~d are the most",
               [Param, Shown, Length, BytesMax])
    ;   true
    ).

whole(Param, Raw, Min, Max, Unit) :-
    (   integer(Raw),
        Raw >= Min,
        Raw =< Max
    ->  true
    ;   shown(Raw, Shown),
        refuse(bad_value, Param, "'~w' is ~s; a whole number of ~s from ~d to ~d is expected",
               [Param, Shown, Unit, Min, Max])
    ).

path_code(Code) :- Code < 128, code_type(Code, alnum), !.
path_code(Code) :- memberchk(Code, `-_./`).

id_code(Code) :- Code < 128, code_type(Code, alnum), !.
id_code(Code) :- memberchk(Code, `-_`).

once_each([], _).
once_each([Name-_|Pairs], Param) :-
    (   Pairs = [Same-_|_],
        Same == Name
    ->  shown(Name, Shown),
        refuse(double_field, Param, "the variable '~s' is given twice", [Shown])
    ;   once_each(Pairs, Param)
    ).

%   A variable: a plain word, and a value that no shell, YAML or Jinja reader can take for code.
variable(Param, Name-Value) :-
    shown(Name, Shown),
    string_codes(Name, Codes),
    (   Codes = [First|_],
        string_length(Name, Length),
        Length =< 64,
        First >= 0'a, First =< 0'z,
        maplist(variable_code, Codes)
    ->  true
    ;   refuse(bad_value, Param, "'~s' is not a variable: lower-case letters, digits and '_'",
               [Shown])
    ),
    (   variable_value(Value)
    ->  true
    ;   refuse(bad_value, Param,
               "the variable '~s' must be true, false, a whole number or a text of up to 256 \c
                plain characters (letters, digits, space and -_.,:/@+=)", [Shown])
    ).

machine_code(Code) :- variable_code(Code), !.
machine_code(0'-).

variable_code(Code) :- Code >= 0'a, Code =< 0'z, !.
variable_code(Code) :- Code >= 0'0, Code =< 0'9, !.
variable_code(0'_).

variable_value(true).
variable_value(false).
variable_value(Value) :-
    integer(Value).
variable_value(Value) :-
    string(Value),
    string_length(Value, Length),
    Length =< 256,
    string_codes(Value, Codes),
    maplist(plain_code, Codes).

plain_code(Code) :- Code < 128, code_type(Code, alnum), !.
plain_code(Code) :- memberchk(Code, ` -_.,:/@+=`).

%!  type_schema(+Type, -Pairs) is det.
%
%   The JSON Schema of Type without its description.

type_schema(fqdn, Pairs) =>
    Pairs = [type-"string", minLength-1, maxLength-254].
type_schema(zone, Pairs) =>
    Pairs = [type-"string", minLength-1, maxLength-254].
type_schema(record_type, Pairs) =>
    findall(Text, ( record_type(Type), atom_string(Type, Text) ), Texts),
    Pairs = [type-"string", enum-Texts].
type_schema(record_value, Pairs) =>
    Pairs = [type-"string", minLength-1, maxLength-2048].
type_schema(ttl, Pairs) =>
    ttl_seconds_max(Max),
    Pairs = [type-"integer", minimum-0, maximum-Max].
type_schema(text, Pairs) =>
    text_bytes_max(Max),
    Pairs = [type-"string", maxLength-Max].
type_schema(path_word, Pairs) =>
    Pairs = [type-"string", minLength-1, maxLength-128].
type_schema(case_id, Pairs) =>
    Pairs = [type-"string", minLength-1, maxLength-64].
type_schema(machine, Pairs) =>
    Pairs = [type-"string", minLength-1, maxLength-64].
type_schema(model, Pairs) =>
    Pairs = [type-"string", minLength-1, maxLength-128].
type_schema(sha256, Pairs) =>
    Pairs = [type-"string", minLength-64, maxLength-64].
type_schema(node, Pairs) =>
    Pairs = [type-"string", minLength-1, maxLength-63].
type_schema(service, Pairs) =>
    Pairs = [type-"string", minLength-4, maxLength-16].
type_schema(capability, Pairs) =>
    findall(Text, ( node_flag_word(Flag), atom_string(Flag, Text) ), Texts),
    Pairs = [type-"string", enum-Texts].
type_schema(mib, Pairs) =>
    mib_max(Max),
    Pairs = [type-"integer", minimum-0, maximum-Max].
type_schema(yes_no, Pairs) =>
    Pairs = [type-"boolean"].
type_schema(alert, Pairs) =>
    alert_max(Max),
    Pairs = [type-"integer", minimum-1, maximum-Max].
type_schema(alert_status, Pairs) =>
    Pairs = [type-"string", enum-["open", "raised", "acknowledged", "cleared", "all"]].
type_schema(variables, Pairs) =>
    variables_max(Max),
    Pairs = [ type-"object", maxProperties-Max,
              additionalProperties-obj([type-["string", "integer", "boolean"]]) ].
