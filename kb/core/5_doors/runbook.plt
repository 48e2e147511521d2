%   SPDX-License-Identifier: Apache-2.0

:- use_module('../../test/asking').

:- begin_tests(runbook_door).

answer(obj([ "probable_cause"-"x", "immediate_actions"-[obj(["text"-"y", "command"-"df"])],
             "escalation_criteria"-["z"] ])).

test(an_answer_becomes_a_text,
     Sections == obj([ probable_cause-"x", immediate_actions-[obj([text-"y", command-"df"])],
                       escalation_criteria-["z"] ])) :-
    answer(Answer),
    door_runbook:runbook(obj(["alert"-412, "answer"-Answer]), Out),
    at(Out, sections, Sections),
    at(Out, markdown, Markdown),
    string_concat("# Runbook for alert 412\n", _, Markdown).
test(one_that_was_cut) :-
    door_runbook:runbook(obj(["alert"-412, "truncated"-true,
                              "answer"-obj(["probable_cause"-"x"])]), Out),
    at(Out, markdown, Markdown),
    once(sub_string(Markdown, _, _, _, "cut off")).
test(another_form, Code-Param == missing_field-"immediate_actions") :-
    door_runbook:runbook(obj(["alert"-412, "answer"-obj(["probable_cause"-"x"])]), Out),
    at(Out, error/code, Code),
    at(Out, error/param, Param).
test(a_stranger_in_the_question, Code == unknown_field) :-
    answer(Answer),
    door_runbook:runbook(obj(["alert"-412, "answer"-Answer, "run"-true]), Out),
    at(Out, error/code, Code).
test(a_flag_that_is_none, Code == wrong_type) :-
    answer(Answer),
    door_runbook:runbook(obj(["alert"-412, "answer"-Answer, "truncated"-"yes"]), Out),
    at(Out, error/code, Code).

:- end_tests(runbook_door).
