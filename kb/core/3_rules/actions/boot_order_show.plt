%   SPDX-License-Identifier: Apache-2.0

:- use_module('../../../test/asking').

:- begin_tests(boot_order_show).

asked(Params, Answer) :-
    judge(boot_order_show, Params, "loopback"/api, null, Out),
    at(Out, answer, Answer).

test(of_the_house, Cycle == []) :-
    asked([], Answer),
    at(Answer, cycle, Cycle),
    at(Answer, words, Words),
    sub_string(Words, 0, _, _, "The house boots in this order: "),
    !.
test(before_a_guest,
     Words == "Before dns1 these must be up, in this order: router, switch1, nas, pve.") :-
    asked([node="dns1"], Answer),
    at(Answer, words, Words).
test(before_the_first,
     Words == "Nothing must be up before router, as far as the site facts say.") :-
    asked([node="router"], Answer),
    at(Answer, words, Words).
test(why, [nondet]) :-
    asked([node="dns1"], Answer),
    at(Answer, proof, Proof),
    memberchk("dns1 is a guest of the cluster lab, and pve is a member of it.", Proof),
    memberchk("nas boots after switch1: the site facts say so.", Proof).
test(a_stranger, [nondet]) :-
    asked([node="zeus"], Answer),
    at(Answer, words, Words),
    sub_string(Words, 0, _, _, "There is no node named 'zeus'").

:- end_tests(boot_order_show).
