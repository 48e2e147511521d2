%   SPDX-License-Identifier: Apache-2.0

:- use_module('../../test/asking').

:- begin_tests(site_door).

test(the_site, Node-People == "test-node"-[ada, junior, kim, owner, robin]) :-
    door_site:site(obj([]), Out),
    at(Out, node, Node),
    findall(P, ( at(Out, people, L), member(O, L), at(O, person, P) ), People).

:- end_tests(site_door).
