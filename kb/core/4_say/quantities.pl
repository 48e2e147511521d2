%   SPDX-License-Identifier: Apache-2.0

:- module(quantities,
          [ amount/3,                   % +Unit, +Value, -Text
            duration/2                  % +Seconds, -Text
          ]).

/** <module> Whole numbers in our units, for a person to read

Whole-number arithmetic only: the same on every machine.
*/

%!  amount(+Unit, +Value, -Text:string) is det.

amount(permille, Value, Text)     => tenths(Value, Number), string_concat(Number, " %", Text).
amount(millicelsius, Value, Text) =>
    Tenths is (abs(Value) + 50) // 100 * sign(Value),
    tenths(Tenths, Number),
    string_concat(Number, " °C", Text).
amount(milliwatt, Value, Text)    =>
    Tenths is (Value + 50) // 100,
    tenths(Tenths, Number),
    string_concat(Number, " W", Text).
amount(milli, Value, Text)        => hundredths(Value, Text).
amount(milli_per_s, Value, Text)  =>
    hundredths(Value, Number),
    string_concat(Number, " a second", Text).
amount(bytes, Value, Text)        => bytes(Value, Text).
amount(bytes_per_s, Value, Text)  =>
    bytes(Value, Number),
    string_concat(Number, " a second", Text).
amount(pages_per_s, Value, Text)  => format(string(Text), "~d pages a second", [Value]).
amount(per_hour, Value, Text)     => format(string(Text), "~d an hour", [Value]).
amount(rpm, Value, Text)          => format(string(Text), "~d turns a minute", [Value]).
amount(mbit, Value, Text)         => format(string(Text), "~d Mbit/s", [Value]).
amount(seconds, Value, Text)      => duration(Value, Text).
amount(minutes, Value, Text)      => Seconds is Value * 60, duration(Seconds, Text).
amount(ms, Value, Text), abs(Value) >= 10000 =>
    Seconds is Value // 1000,
    duration(Seconds, Text).
amount(ms, Value, Text)           => format(string(Text), "~d ms", [Value]).
amount(bool, 0, Text)             => Text = "no".
amount(bool, _, Text)             => Text = "yes".
amount(_, Value, Text)            => format(string(Text), "~d", [Value]).

tenths(Value, Text) :-
    Whole is abs(Value) // 10,
    Part is abs(Value) mod 10,
    ( Value < 0 -> Sign = "-" ; Sign = "" ),
    format(string(Text), "~s~d.~d", [Sign, Whole, Part]).

hundredths(Value, Text) :-
    Whole is Value // 1000,
    Part is Value mod 1000 // 10,
    format(string(Text), "~d.~|~`0t~d~2+", [Whole, Part]).

bytes(Value, Text) :-
    (   Value < 1024
    ->  format(string(Text), "~d bytes", [Value])
    ;   scaled(Value, ["KiB", "MiB", "GiB", "TiB", "PiB"], Tenths, Unit),
        tenths(Tenths, Number),
        format(string(Text), "~s ~s", [Number, Unit])
    ).

scaled(Value, [Unit|Units], Tenths, Found) :-
    (   Value < 1048576
    ->  Tenths is Value * 10 // 1024,
        Found = Unit
    ;   Units == []
    ->  Tenths is Value * 10 // 1024,
        Found = Unit
    ;   Next is Value // 1024,
        scaled(Next, Units, Tenths, Found)
    ).

%!  duration(+Seconds, -Text:string) is det.
%
%   In at most two units: "3 h 20 min".

duration(Seconds, Text) :-
    Seconds < 0,
    !,
    Positive is -Seconds,
    duration(Positive, Text0),
    string_concat("-", Text0, Text).
duration(Seconds, Text) :-
    (   Seconds < 120
    ->  format(string(Text), "~d s", [Seconds])
    ;   Seconds < 7200
    ->  Minutes is Seconds // 60,
        format(string(Text), "~d min", [Minutes])
    ;   Seconds < 172800
    ->  Hours is Seconds // 3600,
        Minutes is Seconds mod 3600 // 60,
        ( Minutes =:= 0 -> format(string(Text), "~d h", [Hours])
        ; format(string(Text), "~d h ~d min", [Hours, Minutes]) )
    ;   Days is Seconds // 86400,
        format(string(Text), "~d days", [Days])
    ).
