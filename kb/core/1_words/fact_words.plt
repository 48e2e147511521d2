%   SPDX-License-Identifier: Apache-2.0

:- use_module(kb('1_words/fact_words')).

:- begin_tests(fact_words).

test(good_facts,
     [forall(member(Fact, [ zone("home.arpa", home, private), grant(operator, dns_record_add,
         zone("local"), freely),
                            grant(operator, dns_record_add, any, signatures(2)), default_ttl(300),
                            dns_server(home, "127.0.0.1", 5353, "k", "secret:tsig/home"),
                            operator_key(owner,
                                "ed25519:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=") ])),
      fail]) :-
    fact_fault(site, Fact, _).
test(bad_facts,
     [forall(member(Fact, [ zone("Home.arpa", home, private), zone("home.arpa.", home, private),
         zone(home, home, private),
                            zone("home.arpa", home, secret), zone("home.arpa", home),
                                zonne("home.arpa", home, private),
                            grant(operator, dns_record_add, everything, freely), grant(operator, x,
                                any, signatures(0)),
                            grant(_, x, any, freely), default_ttl(-1), default_ttl("300"),
                            dns_server(home, "h", 70000, "k", "secret:x"), dns_server(home, "h",
                                53, "k", "hunter2"),
                            operator_key(owner, "ed25519:AQEB"), operator_key(owner, "rsa:AQEB"),
                                may_approve(owner, huge),
                            playbook("../x.yml", "i", "w"), (:- shell(x)), (zone(X, home,
                                private) :- owned(X)),
                            (a --> b), 7, "text", change("c", 1, "p", "a", obj([]), null) ])),
      true]) :-
    fact_fault(site, Fact, Words),
    string(Words),
    !.
test(state_has_its_own_words, fail) :-
    fact_fault(state, change("c", 1, "p", "a", obj(["n"-1]), null), _).
test(a_zone_of_state_has_two_columns, true) :-
    fact_fault(state, zone("a.b", home, private), _),
    !.

:- end_tests(fact_words).
