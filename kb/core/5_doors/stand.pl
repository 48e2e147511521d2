%   SPDX-License-Identifier: Apache-2.0

:- module(door_stand,
          [ stand/2                     % +In, -Out
          ]).
:- use_module(kb('1_words/wire'), [answered/3, fields/3]).
:- use_module(kb('2_seen/site'), []).
:- use_module(kb('2_seen/standing_entries'), [guests_seen/3, machine_seen/4]).
:- use_module(kb('2_seen/state'), []).
:- use_module(kb('3_rules/boot_order'), [boot_order/2]).
:- use_module(kb('3_rules/standing'), [guest_of/2, stands/1, stands_as/4]).
:- use_module(kb('4_say/boot_answers'), [stands_words/2]).

/** <module> Door stand: where the node stands, and which clusters can be asked about their guests

`seen` is what the sensor told last, `guests` what a cluster's API did: whether that is news for the
record (`record`) is said for each. Only where the owner wrote down a cluster is anything recorded;
elsewhere it is told and forgotten.
*/

%!  stand(+In, -Out) is det.

:- det(stand/2).
stand(In, Out) :-
    answered(told, In, Out).

told(In, obj([ stands-Word, cluster-Cluster, guest-Guest, proof-Proof, words-Words, vm-Vm,
               container-Container, seen_ms-SeenMs, clusters-Clusters, cycle-Cycle, record-Record,
               jobs-Jobs ])) :-
    fields(In, [optional(seen, any, null), optional(guests, any, null)], [Seen, Told]),
    (   Seen = obj(_),
        machine_seen(Seen, Vm, Container, Marks)
    ->  stands_as(Vm, Container, Marks, Stands)
    ;   stands(Stands),
        Vm-Container = ""-""
    ),
    functor(Stands, Word, _),
    matched(Stands, Cluster, Guest, Proof),
    stands_words(Stands, Words),
    ( state:node_stands(_, AtMs, _, _, _) -> SeenMs = AtMs ; SeenMs = null ),
    findall(Obj, cluster_obj(Obj), Clusters),
    boot_order(_, Cycle),
    ( news(Seen, Told) -> Record = true ; Record = false ),
    findall(Job, cluster_job(Job), Jobs).

news(Seen, null) :-
    Seen = obj(_),
    once(site:cluster(_, _, _)),
    machine_seen(Seen, Vm, Container, Marks),
    \+ state:node_stands(_, _, Vm, Container, Marks).
news(_, Told) :-
    Told = obj(_),
    guests_seen(Told, Cluster, Guests),
    \+ state:cluster_guests(Cluster, _, _, Guests).

matched(match(Cluster0, Guest0, What), Cluster, Guest, Proof) =>
    Cluster = Cluster0,
    Guest = Guest0,
    functor(What, Proof, _).
matched(_, Cluster, Guest, Proof) =>
    Cluster-Guest-Proof = null-null-null.

cluster_obj(obj([ cluster-Cluster, kind-Kind, words-Words, members-Members, guests-Count,
                  told_ms-ToldMs ])) :-
    site:cluster(Cluster, Kind, Words),
    findall(Node, site:cluster_member(Cluster, Node), Members0),
    sort(Members0, Members),
    findall(Guest, guest_of(Cluster, Guest), Guests0),
    sort(Guests0, Guests),
    length(Guests, Count),
    (   state:cluster_guests(Cluster, _, AtMs, _)
    ->  ToldMs = AtMs
    ;   ToldMs = null
    ).

cluster_job(obj([ hand-cluster, op-guests, cluster-Cluster, url-Url, secret-Secret, pin-Pin ])) :-
    site:cluster_api(Cluster, Url, Secret),
    (   site:cluster_pin(Cluster, Sha256)
    ->  Pin = Sha256
    ;   Pin = null
    ).
