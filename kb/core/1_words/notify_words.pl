%   SPDX-License-Identifier: Apache-2.0

:- module(notify_words,
          [ notify_fact/2,              % ?Name, ?Columns
            notify_column/2,            % ?Type, +Value
            notify_expected/2,          % ?Type, -Words
            notify_what/1,              % ?What
            origin_text/1,              % +Text
            place_shown/2               % +Where, -Shown
          ]).
:- use_module(library(lists), [member/2, memberchk/2]).
:- use_module(vocabulary, [label/1]).
:- use_module(passkey_words, [origin/3]).

/** <module> The words of notifications: channels, what each is told, where the page is

An address may hold a token (in its path, in its query), so it is shown as scheme and host only.
*/

%!  notify_fact(?Name, ?Columns:list) is nondet.

notify_fact(page_origin,    [origin:origin]).
notify_fact(notify_channel, [channel:notify_channel, kind:notify_kind, where:notify_where]).
notify_fact(notify_about,   [channel:notify_channel, what:notify_what]).

%!  notify_column(?Type, +Value) is nondet.

notify_column(origin, Value)         :- origin_text(Value).
notify_column(notify_channel, Value) :- label(Value).
notify_column(notify_kind, Value)    :- atom(Value), memberchk(Value, [webhook, slack, ntfy]).
notify_column(notify_where, Value)   :- where(Value).
notify_column(notify_what, Value)    :- atom(Value), notify_what(Value), !.

%!  notify_expected(?Type, -Words) is nondet.

notify_expected(origin,
                'an origin such as "https://node.home.arpa:30443": lower case, no path, and no \c
                 port that the scheme implies').
notify_expected(notify_channel, 'a lower-case word such as phone').
notify_expected(notify_kind, 'webhook, slack or ntfy').
notify_expected(notify_where,
                '"http(s)://HOST/PATH" without name and password in it, or "secret:notify/phone", \c
                 whose text is such an address').
notify_expected(notify_what, 'consent, alert_critical, alert_warning, case_failed or node').

%!  notify_what(?What:atom) is nondet.

notify_what(consent).
notify_what(alert_critical).
notify_what(alert_warning).
notify_what(case_failed).
notify_what(node).

%!  origin_text(+Text) is semidet.
%
%   Scheme, host and port as a browser writes them: no path, no slash at the end.

origin_text(Text) :-
    origin(Text, _, _).

scheme(Text, "https", Rest) :- string_concat("https://", Rest, Text), !.
scheme(Text, "http", Rest)  :- string_concat("http://", Rest, Text).

place_codes(Text, Allowed) :-
    string_codes(Text, Codes),
    \+ ( member(Code, Codes), \+ memberchk(Code, Allowed) ).

where(Text) :-
    string(Text),
    string_length(Text, Length),
    Length =< 1024,
    (   string_concat("secret:", Rest, Text)
    ->  Rest \== "",
        place_codes(Rest, `abcdefghijklmnopqrstuvwxyz0123456789_-/`),
        split_string(Rest, "/", "", Segments),
        \+ memberchk("", Segments)
    ;   scheme(Text, _, Rest),
        host_of(Rest, Host),
        Host \== "",
        place_codes(Host, `ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.:[]`),
        string_codes(Rest, Codes),
        \+ ( member(Code, Codes), \+ address_code(Code) )
    ).

%   What an address may hold: nothing that ends it somewhere else for another reader.
address_code(Code) :-
    Code > 0'\s,
    Code < 127,
    \+ memberchk(Code, `"<>\\^\`{|}@`).

host_of(Rest, Host) :-
    split_string(Rest, "/?#", "", [Host|_]).

%!  place_shown(+Where:string, -Shown:string) is det.

place_shown(Where, Shown) :-
    (   scheme(Where, Scheme, Rest)
    ->  host_of(Rest, Host),
        format(string(Shown), "~s://~s", [Scheme, Host])
    ;   Shown = Where
    ).
