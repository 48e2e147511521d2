%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(kb('1_words/metric_words')).
:- use_module(kb('4_say/quantities')).

:- begin_tests(quantities).

test(amounts, [forall(member(Unit/Value/Want,
        [ permille/905/"90.5 %", permille/0/"0.0 %", millicelsius/85000/"85.0 °C",
          millicelsius/ -500/"-0.5 °C", milliwatt/1500/"1.5 W", milli/2250/"2.25", milli/5/"0.00",
          bytes/0/"0 bytes", bytes/1023/"1023 bytes", bytes/1536/"1.5 KiB",
          bytes/107374182400/"100.0 GiB", bytes/1125899906842624/"1.0 PiB",
          bytes_per_s/2048/"2.0 KiB a second", per_hour/60/"60 an hour",
          rpm/900/"900 turns a minute", ms/9999/"9999 ms", ms/90000/"90 s",
          minutes/200/"3 h 20 min", bool/0/"no", bool/1/"yes",
          count/7/"7" ])), true(Text == Want)]) :-
    amount(Unit, Value, Text).
test(durations, [forall(member(Seconds-Want, [ 0-"0 s", 119-"119 s", 120-"2 min", 7199-"119 min",
                                               7200-"2 h", 12000-"3 h 20 min", 172800-"2 days",
                                               -5-"-5 s" ])), true(Text == Want)]) :-
    duration(Seconds, Text).
test(every_unit_has_words, [forall(metric(_, Unit, Min, Max, _)), nondet]) :-
    amount(Unit, Min, Least),
    amount(Unit, Max, Most),
    string(Least),
    string(Most).

:- end_tests(quantities).
