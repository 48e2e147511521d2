%   SPDX-License-Identifier: Apache-2.0

:- use_module(kb('4_say/inert')).

:- begin_tests(say_inert).

test(plain_text_stays, Inert == "add nas.local to 10.0.0.5/24 (a: b)") :-
    inert("add nas.local to 10.0.0.5/24 (a: b)", 100, Inert).
test(letters_of_all_scripts_stay, Inert == "grüß é 日本 ελ") :-
    inert("grüß e\u0301 日本 ελ", 100, Inert0),
    re_e(Inert0, Inert).

re_e(Text0, Text) :-
    string_codes(Text0, Codes0),
    ( append(A, [0'e, 0x301|B], Codes0) -> append(A, [0xE9|B], Codes) ; Codes = Codes0 ),
    string_codes(Text, Codes).

test(what_one_cannot_see_is_shown,
     [forall(member(Code-Shown, [ 0x0A-"\\u{a}", 0x1B-"\\u{1b}", 0x7F-"\\u{7f}", 0x85-"\\u{85}",
                                  0xAD-"\\u{ad}", 0x200B-"\\u{200b}", 0x202E-"\\u{202e}",
                                  0x2066-"\\u{2066}", 0xFEFF-"\\u{feff}",
                                  0xE0041-"\\u{e0041}" ])),
      true(Inert == Want)]) :-
    string_codes(Text, [0'a, Code, 0'b]),
    format(string(Want), "a~sb", [Shown]),
    inert(Text, 100, Inert).
test(piles_are_shown, Inert == "e\u0301\\u{301}\\u{301}") :-
    inert("e\u0301\u0301\u0301", 100, Inert).
test(no_links, [forall(member(Text-Want, [ "http://a/b"-"http[:]//a/b", "HTTPS://a"-"HTTPS[:]//a",
                                           "x://y"-"x[:]//y", "www.a.b"-"www[.]a.b",
                                           "WwW.a"-"www[.]a", "mailto:a"-"mailto[:]a",
                                           "JavaScript:x"-"javascript[:]x", "tel:1"-"tel[:]1",
                                           "[a](b)"-"[a] (b)", "<!here>"-"< !here>", "a@b"-"a(at)b",
                                           "@channel"-"(at)channel" ])), true(Inert == Want)]) :-
    inert(Text, 100, Inert).
test(words_that_only_end_so, Inert == "metadata: x, hotel: y, awww.") :-
    inert("metadata: x, hotel: y, awww.", 100, Inert).
test(names_in_a_sentence, Inert == "see evil[.]example/x or 10.0.0.5 now.") :-
    inert_sentence("see evil.example/x or 10.0.0.5 now.", 100, Inert).
test(bounded_also_when_it_grows, Length == 20) :-
    format(string(Text), "~`@t~100|", []),
    inert(Text, 20, Inert),
    string_length(Inert, Length).
test(no_text, Inert == "") :-
    inert(null, 20, Inert).
test(cut, Cut == "abc…") :-
    cut_to("abcdef", 4, Cut).
test(not_cut, Cut == "abcd") :-
    cut_to("abcd", 4, Cut).

:- end_tests(say_inert).
