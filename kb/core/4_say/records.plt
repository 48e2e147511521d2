%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(kb('4_say/records'), [record_family/3, record_parts/5]).

:- begin_tests(records).

test(addresses_in_turn, Recs == [rec("a.b", "A", "1.1.1.1", none), rec("c.d", "A", "2.2.2.2",
    none)]) :-
    record_parts(address([]), add, [],
                 [e(none, host, "a.b"), e(to, ip4, "1.1.1.1"), sep, e(none, host, "c.d"), e(to,
                     ip4, "2.2.2.2")],
                 parts(Recs, [])).
test(crossed_is_open, Parts == what(crossed)) :-
    record_parts(address([]), add, [],
                 [e(none, host, "a.b"), sep, e(none, host, "c.d"), e(to, ip4, "1.1.1.1"), sep,
                     e(none, ip4, "2.2.2.2")],
                 Parts).
test(two_types_that_do_not_go_together, fail) :-
    record_family(cl([], ['TXT', 'MX'], [], [], [], []), _, _).

:- end_tests(records).
