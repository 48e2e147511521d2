%   SPDX-License-Identifier: Apache-2.0

:- module(network,
          [ live_query_path/4,          % +From, +To, +Down, -Path
            path_between/4,             % +From, +To, +Down, -Result
            can_reach/4,                % +From, +To, +Service, -Proof
            reach/5,                    % +From, +To, +Service, +Down, -Outcome
            reach_services/4,           % +From, +To, +Down, -Outcomes
            evaluate_packet/3,          % +Packet, -Decision, -Why
            node_named/2                % +Param, +Text
          ]).
:- use_module(library(lists), [append/3, last/2, member/2, memberchk/2, reverse/2]).
:- use_module(library(pairs), [pairs_values/2]).
:- use_module(kb('1_words/subnet'), [ip/2, subnet/2, in_subnet/2]).
:- use_module(kb('1_words/wire'), [refuse/4, shown/2]).
:- use_module(kb('2_seen/site'), []).

/** <module> Cables, VLANs, routes and the firewall: what reaches what, and by which rule

Computed from the site facts alone; which nodes are down is an argument (Down, names), so the same
question has the same answer whenever it is asked again. Nodes are their names, strings. A name that
the site does not have is refused by that name (`unknown_node`), never guessed.

Steps of a proof, in order:

| step | says |
|---|---|
| same_node(N), down(N) | what needs no network |
| no_address(N), no_common_family(N, M) | what ends the question |
| address(N, Vlan, Ip), outside(Ip) | from where, to where |
| bad_address(Text), bad_service(Service) | what is no address, no service |
| same_vlan(V), route(Vlans, Routers), way_out(V, Router), no_route(V, W) | how it is forwarded |
| rule(Number, From, To, Service, allow or deny) | the first rule that fits |
| no_rule(within), no_rule(between) | none fits: allowed within one VLAN, denied between two |
| cable(Nodes, Mbit), cable_unknown(N, M), cable_cut(Nodes, Down), no_cable(N, M) | the cables |
*/

%!  node_named(+Param, +Text) is det.
%
%   @throws refused(unknown_node, Param, Message)

node_named(Param, Text) :-
    (   string(Text),
        site:node(Text, _, _)
    ->  true
    ;   shown(Text, Shown),
        refuse(unknown_node, Param, "there is no node named '~s'", [Shown])
    ).

                /*  cables  */

%!  live_query_path(+From, +To, +Down:list, -Path) is semidet.
%
%   Path is path(Nodes, Mbit): fewest cables; of those the widest; of those the first by names. No
%   node of it is in Down.

live_query_path(From, To, Down, Path) :-
    path_between(From, To, Down, Path),
    Path = path(_, _).

%!  path_between(+From, +To, +Down:list, -Result) is det.
%
%   Result is path(Nodes, Mbit), cut(Nodes, DownOnIt) where only nodes that are down lie between,
%   none, or unlinked(Node), a node that no cable is written down for.

path_between(From, To, Down, Result) :-
    node_named(from, From),
    node_named(to, To),
    (   From == To
    ->  Result = path([From], 0)
    ;   member(Node, [From, To]),
        \+ neighbour(Node, _, _)
    ->  Result = unlinked(Node)
    ;   searched(From, To, Down, Found)
    ->  Result = Found
    ;   searched(From, To, [], path(Nodes, _))
    ->  findall(Node, ( member(Node, Nodes), memberchk(Node, Down) ), OnIt),
        Result = cut(Nodes, OnIt)
    ;   Result = none
    ).

searched(From, To, Down, path(Nodes, Mbit)) :-
    \+ memberchk(From, Down),
    \+ memberchk(To, Down),
    wave([way(0, 0, [From])], To, Down, [], way(_, Narrow, Backwards)),
    reverse(Backwards, Nodes),
    Mbit is -Narrow.

%   wave(+Ways, +To, +Down, +Visited, -Way): Ways in the standard order of way(Cables, -Mbit,
%   Names), so the first is the best that is open, and a node is left the best way it was reached.
wave([Way|Ways], To, Down, Visited, Found) :-
    Way = way(Cables, Narrow, [At|Before]),
    (   At == To
    ->  Found = Way
    ;   memberchk(At, Visited)
    ->  wave(Ways, To, Down, Visited, Found)
    ;   More is Cables + 1,
        findall(way(More, Width, [Next, At|Before]),
                ( neighbour(At, Next, Mbit),
                  \+ memberchk(Next, Down),
                  \+ memberchk(Next, Visited),
                  narrower(Cables, Narrow, Mbit, Width) ),
                Found0),
        append(Found0, Ways, Ways1),
        sort(Ways1, Ways2),
        wave(Ways2, To, Down, [At|Visited], Found)
    ).

narrower(0, _, Mbit, Width) :- !, Width is -Mbit.
narrower(_, Narrow, Mbit, Width) :- Width is max(Narrow, -Mbit).

neighbour(Node, Other, Mbit) :- site:node_link(Node, Other, Mbit).
neighbour(Node, Other, Mbit) :- site:node_link(Other, Node, Mbit).

                /*  packets  */

