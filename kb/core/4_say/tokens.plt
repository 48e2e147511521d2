%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(kb('4_say/tokens'), [tokens/2]).

:- begin_tests(tokens).

test(names_and_addresses, Tokens == [host("test.local"), ip4("1.2.3.4"), ip6("2001:db8::1")]) :-
    tokens("Test.LOCAL 1.2.3.4 [2001:DB8::1]", Tokens).
test(a_final_dot_is_punctuation, Tokens == [host("test.local"), stop]) :-
    tokens("test.local.", Tokens).
test(times, Tokens == [dur(5400), dur(300), num(300)]) :-
    tokens("1h30m 5m 300", Tokens).
test(typographic_quotes, Text == "a2 b2") :-
    tokens("“a2 b2”", [quoted(Text, _)]).
test(arrows_need_no_space, Tokens == [host("a.b"), w("->", p(arrow)), ip4("1.2.3.4")]) :-
    tokens("a.b→1.2.3.4", Tokens),
    tokens("a.b->1.2.3.4", Tokens).
test(what_is_no_address, Tokens == [bad(ipv4, "300.1.1.1"), bad(port, "1.2.3.4:80"), bad(network,
    "1.2.3.0/24")]) :-
    tokens("300.1.1.1 1.2.3.4:80 1.2.3.0/24", Tokens).
test(look_alikes_are_never_mapped, Tokens == [bad(foreign, "t\u0435st.local")]) :-
    tokens("t\u0435st.local", Tokens).
test(spf_needs_no_quotes, Tokens == [text("v=spf1 mx -all"), w("ttl", n(ttl)), num(5)]) :-
    tokens("v=spf1 mx -all ttl 5", Tokens).
test(a_text_keeps_its_signs, Text == "a->b, c") :-
    tokens("\"a->b, c\"", [quoted(Text, _)]).

:- end_tests(tokens).
