%   SPDX-License-Identifier: Apache-2.0

:- module(boot_order_show, []).
:- use_module(library(lists), [member/2]).
:- use_module(kb('3_rules/action'), []).
:- use_module(kb('3_rules/boot_order'), [boot_order/2, boots_before/3, boots_name/1, waits_for/3]).
:- use_module(kb('3_rules/house'), [strangers/2]).
:- use_module(kb('3_rules/policy'), []).

/** <module> boot_order_show: in which order the house boots, or what must be up before one of it */

action:action(boot_order_show, observe, "Show the boot order").

action:summary(boot_order_show,
    "Tells in which order the machines boot, and what goes in a circle, or what one needs first.").

action:parameter(boot_order_show, node, node, optional,
    "A node or a guest: only what must be up before it").

action:example(boot_order_show, "in which order does the house boot?").
action:example(boot_order_show, "what must be up before nas?").

action:answer(boot_order_show(none), told(boot_order, Order, Cycle, Whys)) :-
    boot_order(Order, Cycle),
    whys(_, Whys).
action:answer(boot_order_show(Name), Told) :-
    Name \== none,
    (   once(boots_name(Name))
    ->  boot_order(Order, Cycle),
        boots_before(Name, Order, Names),
        findall(Why, ( member(One, [Name|Names]), whys(One, Found), member(Why, Found) ), Whys0),
        sort(Whys0, Whys),
        Told = told(boots_before, Name, Names, Cycle, Whys)
    ;   strangers([Name], Told)
    ).

whys(Name, Whys) :-
    findall(why(Name, Other, Why), waits_for(Name, Other, Why), Whys0),
    sort(Whys0, Whys).

action:wording(boot_order_show(Name), Words) :-
    (   Name == none
    ->  Words = "show the boot order"
    ;   format(string(Words), "show what must be up before ~s", [Name])
    ).
