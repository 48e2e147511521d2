%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(kb('3_rules/sense_faults')).
:- use_module('../../test/other_sites').

:- begin_tests(sense_faults).

house("node(\"a\", \"h\", \"w\"). ").

faults(Facts, Text) :-
    house(House),
    string_concat(House, Facts, All),
    faults_of(sense_faults:sense_fault, All, Text).

test(good_facts, Text == "") :-
    faults("sense_source(\"x\", \"a\", exporter, \"http://h:1/metrics\", 10). \c
            history(\"http://127.0.0.1:8428\"). threshold(any, cpu_hot, 70000, 60000). \c
            threshold(\"a\", cpu_hot, 60000, 60000). threshold(\"a\", memory_short, 50, 90). \c
            threshold(\"a\", critical(cpu_hot), 90000, 99000).", Text).
test(strangers_and_doubles,
     Text == "sense_source x names the node b, which is not in the site facts\nsense_source x is \c
              declared twice\nhistory is declared twice; there is one place where history is \c
              kept\nthreshold of cpu_hot names the node b, which is not in the site \c
              facts\nthreshold of cpu_hot is declared twice for any\n") :-
    faults("sense_source(\"x\", \"a\", exporter, \"http://h:1/metrics\", 10). \c
            sense_source(\"x\", \"b\", push, \"t\", 10). history(\"http://127.0.0.1:1\"). \c
            history(\"http://127.0.0.1:2\"). threshold(\"b\", cpu_hot, 2, 1). \c
            threshold(any, cpu_hot, 2, 1). threshold(any, cpu_hot, 3, 1).", Text).
test(crossed_thresholds,
     Text == "threshold of cpu_hot for any is raised at 400 and cleared at 500, which must not \c
              lie above it\nthreshold of memory_short for a is raised at 90 and cleared at 50, \c
              which must not lie below it\n") :-
    faults("threshold(any, cpu_hot, 400, 500). threshold(\"a\", memory_short, 90, 50).", Text).
test(this_house_has_none, Faults == []) :-
    findall(Fault, sense_fault(Fault), Faults).

:- end_tests(sense_faults).
