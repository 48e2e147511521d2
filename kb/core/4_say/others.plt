%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(kb('4_say/intent'), [understood/3]).

:- begin_tests(others).

test(nodes, Intents == [obj(["action"-"node_list", "params"-obj([])])]) :-
    understood("which machines do we have?", "x", obj([_, "intents"-Intents])).
test(case, Intents == [obj(["action"-"case_explain", "params"-obj(["case"-"C-7"])])]) :-
    understood("why was case C-7 denied?", "x", obj([_, "intents"-Intents])).
test(playbook_with_a_way_up, Status == "question") :-
    understood("run playbook ../../x.yml", "x", obj(["status"-Status|_])).

:- end_tests(others).
