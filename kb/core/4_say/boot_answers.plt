%   SPDX-License-Identifier: Apache-2.0

:- use_module(boot_answers).

:- begin_tests(boot_answers).

test(a_circle_is_named_in_its_order,
     Words == "A circle: a waits for b waits for c waits for a; nothing of it can boot by \c
               itself, somebody must start one by hand.") :-
    boot_answer(told(boot_order, ["x"], ["a", "b", "c"], []), obj(Pairs)),
    memberchk(words-All, Pairs),
    string_concat("The house boots in this order: x. ", Words, All).
test(of_one, [nondet]) :-
    boot_answer(told(boots_before, "a", ["a"], ["a"], []), obj(Pairs)),
    memberchk(words-Words, Pairs),
    sub_string(Words, _, _, 0, "A circle: a waits for itself.").
test(a_large_house_is_cut, Count == 2) :-
    numlist(1, 66, Numbers),
    findall(Name, ( member(Number, Numbers), format(string(Name), "n~d", [Number]) ), Names),
    boot_answer(told(boot_order, Names, [], []), obj(Pairs)),
    memberchk(words-Words, Pairs),
    sub_string(Words, _, _, 0, " and 2 more."),
    !,
    Count = 2.
test(each_way_to_stand_has_words,
     Words == [ "This node runs on the cluster lab: ", "This node runs in a virt",
                "This node runs in a cont", "This node runs on a mach",
                "Nothing was told yet of " ]) :-
    findall(Start,
            ( member(Stands-Length, [ match(lab, "g", mac("x"))-35, unproven("kvm", "")-24,
                                      unproven("", "lxc")-24, bare-24, unknown-24 ]),
              stands_words(Stands, Text),
              sub_string(Text, 0, Length, _, Start) ),
            Words).
test(each_mark_has_words, Count == 4) :-
    findall(Words,
            ( member(What, [member, uuid("x"), mac("x"), address("x")]), proof_words(What, Words),
                     Words \== "" ), All),
    length(All, Count).

:- end_tests(boot_answers).
