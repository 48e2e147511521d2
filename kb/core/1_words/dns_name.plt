%   SPDX-License-Identifier: Apache-2.0

:- use_module(kb('1_words/dns_name')).

:- begin_tests(dns_name).

long(Length, Text) :-
    length(Codes, Length),
    maplist(=(0'a), Codes),
    string_codes(Text, Codes).

one_of(Codes, Code) :-
    member(Code, Codes).

test(names_have_one_way_of_writing,
     [forall(member(Text-Norm, [ "Test.Local."-"test.local", "a"-"a", "*.home.arpa"-"*.home.arpa",
                                 "_sip._tcp.home.arpa"-"_sip._tcp.home.arpa",
                                     "xn--bcher-kva.example"-"xn--bcher-kva.example",
                                 "sel._domainkey.x.org"-"sel._domainkey.x.org" ])),
      Name == Norm]) :-
    fqdn(name, Text, Name).
test(what_is_no_name_is_refused,
     [forall(member(Text, [ "", ".", "a..b", ".a", "-a.b", "a-.b", "a b", "a;b", "a'b", "a\"b",
         "a$(b)", "a`b`",
                            "a|b", "a\nb", "a\tb", "a/b", "a\\b", "a,b", "a(b)", "a:-b", "*",
                                "a.*.b", "**.b", "*a.b",
                            "a_b.c", "_.c", "te\u0455t.local", "b\u00FCcher.de", "a\u0000b", "a..",
                                "a@b", "a=b" ])),
      throws(refused(bad_name, name, _))]) :-
    fqdn(name, Text, _).
test(the_quick_way_takes_only_what_the_careful_way_leaves_as_it_is) :-
    forall(( between(0, 5, Length),
             length(Codes, Length),
             maplist(one_of(`az09A-._*/:{`), Codes),
             string_codes(Text, Codes),
             dns_name:plain(Text) ),
           dns_name:careful(name, Text, Text)).
test(the_quick_way_takes_the_usual_name) :-
    dns_name:plain("n4-s.home.arpa").
test(a_look_alike_gets_the_hint, Found == true) :-
    catch(fqdn(name, "te\u0455t.local", _), refused(_, _, Message), true),
    (   sub_string(Message, _, _, _, "U+0455"),
        sub_string(Message, _, _, _, "xn--")
    ->  Found = true
    ;   Found = Message
    ).
test(a_label_has_63_bytes) :-
    long(63, Label),
    string_concat(Label, ".local", Text),
    fqdn(name, Text, Text).
test(a_label_has_no_64_bytes, throws(refused(bad_name, name, _))) :-
    long(64, Label),
    string_concat(Label, ".local", Text),
    fqdn(name, Text, _).
test(a_name_has_no_254_bytes, throws(refused(bad_name, name, _))) :-
    long(61, L),
    atomic_list_concat([L, L, L, L, abcdef], '.', Atom),
    atom_string(Atom, Text),
    string_length(Text, 254),
    fqdn(name, Text, _).
test(a_name_of_64_kib_is_refused_at_once, throws(refused(bad_name, name, _))) :-
    long(65536, Text),
    fqdn(name, Text, _).
test(a_zone_is_plain, Name == "lab.home.arpa") :-
    zone_name(name, "Lab.home.arpa.", Name).
test(a_wildcard_is_no_zone, throws(refused(bad_name, name, _))) :-
    zone_name(name, "*.home.arpa", _).
test(parent, Parent == "b.c") :-
    parent_name("a.b.c", Parent).
test(a_single_label_has_no_parent, fail) :-
    parent_name("local", _).
test(an_underscore_is_no_host, fail) :-
    host_name("_sip.home.arpa").

:- end_tests(dns_name).
