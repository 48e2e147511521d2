%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(kb('4_say/intent'), [understood/3]).

:- begin_tests(dns_changes).

test(add, Intents == [obj(["action"-"dns_record_add", "params"-obj(
        ["name"-"a.local", "type"-"A", "value"-"1.2.3.4", "ttl"-60])])]) :-
    understood("add a.local to 1.2.3.4 ttl 60", "x", obj([_, "intents"-Intents])).
test(a_time_for_whom, Status == "question") :-
    understood("add a.local 1.1.1.1 and b.local 2.2.2.2 ttl 60", "x", obj(["status"-Status|_])).
test(a_time_too_long, Status == "question") :-
    understood("add a.local 1.1.1.1 ttl 2147483648", "x", obj(["status"-Status|_])).

:- end_tests(dns_changes).
