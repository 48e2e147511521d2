%   SPDX-License-Identifier: Apache-2.0

:- use_module(kb('2_seen/loading')).

:- begin_tests(loading).

found(Text, Found) :-
    setup_call_cleanup(
        ( tmp_file_stream(text, File, Stream), write(Stream, Text), close(Stream) ),
        facts_of_file(File, site, Found),
        delete_file(File)).

test(facts_with_their_lines, Found == [fact(2, default_ttl(5)), fact(3, allow_private("a.b"))]) :-
    found("% x\ndefault_ttl(5).\nallow_private(\"a.b\").\n", Found).
test(a_directive_is_a_fault_and_is_not_run, Faults == [2]) :-
    found("default_ttl(5).\n:- throw(ran).\n", Found),
    findall(Line, member(fault(Line, _), Found), Faults).
test(a_rule_is_a_fault, Line == 1) :-
    found("default_ttl(5) :- true.\n", [fault(Line, _)]).
test(an_unknown_fact_is_a_fault, true(sub_string(Words, _, _, _, "zonne/3"))) :-
    found("zonne(\"a\", home, private).\n", [fault(1, Words)]),
    !.
test(a_wrong_type_is_a_fault, true(sub_string(Words, _, _, _, "column seconds"))) :-
    found("default_ttl(soon).\n", [fault(1, Words)]),
    !.
test(a_syntax_error_is_a_fault_with_its_line, Line == 2) :-
    found("default_ttl(5).\ndefault_ttl(5.\n", Found),
    last(Found, fault(Line, _)).
test(an_empty_file_is_empty, Found == []) :-
    found("", Found).
test(a_key_has_its_id, Person == owner) :-
    site:key_person("72cd6e8422c407fb", Person, _).
test(a_passkey_has_its_id, Key == Written) :-
    site:operator_passkey(robin, _, Written, _, _),
    site:key_person(Id, robin, Key),
    string_length(Id, 16).
test(a_stranger_has_no_key, fail) :-
    site:key_person(_, kim, _).
test(the_site_is_static, throws(error(permission_error(modify, static_procedure, _), _))) :-
    assertz(site:grant(guest, dns_record_add, any, freely)).

:- end_tests(loading).
