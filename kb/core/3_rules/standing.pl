%   SPDX-License-Identifier: Apache-2.0

:- module(standing,
          [ stands/1,                   % -Stands
            stands_as/4,                % +Vm, +Container, +Marks, -Stands
            own_cluster/3,              % ?Cluster, -Guest, -What
            member_touched/3,           % +Action, -Cluster, -Node
            guest_of/2,                 % ?Cluster, ?Guest
            standing_fault/1            % -Fault
          ]).
:- use_module(library(lists), [member/2, memberchk/2, nth1/3]).
:- use_module(kb('1_words/standing_words'), [uuid_swapped/2]).
:- use_module(kb('1_words/vocabulary'), [stricter_tier/2]).
:- use_module(kb('2_seen/machines'), [host_known/2, pool_known/2]).
:- use_module(kb('2_seen/site'), []).
:- use_module(kb('2_seen/state'), []).
:- use_module(action, [action_tier/2, parameter/5, playbook_touched/2]).
:- use_module(house, [node_known/2]).
:- use_module(policy, []).

/** <module> Where the node stands: it does not govern a cluster that it runs on (invariant 12)

If it did, there would be a morning on which the cluster waits for the node and the node for the
cluster. What the machine looks like from inside (state:node_stands/5) is compared with the guests
of every cluster that the owner wrote down or the cluster's API told:

    match(Cluster, Guest, What)   it is that guest; What is the mark that proves it, or `member`
    unproven(Vm, Container)       a virtual machine or a container, and no guest that we know
    bare                          no sign of either
    unknown                       nothing was told yet: treated like unproven
*/

%!  stands(-Stands) is det.

stands(Stands) :-
    (   state:node_stands(_, _, Vm, Container, Marks)
    ->  stands_as(Vm, Container, Marks, Stands)
    ;   stands_as(none, none, [], Stands)
    ).

%!  stands_as(+Vm, +Container, +Marks:list, -Stands) is det.
%
%   With these signs and marks; none: nothing was told.

stands_as(Vm, Container, Marks, Stands) :-
    findall(match(Cluster, Guest, What), own_by(Marks, Cluster, Guest, What), Matches0),
    sort(Matches0, Matches),
    (   Matches = [Match|_]
    ->  Stands = Match
    ;   Vm == none
    ->  Stands = unknown
    ;   Vm == "",
        Container == ""
    ->  Stands = bare
    ;   Stands = unproven(Vm, Container)
    ).

%!  own_cluster(?Cluster, -Guest, -What) is nondet.

own_cluster(Cluster, Guest, What) :-
    (   state:node_stands(_, _, _, _, Marks)
    ->  true
    ;   Marks = []
    ),
    own_by(Marks, Cluster, Guest, What).

own_by(_, Cluster, Node, member) :-
    site:this_node(Node),
    site:cluster_member(Cluster, Node).
own_by(Marks, Cluster, Guest, What) :-
    Marks = [_|_],
    guest_mark(Cluster, Guest, What),
    member(Mark, Marks),
    same(What, Mark).

guest_mark(Cluster, Guest, Mark) :-
    site:cluster_guest(Cluster, Guest, Mark).
guest_mark(Cluster, Guest, Mark) :-
    site:cluster(Cluster, _, _),
    state:cluster_guests(Cluster, _, _, Guests),
    member(guest(Guest, Mark), Guests).

same(Mark, Mark) :- !.
same(uuid(One), uuid(Other)) :-
    uuid_swapped(One, Other).

%!  guest_of(?Cluster, ?Guest) is nondet.
%
%   As written down or as told; a guest may come more than once.

guest_of(Cluster, Guest) :-
    guest_mark(Cluster, Guest, _).

%!  member_touched(+Action, -Cluster, -Node) is nondet.
%
%   Node is a member of Cluster, and Action would change it: by its host, a pool on its host, as a
%   node, or by a playbook that is said to reach it. Each parameter of these types counts, so an
%   action that comes later is held too.

member_touched(Action, Cluster, Node) :-
    once(site:cluster_member(_, _)),
    action_tier(Action, Tier),
    Tier \== observe,
    machine_touched(Action, Machine),
    site:cluster_member(Cluster, Node),
    member_machine(Node, Machine).

machine_touched(Action, Machine) :-
    functor(Action, Name, _),
    findall(Param-Type, parameter(Name, Param, Type, _, _), Params),
    nth1(At, Params, Param-Type),
    arg(At, Action, Text),
    machine(Type, Param, Text, Machine).
machine_touched(Action, node(Node)) :-
    playbook_touched(Action, Playbook),
    site:playbook_node(Playbook, Node).

machine(machine, host, Text, host(Host)) :-
    host_known(Text, Host).
