%   SPDX-License-Identifier: Apache-2.0

:- use_module('../../test/asking').

:- begin_tests(notify_door).

asked(In, Out) :-
    door_notify:notify(obj(In), Out).

entry(Kind, Body, "entry"-obj(["seq"-7, "kind"-Kind, "case"-"C1", "at"-"2026-11-21T08:00:00.000Z",
                               "body"-obj(Body)])).

case("case"-obj([ "id"-"C1", "status"-"awaiting_consent", "action"-"dns_record_add",
                  "summary"-"Add nas.local A 10.0.0.5", "nl"-"add nas.local to 10.0.0.5",
                  "by"-obj(["principal"-"token:ui", "via"-"grammar"]),
                  "verdict"-obj(["verdict"-"needs_consent", "tier"-"risky"]),
                  "expires_at"-"2026-11-22T08:00:00.000Z" ])).

now("now_ms"-1795250034449).

told(Kind, Body, Messages) :-
    entry(Kind, Body, Entry),
    case(Case),
    now(Now),
    asked([Entry, Case, Now], Out),
    at(Out, messages, Messages).

test(a_case_that_waits_is_told_to_two, Channels == [office, phone]) :-
    told("case_planned", [], Messages),
    findall(Channel, ( member(Message, Messages), at(Message, channel, Channel) ), Channels).
test(in_these_words, Title/Text/Link/Urgency == Want) :-
    Want = "Signature wanted: Add nas.local A 10.0.0.5"/
           "Add nas.local A 10.0.0.5\nAsked by token:ui: \"add nas[.]local to 10.0.0.5\"\nTier: \c
            risky.\nIt waits until 2026-11-22 08:00 UTC; unsigned is no.\nLook at it on the page; \c
            nothing is decided from here."/
           "https://node.test:30443/#/cases/C1"/high,
    told("case_planned", [], [Message|_]),
    at(Message, title, Title),
    at(Message, text, Text),
    at(Message, link, Link),
    at(Message, urgency, Urgency).
test(with_all_that_hands_need, Rest == [slack, "https://hooks.example/T0/B0", "test-node",
                                        "2026-11-21T08:00:00.000Z",
                                        obj([what-consent, case-"C1"])]) :-
    told("case_planned", [], [Message|_]),
    findall(Value, ( member(Key, [kind, where, node, at, about]), at(Message, Key, Value) ), Rest).
test(a_failure, Title-Line == "Failed: Add nas.local A 10.0.0.5"-
                              "the server refused Nothing was changed.") :-
    told("case_failed", [ "error"-obj(["message"-"the server refused"]), "changed"-"no" ],
         [Message]),
    at(Message, title, Title),
    at(Message, text, Text),
    split_string(Text, "\n", "", [_, Line|_]).
test(an_alert, Title-Link-Urgency == "critical: nas is hot"-
                                     "https://node.test:30443/#/alerts/7"-high) :-
    told("alert_raised", [ "severity"-"critical", "words"-"critical: nas is hot" ], [Message]),
    at(Message, title, Title),
    at(Message, link, Link),
    at(Message, urgency, Urgency).
test(a_change_has_the_link_of_its_alert, Link == "https://node.test:30443/#/alerts/3") :-
    told("alert_changed", [ "severity"-"critical", "words"-"worse", "alert"-3 ], [Message]),
    at(Message, link, Link).
test(a_start, Title-Urgency == "test-node: started"-low) :-
    told("kb_loaded", [ "version"-"0.8", "rules"-"0123456789abcdef01", "site"-"ab" ], [Message]),
    at(Message, title, Title),
    at(Message, urgency, Urgency).
test(refused_rules, Title == "test-node: new rules were refused") :-
    told("kb_refused", ["words"-"a.pl:3: syntax"], [Message]),
    at(Message, title, Title).
test(nobody_is_told, [forall(member(Kind, [ "alert_cleared", "notification_sent", "case_opened",
                                            "stranger" ])), true(Messages == [])]) :-
    told(Kind, ["severity"-"critical", "alert"-3, "words"-"x"], Messages).
test(nobody_subscribed, Messages == []) :-
    told("alert_raised", ["severity"-"warning", "words"-"x"], Messages).
test(only_the_channels, Messages-Shown == []-[log-"http://127.0.0.1:9000",
                                              office-"https://hooks.example",
                                              phone-"secret:notify/phone"]) :-
    asked(["now_ms"-1], Out),
    at(Out, messages, Messages),
    at(Out, channels, Channels),
    findall(Name-Place, ( member(Channel, Channels), at(Channel, channel, Name),
                          at(Channel, place, Place) ), Shown).
test(a_test, Channel-About == phone-obj([what-test, at_ms-5])) :-
    asked(["test"-"phone", "now_ms"-5], Out),
    at(Out, messages, [Message]),
    at(Message, channel, Channel),
    at(Message, about, About).
test(a_test_of_a_stranger, Code == unknown_channel) :-
    asked(["test"-"mars", "now_ms"-5], Out),
    at(Out, error/code, Code).
test(an_unknown_field, Code == unknown_field) :-
    asked(["now_ms"-5, "where"-"http://evil.example/"], Out),
    at(Out, error/code, Code).

%   Whatever people, models and machines say: bounded, and no address but the link.
hostile("http://evil.example/a?b #x https://x @channel <!here> [ok](http://e) www.e.com \n\u202E \c
         mailto:a@b javascript:alert(1) \u200B data:text/html,x ftp://z").

said(Evil) :-
    hostile(Evil).
said(Long) :-
    hostile(Evil),
    format(string(Long), "~s~`x~t~5000|", [Evil]).

test(no_address_in_any_message,
     [forall(( said(Said), member(Kind, [ "case_planned", "case_failed", "alert_raised",
                                          "alert_changed", "kb_loaded", "kb_refused" ]) ))]) :-
    Entry = "entry"-obj([ "seq"-7, "kind"-Kind, "case"-Said, "at"-"2026-11-21T08:00:00.000Z",
        "body"-obj([ "words"-Said, "severity"-"critical", "alert"-7, "version"-Said, "rules"-Said,
                     "site"-Said, "changed"-Said, "error"-obj(["message"-Said]) ]) ]),
    Case = "case"-obj([ "id"-"C1", "status"-"awaiting_consent", "action"-Said, "summary"-Said,
        "nl"-Said, "by"-obj(["principal"-Said, "via"-Said]), "verdict"-obj(["tier"-Said]),
        "expires_at"-Said ]),
    now(Now),
    asked([Entry, Case, Now], Out),
    at(Out, messages, Messages),
    Messages = [_|_],
    forall(( member(Message, Messages), member(Part-Max, [title-120, text-1000]) ),
           ( at(Message, Part, Text), string_length(Text, Length), Length =< Max,
             forall(member(Bad, [ "://", "@", "](", "www.", "mailto:", "javascript:", "\u202E",
                                  "\u200B" ]),
                    \+ sub_string(Text, _, _, _, Bad)) )),
    forall(member(Message, Messages),
           ( at(Message, link, Link), string_concat("https://node.test:30443/#/", _, Link) )).

:- end_tests(notify_door).
