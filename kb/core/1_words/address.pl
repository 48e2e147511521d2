%   SPDX-License-Identifier: Apache-2.0

:- module(address,
          [ ipv4/2,                     % +Text, -Octets
            ipv6/2,                     % +Text, -Groups
            ipv6_text/2,                % +Groups, -Text
            private_address/1,          % +Text
            reverse_name/2              % +Text, -Name
          ]).
:- use_module(library(lists), [append/3, reverse/2, nth1/3]).
:- use_module(library(apply), [maplist/2, maplist/3, foldl/4]).

/** <module> IP addresses: strict reading, one way of writing

IPv4 is four decimal numbers without leading zeros and nothing else: "010.0.0.1" and
"10.1" are read differently by different programs, so they are not addresses here. IPv6 is
written as RFC 5952 says, which is also how BIND prints it.
*/

%!  ipv4(+Text:string, -Octets:list(integer)) is semidet.

ipv4(Text, Octets) :-
    string_length(Text, Length),
    Length =< 15,
    no_nul(Text),
    split_string(Text, ".", "", Parts),
    Parts = [_, _, _, _],
    maplist(octet, Parts, Octets).

%   split_string/4 takes U+0000 for a separator, whatever it was told.
no_nul(Text) :-
    \+ sub_string(Text, _, 1, _, "\u0000").

octet(Part, Octet) :-
    string_codes(Part, Codes),
    Codes = [First|Rest],
    (   Rest == []
    ->  true
    ;   First =\= 0'0
    ),
    maplist(digit, Codes),
    number_codes(Octet, Codes),
    Octet =< 255.

digit(Code) :-
    Code >= 0'0,
    Code =< 0'9.

%!  ipv6(+Text:string, -Groups:list(integer)) is semidet.
%
%   Groups are the eight 16-bit numbers. No zone index, no brackets, no prefix length.

ipv6(Text, Groups) :-
    string_length(Text, Length),
    Length >= 2,
    Length =< 45,
    no_nul(Text),
    (   sub_string(Text, Before, 2, After, "::")
    ->  sub_string(Text, 0, Before, _, Left),
        sub_string(Text, _, After, 0, Right),
        \+ sub_string(Right, 0, 1, _, ":"),
        \+ sub_string(Right, _, 2, _, "::"),
        side(Left, hex, Head),
        side(Right, any, Tail),
        length(Head, HeadLength),
        length(Tail, TailLength),
        Zeros is 8 - HeadLength - TailLength,
        Zeros >= 1,
        length(Middle, Zeros),
        maplist(=(0), Middle),
        append(Middle, Tail, End),
        append(Head, End, Groups)
    ;   side(Text, any, Groups),
        Groups = [_, _, _, _, _, _, _, _]
    ),
    !.

%   One side of "::"; only the very end may hold a dotted quad.
side("", _, []) :- !.
side(Text, Last, Groups) :-
    split_string(Text, ":", "", Parts),
    side_groups(Parts, Last, Groups).

side_groups([Part], any, [High, Low]) :-
    ipv4(Part, [A, B, C, D]),
    !,
    High is A << 8 + B,
    Low is C << 8 + D.
side_groups([Part], _, [Group]) :-
    !,
    group(Part, Group).
side_groups([Part|Parts], Last, [Group|Groups]) :-
    group(Part, Group),
    side_groups(Parts, Last, Groups).

group(Part, Group) :-
    string_codes(Part, Codes),
    Codes = [_|_],
    length(Codes, Length),
    Length =< 4,
    foldl(hex_digit, Codes, 0, Group).

hex_digit(Code, Sum0, Sum) :-
    code_type(Code, xdigit(Weight)),
    Code < 128,
    Sum is Sum0 << 4 + Weight.

%!  ipv6_text(+Groups, -Text:string) is det.
%
%   RFC 5952: lower case, no leading zeros, the first longest run of two or more zeros as "::".

