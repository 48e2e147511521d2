%   SPDX-License-Identifier: Apache-2.0

:- use_module(kb('4_say/notices')).

:- begin_tests(say_notices).

entry(Kind, Body, obj(["seq"-7, "kind"-Kind, "body"-obj(Body)])).

case(obj(["id"-"C1", "summary"-"Add x.local", "status"-"awaiting_consent"])).

last_line(What, Kind, Body, Last) :-
    entry(Kind, Body, Entry),
    case(Case),
    notice_words(What, Entry, Case, null, words(_, Text, _)),
    split_string(Text, "\n", "", Lines),
    append(_, [Last], Lines),
    !.

test(without_a_page_it_says_how, [forall(member(What-Kind-Body-Want, [
         consent-"case_planned"-[]-"To look at it: logicctl case C1",
         case_failed-"case_failed"-[]-"To look at it: logicctl case C1",
         alert_critical-"alert_raised"-["words"-"w"]-"To look at it: logicctl alert show 7",
         alert_warning-"alert_changed"-["words"-"w", "alert"-3]-
             "To look at it: logicctl alert show 3",
         node-"kb_loaded"-[]-"To look at it: logicctl ledger list, entry 7 (after 6)" ])),
                                  true(Last == Want)]) :-
    last_line(What, Kind, Body, Last).
test(a_model_is_named, Text == "do\nAsked by token:ui, as a model understood it: \"x\"\nL") :-
    entry("case_planned", [], Entry),
    notice_words(consent, Entry,
                 obj([ "id"-"C1", "action"-"do", "nl"-"x",
                       "by"-obj(["principal"-"token:ui", "via"-"model"]) ]),
                 "http://x/", words(_, Text0, _)),
    string_concat(Head, "Look at it on the page; nothing is decided from here.", Text0),
    string_concat(Head, "L", Text).
test(urgency, [forall(member(Tier-Want, [ "change"-normal, "risky"-high, "destructive"-high,
                                          "stranger"-normal ])), true(Urgency == Want)]) :-
    entry("case_planned", [], Entry),
    notice_words(consent, Entry, obj(["id"-"C1", "verdict"-obj(["tier"-Tier])]), null,
                 words(_, _, Urgency)).
test(whether_it_changed_anything, [forall(member(Changed-Want, [
         "no"-"e Nothing was changed.", "yes"-"e Something was changed.",
         "unknown"-"e Whether it changed anything is unknown." ])), true(Line == Want)]) :-
    entry("case_failed", ["error"-obj(["message"-"e"]), "changed"-Changed], Entry),
    case(Case),
    notice_words(case_failed, Entry, Case, null, words(_, Text, _)),
    split_string(Text, "\n", "", [_, Line|_]).
test(a_test, Title-Urgency == "Test from test-node"-low) :-
    test_words(phone, null, words(Title, Text, Urgency)),
    sub_string(Text, _, _, _, "the channel phone"),
    !.
test(links, [forall(member(What-Kind-Body-Want, [
         consent-"case_planned"-[]-"#/cases/C1", case_failed-"case_failed"-[]-"#/cases/C1",
         alert_critical-"alert_raised"-[]-"#/alerts/7",
         alert_warning-"alert_changed"-["alert"-3]-"#/alerts/3",
         node-"kb_refused"-[]-"#/ledger/7" ])),
             true(Hash == Want)]) :-
    entry(Kind, Body, Entry),
    case(Case),
    notice_link(What, Entry, Case, Hash).

:- end_tests(say_notices).
