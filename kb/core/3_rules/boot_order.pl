%   SPDX-License-Identifier: Apache-2.0

:- module(boot_order,
          [ boot_order/2,               % -Order, -Cycle
            order_and_circle/1,         % -Pair
            boots_before/3,             % +Name, +Order, -Names
            boots_name/1,               % ?Name
            waits_for/3                 % ?Name, ?Other, -Why
          ]).
:- use_module(library(lists), [append/3, member/2, memberchk/2, subtract/3]).
:- use_module(kb('2_seen/site'), []).
:- use_module(standing, [guest_of/2, own_cluster/3]).

/** <module> In which order the house boots

A guest boots after the members of its cluster, this node after the cluster that it runs on, and
whatever the owner wrote down (boots_after). Where that goes in a circle nothing of it can boot by
itself: the circle is named.
*/

%!  boots_name(?Name) is nondet.

boots_name(Name) :- site:node(Name, _, _).
boots_name(Name) :- guest_of(_, Name).
boots_name(Name) :- site:boots_after(Name, _).
boots_name(Name) :- site:boots_after(_, Name).
boots_name(Name) :- own_cluster(_, _, _), site:this_node(Name).

%!  waits_for(?Name, ?Other, -Why) is nondet.
%
%   Name boots after Other: said, guest(Cluster) or own(Cluster).

waits_for(Name, Other, said) :-
    site:boots_after(Name, Other).
waits_for(Name, Other, guest(Cluster)) :-
    guest_of(Cluster, Name),
    site:cluster_member(Cluster, Other),
    Name \== Other.
waits_for(Name, Other, own(Cluster)) :-
    site:this_node(Name),
    own_cluster(Cluster, _, What),
    What \== member,
    site:cluster_member(Cluster, Other),
    Name \== Other.

%!  boot_order(-Order:list, -Cycle:list) is det.
%
%   Order is as far as it goes, those that need nothing of each other by name. Cycle is [] or the
%   names of a circle, each waiting for the next and the last for the first.

boot_order(Order, Cycle) :-
    findall(Name, boots_name(Name), Names0),
    sort(Names0, Names),
    findall(Name-Other, waits_for(Name, Other, _), Waits0),
    sort(Waits0, Waits),
    ordered(Names, Waits, Order, Cycle).

%!  order_and_circle(-Pair) is det.
%
%   The same as Order-Cycle.

order_and_circle(Order-Cycle) :-
    boot_order(Order, Cycle).

ordered([], _, [], []) :- !.
ordered(Names, Waits, Order, Cycle) :-
    findall(Name, ( member(Name, Names), \+ memberchk(Name-_, Waits) ), Ready),
    (   Ready == []
    ->  Order = [],
        Names = [First|_],
        circle(First, [], Waits, Cycle)
    ;   append(Ready, More, Order),
        subtract(Names, Ready, Left),
        findall(Name-Other, ( member(Name-Other, Waits), \+ memberchk(Other, Ready) ), Waits1),
        ordered(Left, Waits1, More, Cycle)
    ).

%   Whoever is left waits for one that is left: going on, one comes round.
circle(Name, Gone, Waits, Cycle) :-
    (   append(_, [Name|Round], Gone)
    ->  least_first([Name|Round], Cycle)
    ;   memberchk(Name-Next, Waits),
        append(Gone, [Name], Gone1),
        circle(Next, Gone1, Waits, Cycle)
    ).

least_first(Round, Cycle) :-
    sort(Round, [Least|_]),
    append(Before, [Least|After], Round),
    !,
    append([Least|After], Before, Cycle).

%!  boots_before(+Name, +Order:list, -Names:list) is det.
%
%   All that must be up before Name, in the order in which they boot; those of a circle last.

boots_before(Name, Order, Names) :-
    findall(One-Other, waits_for(One, Other, _), Waits0),
    sort(Waits0, Waits),
    before([Name], Waits, [], Found),
    subtract(Found, [Name], Befores),
    findall(One, ( member(One, Order), memberchk(One, Befores) ), First),
    subtract(Befores, First, Rest),
    append(First, Rest, Names).

before([], _, Found, Sorted) :-
    sort(Found, Sorted).
before([Name|Names], Waits, Found, All) :-
    findall(Other, ( member(Name-Other, Waits), \+ memberchk(Other, Found) ), New0),
    sort(New0, New),
    append(New, Found, Found1),
    append(Names, New, Names1),
    before(Names1, Waits, Found1, All).