ipv6_text([0, 0, 0, 0, 0, 0xffff, High, Low], Text) :-
    !,
    A is High >> 8, B is High /\ 255,
    C is Low >> 8, D is Low /\ 255,
    format(string(Text), "::ffff:~d.~d.~d.~d", [A, B, C, D]).
ipv6_text(Groups, Text) :-
    longest_zeros(Groups, Start, Length),
    (   Length >= 2
    ->  length(Head, Start),
        append(Head, Rest, Groups),
        length(Zeros, Length),
        append(Zeros, Tail, Rest),
        groups_text(Head, HeadText),
        groups_text(Tail, TailText),
        format(string(Text), "~w::~w", [HeadText, TailText])
    ;   groups_text(Groups, Atom),
        atom_string(Atom, Text)
    ).

groups_text(Groups, Atom) :-
    maplist(group_text, Groups, Texts),
    atomic_list_concat(Texts, :, Atom).

group_text(Group, Text) :-
    format(string(Text), "~16r", [Group]).

longest_zeros(Groups, Start, Length) :-
    runs(Groups, 0, none, 0-0, Start-Length).

%   runs(+Groups, +At, +Open, +Best0, -Best): Open is the Start-Length of a run going on.
runs([], _, Open, Best0, Best) :-
    better(Open, Best0, Best).
runs([0|Groups], At, Open0, Best0, Best) :-
    !,
    (   Open0 = Start-Length0
    ->  Length is Length0 + 1,
        Open = Start-Length
    ;   Open = At-1
    ),
    Next is At + 1,
    runs(Groups, Next, Open, Best0, Best).
runs([_|Groups], At, Open, Best0, Best) :-
    better(Open, Best0, Best1),
    Next is At + 1,
    runs(Groups, Next, none, Best1, Best).

better(Start-Length, _-Best, Found) :-
    Length > Best,
    !,
    Found = Start-Length.
better(_, Best, Best).

%!  private_address(+Text:string) is semidet.
%
%   True for what means nothing outside the house: RFC 1918, loopback, link-local, "this
%   network", carrier NAT, unique local, and IPv4 of that kind inside IPv6.

private_address(Text) :-
    (   ipv4(Text, Octets)
    ->  private_ipv4(Octets)
    ;   ipv6(Text, Groups),
        private_ipv6(Groups)
    ),
    !.

private_ipv4([10, _, _, _]).
private_ipv4([127, _, _, _]).
private_ipv4([0, _, _, _]).
private_ipv4([169, 254, _, _]).
private_ipv4([192, 168, _, _]).
private_ipv4([172, B, _, _]) :- B >= 16, B =< 31.
private_ipv4([100, B, _, _]) :- B >= 64, B =< 127.

private_ipv6([0, 0, 0, 0, 0, 0, 0, Low]) :- Low =< 1.
private_ipv6([0, 0, 0, 0, 0, 0xffff, High, Low]) :-
    A is High >> 8, B is High /\ 255,
    C is Low >> 8, D is Low /\ 255,
    private_ipv4([A, B, C, D]).
private_ipv6([First|_]) :- First /\ 0xfe00 =:= 0xfc00.
private_ipv6([First|_]) :- First /\ 0xffc0 =:= 0xfe80.

%!  reverse_name(+Text:string, -Name:string) is semidet.
%
%   The name whose PTR belongs to the address Text.

reverse_name(Text, Name) :-
    ipv4(Text, Octets),
    !,
    reverse(Octets, [D, C, B, A]),
    format(string(Name), "~d.~d.~d.~d.in-addr.arpa", [D, C, B, A]).
reverse_name(Text, Name) :-
    ipv6(Text, Groups),
    reverse(Groups, Backwards),
    maplist(nibbles, Backwards, Parts),
    atomic_list_concat(Parts, '.', Nibbles),
    string_concat(Nibbles, ".ip6.arpa", Name).

nibbles(Group, Text) :-
    A is Group >> 12,
    B is Group >> 8 /\ 15,
    C is Group >> 4 /\ 15,
    D is Group /\ 15,
    format(string(Text), "~16r.~16r.~16r.~16r", [D, C, B, A]).
