%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(kb('4_say/doing'), [doing/2]).

:- begin_tests(doing).

test(point_adds, Do == add) :-
    doing(cl([link(point)], [], [], [], [], [e(none, host, "a.local"), e(at, ip4, "1.1.1.1")]), Do).
test(point_instead_changes, Do == change) :-
    doing(cl([link(point)], [], [instead], [], [], [e(none, host, "a.local"), e(at, ip4,
        "1.1.1.1")]), Do).
test(two_verbs_that_disagree, Do == torn) :-
    doing(cl([main(add), main(delete)], [], [], [], [], [e(none, host, "a.local")]), Do).
test(a_statement_asks_for_nothing, Do == stated) :-
    doing(cl([], [], [is], [], [], [e(none, host, "a.local"), e(is, ip4, "1.1.1.1")]), Do).

:- end_tests(doing).
