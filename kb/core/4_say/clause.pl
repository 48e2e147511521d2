%   SPDX-License-Identifier: Apache-2.0

:- module(clause,
          [ clauses/2                   % +Items, -Clauses
          ]).
:- use_module(library(lists), [member/2, memberchk/2, append/3, last/2, reverse/2]).

/** <module> Items become clauses: one thing to do, with everything said about it

A clause is cl(Verbs, Types, Flags, Nouns, Asks, Ents). Ents keeps the order of the sentence:
e(Role, Kind, Value) and sep. A sentence has several clauses where a joint ("and", a comma, a full
stop) is followed by a new verb, or by a new record type after a complete record; a clause without a
verb does what the one before does.
*/

%!  clauses(+Items, -Clauses:list) is det.

clauses(Items, Clauses) :-
    parts(Items, [], Parts),
    filled(Parts, none, Clauses).

%   parts(+Items, +Before, -Parts): Before is the clause so far, backwards.
parts([], Before, Parts) :-
    (   content(Before)
    ->  reverse(Before, Part),
        Parts = [Part]
    ;   Parts = []
    ).
parts([sep(Mark)|Items], Before, Parts) :-
    joints(Items, Next),
    (   Before = [_|_],
        again(Next, Rest),
        \+ complete(Before)
    ->  parts(Rest, [sep(Mark)|Before], Parts)
    ;   starts(Next, Before)
    ->  reverse(Before, Part),
        Parts = [Part|Parts1],
        parts(Next, [], Parts1)
    ;   parts(Next, [sep(Mark)|Before], Parts)
    ),
    !.
parts([Item|Items], Before, Parts) :-
    parts(Items, [Item|Before], Parts).

joints([sep(_)|Items], Next) :-
    !,
    joints(Items, Next).
joints(Next, Next).

content(Before) :-
    member(Item, Before),
    Item \= sep(_),
    !.

%   "create x and point it at y": one record, said in two verbs.
again([Verb, f(pronoun)|Rest], Rest) :-
    ties(Verb).
again([Verb, Up, f(pronoun)|Rest], Rest) :-
    ties(Verb),
    Up = f(up).
again([f(pronoun), f(should)|Rest0], Rest) :-
    tied(Rest0, Rest).
again([f(pronoun), p(be)|Rest], [p(be)|Rest]).

tied([Verb|Rest], Rest) :-
    ties(Verb),
    !.
tied(Rest, Rest).

ties(link(_)).
ties(light(give)).
ties(light(set)).
ties(light(make)).
ties(light(have)).
ties(main(add)).

starts([Item|_], Before) :-
    begins(Item),
    worded(Before),
    !.
starts([ty(_)|Items], Before) :-
    complete(Before),
    named(Items).
starts([f(new), ty(_)|Items], Before) :-
    complete(Before),
    named(Items).

%   A name of its own before the next joint.
named([Item|Items]) :-
    Item \= sep(_),
    (   Item = ent(host, _)
    ->  true
    ;   named(Items)
    ).

begins(main(_)).
begins(light(_)).
begins(doing(_)).
begins(link(point)).
begins(link(resolve)).
begins(ask(_)).

%   Before says already what to do, or names what to do it with.
worded(Before) :-
    member(Item, Before),
    says(Item),
    !.
worded(Before) :-
    complete(Before).

says(main(_)).
says(light(_)).
says(link(_)).
says(done(_)).
says(doing(_)).
says(ask(_)).

complete(Before) :-
    memberchk(ent(host, Name), Before),
    (   member(Item, Before),
        completes(Item, Name)
    ->  true
    ).

completes(ent(ip4, _), _).
completes(ent(ip6, _), _).
completes(ent(text, _), _).
completes(ent(q, _), _).
completes(ent(ttl, _), _).
completes(ent(host, Other), Name) :- Other \== Name.
completes(main(delete), _).

%   filled(+Parts, +VerbsBefore, -Clauses)
filled([], _, []).
filled([Part|Parts], Before, [Clause|Clauses]) :-
    collected(Part, none, Verbs0, Types, Flags, Nouns, Asks, Ents),
    (   Verbs0 == [],
        Asks == [],
        Before \== none
    ->  Verbs = Before
    ;   Verbs = Verbs0
    ),
    with_ttl(Nouns, Ents, Timed),
    Clause = cl(Verbs, Types, Flags, Nouns, Asks, Timed),
    filled(Parts, Verbs, Clauses).

