%   SPDX-License-Identifier: Apache-2.0

:- module(tokens,
          [ tokens/2,                   % +Text, -Tokens
            name_text/1,                % +Lower
            whole_number/3              % +Text, +Max, -Number
          ]).
:- use_module(library(lists), [append/3, reverse/2, member/2, memberchk/2]).
:- use_module(library(apply), [maplist/2]).
:- use_module(kb('1_words/address'), [ipv4/2, ipv6/2]).
:- use_module(kb('1_words/wire'), [refuse/4]).
:- use_module(lexicon, [lex/2, idiom/3]).

/** <module> A sentence becomes typed tokens

| token              | from                                                             |
|--------------------|------------------------------------------------------------------|
| w(Text, Meaning)   | a word of the lexicon                                            |
| u(Text, Raw)       | another plain word: a short name, or a word that we do not know  |
| host(Name)         | a domain name with a dot; lower case, no final dot               |
| ip4(T), ip6(T)     | an address                                                       |
| num(N), dur(S)     | a whole number; a length of time such as 5m or 1h30m, in seconds |
| id(Raw), path(Raw) | a case; a playbook                                               |
| quoted(Text, Ts)   | a text between quotes, and the tokens in it                      |
| text(Text)         | a text that needs no quotes: v=spf1 mx -all                      |
| assign(K, V, Text) | K=V                                                              |
| comma semi colon stop qm poss | punctuation; a final 's                               |
| bad(Kind, Raw)     | what looks like a value and is none: 300.1.1.1, 10.0.0.1:80, ñ   |

Text stays text: no atom is made from it. Nothing is mended: look-alike letters,
    dashes inside names,
unbalanced quotes and characters that a shell or Prolog could read all end in bad/2.
*/

sentence_characters_max(2000).
sentence_tokens_max(200).

%!  tokens(+Text:string, -Tokens:list) is det.
%
%   @throws refused(too_long|control_character, "nl", Message)

tokens(Text, Tokens) :-
    string_length(Text, Length),
    sentence_characters_max(Max),
    (   Length > Max
    ->  refuse(too_long, "nl",
               "the sentence has ~d characters; ~d are the most: say it in several sentences",
               [Length, Max])
    ;   true
    ),
    string_codes(Text, Codes0),
    plain(Codes0, Codes),
    scan(Codes, Tokens),
    length(Tokens, Count),
    sentence_tokens_max(CountMax),
    (   Count > CountMax
    ->  refuse(too_long, "nl",
               "the sentence has ~d words; ~d are the most: say it in several sentences",
               [Count, CountMax])
    ;   true
    ).

%   plain(+Codes0, -Codes): typewriter spaces, quotes and arrows; the rest is left as it is.
plain([], []).
plain([Code|Codes0], Plain) :-
    (   Code >= 32, Code < 127
    ->  Plain = [Code|Codes]
    ;   typewriter(Code, Plain, Codes)
    ->  true
    ;   ( Code < 32 ; Code >= 127, Code < 160 )
    ->  refuse(control_character, "nl",
               "the sentence holds the control character U+~|~`0t~16R~4+; send plain text", [Code])
    ;   Plain = [Code|Codes]
    ),
    plain(Codes0, Codes).

