%   SPDX-License-Identifier: Apache-2.0

:- module(standing_entries,
          [ learn_standing/5,           % +Kind, +Seq, +At, ++Body, -Changed
            machine_seen/4,             % ++Body, -Vm, -Container, -Marks
            guests_seen/3               % ++Body, -Cluster, -Guests
          ]).
:- use_module(library(lists), [append/3, member/2, memberchk/2]).
:- use_module(kb('1_words/standing_words'),
              [guest_mark/1, guest_name/1, guests_max/1, marks_max/1]).
:- use_module(kb('1_words/wire'), [field/3]).
:- use_module(machines, [time_ms/2]).
:- use_module(site, []).
:- use_module(state, []).

/** <module> Entries of the ledger about the machine that the node runs on

What it looks like from inside (standing_seen), and which guests a cluster says it has
(cluster_seen). A mark that is none (a UUID of zeros, an address of nobody) is left out: it proves
nothing. An entry that is no whole one changes nothing.
*/

%!  learn_standing(+Kind:string, +Seq, +At:string, ++Body, -Changed) is semidet.
%
%   False if Kind is none of these.

learn_standing(Kind, Seq, At, Body, Changed) :-
    memberchk(Kind, ["standing_seen", "cluster_seen"]),
    ( time_ms(At, AtMs) -> true ; AtMs = 0 ),
    (   entry(Kind, Seq, AtMs, Body, Fact, Old),
        with_mutex(ln_state, transaction(newer(Fact, Old)))
    ->  Changed = true
    ;   Changed = false
    ).

newer(Fact, Old) :-
    \+ ( call(state:Old), seq_of(Old, Was), seq_of(Fact, Now), Was >= Now ),
    functor(Old, Name, Arity),
    functor(Head, Name, Arity),
    ( Name == cluster_guests -> arg(1, Fact, Cluster), arg(1, Head, Cluster) ; true ),
    retractall(state:Head),
    assertz(state:Fact).

seq_of(node_stands(Seq, _, _, _, _), Seq).
seq_of(cluster_guests(_, Seq, _, _), Seq).

entry("standing_seen", Seq, AtMs, Body, node_stands(Seq, AtMs, Vm, Container, Marks),
      node_stands(_, _, _, _, _)) :-
    machine_seen(Body, Vm, Container, Marks).
entry("cluster_seen", Seq, AtMs, Body, cluster_guests(Cluster, Seq, AtMs, Guests),
      cluster_guests(Cluster, _, _, _)) :-
    guests_seen(Body, Cluster, Guests).

%!  guests_seen(++Body, -Cluster, -Guests:list) is semidet.
%
%   The guests of a cluster of the site, as its API told them.

guests_seen(Body, Cluster, Guests) :-
    field(Body, cluster, Text),
    string(Text),
    site:cluster(Cluster, _, _),
    atom_string(Cluster, Text),
    !,
    field(Body, guests, Rows),
    is_list(Rows),
    guests_max(Max),
    findall(Guest, ( member(Row, Rows), guest(Row, Guest) ), Guests0),
    sort(Guests0, Guests1),
    cut(Max, Guests1, Guests).

%!  machine_seen(++Body, -Vm:string, -Container:string, -Marks:list) is semidet.
%
%   What the machine looks like from inside, as the sensor tells it.

machine_seen(Body, Vm, Container, Marks) :-
    sign(Body, vm, Vm),
    sign(Body, container, Container),
    texts(Body, uuids, Uuids),
    texts(Body, macs, Macs),
    texts(Body, addresses, Addresses),
    marks_max(Max),
    findall(Mark,
            ( ( member(Text, Uuids), Mark = uuid(Text)
              ; member(Text, Macs), Mark = mac(Text)
              ; member(Text, Addresses), Mark = address(Text) ),
              guest_mark(Mark) ),
            Marks0),
    sort(Marks0, Marks1),
    cut(Max, Marks1, Marks).

sign(Body, Name, Sign) :-
    field(Body, Name, Sign),
    string(Sign),
    string_length(Sign, Length),
    Length =< 120.

texts(Body, Name, Texts) :-
    field(Body, Name, Texts),
    is_list(Texts),
    \+ ( member(Text, Texts), \+ string(Text) ).

guest(Row, guest(Name, Mark)) :-
    field(Row, guest, Name),
    guest_name(Name),
    field(Row, kind, Kind),
    field(Row, value, Value),
    kind(Kind, Value, Mark),
    guest_mark(Mark).

kind("uuid", Value, uuid(Value)).
kind("mac", Value, mac(Value)).
kind("address", Value, address(Value)).

cut(Max, List, Cut) :-
    length(List, Count),
    (   Count =< Max
    ->  Cut = List
    ;   length(Cut, Max),
        append(Cut, _, List)
    ).
