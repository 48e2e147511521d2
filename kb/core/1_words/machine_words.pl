%   SPDX-License-Identifier: Apache-2.0

:- module(machine_words,
          [ machine_column/2,           % +Type, +Value
            machine_expected/2,         % +Type, -Words
            model_name/1,               % +Text
            sha256_text/1,              % +Text
            clock_minutes/2,            % +Text, -Minutes
            name_bytes_max/1            % -Bytes
          ]).
:- use_module(library(apply), [maplist/2]).
:- use_module(library(lists), [member/2, memberchk/2]).
:- use_module(address, [ipv4/2]).
:- use_module(vocabulary, [label/1]).

/** <module> The columns of facts about machines that sleep, and about their pools

Never wider than what the hands take (src/4_port/host/host.h): a fact that loads makes a job that
is not refused for its form.
*/

%!  name_bytes_max(-Bytes) is det.
%
%   Of a model's name, an engine's version.

name_bytes_max(128).

%!  machine_column(+Type, +Value) is semidet.

machine_column(agent, Value)     => string(Value), agent(Value).
machine_column(mac, Value)       => string(Value), mac(Value).
machine_column(broadcast, Value) => string(Value), ( Value == "" ; broadcast(Value) ), !.
machine_column(secure_on, Value) => string(Value), ( Value == "" ; secret(Value) ), !.
machine_column(limit_s, Value)   => between_(1, 3600, Value).
machine_column(seconds, Value)   => between_(0, 604800, Value).
machine_column(wakes, Value)     => between_(1, 60, Value).
machine_column(sleep_how, Value) => atom(Value), memberchk(Value, [suspend, poweroff, never]).
machine_column(clock, Value)     => string(Value), clock_minutes(Value, _).
machine_column(utc_minutes, Value) => between_(-720, 840, Value).
machine_column(pool_kind, Value) =>
    atom(Value), memberchk(Value, [cuda, rocm, vulkan, cpu, external]).
machine_column(mask, Value)      => string(Value), mask(Value).
machine_column(mib, Value)       => between_(0, 1073741824, Value).
machine_column(model_or_any, Value) => ( Value == any ; model_name(Value) ), !.
machine_column(model_name, Value)   => model_name(Value).
machine_column(engine_name, Value)  => atom(Value), engine_name(Value).
machine_column(engine_version, Value) => string(Value), version_text(Value).
machine_column(slots, Value)     => between_(1, 64, Value).
machine_column(context, Value)   => between_(1, 4194304, Value).
machine_column(kv_type, Value)   =>
    atom(Value),
    memberchk(Value, [f16, bf16, f32, q8_0, q5_1, q5_0, q4_1, q4_0, iq4_nl]).
machine_column(http_url, Value)  => string(Value), http_url(Value).
machine_column(power, Value)     => atom(Value), memberchk(Value, [awake, asleep]).
machine_column(at_ms, Value)     => between_(0, 253402300799999, Value).
machine_column(took_ms, Value)   => between_(0, 86400000, Value).
machine_column(bytes, Value)     => between_(0, 1125899906842624, Value).
machine_column(sha256, Value)    => sha256_text(Value).

%   What an engine calls itself: "0.7.0 (build 11669, commit Debian)". Printable, on one line.
version_text(Text) :-
    string_codes(Text, Codes),
    Codes = [_|_],
    length(Codes, Length),
    Length =< 128,
    \+ ( member(Code, Codes), \+ between(0x20, 0x7e, Code) ).

between_(Least, Most, Value) :-
    integer(Value),
    Value >= Least,
    Value =< Most.

%!  machine_expected(+Type, -Words) is det.

machine_expected(agent, '"local" or "https://ADDRESS:PORT"').
machine_expected(mac, 'the address of one network card such as "52:54:00:aa:bb:01"').
machine_expected(broadcast, 'a broadcast address such as "192.168.1.255", or "": every interface').
machine_expected(secure_on, '"" or a handle such as "secret:wake/tower"').
machine_expected(limit_s, 'seconds, 1 to 3600').
machine_expected(seconds, 'seconds, 0 to a week').
machine_expected(wakes, 'a number of wakes, 1 to 60').
machine_expected(sleep_how, 'suspend, poweroff or never').
machine_expected(clock, 'a time of day such as "17:00"').
machine_expected(utc_minutes, 'minutes ahead of UTC, -720 to 840').
machine_expected(pool_kind, 'cuda, rocm, vulkan, cpu or external').
machine_expected(mask, 'one device such as "0" or "GPU-1f…", or "" for cpu and external').
machine_expected(mib, 'a number of MiB').
machine_expected(model_or_any, 'the name of a model such as "llama3:8b", or any (without quotes)').
machine_expected(model_name, 'the name of a model: up to 128 printable ASCII characters').
machine_expected(engine_name, 'the name of an engine: lower-case letters, digits and ._-').
machine_expected(slots, 'a number of slots, 1 to 64').
machine_expected(context, 'tokens for one slot, 1 to 4194304').
machine_expected(kv_type, 'f16, bf16, f32, q8_0, q5_1, q5_0, q4_1, q4_0 or iq4_nl').
machine_expected(http_url, '"http://ADDRESS:PORT" or "https://ADDRESS:PORT"').
machine_expected(power, 'awake or asleep').
machine_expected(at_ms, 'milliseconds since 1970').
machine_expected(took_ms, 'milliseconds, at most a day').
machine_expected(bytes, 'a number of bytes').
machine_expected(sha256, '64 hex digits, lower case').

