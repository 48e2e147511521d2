%   SPDX-License-Identifier: Apache-2.0

:- module(items,
          [ items/2                     % +Tokens, -Items
          ]).
:- use_module(library(lists), [member/2, memberchk/2, append/3]).
:- use_module(tokens, [tokens/2]).
:- use_module(lexicon, [lex/2, idiom/3, long_verb/1]).

/** <module> Tokens become items: what each word does here

The first of two grammars. It reads idioms, times, numbers and words whose meaning hangs on their
neighbours, drops filler, and leaves a short list of items:

  main(Do), light(V), link(V), done(Do), doing(Do)  verbs, as in the lexicon
  p(Role)                                           a preposition: the role of the next entity
  ent(Kind, Value)                                  host ip4 ip6 short num dur text q id path assign
                                                    ttl priority weight port bad(Kind)
  ty(Type), n(Noun), f(Flag), ask(Word), sep(Mark), halt(Why, Text)

Every token is read by exactly one rule, the first that fits; nothing is skipped but the filler
that the lexicon lists.
*/

%!  items(+Tokens, -Items) is det.

items(Tokens0, Items) :-
    opening(Tokens0, Tokens1),
    introduced(Tokens1, Introduced),
    mended(Introduced, Tokens2),
    (   runs_playbook(Tokens2)
    ->  Tokens = Tokens2
    ;   without_assignments(Tokens2, Tokens)
    ),
    phrase(items(start, Items), Tokens),
    !.

%   A capital that only begins the sentence is an article: "A record for …".
opening([w("a", ty_a), w(Text, n(Noun))|Tokens], Opened) :-
    !,
    Opened = [w("a", a), w(Text, n(Noun))|Tokens].
opening(Tokens, Tokens).

%   'saying "…"' is 'with "…"'; without the quotes such a word may cover anything.
introduced([], []).
introduced([Word, quoted(Kind, Text)|Tokens0], [w("with", p(with)), quoted(Kind, Text)|Tokens]) :-
    introduces(Word),
    !,
    introduced(Tokens0, Tokens).
introduced([Token|Tokens0], [Token|Tokens]) :-
    introduced(Tokens0, Tokens).

introduces(w(Text, _)) :-
    memberchk(Text, ["containing", "saying", "reading"]).
introduces(u(Text, _)) :-
    memberchk(Text, ["containing", "saying", "reading"]).

runs_playbook(Tokens) :-
    member(Token, Tokens),
    (   Token = w(_, main(run))
    ;   Token = w(_, n(playbook))
    ;   Token = w(_, n(ansible))
    ;   Token = path(_)
    ),
    !.

%   ttl=300, name=test.local: a word of ours, "=" and what stands behind it.
without_assignments([], []).
without_assignments([assign(Key, Value, Text)|Tokens0], Tokens) :-
    !,
    (   lex(Key, Meaning),
        memberchk(Meaning, [n(_), p(value), skip])
    ->  tokens(Value, Tokens1),
        append([w(Key, Meaning), w("=", p(eq))|Tokens1], Tokens2, Tokens)
    ;   Tokens = [text(Text)|Tokens2]
    ),
    without_assignments(Tokens0, Tokens2).
without_assignments([Token|Tokens0], [Token|Tokens]) :-
    without_assignments(Tokens0, Tokens).

%   One letter wrong in a long verb is mended where nothing else is a verb.
mended(Tokens0, Tokens) :-
    (   member(Token, Tokens0),
        verb(Token)
    ->  Tokens = Tokens0
    ;   append(Before, [u(Text, _)|After], Tokens0),
        \+ ( member(Entity, Before), entity(Entity) ),
        meant(Text, Verb)
    ->  lex(Verb, Meaning),
        append(Before, [w(Verb, Meaning)|After], Tokens)
    ;   Tokens = Tokens0
    ).

verb(w(_, main(_))).
verb(w(_, light(_))).
verb(w(_, link(_))).
verb(w(_, done(_))).
verb(w(_, doing(_))).
verb(w(_, ask(_))).
verb(w(_, aux)).
verb(w(_, is)).
verb(w(_, modal)).

entity(host(_)).
entity(ip4(_)).
entity(ip6(_)).
entity(quoted(_, _)).

meant(Text, Verb) :-
    string_length(Text, Length),
    Length >= 5,
    Length =< 9,
    string_codes(Text, Codes),
    findall(Near, ( long_verb(Near), near(Near, Codes) ), [Verb]),
    \+ inflected(Text, Verb).

%   "deleted" and "updates" are words of their own, and so is "remote".
inflected(Text, Verb) :-
    sub_string(Text, 0, Length, 1, Verb),
    sub_string(Text, Length, 1, 0, Last),
    memberchk(Last, ["d", "s", "r"]).
