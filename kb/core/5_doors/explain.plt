%   SPDX-License-Identifier: Apache-2.0

:- use_module('../../test/asking').

:- begin_tests(explain_door).

test(a_case_in_words,
    Words == "Case 01X: loopback asked for dns_record_add with name a.local. \c
              Denied: no. So nothing was done.") :-
    door_explain:explain(obj(["case"-obj([ "id"-"01X", "action"-"dns_record_add",
        "params"-obj(["name"-"a.local"]), "state"-"denied",
            "by"-obj(["principal"-"loopback", "via"-"api"]),
                "verdict"-obj(["words"-"Denied: no."]), "consents"-[], "error"-null ])]), Out),
    at(Out, words, Words).
test(a_case_without_an_id, Code == missing_field) :-
    door_explain:explain(obj(["case"-obj([])]), Out),
    at(Out, error/code, Code).

:- end_tests(explain_door).
