%   SPDX-License-Identifier: Apache-2.0

:- module(house,
          [ node_known/2,               % +Text, -Node
            nodes_known/1,              % -Nodes
            near_node/2,                % +Text, -Node
            near_name/3,                % +Text, +Names, -Name
            one_letter_off/3,           % +Text, +Names, -Name
            strangers/2,                % +Texts, -Told
            node_card/2,                % +Node, -Obj
            house_fault/1               % -Fault
          ]).
:- use_module(library(lists), [member/2, memberchk/2]).
:- use_module(kb('1_words/house_words'), [node_name/1]).
:- use_module(kb('1_words/subnet'), [ip/2, subnet/2, in_subnet/2]).
:- use_module(kb('2_seen/site'), []).

/** <module> The inventory: who is there, what they are, and whether the facts hang together */

%!  node_known(+Text, -Node) is semidet.
%
%   The node of that name, in any case.

node_known(Text, Node) :-
    string(Text),
    string_lower(Text, Node),
    site:node(Node, _, _),
    !.

%!  nodes_known(-Nodes) is det.

nodes_known(Nodes) :-
    findall(Node, site:node(Node, _, _), Nodes0),
    sort(Nodes0, Nodes).

%!  near_node(+Text, -Node) is semidet.
%
%   What may have been meant: never taken for it, only offered.

near_node(Text, Node) :-
    nodes_known(Nodes),
    near_name(Text, Nodes, Node).

%!  near_name(+Text, +Names:list, -Name) is semidet.
%
%   The first of the nearest: one letter off, for five letters and more two. Swapped neighbours are
%   one.

near_name(Text, Names, Name) :-
    string_lower(Text, Lower),
    string_length(Lower, Length),
    Length =< 64,
    string_codes(Lower, Codes),
    between(1, 2, Edits),
    ( Edits =:= 1 -> Length >= 2 ; Length >= 5 ),
    within_edits(Codes, Length, Names, Edits, Name),
    !.

within_edits(Codes, Length, Names, Edits, Name) :-
    member(Name, Names),
    string_length(Name, NameLength),
    abs(NameLength - Length) =< Edits,
    string_codes(Name, NameCodes),
    edits(Codes, NameCodes, Edits).

%!  one_letter_off(+Text, +Names:list, -Name) is semidet.

one_letter_off(Text, Names, Name) :-
    string_length(Text, Length),
    string_codes(Text, Codes),
    within_edits(Codes, Length, Names, 1, Name),
    !.

%   edits(+A, +B, +Left): B is A with at most Left letters changed, added, lost or swapped.
edits([Code|A], [Code|B], Left) :-
    !,
    (   edits(A, B, Left)
    ->  true
    ;   Left > 0,
        changed([Code|A], [Code|B], Left)
    ).
edits([], [], _) :- !.
edits(A, B, Left) :-
    Left > 0,
    changed(A, B, Left).

changed(A, B, Left) :-
    Less is Left - 1,
    (   A = [X, Y|A2], B = [Y, X|B2], X =\= Y, edits(A2, B2, Less)
    ;   A = [_|A1], B = [_|B1], edits(A1, B1, Less)
    ;   A = [_|A1], edits(A1, B, Less)
    ;   B = [_|B1], edits(A, B1, Less)
    ),
    !.

%!  strangers(+Texts:list, -Told) is semidet.
%
%   Told is told(no_nodes, [stranger(Text, NearOrNone), …], Known): the answer to a question about
%   nodes that there are none of. False if each Text names a node; `none` was not said.

strangers(Texts, told(no_nodes, Strangers, Known)) :-
    findall(stranger(Text, Near),
            ( member(Text, Texts), Text \== none, \+ node_known(Text, _), offered(Text, Near) ),
            Strangers0),
    sort(Strangers0, Strangers),
    Strangers = [_|_],
    nodes_known(Known).

offered(Text, Near) :-
    (   near_node(Text, Node)
    ->  Near = Node
    ;   Near = none
    ).

                /*  a node as an object  */

%!  node_card(+Node, -Obj) is semidet.
%
%   All that the site facts say of Node; what they do not say is null, or no member of a list.

node_card(Node, Obj) :-
    site:node(Node, Host, Words),
    !,
    findall(Role, site:node_role(Node, Role), Roles0),
    sort(Roles0, Roles),
    findall(Flag, site:node_can(Node, Flag), Flags0),
    sort(Flags0, Flags),
    findall(obj([gpu-Gpu, vram_mib-Vram, pcie_lanes-Lanes]),
            site:node_gpu(Node, Gpu, Vram, Lanes), Gpus),
    said(Mib, site:node_memory(Node, Mib), Memory),
    said(Count, site:node_cores(Node, Count), Cores),
    said(obj([idle_watts-Idle, peak_watts-Peak]), site:node_power(Node, Idle, Peak), Power),
    said(Seconds, site:node_boot(Node, Seconds), Boot),
    said(How, site:node_volatility(Node, How), Volatility),
    weight_of(Node, Weight),
    said(Label, site:node_host(Node, Label), Sleeper),
    findall(obj([vlan-Vlan, ip-Ip]), site:node_address(Node, Vlan, Ip), Addresses),
    findall(obj([node-Other, mbit-Mbit]), linked(Node, Other, Mbit), Links0),
    sort(Links0, Links),
    findall(obj([from-From, to-To]), site:node_routes(Node, From, To), Routes),
    Obj = obj([ name-Node, host-Host, words-Words, roles-Roles, can-Flags, gpus-Gpus,
                memory_mib-Memory, cores-Cores, power-Power, boot_s-Boot, volatility-Volatility,
                weight-Weight, sleeps_as-Sleeper, addresses-Addresses, links-Links,
                routes-Routes ]).

