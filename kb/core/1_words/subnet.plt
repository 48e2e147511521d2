%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(library(lists), [member/2]).
:- use_module(kb('1_words/subnet')).

:- begin_tests(subnet).

test(addresses, [forall(member(Text-Ip, [ "0.0.0.0"-ip(4, 0), "192.168.10.5"-ip(4, 3232238085),
                                          "255.255.255.255"-ip(4, 4294967295), "::"-ip(6, 0),
                                          "::1"-ip(6, 1), "fd00::a"-ip(6, N) ])), Found == Ip]) :-
    N is 0xfd00 << 112 + 10,
    ip(Text, Found).
test(an_address_in_ipv6_clothes_is_the_same_one, A == B) :-
    ip("::ffff:192.168.10.5", A),
    ip("192.168.10.5", B).
test(strangers_are_no_addresses,
     [forall(member(Text, [ "", "10.1", "010.0.0.1", "256.0.0.1", "1.2.3.4 ", " 1.2.3.4",
      "1.2.3.4/8",
                            "fd00:::1", "fe80::1%eth0", "[::1]", "::g", "1.2.3.4\u0000", 'a', 7 ])),
      fail]) :-
    ip(Text, _).
test(one_way_of_writing, [forall(member(Text, ["fd00:10::5", "10.0.0.1", "::"]))]) :-
    ip_text(Text),
    !.
test(other_ways_of_writing,
     [forall(member(Text, ["FD00:10::5", "fd00:10:0::5", "::ffff:10.0.0.1", "fd00:0010::5", a])),
      fail]) :-
    ip_text(Text).
test(subnets, [forall(member(Text, [ "192.168.10.0/24", "10.0.0.0/8", "0.0.0.0/0", "10.0.0.1/32",
                                     "fd00:10::/64", "::/0", "fd00::1/128" ]))]) :-
    subnet_text(Text),
    !.
test(no_subnets, [forall(member(Text, [ "192.168.10.5/24", "10.0.0.0/33", "10.0.0.0", "10.0.0.0/",
                                        "/8", "10.0.0.0/08", "10.0.0.0/+8", "10.0.0.0/8/8",
                                        "10.0.0.0/-1", "fd00::1/64", "::/129", "a/8", 8 ])),
                  fail]) :-
    subnet_text(Text).
test(inside, [forall(member(Ip-Subnet, [ "192.168.10.5"-"192.168.10.0/24",
              "192.168.10.0"-"0.0.0.0/0",
                                         "fd00:10::5"-"fd00:10::/64", "10.0.0.1"-"10.0.0.1/32",
                                         "::ffff:10.0.0.1"-"10.0.0.0/8" ]))]) :-
    ip(Ip, I),
    subnet(Subnet, S),
    in_subnet(I, S).
test(outside, [forall(member(Ip-Subnet, [ "192.168.11.5"-"192.168.10.0/24",
               "10.0.0.2"-"10.0.0.1/32",
                                          "fd00:11::5"-"fd00:10::/64", "10.0.0.1"-"::/0",
                                          "::1"-"0.0.0.0/0" ])), fail]) :-
    ip(Ip, I),
    subnet(Subnet, S),
    in_subnet(I, S).

:- end_tests(subnet).
