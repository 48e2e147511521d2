%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(kb('4_say/record_kinds'), [mx/4, pairs/5, srv/3]).

:- begin_tests(record_kinds).

test(mail_goes_to, Recs == [rec("a.b", "MX", "10 m.a.b", none)]) :-
    mx([e(for, host, "a.b"), e(to, host, "m.a.b"), e(with, priority, 10)], add, [], Recs).
test(mail_wants_a_priority, Recs == what(no_preference("a.b", "m.a.b"))) :-
    mx([e(for, host, "a.b"), e(to, host, "m.a.b")], add, [], Recs).
test(an_alias_as, Recs == [rec("w.b", "CNAME", "n.b", none)]) :-
    pairs([[e(none, host, "n.b"), e(as, host, "w.b")]], "CNAME", add, [], Recs).
test(an_alias_either_way, Recs == what(direction("a.b", "c.d", "CNAME"))) :-
    pairs([[e(for, host, "a.b"), e(none, host, "c.d")]], "CNAME", add, [], Recs).
test(a_service_lacks, Recs == what(service_lacks("_s._tcp.b", ["priority", "weight"]))) :-
    srv([e(none, host, "_s._tcp.b"), e(on, host, "h.b"), e(none, port, 5)], add, Recs).

:- end_tests(record_kinds).
