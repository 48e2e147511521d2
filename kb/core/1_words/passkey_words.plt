%   SPDX-License-Identifier: Apache-2.0

:- use_module(kb('1_words/fact_words')).
:- use_module(kb('1_words/passkey_words')).

:- begin_tests(passkey_words).

%   The base point of P-256, and the same with its last bit turned.
point("es256:BGsX0fLhLEJH+Lzm5WOkQPJ3A32BLeszoPShOUXYmMKW\c
       T+NC4v4af5uO5+tKfA+eFivOM1drMV7Oy7ZAaDe/UfU=").
beside("es256:BGsX0fLhLEJH+Lzm5WOkQPJ3A32BLeszoPShOUXYmMKW\c
       T+NC4v4af5uO5+tKfA+eFivOM1drMV7Oy7ZAaDe/UfQ=").
edwards("ed25519:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=").

fact(operator_passkey(owner, "AAEC_-8", Key, "node.home.arpa", "phone")) :-
    point(Key) ; edwards(Key).
fact(operator_passkey(owner, "AA", Key, "localhost", "")) :-
    point(Key).

wrong(operator_passkey(owner, "AAEC", Key, "node.home.arpa", "phone")) :-
    beside(Key).
wrong(operator_passkey(owner, "AAEC", Key, "node.home.arpa", "phone")) :-
    member(Key, [ "es256:AQEB", "rsa:AQEB", "ed25519:AQEB", "es256:", es256, 7,
                  "ed25519:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQF=",
                  "es256:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=" ]).
wrong(operator_passkey(owner, Credential, Key, "node.home.arpa", "phone")) :-
    point(Key),
    member(Credential, ["", "A", "AAAAA", "AA==", "AA+/", "A A", 'AA', 5]).
wrong(operator_passkey(owner, "AAEC", Key, RpId, "phone")) :-
    point(Key),
    member(RpId, [ "", "Node.home.arpa", "node.home.arpa.", "https://node.home.arpa", "10.0.0.1",
                   "node..arpa", "-node.arpa", "node:30443", "[::1]", node ]).
wrong(operator_passkey("owner", "AAEC", Key, "node.home.arpa", "phone")) :-
    point(Key).
wrong(operator_passkey(owner, "AAEC", Key, "node.home.arpa", phone)) :-
    point(Key).
wrong(operator_passkey(owner, "AAEC", Key, "node.home.arpa")) :-
    point(Key).

test(facts, [forall(fact(Fact)), fail]) :-
    fact_fault(site, Fact, _).
test(faults, [forall(wrong(Fact)), true(string(Words))]) :-
    once(fact_fault(site, Fact, Words)).
test(a_key_of_65_and_one_of_32, Lengths == [65, 32]) :-
    point(A), edwards(B),
    once(passkey_key_bytes(A, As)), once(passkey_key_bytes(B, Bs)),
    length(As, LengthA), length(Bs, LengthB),
    Lengths = [LengthA, LengthB].

test(origins, [forall(member(Text-Host, [ "https://node.home.arpa:30443"-"node.home.arpa",
                                          "https://node"-"node",
                                          "http://localhost:8080"-"localhost",
                                          "http://127.0.0.1:8080"-"127.0.0.1",
                                          "https://[::1]"-"::1",
                                          "https://[fd00::5]:8443"-"fd00::5",
                                          "http://a.b:443"-"a.b" ])),
               Found == Host]) :-
    origin(Text, _, Found).
test(no_origins, [forall(member(Text, [ "https://node/", "https://", "http://", "node", "",
                                        "https://node:", "https://node:443", "http://node:80",
                                        "https://node:0",
                                        "https://node:65536", "https://node:080", "https://node:8a",
                                        "https://Node", "https://no de", "https://a@node",
                                        "https://node.", "https://1.2.3", "https://010.0.0.1",
                                        "https://[::1", "https://[0::1]", "https://[::1]x",
                                        "https://::1", "https://:::", "ftp://node",
                                        "https://node:1:2", node, 5 ])),
                  fail]) :-
    origin(Text, _, _).

:- end_tests(passkey_words).
