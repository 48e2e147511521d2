%   SPDX-License-Identifier: Apache-2.0

:- module(dns_value,
          [ record_value/4,             % +Param, +Type, +Text, -Value
            inferred_type/2,            % +Text, -Type
            value_target/3              % +Type, +Value, -Name
          ]).
:- use_module(library(lists), [last/2, member/2, memberchk/2, append/3]).
:- use_module(library(apply), [maplist/2, maplist/3]).
:- use_module(wire, [refuse/4, shown/2]).
:- use_module(address, [ipv4/2, ipv6/2, ipv6_text/2]).
:- use_module(dns_name, [fqdn/3, host_name/1]).

/** <module> Record values

Values are in the form that BIND prints, with names in full and without the final dot, so
that what a person approved can be compared with what the server answers, byte by byte.
*/

%   More of a TXT record than this does not fit a sensible UDP answer.
text_bytes_max(2048).

%!  record_value(+Param, +Type, +Text:string, -Value:string) is det.
%
%   @throws refused(bad_value, Param, Message)

record_value(Param, Type, Text, Value) :-
    text_bytes_max(Max),
    (   string_length(Text, Length),
        Length > Max
    ->  refuse(bad_value, Param, "the value has ~d characters; ~d are the most", [Length, Max])
    ;   control(Text, Code)
    ->  refuse(bad_value, Param, "the value holds the control character U+~|~`0t~16R~4+", [Code])
    ;   value(Type, Param, Text, Value)
    ).

control(Text, Code) :-
    string_codes(Text, Codes),
    member(Code, Codes),
    Code < 0'\s,
    !.

value('A', Param, Text, Value) =>
    (   ipv4(Text, _)
    ->  Value = Text
    ;   refuse_value(Param, "an IPv4 address such as 192.168.1.100", 'A', Text)
    ).
value('AAAA', Param, Text, Value) =>
    (   ipv6(Text, Groups)
    ->  ipv6_text(Groups, Value)
    ;   refuse_value(Param, "an IPv6 address such as 2001:db8::1", 'AAAA', Text)
    ).
value('CNAME', Param, Text, Value) =>
    target(Param, Text, Value).
value('PTR', Param, Text, Value) =>
    target(Param, Text, Value).
value('MX', Param, Text, Value) =>
    words(Text, Words),
    (   Words = [Preference, Host],
        number_16(Preference, Number)
    ->  target(Param, Host, Name),
        format(string(Value), "~d ~s", [Number, Name])
    ;   refuse_value(Param, "a preference and a host, such as '10 mail.home.arpa'", 'MX', Text)
    ).
value('SRV', Param, Text, Value) =>
    words(Text, Words),
    (   Words = [Priority0, Weight0, Port0, Host],
        maplist(number_16, [Priority0, Weight0, Port0], [Priority, Weight, Port])
    ->  target(Param, Host, Name),
        format(string(Value), "~d ~d ~d ~s", [Priority, Weight, Port, Name])
    ;   refuse_value(Param, "priority, weight, port and host, such as '0 5 5060 sip.home.arpa'",
                     'SRV', Text)
    ).
value('CAA', Param, Text, Value) =>
    (   string_codes(Text, Codes),
        caa(Flags, Tag, Data, Codes, [])
    ->  format(string(Value), "~d ~w \"~s\"", [Flags, Tag, Data])
    ;   refuse_value(Param, "a flag, a tag and a quoted text, such as '0 issue \"ca.example\"'",
                     'CAA', Text)
    ).
