%   SPDX-License-Identifier: Apache-2.0

:- use_module(kb('3_rules/asked')).

:- begin_tests(asked).

test(who_and_how, By == by("uid:7", model)) :-
    by_term(obj(["principal"-"uid:7", "via"-"model"]), By).
test(a_strange_way, throws(refused(bad_value, via, _))) :-
    by_term(obj(["principal"-"uid:7", "via"-"fax"]), _).
test(a_long_name, throws(refused(too_long, principal, _))) :-
    format(string(Long), "~`x|~t~129|", []),
    by_term(obj(["principal"-Long, "via"-"api"]), _).
test(nobody, throws(refused(missing_field, "principal", _))) :-
    by_term(obj(["via"-"api"]), _).

:- end_tests(asked).
