%   SPDX-License-Identifier: Apache-2.0

:- use_module('../../../test/asking').

:- begin_tests(dns_record_list).

me("loopback"/api).

test(listing_looks_and_answers, Op-Zone-Sets == list-"home.arpa"-[]) :-
    me(By),
    judge(dns_record_list, [zone="x.home.arpa"], By, null, V0),
    at(V0, look/op, Op),
    judge(dns_record_list, [zone="home.arpa"], By, obj(["rrsets"-[]]), V),
    at(V, answer/zone, Zone), at(V, answer/rrsets, Sets).

:- end_tests(dns_record_list).
