%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(kb('1_words/fact_words')).
:- use_module(kb('1_words/sense_words')).

:- begin_tests(sense_words).

test(facts, [forall(member(Fact, [ sense_source("nas", "nas", exporter, "http://nas:9100/", 10),
                                   sense_source("me", "me", agent, "local", 3600),
                                   history("http://127.0.0.1:8428"),
                                   threshold(any, cpu_hot, 85000, 80000),
                                   threshold("nas", critical(cpu_hot), 95000, 0) ])), fail]) :-
    fact_fault(site, Fact, _).
test(faults, [forall(member(Fact, [ sense_source("", "nas", exporter, "x", 10),
                                    sense_source("a b", "nas", exporter, "x", 10),
                                    sense_source("nas", "nas", spy, "x", 10),
                                    sense_source("nas", "nas", exporter, "x", 0),
                                    sense_source("nas", "nas", exporter, "x", 3601),
                                    sense_source("nas", 7, exporter, "x", 10),
                                    history("ftp://x"), history(""),
                                    threshold(any, fridge_open, 1, 0),
                                    threshold(any, critical(critical(cpu_hot)), 1, 0),
                                    threshold(all, cpu_hot, 1, 0),
                                    threshold(any, cpu_hot, 1.5, 0) ]))]) :-
    once(fact_fault(site, Fact, _)).
test(state, [forall(member(Fact, [ alert(7, 8, storm, "", "cpu_hot", critical, 1, 2, 3, "w",
                                         ["a"], 0, open),
                                   alert(7, 8, unknown, "a", "", warning, 1, 2, 3, "w", [], 9,
                                         gone),
                                   acknowledged(7, 9, "a", "", 1), runbook(7, 9, 1, "") ])),
             fail]) :-
    fact_fault(state, Fact, _).
test(no_state, [forall(member(Fact, [ alert(7, 8, storm, "", "", critical, 1, 2, 3, "w", [a], 0,
                                            open),
                                      alert(7, 8, storm, "", "", bad, 1, 2, 3, "w", [], 0, open),
                                      alert(7, 8, storm, "", "", critical, 1, 2, 3, "w", [], 0,
                                            maybe),
                                      runbook(7, 9, 1, none) ]))]) :-
    once(fact_fault(state, Fact, _)).

:- end_tests(sense_words).