typewriter(0'\t,   [0'\s|T], T).
typewriter(0'\n,   [0'\s|T], T).
typewriter(0'\v,   [0'\s|T], T).
typewriter(0'\f,   [0'\s|T], T).
typewriter(0'\r,   [0'\s|T], T).
typewriter(0xA0,   [0'\s|T], T).
typewriter(0x202F, [0'\s|T], T).
typewriter(0x3000, [0'\s|T], T).
typewriter(0x2018, [0''|T], T).
typewriter(0x2019, [0''|T], T).
typewriter(0x201C, [0'"|T], T).
typewriter(0x201D, [0'"|T], T).
typewriter(0x201E, [0'"|T], T).
typewriter(0xAB,   [0'"|T], T).
typewriter(0xBB,   [0'"|T], T).
typewriter(0x2190, [0'\s, 0'<, 0'-, 0'\s|T], T).
typewriter(0x2192, [0'\s, 0'-, 0'>, 0'\s|T], T).
typewriter(0x21D2, [0'\s, 0'-, 0'>, 0'\s|T], T).
typewriter(0x2794, [0'\s, 0'-, 0'>, 0'\s|T], T).
typewriter(0x279C, [0'\s, 0'-, 0'>, 0'\s|T], T).
typewriter(0x27A1, [0'\s, 0'-, 0'>, 0'\s|T], T).
typewriter(0xFE0F, T, T).
typewriter(0x2026, [0'.|T], T).
typewriter(Code,   [0'\s|T], T) :- Code >= 0x2000, Code =< 0x200A.

%   scan(+Codes, -Tokens): quoted texts, and chunks between spaces.
scan([], []).
scan([Code|Codes], Tokens) :-
    (   Code =:= 0'\s
    ->  scan(Codes, Tokens)
    ;   quote(Code)
    ->  scan_quoted(Code, Codes, Tokens)
    ;   Code =:= 0',
    ->  Tokens = [comma|More],
        scan(Codes, More)
    ;   arrow(Code, Codes, Rest)
    ->  Tokens = [w("->", p(arrow))|More],
        scan(Rest, More)
    ;   tag([Code|Codes])
    ->  text_chunk([Code|Codes], Chunk, Rest),
        chunk_tokens(Chunk, Rest, After, Tokens, More),
        scan(After, More)
    ;   Code =:= 0';
    ->  Tokens = [semi|More],
        scan(Codes, More)
    ;   chunk(Code, Codes, Chunk, Rest),
        chunk_tokens(Chunk, Rest, After, Tokens, More),
        scan(After, More)
    ).

arrow(0'-, [0'>|Rest], Rest).
arrow(0'=, [0'>|Rest], Rest).

tag([V, 0'=|_]) :-
    ( V =:= 0'v ; V =:= 0'V ),
    !.

quote(0'").
quote(0'').
quote(0'`).

scan_quoted(Quote, Codes, Tokens) :-
    (   closing(Codes, Quote, Inside, Rest)
    ->  string_codes(Text, Inside),
        (   Inside == []
        ->  Tokens = [bad(quote, "\"\"")|More]
        ;   (   member(Mark, Inside),
                quote(Mark)
            ->  Inner = []
            ;   scan(Inside, Inner)
            ),
            Tokens = [quoted(Text, Inner)|More]
        ),
        scan(Rest, More)
    ;   string_codes(Text, [Quote|Codes]),
        Tokens = [bad(quote, Text)]
    ).

%   The mark that closes: for ' only one that ends a word, so that an apostrophe does not.
closing([Code|Codes], Quote, Inside, Rest) :-
    (   Code =:= Quote,
        ( Quote =\= 0'' -> true ; ends_word(Codes) )
    ->  Inside = [],
        Rest = Codes
    ;   Inside = [Code|More],
        closing(Codes, Quote, More, Rest)
    ).

ends_word([]).
ends_word([Code|_]) :-
    memberchk(Code, ` ,.;:!?)]}`).

%   chunk(+First, +Codes, -Chunk, -Rest): up to a space, a quote, a comma or an arrow.
chunk(First, Codes, [First|Chunk], Rest) :-
    chunk_rest(Codes, Chunk, Rest).

chunk_rest([], [], []).
chunk_rest([Code|Codes], Chunk, Rest) :-
    (   ( Code =:= 0'\s ; Code =:= 0'" ; Code =:= 0'` ; Code =:= 0', ; Code =:= 0'; ; arrow(Code,
        Codes, _) )
    ->  Chunk = [],
        Rest = [Code|Codes]
    ;   Chunk = [Code|More],
        chunk_rest(Codes, More, Rest)
    ).

text_chunk([], [], []).
text_chunk([Code|Codes], Chunk, Rest) :-
    (   ( Code =:= 0'\s ; Code =:= 0'" ; Code =:= 0'` )
    ->  Chunk = [],
        Rest = [Code|Codes]
    ;   Chunk = [Code|More],
        text_chunk(Codes, More, Rest)
    ).

%   chunk_tokens(+Chunk, +Rest, -After, -Tokens, ?More): most chunks are known words; only the
%   others are looked at closely. A text such as v=spf1 goes on behind its first chunk.
chunk_tokens(Chunk, Rest, After, Tokens, More) :-
    string_codes(Raw, Chunk),
    string_lower(Raw, Lower),
    (   known(Lower, Raw, Token)
    ->  Tokens = [Token|More],
        After = Rest
    ;   sub_string(Lower, 0, 2, _, "v=")
    ->  tagged_text(Rest, After, Pieces),
        append(Chunk, Pieces, Codes0),
        without_final(Codes0, Codes),
        string_codes(Text, Codes),
        Tokens = [text(Text)|More]
    ;   After = Rest,
        peel_front(Chunk, Front),
        reverse(Front, Backwards),
        peel_back(Backwards, Core0, Marks, More),
        reverse(Core0, Core),
        (   Core == []
        ->  Tokens = Marks
        ;   core(Core, Tokens, Marks)
        )
    ).

%   A capital A is the record type; other words mean the same in any case.
known(_, "A", Token) => Token = w("a", ty_a).
known(Lower, _, Token) =>
    lex(Lower, Meaning),
    Token = w(Lower, Meaning).

%   tagged_text(+Codes, -Rest, -Text): the pieces of SPF, DKIM and DMARC that follow v=….
tagged_text(Codes, Rest, Text) :-
    (   Codes = [0'\s|Codes1],
        text_chunk(Codes1, Chunk, Codes2),
        Chunk = [_|_],
        tagged_piece(Chunk)
    ->  tagged_text(Codes2, Rest, Text1),
        append(Chunk, Text1, Text2),
        Text = [0'\s|Text2]
    ;   Rest = Codes,
        Text = []
    ).

tagged_piece(Chunk) :-
    (   memberchk(0'=, Chunk),
        \+ append(`ttl`, _, Chunk)
    ;   append(`ip4:`, _, Chunk)
    ;   append(`ip6:`, _, Chunk)
    ;   append(`include:`, _, Chunk)
    ;   append(`exists:`, _, Chunk)
    ;   append(`a:`, _, Chunk)
    ;   append(`mx:`, _, Chunk)
    ;   without_final(Chunk, Bare),
        memberchk(Bare, [`a`, `mx`, `ptr`, `all`, `-all`, `~all`, `?all`, `+all`, `-mx`, `+mx`,
            `+a`])
    ),
    !.

without_final(Codes0, Codes) :-
    (   append(Codes1, [Final], Codes0),
        memberchk(Final, `.,!`)
    ->  Codes = Codes1
    ;   Codes = Codes0
    ).

peel_front([Code|Codes], Front) :-
    memberchk(Code, `([<{#`),
    Codes = [_|_],
    !,
    peel_front(Codes, Front).
peel_front(Front, Front).

peel_back([Code|Codes], Core, Marks, More) :-
    mark(Code, Mark),
    !,
    (   Mark == none
    ->  peel_back(Codes, Core, Marks, More)
    ;   peel_back(Codes, Core, Marks, [Mark|More])
    ).
peel_back(Core, Core, More, More).

mark(0'., stop).
mark(0'!, stop).
mark(0':, colon).
mark(0'?, qm).
mark(0'), none).
mark(0'], none).
mark(0'>, none).
mark(0'}, none).
mark(0'(, none).

%   core(+Codes, -Tokens, ?More): one chunk without its punctuation.
core(Codes, Tokens, More) :-
    string_codes(Raw, Codes),
    string_lower(Raw, Lower),
    (   known(Lower, Raw, Token)
    ->  Tokens = [Token|More]
    ;   shape(Codes, 0, Shape),
        shaped(Shape, Lower, Raw, Codes, Tokens, More)
    ).

%   What kinds of characters there are, as bits.
shape([], Shape, Shape).
shape([Code|Codes], Shape0, Shape) :-
    kind(Code, Bit),
    Shape1 is Shape0 \/ Bit,
    shape(Codes, Shape1, Shape).

kind(Code, Bit) :-
    (   Code >= 0'a, Code =< 0'z -> Bit = 1
    ;   Code >= 0'0, Code =< 0'9 -> Bit = 2
    ;   Code =:= 0'. -> Bit = 4
    ;   ( Code =:= 0'- ; Code =:= 0'_ ; Code =:= 0'* ) -> Bit = 8
    ;   Code >= 0'A, Code =< 0'Z -> Bit = 1
    ;   Code =:= 0': -> Bit = 16
    ;   Code =:= 0'/ -> Bit = 32
    ;   Code =:= 0'= -> Bit = 64
    ;   Code =:= 0'' -> Bit = 256
    ;   Code =:= 0'> -> Bit = 512
    ;   Code > 127 -> Bit = 2048
    ;   Bit = 1024
    ).

shaped(Shape, Lower, Raw, Codes, Tokens, More) :-
    (   Shape < 16
    ->  plain_token(Shape, Lower, Raw, Codes, Token),
        Tokens = [Token|More]
    ;   Shape /\ 2048 =\= 0
    ->  Tokens = [bad(foreign, Raw)|More]
    ;   Shape /\ 512 =\= 0
    ->  Tokens = [bad(name, Raw)|More]
    ;   Shape /\ 64 =\= 0
    ->  assignment(Codes, Raw, Tokens, More)
    ;   Shape /\ 1024 =\= 0
    ->  Tokens = [bad(name, Raw)|More]
    ;   Shape /\ 32 =\= 0
    ->  slashed(Codes, Raw, Tokens, More)
    ;   Shape /\ 256 =\= 0
    ->  (   ( append(Owner, `'s`, Codes) ; append(Owner, `'S`, Codes) ),
            Owner = [_|_],
            \+ idiom(Lower, _, _)
        ->  core(Owner, Tokens, [poss|More])
        ;   Shape =:= 257                       % I'd, we'll: words of an idiom
        ->  Tokens = [u(Lower, Raw)|More]
        ;   Tokens = [bad(name, Raw)|More]
        )
    ;   coloned(Lower, Raw, Codes, Tokens, More)
    ).

both(Left, Middle, Right, Tokens, More) :-
    side(Left, Tokens, [Middle|Tokens1]),
    side(Right, Tokens1, More).

side([], Tokens, More) => Tokens = More.
side(Codes, Tokens, More) => core(Codes, Tokens, More).

cut_at(Mark, Codes, Left, Right) :-
    append(Mark, Right0, Tail),
    append(Left0, Tail, Codes),
    !,
    Left = Left0,
    Right = Right0.

%   name=value; with a name of our own in front of "=", or nothing, "=" is just a sign.
assignment(Codes, Raw, Tokens, More) :-
    cut_at(`=`, Codes, Left, Right),
    (   Left = [_|_],
        Right = [_|_],
        identifier(Left)
    ->  string_codes(Key0, Left),
        string_lower(Key0, Key),
        string_codes(Value, Right),
        Tokens = [assign(Key, Value, Raw)|More]
    ;   ( Left == [] ; Right == [] ; holds_address(Left, Right) )
    ->  both(Left, w("=", p(eq)), Right, Tokens, More)
    ;   maplist(graphic, Codes)
    ->  Tokens = [text(Raw)|More]
    ;   Tokens = [bad(name, Raw)|More]
    ).

holds_address(Left, Right) :-
    memberchk(0'., Left),
    \+ memberchk(0'=, Right),                   % each half is read once: no blow-up
    core(Left, [host(_)], []),
    core(Right, [Token], []),
    memberchk(Token, [ip4(_), ip6(_), host(_), bad(_, _)]).

identifier([First|Codes]) :-
    alpha(First),
    maplist(identifier_code, Codes).

identifier_code(0'_) :- !.
identifier_code(Code) :- Code >= 0'0, Code =< 0'9, !.
identifier_code(Code) :- alpha(Code).

alpha(Code) :- Code >= 0'a, Code =< 0'z, !.
alpha(Code) :- Code >= 0'A, Code =< 0'Z.

graphic(Code) :- Code > 32, Code < 127.

slashed(Codes, Raw, Tokens, More) :-
    cut_at(`/`, Codes, Left, Right),
    (   core(Left, [Token], []),
        memberchk(Token, [ip4(_), ip6(_), bad(_, _)])
    ->  Tokens = [bad(network, Raw)|More]
    ;   append(`and`, [], Left)
    ->  Tokens = [u(Raw, Raw)|More]
    ;   Left = [_|_],
        Right = [_|_],
        \+ cut_at(`..`, Codes, _, _),
        maplist(path_code, Codes)
    ->  Tokens = [path(Raw)|More]
    ;   Tokens = [bad(path, Raw)|More]
    ).

path_code(0'/) :- !.
path_code(0'.) :- !.
path_code(0'-) :- !.
path_code(Code) :- identifier_code(Code).

coloned(Lower, Raw, Codes, Tokens, More) :-
    (   cut_at(`:`, Codes, Left, Right)
    ->  (   Right = [_|_],
            Left = [_|_],
            \+ memberchk(0':, Right),
            core(Left, [LeftToken], [])
        ->  pair(LeftToken, Right, Raw, Tokens, More)
        ;   ipv6(Lower, _)
        ->  Tokens = [ip6(Lower)|More]
        ;   pair_of_six(Codes, Tokens, More)
        ->  true
        ;   Tokens = [bad(ipv6, Raw)|More]
        )
    ;   Tokens = [bad(name, Raw)|More]
    ).

%   test.local:2001:db8::1 and aaaa:2001:db8::1
pair_of_six(Codes, Tokens, More) :-
    cut_at(`:`, Codes, Left, Right),
    string_codes(Text0, Right),
    string_lower(Text0, Text),
    ipv6(Text, _),
    memberchk(0'., Left),
    core(Left, [Host], []),
    Host = host(_),
    Tokens = [Host, colon, ip6(Text)|More].

pair(Token, Right, Raw, Tokens, More) :-
    (   core(Right, [RightToken], []),
        RightToken = num(_),
        memberchk(Token, [host(_), ip4(_), num(_), bad(_, _)])
    ->  Tokens = [bad(port, Raw)|More]
    ;   Tokens = [Token, colon|Tokens1],
        core(Right, Tokens1, More)
    ).

%   Letters, digits, dots, hyphens, underscores, stars.
plain_token(Shape, Lower, Raw, Codes, Token) :-
    (   Shape =:= 2
    ->  (   whole_number(Lower, 9999999999, Number)
        ->  Token = num(Number)
        ;   Token = bad(number, Raw)
        )
    ;   Shape =:= 6
    ->  (   ipv4(Lower, _)
        ->  Token = ip4(Lower)
        ;   Token = bad(ipv4, Raw)
        )
    ;   Shape =:= 3,
        time(Lower, Seconds)
    ->  Token = dur(Seconds)
    ;   Shape /\ 4 =\= 0
    ->  (   playbook_file(Lower)
        ->  (   maplist(path_code, Codes)
            ->  Token = path(Raw)
            ;   Token = bad(path, Raw)
            )
        ;   name_text(Lower)
        ->  Token = host(Lower)
        ;   Token = bad(name, Raw)
        )
    ;   Shape /\ 2 =\= 0,
        case_text(Lower)
    ->  Token = id(Raw)
    ;   Token = u(Lower, Raw)
    ).

playbook_file(Lower) :-
    (   string_concat(_, ".yml", Lower)
    ;   string_concat(_, ".yaml", Lower)
    ),
    !.

%   A ULID, or a piece of one as a table shows it.
case_text(Lower) :-
    string_length(Lower, Length),
    Length >= 8,
    Length =< 26,
    sub_string(Lower, 0, 2, _, "01"),
    \+ sub_string(Lower, _, 1, _, "-").

%!  name_text(+Lower:string) is semidet.
%
%   Lower is a name as the guards of 1_words will take it.

name_text(Lower) :-
    string_length(Lower, Length),
    Length =< 253,
    split_string(Lower, ".", "", Labels),
    (   Labels = ["*"|Rest]
    ->  Rest = [_|_]
    ;   Rest = Labels
    ),
    maplist(label, Rest).

label(Label) :-
    string_length(Label, Length),
    Length >= 1,
    Length =< 63,
    string_codes(Label, [First|Codes]),
    (   First =:= 0'_
    ->  Codes = [Second|_],
        label_code(Second),
        inner(Codes)
    ;   label_code(First),
        inner(Codes)
    ).

inner([]).
inner([Code|Codes]) :-
    (   Code =:= 0'-
    ->  Codes = [_|_]
    ;   label_code(Code)
    ),
    inner(Codes).

label_code(Code) :- Code >= 0'a, Code =< 0'z, !.
label_code(Code) :- Code >= 0'0, Code =< 0'9.

%!  whole_number(+Text:string, +Max:integer, -Number:integer) is semidet.

whole_number(Text, Max, Number) :-
    string_length(Text, Length),
    Length =< 10,
    string_codes(Text, Codes),
    Codes = [_|_],
    number_of(Codes, 0, Number),
    Number =< Max.

number_of([], Number, Number).
number_of([Code|Codes], Number0, Number) :-
    Code >= 0'0,
    Code =< 0'9,
    Number1 is Number0 * 10 + Code - 0'0,
    number_of(Codes, Number1, Number).

%   5m, 1h30m, 300s: digits and a unit, once or more.
time(Lower, Seconds) :-
    string_codes(Lower, [First|Codes]),
    First >= 0'0,
    First =< 0'9,
    length(Codes, Length),
    Length =< 16,
    spans([First|Codes], 0, Seconds).

spans([], Seconds, Seconds).
spans([Code|Codes0], Seconds0, Seconds) :-
    digits([Code|Codes0], 0, Number, Codes1),
    letters(Codes1, Letters, Codes),
    string_codes(Unit, Letters),
    lex(Unit, unit(Factor)),
    Seconds1 is Seconds0 + Number * Factor,
    spans(Codes, Seconds1, Seconds).

digits([Code|Codes], Number0, Number, Rest) :-
    Code >= 0'0,
    Code =< 0'9,
    !,
    Number1 is Number0 * 10 + Code - 0'0,
    digits(Codes, Number1, Number, Rest).
digits(Rest, Number, Number, Rest).

letters([Code|Codes], [Code|Letters], Rest) :-
    Code >= 0'a,
    !,
    letters(Codes, Letters, Rest).
letters(Rest, [], Rest).