inflected("remote", _).
inflected("chance", _).
inflected("charge", _).
inflected("refine", _).
inflected("delate", _).
inflected("relate", _).
inflected("lookup", _).
inflected("convert", _).
inflected("revolve", _).

near(Verb, Codes) :-
    string_codes(Verb, Wanted),
    one_off(Wanted, Codes).

%   One letter left out, put in, replaced, or two neighbours swapped.
one_off([C|As], [C|Bs]) :-
    one_off(As, Bs),
    !.
one_off([_|Cs], Cs) :- !.
one_off(Cs, [_|Cs]) :- !.
one_off([_|Cs], [_|Cs]) :- !.
one_off([A, B|Cs], [B, A|Cs]).

%   items(+Place, -Items)//: Place is start behind the beginning or a joint, else mid.
items(_, []) -->
    end,
    !.
items(Place, Items) -->
    item(Place, Items, Rest),
    { place(Items, Rest, Place, Next) },
    !,
    items(Next, Rest).

end([], []).

place(Items, Rest, Place, Place) :- Items == Rest, !.
place([sep(_)|_], _, _, start) :- !.
place(_, _, _, mid).

item(_, [ent(host, Name), ent(ttl, Seconds)|R], R) -->      % test.local. 300 IN A …
    [host(Name)],
    ( [stop] ; [] ),
    [num(Seconds)],
    ( [w("in", _)] ; [] ),
    type_ahead.
item(_, [p(of), ent(host, Name)|R], R) -->
    [host(Name), poss].
item(_, [ent(ttl, Seconds)|R], R) -->
    ttl(Seconds).
item(_, [ent(Kind, Number)|R], R) -->
    measure(Kind, Number).
item(_, Items, R) -->
    [Token],
    { token_text(Token, Text) },
    idiom_rest(Text, Meaning),
    { meaning(Meaning, Text, Items, R) }.
item(Place, Items, R) -->
    [w(Text, Meaning)],
    word(Meaning, Place, Text, Items, R).
item(_, [ent(dur, Seconds)|R], R) -->
    duration(Seconds).
item(_, [ent(num, Number)|R], R) -->
    number(Number).
item(_, Items, R) -->
    [Token],
    { other(Token, Items, R) }.

token_text(w(Text, _), Text).
token_text(u(Text, _), Text).

idiom_rest(Text, Meaning) -->
    { idiom(Text, Rest, Meaning) },
    texts(Rest).

texts([]) -->
    [].
texts([Text|Texts]) -->
    [Token],
    { token_text(Token, Text) },
    texts(Texts).

%   What an idiom means, and a word that needs no look at its neighbours.
meaning(skip, _, R, R) :- !.
meaning(halt(Why), Text, [halt(Why, Text)|R], R) :- !.
meaning(want, _, [light(want)|R], R) :- !.
meaning(should, _, [f(should)|R], R) :- !.
meaning(asking, _, [f(asking)|R], R) :- !.
meaning(ask_leave, _, [halt(question, "may I")|R], R) :- !.
meaning(f(moved), _, [main(change), p(to)|R], R) :- !.
meaning(denied, _, [f(denied)|R], R) :- !.
meaning(p(allow), _, [ty('CAA'), p(allow)|R], R) :- !.
meaning(Meaning, _, [Meaning|R], R).

word(a, _, _, Items, R) -->
    (   article_ahead
    ->  { Items = R }
    ;   { Items = [ty('A')|R] }
    ).
word(ty_a, _, _, [ty('A')|R], R) -->
    [].
word(ty('A4'), _, _, [ty('A')|R], R) -->
    ( [w(_, n(address))] ; [] ).
word(skip, _, Text, Items, R) -->               % "the a record", "an a record"
    (   { memberchk(Text, ["the", "an"]) },
        [w("a", a)],
        noun_ahead
    ->  { Items = [ty('A')|R] }
    ;   { Items = R }
    ).
word(reverse, _, _, Items, R) -->
    (   undo_ahead
    ->  { Items = [main(undo)|R] }
    ;   { Items = [ty('PTR')|R] }
    ).
word(p(in), _, "in", R, R) -->                   % the class of a zone file
    type_ahead,
    \+ peek(w(_, a)).
word(p(allow), _, _, [ty('CAA'), p(allow)|R], R) -->
    [].
word(second, _, _, [f(new)|R], R) -->
    [].
word(is, Place, _, Items, R) -->
    { (   Place == start
      ->  Items = [ask(is)|R]
      ;   Items = [f(is), p(is)|R]
      ) }.
