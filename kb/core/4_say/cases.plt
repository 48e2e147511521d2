%   SPDX-License-Identifier: Apache-2.0

:- use_module(kb('4_say/cases')).

:- begin_tests(cases).

test(a_bare_case, Words == "Case 01X: somebody asked for something.") :-
    case_words(obj(["id"-"01X"]), Words).
test(a_signed_case,
    Words == "Case 01X: loopback asked for node_list. \c
              Signed by: ada, owner. It was carried out and checked.") :-
    case_words(obj([ "id"-"01X", "action"-"node_list", "params"-obj([]),
                     "by"-obj(["principal"-"loopback", "via"-"api"]),
                     "consents"-[obj(["person"-"ada"]), obj(["person"-"owner"])],
                     "state"-"done" ]), Words).
test(a_models_case, true(sub_string(Words, _, _, _, "(worded by a model)"))) :-
    case_words(obj(["id"-"01X", "by"-obj(["principal"-"p", "via"-"model"])]), Words),
    !.
test(a_failed_case,
    Words == "Case 01X: somebody asked for something. It failed. What went wrong: no route.") :-
    case_words(obj(["id"-"01X", "state"-"failed", "error"-obj(["message"-"no route"])]), Words).
test(a_strange_state_is_not_spoken_of, Words == "Case 01X: somebody asked for something.") :-
    case_words(obj(["id"-"01X", "state"-"odd"]), Words).
test(a_refused_case, Words == "Case 01X: somebody asked for something. Refused by ada, who said: \c
                               \"not today\". A person refused it, so nothing was done.") :-
    case_words(obj([ "id"-"01X", "state"-"refused",
                     "refusal"-obj(["person"-"ada", "reason"-"not today"]) ]), Words).
test(a_refusal_of_old_gave_no_reason,
     Words == "Case 01X: somebody asked for something. Refused by ada.") :-
    case_words(obj(["id"-"01X", "refusal"-obj(["person"-"ada", "reason"-null])]), Words).
test(a_stranger_to_refusals, Words == "Case 01X: somebody asked for something.") :-
    case_words(obj(["id"-"01X", "refusal"-null]), Words).
test(no_case, throws(refused(missing_field, id, _))) :-
    case_words(obj([]), _).

:- end_tests(cases).
