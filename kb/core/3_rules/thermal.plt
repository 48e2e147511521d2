%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(kb('2_seen/senses')).
:- use_module(kb('3_rules/thermal')).

:- begin_tests(thermal).

:- meta_predicate seeing(+, 0).
seeing(Short, Goal) :-
    findall(obj([ "node"-Node, "metric"-Text, "part"-"a", "value"-Value, "at_ms"-1000,
                  "slope"-Slope, "fresh"-true ]),
            ( member(Node/Metric/Value/Slope, Short), atom_string(Metric, Text) ), Facts),
    seen:asking_at(1000, senses:from_look(Facts, Goal)).

test(risks, [ forall(member(Value/Slope-Want, [ 85000/null-hot/0, 70000/60000-soon/15,
                                                70000/30000-rising/30, 81000/null-near/null,
                                                81000/0-near/null, 81000/ -9000-near/null,
                                                60000/300000-soon/5 ])),
              true(Got == Want) ]) :-
    seeing(["nas"/cpu_temperature/Value/Slope],
           thermal_risk("nas", risk(How, _, _, _, _, _, 85000, Minutes))),
    Got = How/Minutes.
test(no_risk,
     [forall(member(Value/Slope, [60000/null, 60000/50, 50000/10000, 79999/ -1])), fail]) :-
    seeing(["nas"/cpu_temperature/Value/Slope], thermal_risk("nas", _)).
test(a_stranger_has_none, fail) :-
    seeing(["nas"/cpu_temperature/99000/null], thermal_risk("mars", _)).
test(the_worst_first, true(Order == [hot/"pve", soon/"nas", rising/"home", near/"pi1"])) :-
    seeing([ "pi1"/gpu_temperature/82000/null, "home"/disk_temperature/60000/10000,
             "nas"/cpu_temperature/84000/60000, "pve"/cpu_temperature/72000/null ],
           thermal_risks(["home", "nas", "pi1", "pve"], Risks)),
    findall(How/Node, member(risk(How, Node, _, _, _, _, _, _), Risks), Order).
test(states, true(States == [hot, cool, unknown])) :-
    seeing(["nas"/cpu_temperature/90000/null, "pve"/cpu_temperature/40000/null],
           findall(State, ( member(Node, ["nas", "pve", "home"]), thermal_state(Node, State) ),
                   States)).

:- end_tests(thermal).
