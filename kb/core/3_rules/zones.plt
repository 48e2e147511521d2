%   SPDX-License-Identifier: Apache-2.0

:- use_module(kb('3_rules/zones')).

:- begin_tests(zones, [setup(assertz(state:zone("lab.home.arpa", home))),
                       cleanup(retractall(state:zone(_, _)))]).

test(the_longest_owned_suffix, [forall(member(Name-Zone,
        [ "a.b.home.arpa"-"home.arpa", "home.arpa"-"home.arpa", "x.dmz.home.arpa"-"dmz.home.arpa",
          "x.lab.home.arpa"-"lab.home.arpa",
              "5.1.168.192.in-addr.arpa"-"1.168.192.in-addr.arpa" ])),
      Found == Zone]) :-
    zone_of(Name, Found).
test(no_zone_of_ours, [forall(member(Name, ["arpa", "xhome.arpa", "example.org", "com",
    "local.evil.org"])), fail]) :-
    zone_of(Name, _).
test(a_created_zone_is_as_private_as_the_one_around, Visibility == private) :-
    once(owned_zone("lab.home.arpa", home, Visibility)).
test(a_grant_for_the_zone_around_reaches_a_created_one, all(Zone == ["lab.home.arpa",
    "home.arpa"])) :-
    scope_zone("x.lab.home.arpa", Zone).
test(a_grant_never_reaches_another_zone_of_the_owner, all(Zone == ["dmz.home.arpa"])) :-
    scope_zone("x.dmz.home.arpa", Zone).
test(server, Server == edge) :-
    server_of("www.example.com", Server).

:- end_tests(zones).
