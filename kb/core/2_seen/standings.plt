%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(kb('2_seen/standings')).

:- begin_tests(standings, [setup(forget_standings), cleanup(forget_standings)]).

test(one_place_each, [setup(forget_standings), all(State-Owner == [b-alert(3)])]) :-
    stand(cpu_hot, "nas", "", a, pending),
    stand(cpu_hot, "nas", "", b, alert(3)),
    stand(cpu_hot, "nas", "", b, alert(3)),
    standing(cpu_hot, "nas", "", State, Owner).
test(a_stranger_stands_nowhere, [setup(forget_standings), fail]) :-
    stand(cpu_hot, "nas", "", a, pending),
    standing(cpu_hot, "mars", "", _, _).
test(no_more, [setup(forget_standings), fail]) :-
    stand(cpu_hot, "nas", "", a, pending),
    stands_no_more(cpu_hot, "nas", ""),
    standing(_, _, _, _, _).
test(only_what_is_pending_begins,
     [setup(forget_standings), true(Owner == storm(cpu_hot-1, told))]) :-
    stand(cpu_hot, "nas", "", a, storm(cpu_hot-1, told)),
    alert_begun(3, cpu_hot, "nas", ""),
    standing(cpu_hot, "nas", "", a, Owner).
test(over_when_calm, [setup(forget_standings), true(One-Two == nobody-pending)]) :-
    stand(cpu_hot, "nas", "", st(calm, x), pending),
    stand(cpu_hot, "nas", "b", st(raised, x), pending),
    alert_over(cpu_hot, "nas", ""),
    alert_over(cpu_hot, "nas", "b"),
    standing(cpu_hot, "nas", "", _, One),
    standing(cpu_hot, "nas", "b", _, Two).
test(crossings, [setup(forget_standings), all(Node-At == ["b"-9])]) :-
    cross(cpu_hot, "a", "", 5),
    cross(cpu_hot, "b", "", 6),
    cross(cpu_hot, "b", "", 9),
    forget_crossings(8),
    crossed(cpu_hot, Node, _, At).

:- end_tests(standings).
