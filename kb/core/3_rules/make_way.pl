%   SPDX-License-Identifier: Apache-2.0

:- module(make_way,
          [ makes_way/2                 % ?Pool, -Words
          ]).
:- use_module(kb('2_seen/senses'), [sensed/5]).
:- use_module(kb('2_seen/site'), []).

/** <module> A pool makes way for whoever plays on its machine

Of a node that is not stable (a gaming PC may leave) and whose whole screen is in use now: the pools
of the host that it is (node_host), and external ones of which node_pool says that they run there.
Nothing is loaded there meanwhile, what runs ends, and a pool of ours is unloaded. A node of which
nothing is said is stable, and keeps its pools; what is not known makes nobody leave.

Ask inside senses:live/1.
*/

%!  makes_way(?Pool, -Words:string) is nondet.

makes_way(Pool, Words) :-
    site:node_volatility(Node, How),
    How \== stable,
    whole_screen(Node),
    pool_on(Node, Pool),
    format(string(Words), "somebody plays or watches on ~s: its whole screen is in use", [Node]).

whole_screen(Node) :-
    sensed(Node, full_screen, _, 1, _),
    !.

pool_on(Node, Pool) :-
    site:node_host(Node, Host),
    site:pool(Pool, Host, Kind, _, _, _),
    Kind \== external.
pool_on(Node, Pool) :-
    site:node_pool(Node, Pool),
    site:pool(Pool, _, external, _, _, _).
