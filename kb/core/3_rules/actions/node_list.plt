%   SPDX-License-Identifier: Apache-2.0

:- use_module('../../../test/asking').

:- begin_tests(node_list).

me("loopback"/api).

test(the_nodes, Names == [ "camera", "home", "laptop1", "laptop2", "nas", "pi1", "pve", "router",
                           "switch1", "switch2", "tower" ]) :-
    me(By),
    judge(node_list, [], By, null, V),
    at(V, answer/nodes, Nodes),
    findall(Name, ( member(Node, Nodes), at(Node, name, Name) ), Names).

:- end_tests(node_list).
