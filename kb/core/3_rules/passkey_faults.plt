%   SPDX-License-Identifier: Apache-2.0

:- use_module('../../test/other_sites').

:- begin_tests(passkey_faults).

key(g, "es256:BGsX0fLhLEJH+Lzm5WOkQPJ3A32BLeszoPShOUXYmMKW\c
        T+NC4v4af5uO5+tKfA+eFivOM1drMV7Oy7ZAaDe/UfU=").
key(e, "ed25519:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=").

%   Facts are passkey(Id, Key), key_file(Key) or text.
faults(Facts, Text) :-
    maplist(line, Facts, Lines),
    atomic_list_concat(Lines, '\n', All),
    faults_of(passkey_faults:passkey_fault, All, Text).

line(passkey(Id, Which), Line) :-
    key(Which, Key),
    format(string(Line), "operator_passkey(owner, ~q, ~q, \"node.test\", \"phone\").", [Id, Key]).
line(key_file(Which), Line) :-
    key(Which, Key),
    format(string(Line), "operator_key(owner, ~q).", [Key]).
line(text(Line), Line).

test(a_sound_house, Text == "") :-
    faults([ passkey("AAEC", g), passkey("AAED", e),
             text("person_role(owner, viewer). person_role(owner, operator)."),
             text("may_approve(owner, destructive). person_role(kim, viewer).") ], Text).
test(one_id_of_two_keys, true(sub_string(Text, _, _, _, "two passkeys have the id AAEC"))) :-
    faults([passkey("AAEC", g), passkey("AAEC", e)], Text).
test(one_key_of_two_ids, true(sub_string(Text, _, _, _, "have one key"))) :-
    faults([passkey("AAEC", g), passkey("AAED", g)], Text).
test(a_key_file_that_is_a_passkey,
     true(sub_string(Text, _, _, _, "both a key file's and a passkey's"))) :-
    faults([passkey("AAEC", e), key_file(e)], Text).
test(a_viewer_who_approves,
     true(sub_string(Text, _, _, _, "kim may approve change and is a viewer"))) :-
    faults([text("person_role(kim, viewer). may_approve(kim, change).")], Text).
test(a_stranger_without_a_role, Text == "") :-
    faults([text("may_approve(kim, change).")], Text).

:- end_tests(passkey_faults).
