%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(library(lists), [member/2]).
:- use_module(kb('4_say/readings')).

:- begin_tests(readings).

test(ids, [forall(member(Part-Id, [ ""-"tower.cpu_temperature",
                                    "core0"-"tower.cpu_temperature.core0" ])), Found == Id]) :-
    fact_id("tower", cpu_temperature, Part, Found).
test(a_fresh_one, Words == "tower: cpu temperature of core0 83.0 °C (12 s ago)") :-
    reading_words(reading("tower", cpu_temperature, "core0", 83000, 12, true), Words).
test(a_stale_one_has_no_value,
    Words == "tower: cpu busy is unknown; the last reading is 15 min old") :-
    reading_words(reading("tower", cpu_busy, "", 120, 900, false), Words).
test(from_a_clock_ahead, Words == "tower: source ok yes (0 s ago)") :-
    reading_words(reading("tower", source_ok, "", 1, -3, true), Words).
test(a_stranger_has_no_words, fail) :-
    reading_words(reading("tower", pulse, "", 1, 1, true), _).
test(lists, [forall(member(List-Text, [ []-"none", [a]-"a", [a, "b"]-"a and b",
                                        [a, b, c]-"a, b and c" ])), Found == Text]) :-
    and_list(List, Found).

:- end_tests(readings).
