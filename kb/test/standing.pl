%   SPDX-License-Identifier: Apache-2.0

:- module(standing_test,
          [ standing_at/2               % +Marks, :Goal
          ]).
:- use_module(kb('2_seen/state'), []).

/** <module> For the rule tests: the node as if it had been seen to stand somewhere */

:- meta_predicate standing_at(+, 0).

%   standing_at(+seen(Vm, Container, Marks), :Goal): or `nothing`.
standing_at(Seen, Goal) :-
    setup_call_cleanup(place(Seen), once(Goal), retractall(state:node_stands(_, _, _, _, _))).

place(nothing) :-
    retractall(state:node_stands(_, _, _, _, _)).
place(seen(Vm, Container, Marks)) :-
    place(nothing),
    assertz(state:node_stands(0, 1, Vm, Container, Marks)).