said(Template, Goal, Value) :-
    findall(Template, Goal, Found),
    (   Found = [Value|_]
    ->  true
    ;   Value = null
    ).

weight_of(Node, Weight) :-
    (   site:node_weight(Node, Found)
    ->  Weight = Found
    ;   Weight = 10
    ).

linked(Node, Other, Mbit) :- site:node_link(Node, Other, Mbit).
linked(Node, Other, Mbit) :- site:node_link(Other, Node, Mbit).

                /*  do the facts hang together  */

%!  house_fault(-Fault:string) is nondet.

house_fault(Fault) :-
    site:node(Node, _, _),
    \+ node_name(Node),
    format(string(Fault), "\"~s\" is no name for a node: a lower-case letter, then letters, \c
                           digits, - and _", [Node]).
house_fault(Fault) :-
    again(Node, site:node(Node, _, _)),
    format(string(Fault), "node ~s is declared twice", [Node]).
house_fault(Fault) :-
    of_node(Word, Node),
    \+ site:node(Node, _, _),
    format(string(Fault), "~w names the node ~s, which is not in the site facts", [Word, Node]).
house_fault(Fault) :-
    of_vlan(Word, Vlan),
    \+ site:vlan(Vlan, _, _),
    format(string(Fault), "~w names the vlan ~w, which is not in the site facts", [Word, Vlan]).
house_fault(Fault) :-
    site:node_host(Node, Host),
    \+ site:host(Host, _, _),
    format(string(Fault), "node ~s is the host ~w, which is not in the site facts", [Node, Host]).
house_fault(Fault) :-
    again(Host, site:node_host(_, Host)),
    format(string(Fault), "host ~w is said of two nodes", [Host]).
house_fault(Fault) :-
    site:node_pool(Node, Pool),
    \+ site:pool(Pool, _, external, _, _, _),
    format(string(Fault), "node_pool says that pool ~w is on node ~s; only an external pool is \c
                           said so: another is where its host is", [Pool, Node]).
house_fault(Fault) :-
    again(Pool, site:node_pool(_, Pool)),
    format(string(Fault), "pool ~w is said of two nodes", [Pool]).
house_fault(Fault) :-
    once_only(Word, Node, Goal),
    again(Node, Goal),
    format(string(Fault), "~w is said twice of node ~s", [Word, Node]).
house_fault(Fault) :-
    site:node_power(Node, Idle, Peak),
    Idle > Peak,
    format(string(Fault), "node ~s draws ~d W idle and ~d W at its peak", [Node, Idle, Peak]).
house_fault(Fault) :-
    site:node_can(Node, Flag),
    memberchk(Flag, [cuda, rocm]),
    \+ site:node_gpu(Node, _, _, _),
    format(string(Fault), "node ~s can ~w, but has no node_gpu", [Node, Flag]).

%   Networks.
house_fault(Fault) :-
    site:vlan(Vlan, A, _),
    site:vlan(Vlan, B, _),
    A < B,
    format(string(Fault), "vlan ~w has the ids ~d and ~d", [Vlan, A, B]).
house_fault(Fault) :-
    site:vlan(A, Id, _),
    site:vlan(B, Id, _),
    A @< B,
    format(string(Fault), "vlans ~w and ~w have the same id ~d", [A, B, Id]).
house_fault(Fault) :-
    findall(Text-Vlan, site:vlan(Vlan, _, Text), Subnets),
    in_pairs(Subnets, A-VlanA, B-VlanB),
    overlap(A, B),
    format(string(Fault), "the subnets ~s of vlan ~w and ~s of vlan ~w overlap",
           [A, VlanA, B, VlanB]).
house_fault(Fault) :-
    site:node_address(Node, Vlan, Text),
    site:vlan(Vlan, _, _),
    ip(Text, Ip),
    \+ ( site:vlan(Vlan, _, SubnetText), subnet(SubnetText, Subnet), in_subnet(Ip, Subnet) ),
    findall(SubnetText, site:vlan(Vlan, _, SubnetText), Subnets),
    atomic_list_concat(Subnets, ' or ', List),
    format(string(Fault), "the address ~s of ~s does not lie in ~w of vlan ~w",
           [Text, Node, List, Vlan]).
house_fault(Fault) :-
    site:node_address(Node, Vlan, Text),
    ip(Text, ip(4, Number)),
    site:vlan(Vlan, _, SubnetText),
    subnet(SubnetText, subnet(4, Base, Length)),
    Length =< 30,
    Hosts is 1 << (32 - Length) - 1,
    (   Number =:= Base,
        What = "the subnet itself"
    ;   Number =:= Base + Hosts,
        What = "the broadcast address"
    ),
    format(string(Fault), "the address ~s of ~s is ~s", [Text, Node, What]).
house_fault(Fault) :-
    findall(Text-Node, site:node_address(Node, _, Text), Addresses),
    in_pairs(Addresses, Text-A, Text-B),
    format(string(Fault), "the address ~s belongs to ~s and to ~s", [Text, A, B]).

%   Cables and routes.
house_fault(Fault) :-
    site:node_link(Node, Node, _),
    format(string(Fault), "a cable from ~s to itself", [Node]).
house_fault(Fault) :-
    findall(A-B, ( site:node_link(N, M, _), msort([N, M], [A, B]) ), Cables),
    in_pairs(Cables, A-B, A-B),
    format(string(Fault), "the cable between ~s and ~s is declared twice", [A, B]).
house_fault(Fault) :-
    site:node_routes(Node, Vlan, Vlan),
    format(string(Fault), "~s routes from ~w to itself", [Node, Vlan]).
house_fault(Fault) :-
    site:node_routes(Node, From, To),
    member(Vlan, [From, To]),
    \+ site:node_address(Node, Vlan, _),
    format(string(Fault), "~s routes between ~w and ~w, but has no address in ~w",
           [Node, From, To, Vlan]).

%   Firewall.
house_fault(Fault) :-
    again(Number, site:firewall(Number, _, _, _, _)),
    format(string(Fault), "firewall rule ~d is declared twice", [Number]).
house_fault(Fault) :-
    site:firewall(Early, From0, To0, Service0, _),
    site:firewall(Late, From, To, Service, _),
    Early < Late,
    covers(From0, From),
    covers(To0, To),
    covers(Service0, Service),
    format(string(Fault), "firewall rule ~d is never reached: rule ~d fits first", [Late, Early]).

covers(any, _) :- !.
covers(subnet(A), subnet(B)) :-
    !,
    subnet(A, Wide),
    Wide = subnet(Family, _, Length),
    subnet(B, subnet(Family, Base, Narrow)),
    Narrow >= Length,
    in_subnet(ip(Family, Base), Wide).
covers(Same, Same).

overlap(A, B) :-
    subnet(A, SubnetA),
    subnet(B, SubnetB),
    SubnetA = subnet(Family, BaseA, _),
    SubnetB = subnet(Family, BaseB, _),
    (   in_subnet(ip(Family, BaseB), SubnetA)
    ;   in_subnet(ip(Family, BaseA), SubnetB)
    ),
    !.

of_node(node_role, Node)       :- site:node_role(Node, _).
of_node(node_can, Node)        :- site:node_can(Node, _).
of_node(node_gpu, Node)        :- site:node_gpu(Node, _, _, _).
of_node(node_memory, Node)     :- site:node_memory(Node, _).
of_node(node_cores, Node)      :- site:node_cores(Node, _).
of_node(node_power, Node)      :- site:node_power(Node, _, _).
of_node(node_boot, Node)       :- site:node_boot(Node, _).
of_node(node_volatility, Node) :- site:node_volatility(Node, _).
of_node(node_weight, Node)     :- site:node_weight(Node, _).
of_node(node_host, Node)       :- site:node_host(Node, _).
of_node(node_pool, Node)       :- site:node_pool(Node, _).
of_node(node_address, Node)    :- site:node_address(Node, _, _).
of_node(node_link, Node)       :- site:node_link(A, B, _), member(Node, [A, B]).
of_node(node_routes, Node)     :- site:node_routes(Node, _, _).
of_node(firewall, Node) :-
    site:firewall(_, From, To, _, _),
    member(node(Node), [From, To]).

of_vlan(node_address, Vlan) :- site:node_address(_, Vlan, _).
of_vlan(node_routes, Vlan)  :- site:node_routes(_, From, To), member(Vlan, [From, To]).
of_vlan(firewall, Vlan) :-
    site:firewall(_, From, To, _, _),
    member(vlan(Vlan), [From, To]).

once_only(node_memory, Node, site:node_memory(Node, _)).
once_only(node_cores, Node, site:node_cores(Node, _)).
once_only(node_power, Node, site:node_power(Node, _, _)).
once_only(node_boot, Node, site:node_boot(Node, _)).
once_only(node_volatility, Node, site:node_volatility(Node, _)).
once_only(node_weight, Node, site:node_weight(Node, _)).
once_only(node_host, Node, site:node_host(Node, _)).

%   Each Name that Goal gives more than once.
again(Name, Goal) :-
    findall(Name, Goal, Names),
    msort(Names, Sorted),
    repeated(Sorted, Name).

repeated([Name, Name|_], Name).
repeated([_|Names], Name) :-
    repeated(Names, Name).

in_pairs([A|Rest], A, B) :-
    member(B, Rest).
in_pairs([_|Rest], A, B) :-
    in_pairs(Rest, A, B).
