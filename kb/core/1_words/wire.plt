%   SPDX-License-Identifier: Apache-2.0

:- use_module(kb('1_words/wire')).

:- begin_tests(wire).

test(fields_come_in_the_order_of_the_specs, Values == ["x", 7]) :-
    fields(obj(["n"-7, "a"-"x"]), [required(a, string), optional(n, integer, 0)], Values).
test(an_absent_one_has_its_default, Values == ["x", 0]) :-
    fields(obj(["a"-"x"]), [required(a, string), optional(n, integer, 0)], Values).
test(order_does_not_matter, Values == ["x", 7]) :-
    fields(obj(["n"-7, "a"-"x"]), [required(a, string), required(n, integer)], Values).
test(what_is_wrong_with_an_optional_one_is_named,
     throws(refused(wrong_type, "n", "field 'n' must be a whole number"))) :-
    fields(obj(["n"-"7"]), [optional(n, integer, 0)], _).
test(an_unknown_one_is_named_before_a_missing_one, throws(refused(unknown_field, "b", _))) :-
    fields(obj(["b"-1]), [required(a, string)], _).
test(null_where_it_may_be, Values == [null]) :-
    fields(obj(["a"-null]), [required(a, nullable(string))], Values).
test(a_missing_one_is_named, throws(refused(missing_field, "a", "field 'a' is missing"))) :-
    fields(obj([]), [required(a, string)], _).
test(an_unknown_one_is_named, throws(refused(unknown_field, "b", _))) :-
    fields(obj(["a"-"x", "b"-1]), [required(a, string)], _).
test(a_double_one_is_refused, throws(refused(unknown_field, "a", _))) :-
    fields(obj(["a"-"x", "a"-"y"]), [required(a, string)], _).
test(a_wrong_type_is_named, throws(refused(wrong_type, "a", "field 'a' must be a string"))) :-
    fields(obj(["a"-7]), [required(a, string)], _).
test(no_object_at_all, throws(refused(wrong_type, _, _))) :-
    fields([], [], _).
test(a_refusal_is_an_answer,
     Out == obj([error-obj([kind-input, code-odd, param-p, message-"no 1"])])) :-
    answered([_, _]>>refuse(odd, p, "no ~d", [1]), in, Out).
test(a_bug_is_not_an_answer, throws(oops)) :-
    answered([_, _]>>throw(oops), in, _).
test(shown_text_is_cut_and_clean, Shown == "a?b") :-
    shown("a\nb", Shown).
test(shown_text_hides_direction_marks, Shown == "a?b") :-
    shown("a\u202Eb", Shown).
test(long_text_is_cut, Length == 65) :-
    length(Codes, 70000),
    maplist(=(0'x), Codes),
    string_codes(Text, Codes),
    shown(Text, Shown),
    string_length(Shown, Length).
test(json_is_json) :-
    json_value(obj(["a"-[1, "x", true, null]])).
test(an_atom_is_not_json, fail) :-
    json_value(obj(["a"-x])).

:- end_tests(wire).
