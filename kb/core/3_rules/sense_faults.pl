%   SPDX-License-Identifier: Apache-2.0

:- module(sense_faults,
          [ sense_fault/1               % -Fault
          ]).
:- use_module(kb('2_seen/site'), []).
:- use_module(conditions, [alert_condition/4]).

/** <module> What is wrong with the facts about sources, history and thresholds

Whether they hang together; what a column may hold is checked when they are loaded.
*/

%!  sense_fault(-Fault:string) is nondet.

sense_fault(Fault) :-
    site:sense_source(Source, Node, _, _, _),
    \+ site:node(Node, _, _),
    format(string(Fault), "sense_source ~s names the node ~s, which is not in the site facts",
           [Source, Node]).
sense_fault(Fault) :-
    findall(Source, site:sense_source(Source, _, _, _, _), Sources),
    twice(Sources, Source),
    format(string(Fault), "sense_source ~s is declared twice", [Source]).
sense_fault(Fault) :-
    findall(Url, site:history(Url), [_, _|_]),
    Fault = "history is declared twice; there is one place where history is kept".
sense_fault(Fault) :-
    site:threshold(Node, Condition, _, _),
    Node \== any,
    \+ site:node(Node, _, _),
    format(string(Fault), "threshold of ~w names the node ~s, which is not in the site facts",
           [Condition, Node]).
sense_fault(Fault) :-
    findall(Node-Condition, site:threshold(Node, Condition, _, _), Thresholds),
    twice(Thresholds, Node-Condition),
    format(string(Fault), "threshold of ~w is declared twice for ~w", [Condition, Node]).
sense_fault(Fault) :-
    site:threshold(Node, Condition, Raise, Clear),
    atom(Condition),
    alert_condition(Condition, _, levels(Direction, _, _), _),
    crossed(Direction, Raise, Clear, Side),
    format(string(Fault),
           "threshold of ~w for ~w is raised at ~d and cleared at ~d, which must not lie ~w it",
           [Condition, Node, Raise, Clear, Side]).

%   Raised upwards it is cleared further down, and the other way round.
crossed(up, Raise, Clear, above)   :- Clear > Raise.
crossed(down, Raise, Clear, below) :- Clear < Raise.

twice(Items, Item) :-
    msort(Items, Sorted),
    beside(Sorted, Item).

beside([Item, Item|_], Item).
beside([_|Items], Item) :-
    beside(Items, Item).