agent("local") :- !.
agent(Text) :-
    string_concat("https://", Place, Text),
    place(Place).

http_url(Text) :-
    ( string_concat("http://", Place, Text) ; string_concat("https://", Place, Text) ),
    !,
    place(Place).

%   ADDRESS:PORT, an IPv6 address between brackets.
place(Text) :-
    string_length(Text, Length),
    Length =< 200,
    codes_of(Text, `abcdefghijklmnopqrstuvwxyz0123456789-._:[]`),
    (   sub_string(Text, 0, 1, _, "[")
    ->  split_string(Text, "]", "", [Open, PortText]),
        string_concat("[", Address, Open),
        string_concat(":", Port, PortText),
        codes_of(Address, `0123456789abcdef:.`)
    ;   split_string(Text, ":", "", [Address, Port]),
        codes_of(Address, `abcdefghijklmnopqrstuvwxyz0123456789-._`)
    ),
    codes_of(Port, `0123456789`),
    string_length(Port, Digits),
    Digits =< 5,
    number_string(Number, Port),
    Number >= 1,
    Number =< 65535.

codes_of(Text, Allowed) :-
    string_codes(Text, Codes),
    Codes = [_|_],
    \+ ( member(Code, Codes), \+ memberchk(Code, Allowed) ).

%   Six pairs of hex digits, lower case; of one card, and not nobody's.
mac(Text) :-
    string_length(Text, 17),
    codes_of(Text, `0123456789abcdef:`),
    split_string(Text, ":", "", Pairs),
    length(Pairs, 6),
    maplist(hex_pair, Pairs),
    Text \== "00:00:00:00:00:00",
    Pairs = [First|_],
    sub_string(First, 1, 1, 0, Digit),
    memberchk(Digit, ["0", "2", "4", "6", "8", "a", "c", "e"]).

hex_pair(Text) :-
    string_length(Text, 2).

broadcast(Text) :-
    codes_of(Text, `0123456789.`),
    ipv4(Text, _),
    split_string(Text, ".", "", [FirstText|_]),
    number_string(First, FirstText),
    First > 0,
    ( First < 224 ; Text == "255.255.255.255" ),
    !.

secret(Text) :-
    string_concat("secret:", Name, Text),
    string_length(Name, Length),
    Length =< 128,
    codes_of(Name, `abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._/`),
    \+ sub_string(Name, 0, 1, _, "/"),
    \+ sub_string(Name, 0, 1, _, "-"),
    \+ sub_string(Name, _, _, _, "..").

mask("") :- !.
mask(Text) :-
    string_length(Text, Length),
    Length =< 64,
    codes_of(Text, `0123456789abcdefABCDEFGPUMIgpumi-/`).

engine_name(Atom) :-
    atom_length(Atom, Length),
    Length =< 64,
    atom_string(Atom, Text),
    codes_of(Text, `abcdefghijklmnopqrstuvwxyz0123456789-._`).

%!  model_name(+Text) is semidet.
%
%   A name as models.json has them: printable ASCII.

model_name(Text) :-
    string(Text),
    string_length(Text, Length),
    Length >= 1,
    name_bytes_max(Max),
    Length =< Max,
    string_codes(Text, Codes),
    \+ ( member(Code, Codes), ( Code =< 32 ; Code >= 127 ) ).

%!  sha256_text(+Text) is semidet.

sha256_text(Text) :-
    string(Text),
    string_length(Text, 64),
    codes_of(Text, `0123456789abcdef`).

%!  clock_minutes(+Text:string, -Minutes) is semidet.
%
%   "17:00" is 1020; "24:00" is no time of day.

clock_minutes(Text, Minutes) :-
    string_length(Text, 5),
    codes_of(Text, `0123456789:`),
    split_string(Text, ":", "", [HourText, MinuteText]),
    string_length(HourText, 2),
    number_string(Hour, HourText),
    number_string(Minute, MinuteText),
    Hour < 24,
    Minute < 60,
    Minutes is Hour * 60 + Minute.
