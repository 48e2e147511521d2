%   SPDX-License-Identifier: Apache-2.0

:- use_module(kb('1_words/fact_words')).
:- use_module(kb('1_words/notify_words')).

:- begin_tests(notify_words).

test(facts, [forall(member(Fact, [ page_origin("https://node.home.arpa:30443"),
                                   page_origin("http://127.0.0.1:8080"),
                                   page_origin("https://[::1]:8443"),
                                   notify_channel(phone, ntfy, "secret:notify/phone"),
                                   notify_channel(office, slack, "https://hooks.example/T0/B0/x"),
                                   notify_channel(log, webhook, "http://127.0.0.1:9000/in?a=b&c"),
                                   notify_about(phone, consent), notify_about(phone, node),
                                   notify_about(phone, alert_critical),
                                   notify_about(phone, alert_warning),
                                   notify_about(phone, case_failed) ])), fail]) :-
    fact_fault(site, Fact, _).
test(faults, [forall(member(Fact, [ page_origin("https://node.home.arpa/"), page_origin("node"),
                                    page_origin("https://"), page_origin("javascript:alert(1)"),
                                    page_origin("https://Node.home.arpa"),
                                    page_origin("https://a@b"), page_origin(node),
                                    notify_channel("phone", ntfy, "secret:a"),
                                    notify_channel(phone, mail, "secret:a"),
                                    notify_channel(phone, ntfy, "secret:"),
                                    notify_channel(phone, ntfy, "secret:../x"),
                                    notify_channel(phone, ntfy, "secret:a//b"),
                                    notify_channel(phone, ntfy, "ftp://a/b"),
                                    notify_channel(phone, ntfy, "file:///etc/passwd"),
                                    notify_channel(phone, ntfy, "https:///x"),
                                    notify_channel(phone, ntfy, "https://me:pass@ntfy.example/x"),
                                    notify_channel(phone, ntfy, "https://a/b c"),
                                    notify_channel(phone, ntfy, "https://a/\nb"),
                                    notify_channel(phone, ntfy, "https://a/|b"),
                                    notify_channel(phone, ntfy, phone),
                                    notify_about(phone, everything),
                                    notify_about("phone", consent) ]))]) :-
    once(fact_fault(site, Fact, _)).
test(a_host_is_shown_and_no_token, Shown == "https://hooks.example") :-
    place_shown("https://hooks.example/T0/B0/token", Shown).
test(a_token_in_a_query_is_not_shown, Shown == "http://10.0.0.5:80") :-
    place_shown("http://10.0.0.5:80?token=x", Shown).
test(a_handle_is_shown, Shown == "secret:notify/phone") :-
    place_shown("secret:notify/phone", Shown).

:- end_tests(notify_words).