machine(machine, pool, Text, host(Host)) :-
    pool_known(Text, Pool),
    site:pool(Pool, Host, _, _, _, _).
machine(node, _, Text, node(Node)) :-
    node_known(Text, Node).

member_machine(Node, node(Node)).
member_machine(Node, host(Host)) :-
    (   site:node_host(Node, Host)
    ;   \+ site:node_host(Node, _),
        atom_string(Host, Node)
    ),
    !.

%   One reason for each member, the clearest mark first.
policy:forbids(Action, _, governs_own_cluster(Cluster, Node, Guest, What)) :-
    member_touched(Action, Cluster, Node),
    findall(Found-Seen, own_cluster(Cluster, Found, Seen), All0),
    sort(All0, [Guest-What|_]).
policy:forbids(Action, by(_, Via), standing_unproven(Cluster, Node, Sign)) :-
    tier_of(Action, Via, Tier),
    \+ stricter_tier(Tier, _),
    member_touched(Action, Cluster, Node),
    stands(Stands),
    doubt(Stands, Sign).

tier_of(Action, Via, Tier) :-
    action_tier(Action, Tier0),
    Tier0 \== observe,
    (   Via == model,
        stricter_tier(Tier0, Stricter)
    ->  Tier = Stricter
    ;   Tier = Tier0
    ).

doubt(unknown, "nothing was told of its machine yet").
doubt(unproven(Vm, Container), Sign) :-
    (   Vm \== ""
    ->  format(string(Sign), "it runs in a virtual machine (~s)", [Vm])
    ;   format(string(Sign), "it runs in a container (~s)", [Container])
    ).

action:remark(Action, Text) :-
    member_touched(Action, Cluster, Node),
    stands(Stands),
    doubt(Stands, Sign),
    format(string(Text),
           "Warning: ~s is a member of the cluster ~w, and whether this node itself runs on that \c
            cluster is not proven: ~s, and no guest that is known has its marks.",
           [Node, Cluster, Sign]).

                /*  faults  */

%!  standing_fault(-Fault:string) is nondet.

standing_fault(Fault) :-
    of_cluster(Word, Cluster),
    \+ site:cluster(Cluster, _, _),
    format(string(Fault), "~w names the cluster ~w, which is not in the site facts",
           [Word, Cluster]).
standing_fault(Fault) :-
    ( Word = cluster_member, site:cluster_member(_, Node)
    ; Word = playbook_node, site:playbook_node(_, Node) ),
    \+ site:node(Node, _, _),
    \+ site:this_node(Node),
    format(string(Fault), "~w names the node ~s, which is not in the site facts", [Word, Node]).
standing_fault(Fault) :-
    site:playbook_node(Playbook, _),
    \+ site:playbook(Playbook, _, _),
    format(string(Fault), "playbook_node names ~s, which is no playbook of the site", [Playbook]).
standing_fault(Fault) :-
    site:cluster_pin(Cluster, _),
    \+ site:cluster_api(Cluster, _, _),
    format(string(Fault), "cluster_pin of ~w is for a certificate, but no cluster_api says where",
           [Cluster]).
standing_fault(Fault) :-
    site:cluster_api(Cluster, _, _),
    site:cluster(Cluster, Kind, _),
    Kind \== proxmox,
    format(string(Fault), "cluster_api of ~w: only proxmox can be asked, not ~w", [Cluster, Kind]).
standing_fault(Fault) :-
    ( site:boots_after(Name, _) ; site:boots_after(_, Name) ),
    \+ site:node(Name, _, _),
    \+ site:this_node(Name),
    \+ site:cluster_guest(_, Name, _),
    \+ site:cluster_api(_, _, _),
    format(string(Fault), "boots_after names ~s, which is neither a node nor a guest", [Name]).
standing_fault(Fault) :-
    member(Word, [cluster, cluster_api, cluster_pin]),
    findall(Cluster, named_once(Word, Cluster), Clusters),
    msort(Clusters, Sorted),
    beside(Sorted, Cluster),
    format(string(Fault), "~w(~w, …) is declared twice", [Word, Cluster]).

of_cluster(cluster_member, Cluster) :- site:cluster_member(Cluster, _).
of_cluster(cluster_guest, Cluster)  :- site:cluster_guest(Cluster, _, _).
of_cluster(cluster_api, Cluster)    :- site:cluster_api(Cluster, _, _).
of_cluster(cluster_pin, Cluster)    :- site:cluster_pin(Cluster, _).

named_once(cluster, Cluster)     :- site:cluster(Cluster, _, _).
named_once(cluster_api, Cluster) :- site:cluster_api(Cluster, _, _).
named_once(cluster_pin, Cluster) :- site:cluster_pin(Cluster, _).

beside([Name, Name|_], Name) :- !.
beside([_|Names], Name) :-
    beside(Names, Name).
