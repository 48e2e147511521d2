%   SPDX-License-Identifier: Apache-2.0

:- module(dns_name,
          [ fqdn/3,                     % +Param, +Text, -Name
            zone_name/3,                % +Param, +Text, -Name
            host_name/1,                % +Name
            parent_name/2               % +Name, -Parent
          ]).
:- use_module(wire, [refuse/4, shown/2]).

/** <module> Domain names

A name is written in lower case, in full, without the final dot. Letters, digits and inner
hyphens; a label may begin with one underscore (_sip._tcp, selector._domainkey); the first
label may be "*". Everything else is refused with what is wrong: no quoting, no escapes, so
a name can stand unchanged in a command, a file or a log line.
*/

%!  fqdn(+Param, +Text:string, -Name:string) is det.
%
%   @throws refused(bad_name, Param, Message)

fqdn(Param, Text, Name) :-
    (   plain(Text)
    ->  Name = Text
    ;   careful(Param, Text, Name)
    ).

%   The usual case in one pass: lower case, no final dot, nothing special, too short for a label
%   that is too long.
plain(Text) :-
    string_length(Text, Length),
    Length =< 63,
    string_codes(Text, Codes),
    plain_label(Codes).

plain_label([Code|Codes]) :-
    (   Code >= 0'a
    ->  Code =< 0'z
    ;   Code =< 0'9,
        Code >= 0'0
    ),
    plain_rest(Codes).

plain_rest([]).
plain_rest([Code|Codes]) :-
    (   Code >= 0'a
    ->  Code =< 0'z,
        plain_rest(Codes)
    ;   Code =:= 0'.
    ->  plain_label(Codes)
    ;   Code =:= 0'-
    ->  plain_hyphens(Codes)
    ;   Code =< 0'9,
        Code >= 0'0,
        plain_rest(Codes)
    ).

plain_hyphens([Code|Codes]) :-
    (   Code =:= 0'-
    ->  plain_hyphens(Codes)
    ;   plain_label([Code|Codes])
    ).

careful(Param, Text, Name) :-
    trimmed(Param, Text, Name),
    split_string(Name, ".", "", Labels),
    labels(Labels, Param, Name).

trimmed(Param, Text, Name) :-
    string_length(Text, Length),
    (   Length > 254
    ->  shown(Text, Shown),
        refuse(bad_name, Param, "the name '~s' has ~d characters; 253 are the most",
               [Shown, Length])
    ;   true
    ),
    string_codes(Text, Codes),
    ascii(Codes, Param, Text),
    string_lower(Text, Lower),
    (   string_concat(Bare, ".", Lower)
    ->  Name = Bare
    ;   Name = Lower
    ),
    string_length(Name, Bytes),
    (   Bytes =:= 0
    ->  refuse(bad_name, Param, "the name is empty; write it in full, such as test.local", [])
    ;   Bytes > 253
    ->  shown(Text, Shown),
        refuse(bad_name, Param, "the name '~s' is longer than 253 bytes", [Shown])
    ;   true
    ).

ascii([], _, _).
ascii([Code|Codes], Param, Text) :-
    (   Code > 127
    ->  shown(Text, Shown),
        refuse(bad_name, Param,
               "the name '~s' holds U+~|~`0t~16R~4+, which is not ASCII; write international \c
                names in their xn-- form (and beware of look-alike letters)",
               [Shown, Code])
    ;   Code < 0'!
    ->  shown(Text, Shown),
        refuse(bad_name, Param,
               "the name '~s' holds a blank or a control character (U+~|~`0t~16R~4+)",
               [Shown, Code])
    ;   ascii(Codes, Param, Text)
    ).

labels(["*"|Labels], Param, Name) :-
    Labels = [_|_],
    !,
    each_label(Labels, Param, Name).
labels(Labels, Param, Name) :-
    each_label(Labels, Param, Name).

each_label([], _, _).
each_label([Label|Labels], Param, Name) :-
    string_codes(Label, Codes),
    label_codes(Codes, Label, Param, Name),
    each_label(Labels, Param, Name).

label_codes([], _, Param, Name) =>
    shown(Name, Shown),
    refuse(bad_name, Param, "the name '~s' has an empty label (two dots in a row?)", [Shown]).
label_codes([0'-|_], Label, Param, Name) =>
    refuse_label("begins with a hyphen", Label, Param, Name).
label_codes([0'_|Codes], Label, Param, Name), Codes = [_|_] =>
    label_length(Label, Param, Name),
    label_rest(Codes, Label, Param, Name).
label_codes(Codes, Label, Param, Name) =>
    label_length(Label, Param, Name),
    label_rest(Codes, Label, Param, Name).

label_length(Label, Param, Name) :-
    string_length(Label, Length),
    (   Length > 63
    ->  refuse_label("is longer than 63 bytes", Label, Param, Name)
    ;   true
    ).

label_rest([0'-], Label, Param, Name) =>
    refuse_label("ends with a hyphen", Label, Param, Name).
label_rest([], _, _, _) =>
    true.
label_rest([Code|Codes], Label, Param, Name) =>
    (   letter_digit_hyphen(Code)
    ->  label_rest(Codes, Label, Param, Name)
    ;   char_code(Char, Code),
        shown(Name, Shown),
        refuse(bad_name, Param,
               "the name '~s' holds '~w'; only letters, digits, hyphens and a leading underscore \c
                may stand in a label", [Shown, Char])
    ).

letter_digit_hyphen(Code) :- Code >= 0'a, Code =< 0'z, !.
letter_digit_hyphen(Code) :- Code >= 0'0, Code =< 0'9, !.
letter_digit_hyphen(0'-).

refuse_label(What, Label, Param, Name) :-
    shown(Label, Shown),
    shown(Name, ShownName),
    refuse(bad_name, Param, "the label '~s' of '~s' ~s", [Shown, ShownName, What]).

%!  zone_name(+Param, +Text:string, -Name:string) is det.
%
%   A name that may be a zone: no "*", no underscore.

zone_name(Param, Text, Name) :-
    fqdn(Param, Text, Name),
    (   host_name(Name)
    ->  true
    ;   shown(Name, Shown),
        refuse(bad_name, Param, "'~s' cannot be a zone: no '*' and no underscore there", [Shown])
    ).

%!  host_name(+Name:string) is semidet.
%
%   Name, already an fqdn, has no wildcard and no underscore: it may carry addresses.

host_name(Name) :-
    \+ sub_string(Name, _, 1, _, "_"),
    \+ sub_string(Name, 0, 1, _, "*").

%!  parent_name(+Name:string, -Parent:string) is semidet.
%
%   Name without its first label; false for a single label.

parent_name(Name, Parent) :-
    sub_string(Name, _, 1, After, "."),
    !,
    sub_string(Name, _, After, 0, Parent).