word(aux, _, _, [ask(does)|R], R) -->
    [].
word(was, _, _, [ask(was)|R], R) -->
    [].
word(ask(Word), _, _, [ask(Word)|R], R) -->
    ( [w(_, is)] ; [] ).
word(modal, start, Text, [halt(question, Text)|R], R) -->
    [].
word(modal, _, _, Items, R) -->
    (   ( [w(_, link(be))] ; [w("now", _), w(_, link(be))], { Now = true } )
    ->  { Now == true -> Items = [f(now), f(should), p(be)|R] ; Items = [f(should), p(be)|R] }
    ;   { Items = [f(should)|R] }
    ).
word(link(be), _, _, [p(be)|R], R) -->
    [].
word(n(type), _, _, Items, R) -->
    glue,
    ( [w(_, a)] -> { Type = 'A' } ; type(Type) ),
    { Items = [ty(Type)|R] }.
word(n(type), _, _, R, R) -->
    [].
word(n(case), _, _, [n(case), ent(id, Id)|R], R) -->
    ( [u("id", _)] ; [u("number", _)] ; [] ),
    ( [w(_, p(eq))] ; [colon] ; [] ),
    ( [num(Number)], { number_string(Number, Id) }
    ; [u(_, Id)]
    ; [id(Id)]
    ; [quoted(Id, [_])]
    ).
word(n(name), _, _, [p(called)|R], R) -->
    glue,
    name_ahead.
word(n(address), _, _, [n(address), p(value)|R], R) -->
    sign,
    address_ahead.
word(p(value), _, _, [p(value)|R], R) -->
    glue.
word(p(To), _, _, [p(To)|R], R) -->
    { memberchk(To, [to, with, at, as]) },
    ( [w(_, f(both))] ; [] ),
    sign.
word(cached, _, _, [n(ttl)|R], R) -->
    [].
word(pronoun, _, _, [f(pronoun)|R], R) -->
    [].
word(that, _, _, Items, R) -->
    (   thing_ahead
    ->  { Items = R }
    ;   { Items = [f(pronoun)|R] }
    ).
word(colon, _, _, [p(colon)|R], R) -->
    [].
word(denied, _, _, [f(denied)|R], R) -->
    [].
word(happened, _, _, [f(happened)|R], R) -->
    [].
word(small(_), _, _, _, _) -->
    { fail }.
word(Meaning, _, Text, Items, R) -->
    { \+ memberchk(Meaning, [small(_), times(_), half, unit(_), back_arrow, skip_cert]),
      meaning(Meaning, Text, Items, R) }.
word(skip_cert, _, _, [n(certificates)|R], R) -->
    [].
word(unit(_), _, Text, [ent(short, Text)|R], R) -->
    [].

other(comma,        [sep(comma)|R], R).
other(semi,         [sep(semi)|R], R).
other(stop,         [sep(stop)|R], R).
other(colon,        [p(colon)|R], R).
other(qm,           [f(qm)|R], R).
other(poss,         R, R).
other(host(Name),   [ent(host, Name)|R], R).
other(ip4(Text),    [ent(ip4, Text)|R], R).
other(ip6(Text),    [ent(ip6, Text)|R], R).
other(num(Number),  [ent(num, Number)|R], R).
other(u(_, Raw),    [ent(short, Raw)|R], R).
other(id(Raw),      [ent(id, Raw)|R], R).
other(path(Raw),    [ent(path, Raw)|R], R).
other(text(Text),   [ent(text, Text)|R], R).
other(quoted(Text, Inner), [ent(q, Text-Inner)|R], R).
other(assign(Key, Value, _), [ent(assign, Key-Value)|R], R).
other(bad(Kind, Raw), [ent(bad(Kind), Raw)|R], R).
other(w(Text, _),   [ent(short, Text)|R], R).

%   Looking ahead without reading: Peek is what comes next.
peek(Token, [Token|Tokens], [Token|Tokens]).

type_ahead -->
    peek(w(_, Meaning)),
    { memberchk(Meaning, [ty(_), ty_a, a]) }.

%   "a record", "a new entry", "a 5 minute ttl", "a short ttl": the article.
article_ahead -->
    peek(Token),
    { article_before(Token) }.

article_before(w(_, Meaning)) :-
    memberchk(Meaning, [n(_), ty(_), ty_a, f(_), light(_), link(_), small(_), times(_), unit(_),
        half,
                        second, skip, reverse, main(_), cached, a, p(value), skip_cert, denied]),
    \+ memberchk(Meaning, [n(records), f(qm)]).
article_before(num(_)).
article_before(dur(_)).
article_before(u(_, _)).

