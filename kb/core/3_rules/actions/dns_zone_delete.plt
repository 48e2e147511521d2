%   SPDX-License-Identifier: Apache-2.0

:- use_module('../../../test/asking').

:- begin_tests(dns_zone_delete).

test(a_zone_is_never_deleted, [forall(member(Via, [api, grammar, model])), true(Found)]) :-
    judge(dns_zone_delete, [name="home.arpa"], "person:owner"/Via, null, V),
    at(V, verdict, deny),
    rules(V, Rules),
    ( memberchk(zone_deletion, Rules) -> Found = true ; Found = Rules ).

:- end_tests(dns_zone_delete).
