%   SPDX-License-Identifier: Apache-2.0

:- use_module('../../../test/asking').

:- begin_tests(case_explain).

me("loopback"/api).

test(a_case_is_named, Case == "01X") :-
    me(By),
    judge(case_explain, [case="01X"], By, null, V),
    at(V, answer/case, Case).

:- end_tests(case_explain).