%   "ttl … 600" with other words between: the number belongs to it.
with_ttl(Nouns, Ents0, Ents) :-
    (   memberchk(ttl, Nouns),
        \+ memberchk(e(_, ttl, _), Ents0)
    ->  without_old_ttl(Ents0, Ents1),
        (   append(Before, [e(_, Kind, Seconds)|After], Ents1),
            memberchk(Kind, [num, dur]),
            \+ ( member(e(_, Other, _), After), memberchk(Other, [num, dur]) )
        ->  append(Before, [e(none, ttl, Seconds)|After], Ents)
        ;   Ents = Ents0
        )
    ;   Ents = Ents0
    ).

without_old_ttl(Ents0, Ents) :-
    (   append(Before, [e(from, Kind, _), e(to, Kind2, New)|After], Ents0),
        memberchk(Kind, [num, dur]),
        memberchk(Kind2, [num, dur])
    ->  append(Before, [e(to, Kind2, New)|After], Ents)
    ;   Ents = Ents0
    ).

%   collected(+Items, +Role, -Verbs, -Types, -Flags, -Nouns, -Asks, -Ents)
collected([], Role, [], [], Flags, [], [], []) :-
    (   memberchk(Role, [none, colon])
    ->  Flags = []
    ;   Flags = [dangling(Role)]
    ).
collected([Item|Items], Role, V, T, F, N, A, E) :-
    sorted(Item, Items, Role, V, T, F, N, A, E).

sorted(ent(Kind, Value), [n(zone)|Items], Role, V, T, F, N, A, E), zone_kind(Kind) =>
    N = [zone|N1],
    E = [e(Role, zone, Value)|E1],
    collected(Items, none, V, T, F, N1, A, E1).
sorted(n(zone), [ent(Kind, Value)|Items], Role, V, T, F, N, A, E), zone_kind(Kind) =>
    N = [zone|N1],
    E = [e(Role, zone, Value)|E1],
    collected(Items, none, V, T, F, N1, A, E1).
sorted(n(zone), [p(called), ent(Kind, Value)|Items], Role, V, T, F, N, A, E), zone_kind(Kind) =>
    N = [zone|N1],
    E = [e(Role, zone, Value)|E1],
    collected(Items, none, V, T, F, N1, A, E1).
sorted(n(zone), [p(colon), ent(Kind, Value)|Items], Role, V, T, F, N, A, E), zone_kind(Kind) =>
    N = [zone|N1],
    E = [e(Role, zone, Value)|E1],
    collected(Items, none, V, T, F, N1, A, E1).
sorted(ent(q, Text-Inner), Items, Role, V, T, F, N, A, E) =>
    E = [e(Role, q, Text-Inner)|E1],
    collected(Items, none, V, T, F, N, A, E1).
sorted(ent(Kind, Value), Items, Role, V, T, F, N, A, E) =>
    E = [e(Role, Kind, Value)|E1],
    collected(Items, none, V, T, F, N, A, E1).
sorted(p(New), Items, Role, V, T, F, N, A, E) =>
    (   memberchk(Role, [from, old]),
        \+ memberchk(New, [value, called])
    ->  F = [lost(Role)|F1],
        collected(Items, New, V, T, F1, N, A, E)
    ;   memberchk(Role, [from, old])
    ->  collected(Items, Role, V, T, F, N, A, E)
    ;   collected(Items, New, V, T, F, N, A, E)
    ).
sorted(sep(_), Items, Role, V, T, F, N, A, E) =>
    (   E = [sep|E1],
        collected(Items, Role, V, T, F, N, A, E1)
    ).
sorted(ty(Type), Items, Role, V, T, F, N, A, E) =>
    T = [Type|T1],
    collected(Items, Role, V, T1, F, N, A, E).
sorted(f(Flag), Items, Role, V, T, F, N, A, E) =>
    F = [Flag|F1],
    collected(Items, Role, V, T, F1, N, A, E).
sorted(n(Noun), Items, Role, V, T, F, N, A, E) =>
    N = [Noun|N1],
    collected(Items, Role, V, T, F, N1, A, E).
sorted(ask(Word), Items, Role, V, T, F, N, A, E) =>
    A = [Word|A1],
    collected(Items, Role, V, T, F, N, A1, E).
sorted(Verb, Items, Role, V, T, F, N, A, E) =>
    V = [Verb|V1],
    collected(Items, Role, V1, T, F, N, A, E).

zone_kind(host).
zone_kind(short).
