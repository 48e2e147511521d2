%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(library(lists), [member/2]).
:- use_module('../../../test/asking').
:- use_module('../../../test/looks').

:- begin_tests(path_find).

me("loopback"/api).

asked(Params, Rows, Verdict) :-
    me(By),
    look_seen(Rows, Seen),
    judge(path_find, Params, By, Seen, Verdict).

words(Params, Rows, Words) :-
    asked(Params, Rows, Verdict),
    at(Verdict, answer/words, Words).

test(the_path, Words == "The path from laptop1 to nas is laptop1 - switch2 - switch1 - nas, \c
                         1000 Mbit/s at its narrowest.") :-
    words([from="laptop1", to="nas"], [], Words).
test(around_what_is_down, Path == ["router", "switch2", "pi1"]) :-
    asked([from="router", to="pi1"], ["switch1"/source_ok/""/0/3], V),
    at(V, answer/path, Path).
test(what_is_in_the_way, Words == "There is no path from laptop1 to nas now: the cables lead over \c
                                   laptop1 - switch2 - switch1 - nas, and switch1 is asleep or \c
                                   does not answer.") :-
    words([from="laptop1", to="nas"], ["switch1"/source_ok/""/0/3], Words).
test(no_cable_is_written_down,
     Words == "No cable is written down for laptop2, so no path is known.") :-
    words([from="laptop2", to="nas"], [], Words).
test(there_is_no_zeus, Name == "zeus") :-
    me(By),
    judge(path_find, [from="nas", to="zeus"], By, null, V),
    at(V, answer/unknown/0/name, Name).

:- end_tests(path_find).
