%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(kb('4_say/intent'), [understood/3]).

:- begin_tests(dns_questions).

test(lookup, Intents == [obj(["action"-"dns_lookup", "params"-obj(["name"-"a.local",
    "type"-"AAAA"])])]) :-
    understood("what is the ipv6 address of a.local?", "x", obj([_, "intents"-Intents])).
test(list, Intents == [obj(["action"-"dns_record_list", "params"-obj(["zone"-"x.arpa"])])]) :-
    understood("what records are in x.arpa?", "x", obj([_, "intents"-Intents])).
test(which_zone, Status == "question") :-
    understood("list records", "x", obj(["status"-Status|_])).

:- end_tests(dns_questions).
