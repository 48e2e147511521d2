%   SPDX-License-Identifier: Apache-2.0

:- module(subnet,
          [ ip/2,                       % +Text, -Ip
            ip_text/1,                  % +Text
            subnet/2,                   % +Text, -Subnet
            subnet_text/1,              % +Text
            in_subnet/2                 % +Ip, +Subnet
          ]).
:- use_module(library(apply), [foldl/4]).
:- use_module(address, [ipv4/2, ipv6/2, ipv6_text/2]).

/** <module> Addresses as numbers, subnets as a number and a length

    ip("192.168.10.5", ip(4, 3232238085))       subnet("fd00::/64", subnet(6, Base, 64))

Reading is as strict as address.pl. An IPv4 address inside IPv6 ("::ffff:192.168.10.5") is that IPv4
address: the same machine must not be another one to a firewall because of how it was written.
*/

%!  ip(+Text:string, -Ip) is semidet.

ip(Text, Ip) :-
    string(Text),
    (   ipv4(Text, Octets)
    ->  foldl(shifted(8), Octets, 0, Number),
        Ip = ip(4, Number)
    ;   ipv6(Text, Groups),
        (   Groups = [0, 0, 0, 0, 0, 0xffff, High, Low]
        ->  Number is High << 16 + Low,
            Ip = ip(4, Number)
        ;   foldl(shifted(16), Groups, 0, Number),
            Ip = ip(6, Number)
        )
    ).

shifted(Bits, Part, Number0, Number) :-
    Number is Number0 << Bits + Part.

%!  ip_text(+Text) is semidet.
%
%   An address in the one way of writing that site facts have.

ip_text(Text) :-
    string(Text),
    (   ipv4(Text, _)
    ->  true
    ;   ipv6(Text, Groups),
        \+ Groups = [0, 0, 0, 0, 0, 0xffff, _, _],
        ipv6_text(Groups, Text)
    ).

%!  subnet(+Text:string, -Subnet) is semidet.
%
%   "ADDRESS/LENGTH"; no bit may be set behind the length.

subnet(Text, subnet(Family, Base, Length)) :-
    string(Text),
    string_length(Text, Chars),
    Chars =< 49,
    sub_string(Text, Before, 1, After, "/"),
    !,
    sub_string(Text, 0, Before, _, Address),
    sub_string(Text, _, After, 0, LengthText),
    ip_text(Address),
    ip(Address, ip(Family, Base)),
    width(Family, Width),
    length_of(LengthText, Length),
    Length =< Width,
    Base /\ (1 << (Width - Length) - 1) =:= 0.

width(4, 32).
width(6, 128).

%   One to three digits, none of them a leading zero.
length_of(Text, Length) :-
    string_codes(Text, Codes),
    Codes = [First|Rest],
    digit(First),
    (   First =:= 0'0
    ->  Rest == []
    ;   digits(Rest)
    ),
    number_codes(Length, Codes).

digits([]).
digits([Code|Codes]) :-
    digit(Code),
    digits(Codes).

digit(Code) :-
    Code >= 0'0,
    Code =< 0'9.

%!  subnet_text(+Text) is semidet.

subnet_text(Text) :-
    subnet(Text, _).

%!  in_subnet(+Ip, +Subnet) is semidet.
%
%   Never across the families.

in_subnet(ip(Family, Number), subnet(Family, Base, Length)) :-
    width(Family, Width),
    Number >> (Width - Length) =:= Base >> (Width - Length).
