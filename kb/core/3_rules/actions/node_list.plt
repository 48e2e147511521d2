%   SPDX-License-Identifier: Apache-2.0

:- use_module('../../../test/asking').

:- begin_tests(node_list).

me("loopback"/api).

test(the_nodes, Names == ["home", "nas"]) :-
    me(By),
    judge(node_list, [], By, null, V),
    at(V, answer/nodes, Nodes),
    findall(Name, ( member(Node, Nodes), at(Node, name, Name) ), Names).

:- end_tests(node_list).