%!  evaluate_packet(+Packet, -Decision, -Why:list) is det.
%
%   Packet is packet(FromIp, ToIp, Service), the addresses as text, Service tcp(Port), udp(Port),
%   icmp, or other: one that no rule names. Decision is allow or deny; Why is the steps.

evaluate_packet(packet(FromText, ToText, Service), Decision, Why) :-
    rules(Rules),
    packet(Rules, FromText, ToText, Service, Decision, Why).

packet(Rules, FromText, ToText, Service, Decision, Why) :-
    (   \+ service(Service)
    ->  Decision = deny,
        Why = [bad_service(Service)]
    ;   member(Text, [FromText, ToText]),
        \+ ip(Text, _)
    ->  Decision = deny,
        Why = [bad_address(Text)]
    ;   place(FromText, From),
        place(ToText, To),
        way(From, To, Way, Kind),
        ruled(Rules, From, To, Service, Kind, Rule, Decision0),
        (   Way = no_route(_, _)
        ->  Decision = deny
        ;   Decision = Decision0
        ),
        findall(outside(Ip), member(place(Ip, outside, _, _), [From, To]), Outside),
        append(Outside, [Way, Rule], Why)
    ).

service(Service) :-
    ground(Service),
    (   Service = tcp(Port)
    ;   Service = udp(Port)
    ;   memberchk(Service, [icmp, other]),
        Port = 1
    ),
    integer(Port),
    Port >= 1,
    Port =< 65535,
    !.

%   place(Text, Vlan or outside, Ip, Nodes): the nodes are those that have the address.
place(Text, place(Text, Vlan, Ip, Nodes)) :-
    ip(Text, Ip),
    (   site:vlan(Vlan0, _, SubnetText),
        subnet(SubnetText, Subnet),
        in_subnet(Ip, Subnet)
    ->  Vlan = Vlan0
    ;   Vlan = outside
    ),
    findall(Node, ( site:node_address(Node, _, Other), ip(Other, Ip) ), Nodes).

%   way(+From, +To, -Way, -Kind): Kind is within or between.
way(place(_, outside, _, _), place(_, outside, _, _), Way, Kind) =>
    Way = no_route(outside, outside),
    Kind = between.
way(place(_, Vlan, _, _), place(_, Vlan, _, _), Way, Kind) =>
    Way = same_vlan(Vlan),
    Kind = within.
way(place(_, outside, _, _), place(_, Vlan, _, _), Way, Kind) =>
    way_out(outside, Vlan, Vlan, Way),
    Kind = between.
way(place(_, Vlan, _, _), place(_, outside, _, _), Way, Kind) =>
    way_out(Vlan, outside, Vlan, Way),
    Kind = between.
way(place(_, From, _, _), place(_, To, _, _), Way, Kind) =>
    Kind = between,
    (   routed([hop([From], [])], To, [], Vlans, Routers)
    ->  Way = route(Vlans, Routers)
    ;   Way = no_route(From, To)
    ).

%   Out of the house, and in, it goes by a gateway of that VLAN.
way_out(From, To, Inside, Way) :-
    findall(Node, ( site:node_role(Node, gateway), site:node_address(Node, Inside, _) ), Nodes0),
    sort(Nodes0, Nodes),
    (   Nodes = [Node|_]
    ->  Way = way_out(Inside, Node)
    ;   Way = no_route(From, To)
    ).

%   Fewest routers, then by names: hops are kept in order, and each VLAN is entered once.
routed([hop(Vlans, Routers)|Hops], To, Visited, AllVlans, AllRouters) :-
    Vlans = [At|_],
    (   At == To
    ->  reverse(Vlans, AllVlans),
        reverse(Routers, AllRouters)
    ;   memberchk(At, Visited)
    ->  routed(Hops, To, Visited, AllVlans, AllRouters)
    ;   findall(Next-Router, ( forwards(At, Next, Router), \+ memberchk(Next, Visited) ), Found0),
        sort(Found0, Found),
        findall(hop([Next|Vlans], [Router|Routers]), member(Next-Router, Found), New),
        append(Hops, New, Hops1),
        routed(Hops1, To, [At|Visited], AllVlans, AllRouters)
    ).

forwards(From, To, Router) :- site:node_routes(Router, From, To).
forwards(From, To, Router) :- site:node_routes(Router, To, From).

%   The firewall in the order of its numbers.
rules(Rules) :-
    findall(Number-rule(Number, From, To, Service, Allow),
            site:firewall(Number, From, To, Service, Allow), Pairs0),
    sort(Pairs0, Pairs),
    pairs_values(Pairs, Rules).

ruled([], _, _, _, within, Rule, Decision) =>
    Rule = no_rule(within),
    Decision = allow.
ruled([], _, _, _, between, Rule, Decision) =>
    Rule = no_rule(between),
    Decision = deny.
