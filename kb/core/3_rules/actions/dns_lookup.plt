%   SPDX-License-Identifier: Apache-2.0

:- use_module('../../../test/asking').

:- begin_tests(dns_lookup).

me("loopback"/api).

test(looking_up_an_address_asks_its_reverse_name, Name-Type == "5.1.168.192.in-addr.arpa"-'PTR') :-
    me(By),
    judge(dns_lookup, [name="192.168.1.5"], By, null, V),
    at(V, look/name, Name), at(V, look/type, Type).
test(looking_up_elsewhere, Rules == [not_owned, granted]) :-
    me(By),
    judge(dns_lookup, [name="example.org"], By, null, V),
    rules(V, Rules).

:- end_tests(dns_lookup).
