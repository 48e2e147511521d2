%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module('../../test/asking').
:- use_module(kb('4_say/alert_answer')).

:- begin_tests(alert_answer).

test(keys, [forall(member(Key-Text, [ (cpu_hot-1)-"cpu_hot", (cpu_hot-2)-"cpu_hot/2",
                                      (others-1)-"others", (others-12)-"others/12" ])),
            true(Said-Back == Text-Key)]) :-
    storm_key_text(Key, Said),
    storm_key_text(Back, Text).
test(no_keys, [forall(member(Text, ["fridge", "cpu_hot/x", "cpu_hot/1", "cpu_hot/2/3", "", "/2"])),
               fail]) :-
    storm_key_text(_, Text).
test(a_storm_begins, Said == [raise, critical, ["a", "b"], 2]) :-
    storm_question(cpu_hot-1, none, [ joined(cpu_hot, "b", "", warning, 1),
                                      joined(cpu_hot, "a", "x", critical, 2) ], [], 9, Question),
    answered(Question, Said).
test(one_joins_one_leaves, Said == [more, critical, ["a", "c"], 2]) :-
    storm_question(cpu_hot-1, storm(critical, 1, 2, ["a", "b"]),
                   [joined(cpu_hot, "c", "", warning, 1)], ["b"], 9, Question),
    answered(Question, Said).
test(worse, Said == [worse, critical, ["a"], 1]) :-
    storm_question(cpu_hot-1, storm(warning, 1, 2, ["a"]),
                   [joined(cpu_hot, "a", "", critical, 1)], [], 9, Question),
    answered(Question, Said).
test(all_left, Said == [clear, warning, [], 0]) :-
    storm_question(cpu_hot-1, storm(warning, 1, 2, ["a"]), [], ["a"], 9, Question),
    answered(Question, Said).
test(gone, [forall(member(Why, [node, source, part, condition])), true(Move == gone)]) :-
    gone_question(Why, cpu_hot/"a"/"", warning, 9, Question),
    alert_answer(Question, Answer),
    at(Answer, move, Move).
test(no_questions, [forall(member(Question, [ obj([]), obj(["storm"-"x"]), obj(["gone"-"away"]),
                                              obj(["condition"-"cpu_hot"]),
                                              obj([ "storm"-"cpu_hot", "now_ms"-"9",
                                                    "before"-null, "joined"-[], "left"-[] ]) ])),
                    fail]) :-
    alert_answer(Question, _).

answered(Question, [Move, Severity, Members, Count]) :-
    alert_answer(Question, Answer),
    at(Answer, move, Move),
    at(Answer, severity, Severity),
    at(Answer, members, Members),
    at(Answer, count, Count),
    !.

:- end_tests(alert_answer).