ruled([First|Rules], From, To, Service, Kind, Rule, Decision) =>
    First = rule(_, FromEnd, ToEnd, RuleService, Allow),
    (   served(RuleService, Service),
        end(FromEnd, From),
        end(ToEnd, To)
    ->  Rule = First,
        Decision = Allow
    ;   ruled(Rules, From, To, Service, Kind, Rule, Decision)
    ).

served(any, _) :- !.
served(Service, Service).

end(any, _) :- !.
end(vlan(Vlan), place(_, Vlan, _, _)) :- !.
end(node(Node), place(_, _, _, Nodes)) :- !, memberchk(Node, Nodes).
end(subnet(Text), place(_, _, Ip, _)) :-
    subnet(Text, Subnet),
    in_subnet(Ip, Subnet).

                /*  nodes  */

%!  can_reach(+From, +To, +Service, -Proof:list) is semidet.
%
%   True if the site facts let it through, every node awake.

can_reach(From, To, Service, Proof) :-
    reach(From, To, Service, [], yes(Proof)).

%!  reach(+From, +To, +Service, +Down:list, -Outcome) is det.
%
%   Outcome is yes(Steps) or no(Steps).

reach(From, To, Service, Down, Outcome) :-
    node_named(from, From),
    node_named(to, To),
    rules(Rules),
    reached(Rules, From, To, Service, Down, Outcome).

%!  reach_services(+From, +To, +Down:list, -Outcomes:list) is det.
%
%   Service-Outcome for each service that a rule names, for icmp, and for other: whatever no rule
%   names.

reach_services(From, To, Down, Outcomes) :-
    node_named(from, From),
    node_named(to, To),
    rules(Rules),
    findall(Service, ( member(rule(_, _, _, Service, _), Rules), Service \== any ), Named),
    sort([icmp, other|Named], Services),
    findall(Service-Outcome,
            ( member(Service, Services),
              reached(Rules, From, To, Service, Down, Outcome) ), Outcomes).

reached(_, Node, Node, _, Down, Outcome) :-
    !,
    (   memberchk(Node, Down)
    ->  Outcome = no([down(Node)])
    ;   Outcome = yes([same_node(Node)])
    ).
reached(_, From, To, _, Down, no([down(Node)])) :-
    member(Node, [From, To]),
    memberchk(Node, Down),
    !.
reached(_, From, To, _, _, no([no_address(Node)])) :-
    member(Node, [From, To]),
    \+ site:node_address(Node, _, _),
    !.
reached(Rules, From, To, Service, Down, Outcome) :-
    findall(pair(Kind, V1, A, V2, B),
            ( site:node_address(From, V1, A), site:node_address(To, V2, B), family(A, B),
              ( V1 == V2 -> Kind = 0 ; Kind = 1 ) ), Pairs0),
    sort(Pairs0, Pairs),
    findall(Found, ( member(Pair, Pairs),
                     between_nodes(Pair, Rules, From, To, Service, Down, Found) ), Outcomes),
    (   Outcomes == []
    ->  Outcome = no([no_common_family(From, To)])
    ;   memberchk(yes(Steps), Outcomes)
    ->  Outcome = yes(Steps)
    ;   Outcomes = [Outcome|_]
    ).

family(A, B) :-
    ip(A, ip(Family, _)),
    ip(B, ip(Family, _)).

between_nodes(pair(_, V1, A, V2, B), Rules, From, To, Service, Down, Outcome) :-
    packet(Rules, A, B, Service, Decision, Why),
    append([address(From, V1, A), address(To, V2, B)], Why, Steps0),
    (   Decision == deny
    ->  Outcome = no(Steps0)
    ;   routers(Why, Routers),
        append([From|Routers], [To], Stops),
        cabled(Stops, Down, Cables, Good),
        append(Steps0, Cables, Steps),
        (   Good == yes
        ->  Outcome = yes(Steps)
        ;   Outcome = no(Steps)
        )
    ).

routers(Why, Routers) :-
    (   memberchk(route(_, Found), Why)
    ->  Routers = Found
    ;   Routers = []
    ).

%   Each stretch from stop to stop; where no cables are written down nothing is known of them.
cabled([_], _, [], yes) :- !.
cabled([Same, Same|Stops], Down, Steps, Good) :-
    !,
    cabled([Same|Stops], Down, Steps, Good).
cabled([From, To|Stops], Down, [Step|Steps], Good) :-
    path_between(From, To, Down, Result),
    stretch(Result, From, To, Down, Step, Good0),
    (   Good0 == yes
    ->  cabled([To|Stops], Down, Steps, Good)
    ;   Steps = [],
        Good = no
    ).

stretch(path(Nodes, Mbit), _, _, _, cable(Nodes, Mbit), yes).
stretch(unlinked(_), From, To, Down, Step, Good) :-
    (   member(Node, [From, To]),
        memberchk(Node, Down)
    ->  Step = down(Node),
        Good = no
    ;   Step = cable_unknown(From, To),
        Good = yes
    ).
stretch(cut(Nodes, OnIt), _, _, _, cable_cut(Nodes, OnIt), no).
stretch(none, From, To, _, no_cable(From, To), no).