value('TXT', Param, Text, Value) =>
    string_codes(Text, Codes),
    printable(Codes, Param),
    (   Codes = [0'"|_]
    ->  (   strings(Codes, Strings)
        ->  true
        ;   refuse_value(Param, "quoted strings, such as '\"v=spf1 -all\"'", 'TXT', Text)
        )
    ;   pieces(Codes, Strings)
    ),
    maplist(quoted, Strings, Quoted),
    atomic_list_concat(Quoted, ' ', Atom),
    atom_string(Atom, Value).

refuse_value(Param, Expected, Type, Text) :-
    shown(Text, Shown),
    refuse(bad_value, Param, "'~s' is not a value for ~w: ~s is expected",
           [Shown, Type, Expected]).

%   What others are sent to: a name in full that may carry addresses or services.
target(Param, Text, Name) :-
    fqdn(Param, Text, Name),
    (   sub_string(Name, 0, 1, _, "*")
    ->  refuse(bad_value, Param, "'~s' cannot be pointed at: '*' stands for many names", [Name])
    ;   ipv4(Name, _)
    ->  refuse(bad_value, Param, "'~s' is an address, but a name is expected here", [Name])
    ;   true
    ).

words(Text, Words) :-
    split_string(Text, " ", " ", Words0),
    without_empty(Words0, Words).

without_empty([], []).
without_empty([""|Words0], Words) :-
    !,
    without_empty(Words0, Words).
without_empty([Word|Words0], [Word|Words]) :-
    without_empty(Words0, Words).

%   0..65535 in decimal, nothing else.
number_16(Text, Number) :-
    string_codes(Text, Codes),
    number_codes_max(Codes, 5, 65535, Number).

number_codes_max(Codes, DigitsMax, Max, Number) :-
    Codes = [_|_],
    length(Codes, Length),
    Length =< DigitsMax,
    maplist(digit, Codes),
    number_codes(Number, Codes),
    Number =< Max.

digit(Code) :-
    Code >= 0'0,
    Code =< 0'9.

%!  caa(-Flags, -Tag, -Data)// is semidet.
%
%   RFC 8659: flags, one of the registered tags, a text (quotes may be left out).

caa(Flags, Tag, Data) -->
    spaced(FlagCodes),
    spaced(TagCodes),
    rest(DataCodes0),
    { number_codes_max(FlagCodes, 3, 255, Flags),
      string_codes(TagText, TagCodes),
      string_lower(TagText, Lower),
      caa_tag(Lower, Tag),
      unquoted(DataCodes0, DataCodes),
      \+ memberchk(0'", DataCodes),
      \+ memberchk(0'\\, DataCodes),
      maplist(graphic, DataCodes),
      string_codes(Data, DataCodes)
    }.

caa_tag("issue",     issue).
caa_tag("issuewild", issuewild).
caa_tag("issuemail", issuemail).
caa_tag("iodef",     iodef).

spaced([Code|Codes]) -->
    [Code], { Code =\= 0'\s },
    more(Codes),
    spaces.

more([Code|Codes]) --> [Code], { Code =\= 0'\s }, !, more(Codes).
more([])           --> [].

spaces --> [0'\s], !, any_spaces.

any_spaces --> [0'\s], !, any_spaces.
any_spaces --> [].

rest(Codes, Codes, []).

unquoted([0'"|Codes0], Codes) :-
    !,
    append(Codes, [0'"], Codes0).
unquoted(Codes, Codes).

graphic(Code) :-
    Code >= 0'\s,
    Code < 127.

printable([], _).
printable([Code|Codes], Param) :-
    (   graphic(Code)
    ->  printable(Codes, Param)
    ;   refuse(bad_value, Param,
               "the text holds U+~|~`0t~16R~4+; only printable ASCII may stand in a TXT record",
               [Code])
    ).

%   strings(+Codes, -Strings): "…" "…" with \" and \\ for the two special characters.
strings(Codes, [String|Strings]) :-
    Codes = [0'"|Codes1],
    inside(Codes1, String, Codes2),
    length(String, Length),
    Length =< 255,
    (   Codes2 == []
    ->  Strings = []
    ;   spaces(Codes2, Codes3),
        strings(Codes3, Strings)
    ).

inside([0'"|Codes], [], Codes) :- !.
inside([0'\\, Code|Codes0], [Code|String], Codes) :-
    !,
    memberchk(Code, `"\\`),
    inside(Codes0, String, Codes).
inside([Code|Codes0], [Code|String], Codes) :-
    inside(Codes0, String, Codes).

%   One string holds at most 255 bytes (RFC 1035): longer text is cut into several.
pieces(Codes, [Piece|Pieces]) :-
    length(Piece, 255),
    append(Piece, Rest, Codes),
    Rest = [_|_],
    !,
    pieces(Rest, Pieces).
pieces(Codes, [Codes]).

quoted(Codes, Text) :-
    escaped(Codes, Escaped),
    format(string(Text), "\"~s\"", [Escaped]).

escaped([], []).
escaped([Code|Codes], Escaped) :-
    (   memberchk(Code, `"\\`)
    ->  Escaped = [0'\\, Code|Rest]
    ;   Escaped = [Code|Rest]
    ),
    escaped(Codes, Rest).

%!  inferred_type(+Text:string, -Type) is semidet.
%
%   The type that a bare value speaks for: an address or a name. Nothing else is guessed.

inferred_type(Text, 'A') :-
    ipv4(Text, _),
    !.
inferred_type(Text, 'AAAA') :-
    ipv6(Text, _),
    !.
inferred_type(Text, 'CNAME') :-
    once(sub_string(Text, _, 1, _, ".")),
    \+ all_numeric(Text),
    catch(fqdn("", Text, _), refused(_, _, _), fail).

%   "1.2.3" or "300.1.1.1" is a mistyped address, not a name.
all_numeric(Text) :-
    split_string(Text, ".", "", Labels0),
    without_empty(Labels0, Labels),
    last(Labels, Label),
    string_codes(Label, Codes),
    maplist(digit, Codes).

%!  value_target(+Type, +Value:string, -Name:string) is semidet.
%
%   The name that a value of Type sends others to.

value_target('CNAME', Value, Value).
value_target('PTR', Value, Value).
value_target('MX', Value, Name) :-
    last_word(Value, Name).
value_target('SRV', Value, Name) :-
    last_word(Value, Name).

last_word(Value, Name) :-
    split_string(Value, " ", "", Words),
    last(Words, Name).