noun_ahead -->
    peek(w(_, Meaning)),
    { memberchk(Meaning, [n(record), n(records), n(name), p(for), p(of), sep(and), p(value)]) }.

undo_ahead -->
    peek(w(_, Meaning)),
    { memberchk(Meaning, [that, pronoun, f(last), n(case), skip, main(change), light(_)]) }.

name_ahead -->
    peek(Token),
    { memberchk(Token, [host(_), u(_, _), quoted(_, [_])]) }.

address_ahead -->
    peek(Token),
    { memberchk(Token, [ip4(_), ip6(_), bad(_, _)]) }.

thing_ahead -->
    peek(Token),
    { memberchk(Token, [host(_), ip4(_), ip6(_), w(_, n(_)), w(_, ty(_)), w(_, link(_))]),
      \+ memberchk(Token, [w(_, n(change)), w(_, n(case))]) }.

%   Words that join a label to its value: "ttl of 300", "name is x", "type: A".
glue -->
    (   [w(_, Meaning)],
        { memberchk(Meaning, [p(of), p(to), p(eq), p(at), is, p(as), p(with)]) }
    ;   [colon]
    ;   [w(_, modal), w(_, link(be))]
    ),
    !.
glue -->
    [].

sign -->
    (   [w(_, p(eq))]
    ;   [colon]
    ;   [w(":", _)]
    ),
    !.
sign -->
    [].

type(Type) -->
    [w(_, Meaning)],
    { (   Meaning = ty(Type)
      ;   Meaning == ty_a,
          Type = 'A'
      ) },
    !.

%   Times.
ttl(Seconds) -->
    ttl_word,
    glue,
    ( [w(_, Article)], { memberchk(Article, [p(for), f(up)]) } ; [] ),
    ( duration(Seconds) ; number(Seconds) ),
    !.
ttl(Seconds) -->
    ( duration(Seconds) ; number(Seconds) ),
    ttl_word,
    \+ number_ahead,
    !.
ttl(Seconds) -->
    [w(_, p(for))],
    duration(Seconds),
    !.

ttl_word -->
    [w(_, Meaning)],
    { Meaning == n(ttl) ; Meaning == cached },
    !.
ttl_word -->
    [Token],
    { token_text(Token, Text) },
    idiom_rest(Text, n(ttl)),
    !.

number_ahead -->
    glue,
    ( [w("a", _)] ; [w("an", _)] ; [] ),
    ( [num(_)] ; [dur(_)] ; [w(_, small(_))] ; [w(_, half)] ),
    !.

duration(Seconds) -->
    span(Seconds0),
    (   ( [w(_, sep(and))] ; [] ),
        span(Seconds1)
    ->  { Seconds is Seconds0 + Seconds1 }
    ;   { Seconds = Seconds0 }
    ).

span(Seconds) -->
    [dur(Seconds)],
    !,
    ( [w(_, unit_after)] ; [] ).
span(Seconds) -->
    [w(_, half)],
    article,
    unit(Factor),
    !,
    { Seconds is Factor // 2 }.
span(Seconds) -->
    ( number(Number) ; article, { Number = 1 } ),
    unit(Factor),
    !,
    { Seconds is Number * Factor }.

unit(Factor) -->
    [w(_, Meaning)],
    { Meaning = unit(Factor) ; Meaning == second, Factor = 1 },
    !.

article --> [w("a", a)], !.
article --> [w("an", _)].

%   Numbers: 300, thirty, twenty five, one hundred and twenty, two thousand.
number(Number) -->
    [num(Number)],
    !.
number(Number) -->
    ( below_hundred(Head) ; article, { Head = 1 } ),
    [w(_, times(Factor))],
    !,
    { Number0 is Head * Factor },
    (   ( [w(_, sep(and))] ; [] ),
        below_hundred(Tail)
    ->  { Number is Number0 + Tail }
    ;   { Number = Number0 }
    ).
number(Number) -->
    below_hundred(Number).

below_hundred(Number) -->
    [w(_, small(Tens))],
    { Tens >= 20 },
    [w(_, small(Ones))],
    { Ones > 0, Ones < 10 },
    !,
    { Number is Tens + Ones }.
below_hundred(Number) -->
    [w(_, small(Number))].

%   priority 10, with a weight of 5, port 5060, 10 as priority
measure(Kind, Number) -->
    [w(_, n(Kind))],
    { memberchk(Kind, [priority, weight, port, flag]) },
    glue,
    number(Number),
    !.
measure(Kind, Number) -->
    number(Number),
    ( [w("as", _)], ( [w(_, skip)] ; [] ) ; [] ),
    [w(_, n(Kind))],
    { memberchk(Kind, [priority, weight, port]) },
    \+ number_ahead,
    !.
