%   SPDX-License-Identifier: Apache-2.0

:- use_module(kb('1_words/address')).

:- begin_tests(address).

test(a_dotted_quad, Octets == [192, 168, 1, 100]) :-
    ipv4("192.168.1.100", Octets).
test(no_ipv4, [forall(member(Text, [ "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.04",
    "1.2.3.",
                                     " 1.2.3.4", "1.2.3.4 ", "0x1.2.3.4", "1.2.3.-4", "", "1..2.3",
                                     "1.2.3.4\n", "1.2.3.4\u0000", "1\u00002.3.4",
                                         "\u0661.2.3.4" ])), fail]) :-
    ipv4(Text, _).
test(ipv6_has_one_way_of_writing,
     [forall(member(Text-Norm,
                    [ "2001:DB8::1"-"2001:db8::1", "2001:db8:0:0:0:0:0:1"-"2001:db8::1", "::"-"::",
                      "::1"-"::1", "fe80::"-"fe80::", "1:0:0:2:0:0:0:3"-"1:0:0:2::3",
                      "1:0:0:2:3:0:0:4"-"1::2:3:0:0:4", "1:2:3:4:5:6:0:8"-"1:2:3:4:5:6:0:8",
                      "::ffff:192.0.2.1"-"::ffff:192.0.2.1",
                          "64:ff9b::192.0.2.33"-"64:ff9b::c000:221",
                      "0001:0002:0003:0004:0005:0006:0007:0008"-"1:2:3:4:5:6:7:8" ])),
      Out == Norm]) :-
    ipv6(Text, Groups),
    ipv6_text(Groups, Out).
test(no_ipv6, [forall(member(Text, [ "1:2:3", ":::", "1::2::3", "1:2:3:4:5:6:7:8:9", "g::1",
    "12345::",
                                     "::1%eth0", "[::1]", "1.2.3.4", ":1:2:3:4:5:6:7", "::1.2.3",
                                     "1:2:3:4:5:6:7:", "1.2.3.4::", "fe80::1/64",
                                         "1:2:3:4:5:6:7::8:9" ])),
               fail]) :-
    ipv6(Text, _).
test(private, [forall(member(Text, [ "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1",
    "127.0.0.1",
                                     "169.254.1.1", "::1", "fd00::1", "fe80::1",
                                         "::ffff:10.0.0.1" ]))]) :-
    private_address(Text).
test(public, [forall(member(Text, [ "8.8.8.8", "172.32.0.1", "172.15.0.1", "192.169.0.1",
    "2001:db8::1",
                                    "::ffff:8.8.8.8", "no.address" ])), fail]) :-
    private_address(Text).
test(reverse_of_ipv4, Name == "100.1.168.192.in-addr.arpa") :-
    reverse_name("192.168.1.100", Name).
test(reverse_of_ipv6,
     Name == "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa") :-
    reverse_name("2001:db8::1", Name).
test(reverse_of_a_name, fail) :-
    reverse_name("test.local", _).

:- end_tests(address).
