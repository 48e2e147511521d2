%   SPDX-License-Identifier: Apache-2.0

:- module(passkey_words,
          [ passkey_fact/2,             % ?Name, ?Columns
            passkey_column/2,           % ?Type, +Value
            passkey_expected/2,         % ?Type, -Words
            passkey_key_bytes/2,        % +Text, -Codes
            origin/3                    % +Text, -Scheme, -Host
          ]).
:- use_module(library(lists), [member/2, memberchk/2, append/2, nth1/3, last/2]).
:- use_module(library(apply), [maplist/2, foldl/4]).
:- use_module(library(base64), [base64/2]).
:- use_module(address, [ipv4/2, ipv6/2, ipv6_text/2]).

/** <module> The words of passkeys: where pages are, whose passkey this is

    operator_passkey(owner, "base64url id", "es256:BASE64 of 65 bytes", "node.home.arpa", "phone")

Keys and origins have one spelling each, the one that browsers and the node write, because they are
compared as text. A point beside the curve is no key: it is found here and not when somebody signs.
*/

%!  passkey_fact(?Name, ?Columns:list) is nondet.

passkey_fact(operator_passkey, [person:label, credential:credential, key:passkey_key, rp_id:rp_id,
                                words:text]).

%!  passkey_column(?Type, +Value) is nondet.

passkey_column(credential, Value)  :- credential(Value).
passkey_column(passkey_key, Value) :- passkey_key_bytes(Value, _).
passkey_column(rp_id, Value)       :- string(Value), host_name(Value).

%!  passkey_expected(?Type, -Words) is nondet.

passkey_expected(credential,
                 'the id of a passkey in base64url, of 1 to 512 bytes; logicctl operator enroll \c
                  writes this fact').
passkey_expected(passkey_key,
                 '"es256:…" with the base64 of a point of P-256 (65 bytes), or "ed25519:…" with \c
                  that of 32 bytes').
passkey_expected(rp_id, 'the name that the passkey was made for, such as "node.home.arpa"').

credential(Text) :-
    string(Text),
    string_length(Text, Length),
    Length >= 2,
    Length =< 683,                      % 512 bytes, as 2_wire/webauthn bounds them
    Length mod 4 =\= 1,
    string_codes(Text, Codes),
    \+ ( member(Code, Codes), \+ base64url_code(Code) ).

base64url_code(Code) :- Code < 128, code_type(Code, alnum), !.
base64url_code(0'-).
base64url_code(0'_).

%!  passkey_key_bytes(+Text, -Codes:list(integer)) is semidet.

passkey_key_bytes(Text, Codes) :-
    string(Text),
    (   string_concat("es256:", Base64, Text)
    ->  base64_bytes(Base64, 65, Codes),
        Codes = [4|Point],
        on_p256(Point)
    ;   string_concat("ed25519:", Base64, Text),
        base64_bytes(Base64, 32, Codes)
    ).

%   The one text of so many bytes.
base64_bytes(Base64, Count, Codes) :-
    string_length(Base64, Length),
    Length =:= (Count + 2) // 3 * 4,
    atom_string(Atom, Base64),
    catch(base64(Plain, Atom), _, fail),
    atom_codes(Plain, Codes),
    length(Codes, Count),
    base64(Plain, Atom).

%   y² = x³ - 3x + b over the field of P-256 (FIPS 186-4, D.1.2.3).
on_p256(Point) :-
    P = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffff,
    B = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b,
    length(Xs, 32),
    append([Xs, Ys], Point),
    foldl(shifted, Xs, 0, X),
    foldl(shifted, Ys, 0, Y),
    X < P,
    Y < P,
    0 =:= (Y*Y - X*X*X + 3*X - B) mod P.

shifted(Byte, Number0, Number) :-
    Number is Number0 << 8 + Byte.

%!  origin(+Text, -Scheme, -Host) is semidet.
%
%   An origin as a browser writes it: no path, no port that the scheme implies. Host is a name, an
%   IPv4 address, or an IPv6 address without its brackets.

origin(Text, Scheme, Host) :-
    string(Text),
    string_length(Text, Length),
    Length =< 255,
    \+ sub_string(Text, _, 1, _, "\u0000"),
    member(Scheme-Head-Implied, [https-"https://"-"443", http-"http://"-"80"]),
    string_concat(Head, Place, Text),
    !,
    (   string_concat("[", Rest, Place)
    ->  sub_string(Rest, Before, 1, After, "]"),
        sub_string(Rest, 0, Before, _, Host),
        sub_string(Rest, _, After, 0, Port0),
        ipv6(Host, Groups),
        ipv6_text(Groups, Host)
    ;   sub_string(Place, Before, 1, _, ":")
    ->  sub_string(Place, 0, Before, _, Host),
        sub_string(Place, Before, _, 0, Port0)
    ;   Host = Place,
        Port0 = ""
    ),
    ( ipv6(Host, _) ; ipv4(Host, _) ; host_name(Host) ),
    !,
    ( Port0 == "" ; string_concat(":", Port, Port0), Port \== Implied, port_text(Port) ),
    !.

port_text(Text) :-
    string_codes(Text, Codes),
    Codes = [First|_],
    First =\= 0'0,
    length(Codes, Length),
    Length =< 5,
    \+ ( member(Code, Codes), \+ code_digit(Code) ),
    number_codes(Port, Codes),
    Port =< 65535.

code_digit(Code) :- Code >= 0'0, Code =< 0'9.

%   A name whose last label begins with a digit is an address to a browser, and to nobody else.
host_name(Text) :-
    string_length(Text, Length),
    Length =< 253,
    \+ sub_string(Text, _, 1, _, "\u0000"),
    split_string(Text, ".", "", Labels),
    maplist(host_label, Labels),
    last(Labels, Last),
    string_codes(Last, [First|_]),
    \+ code_digit(First).

host_label(Text) :-
    string_codes(Text, Codes),
    length(Codes, Length),
    Length >= 1,
    Length =< 63,
    \+ ( member(Code, Codes), \+ memberchk(Code, `abcdefghijklmnopqrstuvwxyz0123456789-`) ),
    nth1(1, Codes, First),
    First =\= 0'-,
    last(Codes, Last),
    Last =\= 0'-.
