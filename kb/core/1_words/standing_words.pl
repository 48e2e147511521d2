%   SPDX-License-Identifier: Apache-2.0

:- module(standing_words,
          [ standing_fact/3,            % ?Module, ?Name, ?Columns
            standing_column/2,          % +Type, +Value
            standing_expected/2,        % ?Type, -Words
            guest_mark/1,               % +Mark
            guest_name/1,               % +Text
            uuid_swapped/2,             % +Uuid, -Swapped
            marks_max/1,                % -Count
            guests_max/1                % -Count
          ]).
:- use_module(library(lists), [append/3, member/2, memberchk/2, reverse/2]).
:- use_module(library(apply), [maplist/2, maplist/3]).
:- use_module(house_words, [node_name/1]).
:- use_module(machine_words, [machine_column/2, machine_expected/2]).
:- use_module(subnet, [ip_text/1]).
:- use_module(vocabulary, [label/1]).

/** <module> Words about clusters, guests, and what boots after what (docs/operations.md §6)

A mark is what a machine is known by: uuid("…"), mac("…") or address("…").
*/

%!  marks_max(-Count) is det.
%
%   Of one machine.

marks_max(128).

%!  guests_max(-Count) is det.
%
%   Marks of one cluster's guests, as its API tells them.

guests_max(2048).

%!  standing_fact(?Module, ?Name, ?Columns:list) is nondet.

standing_fact(site, cluster,        [cluster:cluster_label, kind:cluster_kind, words:text]).
standing_fact(site, cluster_member, [cluster:cluster_label, node:node_name]).
standing_fact(site, cluster_guest,  [cluster:cluster_label, guest:guest_name, what:guest_mark]).
standing_fact(site, cluster_api,    [cluster:cluster_label, url:https_url, secret:secret]).
standing_fact(site, cluster_pin,    [cluster:cluster_label, sha256:sha256]).
standing_fact(site, playbook_node,  [playbook:path, node:node_name]).
standing_fact(site, boots_after,    [name:guest_name, other:guest_name]).
standing_fact(state, node_stands,   [seq:seq, at_ms:at_ms, vm:text, container:text, marks:marks]).
standing_fact(state, cluster_guests,[cluster:cluster_label, seq:seq, at_ms:at_ms,
                                     guests:guests]).

%!  standing_column(+Type, +Value) is semidet.

standing_column(cluster_label, Value) => label(Value).
standing_column(cluster_kind, Value)  =>
    atom(Value), memberchk(Value, [proxmox, kubernetes, libvirt, vmware, other]).
standing_column(guest_name, Value)    => guest_name(Value).
standing_column(guest_mark, Value)    => guest_mark(Value).
standing_column(https_url, Value)     =>
    string(Value), string_concat("https://", _, Value), machine_column(http_url, Value).
standing_column(marks, Value)         => is_list(Value), maplist(guest_mark, Value).
standing_column(guests, Value)        => is_list(Value), maplist(guest, Value).

guest(guest(Name, Mark)) :-
    guest_name(Name),
    guest_mark(Mark).

%!  standing_expected(?Type, -Words) is nondet.

standing_expected(cluster_label, 'a lower-case word such as lab').
standing_expected(cluster_kind,  'proxmox, kubernetes, libvirt, vmware or other').
standing_expected(guest_name,
                  'a name such as "dns1": up to 63 letters, digits and -_. without a dot at its \c
                   ends').
standing_expected(guest_mark,    Words) :-
    machine_expected(mac, Mac),
    format(atom(Words),
           'uuid("550e8400-e29b-41d4-a716-446655440000"), lower case; mac of ~w; or \c
            address("192.168.10.5")', [Mac]).
standing_expected(https_url,     '"https://ADDRESS:PORT"').
standing_expected(marks,         'a list of uuid, mac and address').
standing_expected(guests,        'a list of guest(Name, Mark)').

%!  guest_name(+Text) is semidet.

guest_name(Text) :-
    string(Text),
    (   node_name(Text)
    ->  true
    ;   string_length(Text, Length),
        Length >= 1,
        Length =< 63,
        string_codes(Text, Codes),
        \+ ( member(Code, Codes), \+ name_code(Code) ),
        Codes = [First|_],
        First =\= 0'.,
        \+ append(_, [0'.], Codes)
    ).

name_code(Code) :- Code >= 0'a, Code =< 0'z, !.
name_code(Code) :- Code >= 0'A, Code =< 0'Z, !.
name_code(Code) :- Code >= 0'0, Code =< 0'9, !.
name_code(Code) :- memberchk(Code, `-_.`).

%!  guest_mark(+Mark) is semidet.

guest_mark(uuid(Text))    :- uuid_text(Text).
guest_mark(mac(Text))     :- string(Text), machine_column(mac, Text).
guest_mark(address(Text)) :- ip_text(Text), \+ nobodys(Text).

%   What each machine has is a mark of none.
nobodys("127.0.0.1").
nobodys("0.0.0.0").
nobodys("::1").
nobodys("::").

%   Lower case, and none of those that makers leave in by the thousand.
uuid_text(Text) :-
    string(Text),
    string_length(Text, 36),
    split_string(Text, "-", "", Parts),
    maplist(string_length, Parts, [8, 4, 4, 4, 12]),
    \+ ( member(Part, Parts), string_codes(Part, Codes), member(Code, Codes),
         \+ memberchk(Code, `0123456789abcdef`) ),
    \+ everybodys(Text).

everybodys("00000000-0000-0000-0000-000000000000").
everybodys("ffffffff-ffff-ffff-ffff-ffffffffffff").
everybodys("03000200-0400-0500-0006-000700080009").
everybodys("00020003-0004-0005-0006-000700080009").

%!  uuid_swapped(+Uuid:string, -Swapped:string) is det.
%
%   With the bytes of the first three fields turned round: firmware and its readers do not agree
%   which order they stand in.

uuid_swapped(Uuid, Swapped) :-
    split_string(Uuid, "-", "", [A, B, C, D, E]),
    maplist(turned, [A, B, C], [X, Y, Z]),
    atomic_list_concat([X, Y, Z, D, E], -, Atom),
    atom_string(Atom, Swapped).

turned(Text, Turned) :-
    string_codes(Text, Codes),
    pairs_of(Codes, Pairs),
    reverse(Pairs, Reversed),
    flat(Reversed, Flat),
    string_codes(Turned, Flat).

pairs_of([], []).
pairs_of([A, B|Codes], [[A, B]|Pairs]) :-
    pairs_of(Codes, Pairs).

flat([], []).
flat([[A, B]|Pairs], [A, B|Codes]) :-
    flat(Pairs, Codes).
