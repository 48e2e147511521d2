%   SPDX-License-Identifier: Apache-2.0

:- use_module('../../../test/asking').

:- begin_tests(dns_zone_create).

me("loopback"/api).

test(a_zone_by_ansible, Variables == obj(["zone"-"lab.home.arpa", "zone_ttl"-"300"])) :-
    me(By),
    judge(dns_zone_create, [name="lab.home.arpa", server="home"], By, null, V),
    at(V, look/op, check), at(V, look/variables, Variables).
test(zones_that_cannot_be, [forall(member(Name/Server/Rule, [ "home.arpa"/"home"/zone_exists,
    "x.home.arpa"/"edge"/no_zone_playbook,
                                            "evil.org"/"home"/no_grant ])), First == Rule]) :-
    me(By),
    judge(dns_zone_create, [name=Name, server=Server], By, null, V),
    at(V, verdict, deny), rules(V, [First|_]).

:- end_tests(dns_zone_create).
