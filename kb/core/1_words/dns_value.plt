%   SPDX-License-Identifier: Apache-2.0

:- use_module(kb('1_words/dns_value')).

:- begin_tests(dns_value).

test(values_have_one_way_of_writing,
     [forall(member(Type/Text/Norm,
        [ 'A'/"10.0.0.1"/"10.0.0.1", 'AAAA'/"2001:DB8:0::1"/"2001:db8::1",
            'CNAME'/"Web.Home.Arpa."/"web.home.arpa",
          'PTR'/"nas.local."/"nas.local", 'MX'/"10  Mail.home.arpa."/"10 mail.home.arpa",
          'SRV'/"0 5 5060 sip.home.arpa."/"0 5 5060 sip.home.arpa",
              'CAA'/"0 issue \"ca.example\""/"0 issue \"ca.example\"",
          'CAA'/"128 ISSUE ca.example"/"128 issue \"ca.example\"",
              'TXT'/"v=spf1 -all"/"\"v=spf1 -all\"",
          'TXT'/"\"v=spf1 -all\""/"\"v=spf1 -all\"", 'TXT'/"\"a\" \"b\""/"\"a\" \"b\"",
          'TXT'/"say \"hi\""/"\"say \\\"hi\\\"\"", 'TXT'/"a\\b"/"\"a\\\\b\"", 'TXT'/""/"\"\"" ])),
      Value == Norm]) :-
    record_value(value, Type, Text, Value).
test(a_normal_value_stays,
     [forall(member(Type/Text, [ 'TXT'/"\"say \\\"hi\\\" \\\\\"", 'CAA'/"0 iodef \"mailto:a@b.c\"",
         'MX'/"0 a.b",
                                 'AAAA'/"::ffff:1.2.3.4" ])),
      Value == Text]) :-
    record_value(value, Type, Text, Value).
test(what_is_no_value_is_refused,
     [forall(member(Type/Text,
        [ 'A'/"1.2.3.4\u0000", 'MX'/"10\u0000mail.local", 'A'/"test.local", 'A'/"::1",
            'AAAA'/"1.2.3.4", 'CNAME'/"1.2.3.4", 'CNAME'/"*.a.b", 'MX'/"mail.home.arpa",
          'MX'/"65536 a.b", 'MX'/"-1 a.b", 'MX'/"10 20 a.b", 'SRV'/"1 2 a.b",
              'SRV'/"1 2 99999 a.b", 'CAA'/"0 bogus \"x\"",
          'CAA'/"256 issue \"x\"", 'CAA'/"0 issue \"a\"b\"", 'CAA'/"issue x", 'TXT'/"tab\there",
              'TXT'/"\u00FC", 'TXT'/"a\nb",
          'TXT'/"\"open", 'TXT'/"\"a\"\"b\"", 'TXT'/"\"a\" b" ])),
      throws(refused(bad_value, value, _))]) :-
    record_value(value, Type, Text, _).
test(a_bad_name_inside_is_named, throws(refused(bad_name, value, _))) :-
    record_value(value, 'CNAME', "a b", _).
test(long_text_is_cut_into_strings, Lengths == [257, 47]) :-
    length(Codes, 300),
    maplist(=(0'x), Codes),
    string_codes(Text, Codes),
    record_value(value, 'TXT', Text, Value),
    split_string(Value, " ", "", Parts),
    maplist(string_length, Parts, Lengths).
test(a_quoted_string_beyond_255_is_refused, throws(refused(bad_value, value, _))) :-
    length(Codes, 256),
    maplist(=(0'x), Codes),
    format(string(Text), "\"~s\"", [Codes]),
    record_value(value, 'TXT', Text, _).
test(too_much_text, throws(refused(bad_value, value, _))) :-
    length(Codes, 2049),
    maplist(=(0'x), Codes),
    string_codes(Text, Codes),
    record_value(value, 'TXT', Text, _).
test(inferred, [forall(member(Text-Type, ["1.2.3.4"-'A', "fd00::1"-'AAAA', "web.home.arpa"-'CNAME',
    "Web.local."-'CNAME'])),
                Found == Type]) :-
    inferred_type(Text, Found).
test(not_guessed, [forall(member(Text, ["hello", "v=spf1 -all", "1.2.3", "300.1.1.1",
    "10 mail.local", ""])), fail]) :-
    inferred_type(Text, _).
test(target_of_mx, Name == "mail.local") :-
    value_target('MX', "10 mail.local", Name).
test(an_address_has_no_target, fail) :-
    value_target('A', "1.2.3.4", _).

:- end_tests(dns_value).
