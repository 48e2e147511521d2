%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(library(lists), [member/2]).
:- use_module(kb('4_say/house_answers')).

:- begin_tests(house_answers).

test(what_is_an_object_stays_one, Obj == obj([a-1])) :-
    answer_obj(obj([a-1]), Obj).
test(each_step_has_words,
     [forall(member(Step, [ same_node("a"), down("a"), no_address("a"), no_common_family("a", "b"),
                            address("a", v, "10.0.0.1"), outside("10.0.0.1"), bad_address("x"),
                            bad_service(any), same_vlan(v), route([v, w], ["r"]),
                            way_out(v, "r"), no_route(v, w), rule(1, any, any, any, allow),
                            rule(1, vlan(v), node("n"), tcp(1), deny),
                            rule(1, subnet("10.0.0.0/8"), any, icmp, deny), no_rule(within),
                            no_rule(between), cable(["a", "b"], 1000), cable_unknown("a", "b"),
                            cable_cut(["a", "b"], ["a"]), no_cable("a", "b") ]))]) :-
    step_words(Step, Words),
    string(Words),
    string_concat(_, ".", Words),
    !.
test(a_stranger_step_is_a_mistake, error(_)) :-
    step_words(jumped("a"), _).
test(what_does_not_exist,
     [forall(member(Kind-Words, [ node-"There is no node named 'x'.",
                                  vlan-"There is no VLAN named 'x'.",
                                  vm-"There is no virtual machine named 'x'." ])),
      Found == Words]) :-
    stranger_words(Kind, "x", none, Found).
test(what_was_said_is_quoted_and_bounded) :-
    format(string(Text), "x\n\e[2J~`xt~200|", []),
    stranger_words(node, Text, none, Words),
    string_length(Words, Length),
    Length < 100,
    \+ ( member(Code, [0'\n, 0'\e]), string_codes(Words, Codes), memberchk(Code, Codes) ).

:- end_tests(house_answers).
