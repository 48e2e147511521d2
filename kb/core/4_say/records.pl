%   SPDX-License-Identifier: Apache-2.0

:- module(records,
          [ record_family/3,            % +Clause, -Family, -Ents
            record_parts/5              % +Family, +Do, +Flags, +Ents, -Parts
          ]).
:- use_module(library(lists), [member/2, memberchk/2, append/3, select/3, subtract/3]).
:- use_module(library(apply), [maplist/2, maplist/3, include/3, exclude/3, partition/4]).
:- use_module(kb('1_words/address'), [reverse_name/2]).
:- use_module(values, [suffix_of/2, address_type/2]).

/** <module> Which entity is the name, which the value

The second grammar's heart. A family is how records of a kind are said; within a family the role of
each entity follows from its kind (an address is never a name) and, between two names,
    from the words
in front of them. Slots may stand in any order. Parts is

  - parts(Recs, Ttls): Recs are rec(Name, Type, Value, Old); a value that was not said is `none`
  - what(Problem): two readings are possible or something is left over; Problem is worded in ask.pl
*/

%!  record_family(+Clause, -Family, -Ents) is semidet.
%
%   Family is address, pair('CNAME'), pair('PTR'), mx, srv, txt, caa or only_name; Ents are the
%   entities of the clause with quotes taken off where a family does not want a text.

record_family(cl(Verbs, Types0, _, _, _, Ents0), Family, Ents) :-
    sort(Types0, Types),
    family(Types, Verbs, Ents0, Family),
    bare(Family, Ents0, Ents).

family([], Verbs, Ents, Family) =>
    (   ( has_kind(Ents, ip4) ; has_kind(Ents, ip6) )
    ->  Family = address([])
    ;   member(e(_, text, _), Ents)
    ->  Family = txt
    ;   names(Ents, Names),
        length(Names, Count)
    ->  (   member(Name, Names), reverse_tree(Name), Count >= 2
        ->  Family = pair("PTR")
        ;   has_kind(Ents, port), Count >= 1
        ->  Family = srv
        ;   Count >= 2,
            member(Verb, Verbs),
            memberchk(Verb, [link(_), main(repoint)])
        ->  Family = pair("CNAME")
        ;   Count >= 2,
            member(e(Arrow, host, _), Ents),
            memberchk(Arrow, [arrow, eq])
        ->  Family = pair("CNAME")
        ;   Family = only_name
        )
    ).
family(['A'], _, _, Family) => Family = address(["A"]).
family(['AAAA'], _, _, Family) => Family = address(["AAAA"]).
family(['A', 'AAAA'], _, _, Family) => Family = address(["A", "AAAA"]).
family(['CNAME'], _, _, Family) => Family = pair("CNAME").
family(['PTR'], _, _, Family) => Family = pair("PTR").
family(['A', 'PTR'], _, _, _) => fail.
family(['MX'], _, _, Family) => Family = mx.
family(['MX', 'SRV'], _, _, Family) => Family = mx.         % "mail service"
family(['SRV'], _, _, Family) => Family = srv.
family(['TXT'], _, _, Family) => Family = txt.
family(['CAA'], _, _, Family) => Family = caa.
family(['MX', 'TXT'], _, _, _) => fail.
family(_, _, _, _) => fail.

has_kind(Ents, Kind) :-
    member(e(_, Kind0, Value), Ents),
    (   Kind0 == Kind
    ;   Kind0 == q,
        Value = _-[Inner],
        functor(Inner, Kind, 1)
    ),
    !.

names(Ents, Names) :-
    findall(Name, ( member(e(_, Kind, Value), Ents), name_of(Kind, Value, Name) ), Names).

name_of(host, Name, Name).
name_of(short, Name, Name).
name_of(q, _-[host(Name)], Name).

reverse_tree(Name) :-
    (   string_concat(_, ".in-addr.arpa", Name)
    ;   string_concat(_, ".ip6.arpa", Name)
    ),
    !.

%   bare(+Family, +Ents0, -Ents): quotes are only meant where a text is wanted.
bare(Family, Ents0, Ents) :-
    (   memberchk(Family, [txt, caa])
    ->  findall(q, member(e(_, q, _), Ents0), Texts),
        (   Texts = [_, _|_]
        ->  append(Before, [e(Role, q, _-[host(Name)])|After], Ents0),
            append(Before, [e(Role, host, Name)|After], Ents),
            !
        ;   Ents = Ents0
        )
    ;   unquoted(Ents0, Ents)
    ).

unquoted([], []).
unquoted([e(Role, q, Text-Inner)|Ents0], Ents) :-
    !,
    (   inner(Inner, Role, Ents, Ents1)
    ->  true
    ;   Ents = [e(Role, text, Text)|Ents1]
    ),
    unquoted(Ents0, Ents1).
unquoted([Ent|Ents0], [Ent|Ents]) :-
    unquoted(Ents0, Ents).

inner([Token], Role, [e(Role, Kind, Value)|Ents], Ents) :-
    !,
    inner_one(Token, Kind, Value).
inner(Tokens, Role, Ents, Ents1) :-             % "10 mail.home.arpa" as one text
    append(Numbers, [host(Name)], Tokens),
    numbers(Numbers, Ents, [e(Role, host, Name)|Ents1]).

inner_one(host(Name), host, Name).
inner_one(ip4(Text), ip4, Text).
inner_one(ip6(Text), ip6, Text).
inner_one(num(Number), num, Number).
inner_one(u(_, Raw), short, Raw).
inner_one(w(Text, _), short, Text).
inner_one(bad(Kind, Raw), bad(Kind), Raw).

numbers([], Ents, Ents).
numbers([num(Number)|Tokens], [e(none, num, Number)|Ents], Ents1) :-
    numbers(Tokens, Ents, Ents1).

%!  record_parts(+Family, +Do, +Flags, +Ents, -Parts) is det.

record_parts(Family, Do, Flags, Ents0, Parts) :-
    without_ttls(Ents0, Ents1, Ttls),
    opened(Ents1, Ents2),
    zoned(Family, Do, Ents2, Ents),
    (   strange(Do, Family, Ents, Problem)
    ->  Parts = what(Problem)
    ;   parts(Family, Do, Flags, Ents, Recs)
    ->  (   Recs = what(Problem)
        ->  Parts = what(Problem)
        ;   Parts = parts(Recs, Ttls)
        )
    ;   Parts = what(unclear)
    ).

%   A time to live stands beside the slots: ttl(Seconds, Where), Where counts names before it.
without_ttls(Ents0, Ents, Ttls) :-
    ttls(Ents0, 0, Ents, Ttls).

ttls([], _, [], []).
ttls([e(_, ttl, Seconds)|Ents0], Names, Ents, [ttl(Seconds, Names)|Ttls]) :-
    !,
    ttls(Ents0, Names, Ents, Ttls).
ttls([Ent|Ents0], Names, [Ent|Ents], Ttls) :-
    (   Ent = e(_, Kind, _),
        memberchk(Kind, [host, ip4, ip6])
    ->  Names1 is Names + 1
    ;   Names1 = Names
    ),
    ttls(Ents0, Names1, Ents, Ttls).

%   "new record: x …": a sign before everything is only punctuation. Joints at the edges, too.
opened([sep|Ents0], Ents) :-
    !,
    opened(Ents0, Ents).
opened([e(Role, Kind, Value)|Ents], [e(none, Kind, Value)|Ents]) :-
    memberchk(Role, [colon, eq, arrow]),
    !.
opened(Ents, Ents).

%   "x in the zone z": the zone completes a short name, and must be above a full one.
zoned(Family, Do, Ents0, Ents) :-
    (   select(Ent, Ents0, Ents1),
        zone_entity(Family, Do, Ent, Ents1, Zone)
    ->  in_zone(Ents1, Zone, Ents)
    ;   Ents = Ents0
    ).

zone_entity(_, _, e(_, zone, Zone0), _, Zone) :-
    string_lower(Zone0, Zone).
zone_entity(_, _, e(in, Kind, Zone0), Ents, Zone) :-
    memberchk(Kind, [host, short]),
    member(e(_, Other, _), Ents),
    memberchk(Other, [host, short]),
    string_lower(Zone0, Zone).
zone_entity(Family, Do, e(Role, Kind, Zone0), Ents, Zone) :-
    memberchk(Kind, [host, short]),
    memberchk(Role, [to, from, on, at]),
    string_lower(Zone0, Zone),
    ( memberchk(Family, [address(_), only_name]) ; Do == delete, Family \== mx ),
    names(Ents, Names),
    Names = [_|_],
    \+ ( member(Name, Names), \+ suffix_of(Zone, Name) ).

in_zone([], _, []).
in_zone([e(Role, short, Short)|Ents0], Zone, [e(Role, host, Name)|Ents]) :-
    !,
    string_lower(Short, Lower),
    format(string(Name), "~s.~s", [Lower, Zone]),
    in_zone(Ents0, Zone, Ents).
in_zone([e(Role, host, Name)|Ents0], Zone, Ents) :-
    Role \== to, Role \== at, Role \== with,
    \+ suffix_of(Zone, Name),
    Name \== Zone,
    !,
    Ents = [e(Role, outside(Zone), Name)|Ents0].
in_zone([Ent|Ents0], Zone, [Ent|Ents]) :-
    in_zone(Ents0, Zone, Ents).

%   strange(+Do, +Family, +Ents, -Problem): a role that this family has no use for.
strange(_, _, Ents, outside(Name, Zone)) :-
    member(e(_, outside(Zone), Name), Ents),
    !.
strange(_, Family, Ents, left(Kind, Value)) :-
    member(e(_, Kind, Value), Ents),
    \+ kind_used(Family, Kind),
    !.
strange(Do, Family, Ents, role(Role, Value)) :-
    member(e(Role, _, Value), Ents),
    \+ role_used(Do, Role),
    \+ ( Family = pair(_), Role == from ),
    !.

kind_used(_, host).
kind_used(_, short).
kind_used(address(_), ip4).
kind_used(address(_), ip6).
kind_used(pair("PTR"), ip4).
kind_used(pair("PTR"), ip6).
kind_used(mx, num).
kind_used(mx, priority).
kind_used(srv, num).
kind_used(srv, priority).
kind_used(srv, weight).
kind_used(srv, port).
kind_used(txt, q).
kind_used(txt, text).
kind_used(caa, q).
kind_used(caa, text).
kind_used(caa, num).
kind_used(caa, flag).

role_used(Do, Role) :-
    (   memberchk(Role, [none, to, at, arrow, eq, colon, be, is, with, as, for, of, on, called,
        value, allow])
    ->  true
    ;   Do == change
    ->  memberchk(Role, [from, old, by])
    ;   Do == delete
    ->  Role == from
    ;   Do == add
    ->  memberchk(Role, [by])
    ).

%   parts(+Family, +Do, +Flags, +Ents, -Recs)
parts(address(Types), change, Flags, Ents, Recs) =>
    changed_addresses(Ents, Flags, Types, Recs).
parts(address(Types), Do, Flags, Ents, Recs) =>
    (   Do == add,
        Types = [_|_],
        \+ ( member(e(_, Kind, _), Ents), memberchk(Kind, [ip4, ip6]) ),
        Ents = [_|After],
        member(e(Role, _, Target), After),
        memberchk(Role, [to, at, arrow, eq, with, be])
    ->  Recs = what(no_address(Target, Types))
    ;   runs(Ents, Runs),
        address_recs(Runs, Types, Do, Flags, Recs)
    ).
parts(only_name, Do, _, Ents, Recs) =>
    only_names(Ents, Do, Recs).
parts(pair(Type), Do, Flags, Ents, Recs) =>
    segments(Ents, Segments),
    pairs(Segments, Type, Do, Flags, Recs).
parts(mx, Do, Flags, Ents, Recs) =>
    mx(Ents, Do, Flags, Recs).
parts(srv, Do, _, Ents, Recs) =>
    srv(Ents, Do, Recs).
parts(txt, Do, _, Ents, Recs) =>
    txt(Ents, Do, Recs).
parts(caa, Do, _, Ents, Recs) =>
    caa(Ents, Do, Recs).

%   Addresses: names and values alternate; which comes first, comes first everywhere.
%   runs(+Ents, -Runs): run(name|value, Ents) of neighbours; neighbours need a joint between.
runs([], []).
runs([sep|Ents], Runs) :-
    !,
    runs(Ents, Runs).
runs([Ent|Ents0], Runs) :-
    slot(Ent, Slot),
    same(Ents0, Slot, More, Ents),
    (   More == crowded
    ->  Runs = crowded
    ;   runs(Ents, Runs1),
        (   Runs1 == crowded
        ->  Runs = crowded
        ;   Runs = [run(Slot, [Ent|More])|Runs1]
        )
    ).

same([sep|Ents0], Slot, More, Ents) :-
    joined(Ents0, Next),
    Next = [Ent|Ents1],
    slot(Ent, Slot),
    !,
    same(Ents1, Slot, More1, Ents),
    (   More1 == crowded
    ->  More = crowded
    ;   More = [Ent|More1]
    ).
same([Ent|_], Slot, crowded, []) :-
    slot(Ent, Slot),
    !.
same(Ents, _, [], Ents).

joined([sep|Ents], Next) :- !, joined(Ents, Next).
joined(Next, Next).

slot(e(_, host, _), name).
slot(e(_, short, _), name).
slot(e(_, ip4, _), value).
slot(e(_, ip6, _), value).

address_recs(crowded, _, _, _, Recs) =>
    Recs = what(crowded).
address_recs([], _, _, _, Recs) =>
    Recs = [].
address_recs([run(name, Names)], Types, _, _, Recs) =>
    maplist(value_of, Names, Texts),
    (   Types = [_|_]
    ->  findall(rec(Name, Type, none, none), ( member(Name, Texts), member(Type, Types) ), Recs)
    ;   findall(rec(Name, none, none, none), member(Name, Texts), Recs)
    ).
address_recs([run(value, Values)], Types, _, _, Recs) =>
    findall(rec(none, Type, Value, none),
            ( member(e(_, Kind, Value), Values), address_type(Kind, Type) ), Recs0),
    (   fits(Recs0, Types)
    ->  Recs = Recs0
    ;   Recs = what(misfit(Types))
    ).
address_recs(Runs, Types, _, Flags, Recs) =>
    (   zipped(Runs, Flags, Recs0)
    ->  (   Recs0 = what(_)
        ->  Recs = Recs0
        ;   fits(Recs0, Types)
        ->  Recs = Recs0
        ;   Recs = what(misfit(Types))
        )
    ;   Recs = what(uneven)
    ).

value_of(e(_, _, Value), Value).

%   Each record is of a type that was said, and each type said has a record.
fits(_, []) :- !.
fits(Recs, Types) :-
    \+ ( member(rec(_, Type, _, _), Recs), \+ memberchk(Type, Types) ),
    \+ ( member(Type, Types), \+ memberchk(rec(_, Type, _, _), Recs) ).

zipped([], _, []).
zipped([run(Slot, As), run(_, Bs)|Runs], Flags, Recs) :-
    (   Slot == name
    ->  Names = As, Values = Bs
    ;   Names = Bs, Values = As
    ),
    (   crossed(Names, Values, Flags, Recs1)
    ->  zipped(Runs, Flags, Recs2),
        (   Recs2 = what(_)
        ->  Recs = Recs2
        ;   append(Recs1, Recs2, Recs)
        )
    ;   Recs = what(crossed)
    ).
zipped([run(name, [e(_, _, Name)|_])], _, what(valueless(Name))).

crossed(Names, Values, Flags, Recs) :-
    (   ( Names = [_] ; Values = [_] )
    ->  findall(Rec, ( member(Name, Names), member(Value, Values), address_rec(Name, Value, Rec) ),
                Recs)
    ;   memberchk(respectively, Flags),
        maplist(address_rec, Names, Values, Recs)
    ).

address_rec(e(_, _, Name), e(_, Kind, Value), rec(Name, Type, Value, none)) :-
    address_type(Kind, Type).

%   A change: one address may be the old one.
changed_addresses(Ents0, Flags, Types, Recs) :-
    partition(slot_is(value), Ents0, Addresses0, Others),
    exclude(==(sep), Addresses0, Addresses),
    (   old_and_new(Addresses, Flags, Old, New)
    ->  findall(Name, ( member(E, Others), slot(E, name), value_of(E, Name) ), Names0),
        ( Names0 == [] -> Names = [none] ; Names = Names0 ),
        New = e(_, Kind, Value),
        address_type(Kind, Type),
        (   Types = [_|_],
            \+ memberchk(Type, Types)
        ->  Recs = what(misfit(Types))
        ;   findall(rec(Name, Type, Value, Old), member(Name, Names), Recs)
        )
    ;   member(e(Role, _, _), Addresses),
        memberchk(Role, [from, old])
    ->  Recs = what(only_old)
    ;   runs(Ents0, Runs),
        address_recs(Runs, Types, change, Flags, Recs)
    ).

slot_is(Slot, Ent) :-
    slot(Ent, Slot).

old_and_new([New], _, none, New) :-
    New = e(Role, _, _),
    \+ memberchk(Role, [from, old]).
old_and_new([One, Two], Flags, Old, New) :-
    One = e(Role1, _, Value1),
    Two = e(Role2, _, Value2),
    (   memberchk(Role1, [from, old]),
        \+ memberchk(Role2, [from, old])
    ->  New = Two, Old = Value1
    ;   memberchk(Role2, [from, old]),
        \+ memberchk(Role1, [from, old])
    ->  New = One, Old = Value2
    ;   memberchk(Role2, [to, with, by, arrow, be, as]),
        memberchk(Role1, [none, of, value, on, colon]),
        \+ memberchk(respectively, Flags)
    ->  New = Two, Old = Value1
    ).

only_names(Ents, Do, Recs) :-
    findall(Name, ( member(E, Ents), slot(E, name), value_of(E, Name) ), Names),
    (   Names = [_, _|_],
        Do \== delete,
        member(e(Role, _, _), Ents),
        memberchk(Role, [to, at, with, as, be, by, is, from])
    ->  Names = [One, Two|_],
        Recs = what(two_names(One, Two))
    ;   runs(Ents, Runs),
        (   Runs == crowded
        ->  Recs = what(crowded)
        ;   findall(rec(Name, none, none, none), member(Name, Names), Recs)
        )
    ).

%   Pairs of names: an alias and what it stands for; an address and its name.
%   segments(+Ents, -Segments): lists of entities between joints.
segments(Ents, Segments) :-
    segment(Ents, Segment, Rest),
    (   Rest == []
    ->  Segments0 = []
    ;   segments(Rest, Segments0)
    ),
    (   Segment == []
    ->  Segments = Segments0
    ;   Segments = [Segment|Segments0]
    ).

segment([], [], []).
segment([sep|Rest], [], Rest) :- !.
segment([Ent|Ents], [Ent|Segment], Rest) :-
    segment(Ents, Segment, Rest).

pairs([], _, _, _, Recs) => Recs = [].
pairs(Segments, Type, delete, _, Recs), \+ ( member([_, _|_], Segments) ) =>
    findall(Ent, member([Ent], Segments), Ents),
    maplist(lone(Type), Ents, Recs).
pairs([[Ent]], Type, Do, _, Recs) =>
    Recs = [Rec],
    lone(Type, Ent, Rec0),
    (   Type == "CNAME",
        Do \== change,
        Ent = e(Role, _, Target),
        memberchk(Role, [to, at])
    ->  Rec = rec(none, "CNAME", Target, none)
    ;   Rec = Rec0
    ).
pairs(Segments, Type, Do, Flags, Recs), all_pairs(Segments) =>
    pair_each(Segments, Type, Do, Flags, Recs).
pairs([[One], [Two]], Type, Do, Flags, Recs), told_apart(One, Two, Do) =>
    pair_each([[One, Two]], Type, Do, Flags, Recs).
pairs(Segments, Type, Do, Flags, Recs) =>       % "a, b and c to d", "a and b for d"
    (   append(Singles, [[Last, Target]], Segments),
        maplist(single, Singles, Names),
        pair_each([[Last, Target]], Type, Do, Flags, Found),
        Found = [rec(Name, _, Value, Old)],
        Last = e(_, _, Name)
    ->  append(Names, [Last], All),
        findall(rec(N, Type, Value, Old), member(e(_, _, N), All), Recs)
    ;   Segments = [[Target, First]|Singles],
        maplist(single, Singles, Names),
        pair_each([[Target, First]], Type, Do, Flags, Found),
        Found = [rec(Name, _, Value, Old)],
        First = e(_, _, Name)
    ->  findall(rec(N, Type, Value, Old), member(e(_, _, N), [First|Names]), Recs)
    ;   Recs = what(unclear)
    ).

told_apart(e(Role1, _, _), e(Role2, _, _), _) :-
    (   memberchk(Role1, [for, of]),
        memberchk(Role2, [to, at, arrow, eq, be, with, called, none])
    ;   memberchk(Role2, [to, at, arrow, be, with])
    ),
    !.

all_pairs(Segments) :-
    \+ ( member(Segment, Segments), Segment \= [_, _], Segment \= [_, _, _] ).

single([Ent], Ent).

lone("PTR", e(_, Kind, Text), rec(Name, "PTR", none, none)) :-
    memberchk(Kind, [ip4, ip6]),
    !,
    reverse_name(Text, Name).
lone(Type, e(_, _, Name), rec(Name, Type, none, none)).

pair_each([], _, _, _, []).
pair_each([Segment|Segments], Type, Do, Flags, Recs) :-
    pair(Segment, Type, Do, Rec),
    (   Rec = what(_)
    ->  Recs = Rec
    ;   pair_each(Segments, Type, Do, Flags, Recs1),
        (   Recs1 = what(_)
        ->  Recs = Recs1
        ;   Recs = [Rec|Recs1]
        )
    ).

pair([A, B, C], Type, change, Rec) :-
    !,
    (   select(e(Role, _, Old), [A, B, C], [D, E]),
        memberchk(Role, [from, old])
    ->  pair([D, E], Type, change, Rec0),
        (   Rec0 = rec(Name, Type, Value, none)
        ->  Rec = rec(Name, Type, Value, Old)
        ;   Rec = Rec0
        )
    ;   Rec = what(unclear)
    ).
pair([_, _, _], _, _, what(unclear)).
pair([A, B], "PTR", _, Rec) :-
    !,
    (   select(e(_, Kind, Address), [A, B], [e(_, _, Name)]),
        memberchk(Kind, [ip4, ip6])
    ->  (   \+ reverse_tree(Name),
            reverse_name(Address, Reverse)
        ->  Rec = rec(Reverse, "PTR", Name, none)
        ;   Rec = what(unclear)
        )
    ;   select(e(_, host, Reverse), [A, B], [e(_, _, Name)]),
        reverse_tree(Reverse),
        \+ reverse_tree(Name)
    ->  Rec = rec(Reverse, "PTR", Name, none)
    ;   Rec = what(unclear)
    ).
pair([A, B], Type, Do, Rec) :-
    A = e(RoleA, _, NameA),
    B = e(RoleB, _, NameB),
    (   Do == change,
        memberchk(RoleA, [from, old])
    ->  Rec = what(only_old)
    ;   Do == change,
        memberchk(RoleB, [from, old])
    ->  Rec = what(only_old)
    ;   target_first(RoleA, RoleB, First)
    ->  (   First == yes
        ->  Rec = rec(NameB, Type, NameA, none)
        ;   Rec = rec(NameA, Type, NameB, none)
        )
    ;   Rec = what(direction(NameA, NameB, Type))
    ).

%   target_first(+RoleA, +RoleB, -YesNo): is the first name what the second stands for?
target_first(A, B, First) :-
    (   target(B), \+ target(A)
    ->  First = no
    ;   target(A), \+ target(B)
    ->  First = yes
    ;   target(A), target(B)
    ->  fail
    ;   memberchk(B, [called, as]),
        \+ memberchk(A, [called, as])
    ->  First = yes
    ;   memberchk(A, [called, as]),
        \+ memberchk(B, [called, as])
    ->  First = no
    ;   memberchk(B, [for, of]),
        memberchk(A, [none, on])
    ->  First = no
    ;   A == none,
        B == none
    ->  First = no
    ;   B == from,
        A == none
    ->  First = no
    ).

target(to).
target(at).
target(arrow).
target(eq).
target(be).
target(is).
target(with).
target(value).
target(colon).
target(by).

%   Mail: a domain, an exchanger, a preference.
mx(Ents0, Do, Flags, Recs) :-
    exclude(==(sep), Ents0, Ents1),
    preference(Ents1, Preference, Ents2, Marked),
    (   Preference == what
    ->  Recs = what(unclear)
    ;   Ents2 = [e(Role, _, Name)]
    ->  (   ( Marked == Name ; Do \== delete, memberchk(Role, [to, at, with, be, value, by]) )
        ->  Recs = [rec(none, "MX", Value, none)],
            mx_value(Preference, Name, Value)
        ;   Recs = [rec(Name, "MX", none, none)]
        )
    ;   Ents2 = [A, B]
    ->  (   mx_roles(A, B, Marked, Do-Flags, Domain, Host)
        ->  (   Preference == none
            ->  Recs = what(no_preference(Domain, Host))
            ;   mx_value(Preference, Host, Value),
                Recs = [rec(Domain, "MX", Value, none)]
            )
        ;   Recs = what(unclear)
        )
    ;   Ents2 == []
    ->  Recs = [rec(none, "MX", none, none)]
    ;   Recs = what(several("MX"))
    ).

mx_value(none, _, none) :- !.
mx_value(Preference, Host, Value) :-
    format(string(Value), "~d ~s", [Preference, Host]).

%   preference(+Ents0, -Number, -Ents, -Marked): Marked is the host right behind the number.
preference(Ents0, Number, Ents, Marked) :-
    findall(N, ( member(e(_, Kind, N), Ents0), memberchk(Kind, [num, priority]) ), Numbers),
    (   Numbers == []
    ->  Number = none, Ents = Ents0, Marked = none
    ;   Numbers = [Number],
        Number =< 65535
    ->  append(Before, [e(_, Kind, Number)|After], Ents0),
        memberchk(Kind, [num, priority]),
        append(Before, After, Ents),
        (   Kind == num,
            After = [e(Role, _, Host)|_],
            memberchk(Role, [none, to, at, value])
        ->  Marked = Host
        ;   Marked = none
        )
    ;   Number = what, Ents = Ents0, Marked = none
    ),
    !.

mx_roles(e(RoleA, _, A), e(RoleB, _, B), Marked, Do-Flags, Domain, Host) :-
    (   Marked \== none
    ->  (   Marked == A -> Host = A, Domain = B ; Host = B, Domain = A )
    ;   RoleB == to,
        RoleA == none,
        suffix_of(B, A)
    ->  Domain = B, Host = A
    ;   RoleB == from
    ->  Domain = B, Host = A
    ;   Do == add,                              % "add MX x to y" is said of both
        RoleB == to,
        RoleA == none,
        \+ memberchk(linked, Flags),
        \+ suffix_of(A, B)
    ->  fail
    ;   carrier(RoleB), \+ carrier(RoleA)
    ->  Domain = A, Host = B
    ;   carrier(RoleA), \+ carrier(RoleB)
    ->  Domain = B, Host = A
    ;   carrier(RoleA)
    ->  fail
    ;   memberchk(RoleA, [for, of, on]), \+ memberchk(RoleB, [for, of, on])
    ->  Domain = A, Host = B
    ;   memberchk(RoleB, [for, of, on]), \+ memberchk(RoleA, [for, of, on])
    ->  Domain = B, Host = A
    ;   memberchk(RoleA, [none, called]), RoleB == none
    ->  Domain = A, Host = B
    ).

carrier(to).
carrier(at).
carrier(arrow).
carrier(eq).
carrier(be).
carrier(is).
carrier(with).
carrier(by).
carrier(as).
carrier(value).
carrier(colon).

%   Services: the name begins with an underscore; priority, weight, port, target.
srv(Ents0, Do, Recs) :-
    exclude(==(sep), Ents0, Ents),
    findall(Name, ( member(E, Ents), slot(E, name), value_of(E, Name) ), Names),
    findall(N, member(e(_, num, N), Ents), Numbers),
    measured(Ents, priority, P),
    measured(Ents, weight, W),
    measured(Ents, port, O),
    (   select(Service, Names, Hosts),
        sub_string(Service, 0, 1, _, "_")
    ->  true
    ;   Service = none,
        Hosts = Names
    ),
    (   Do == delete, Hosts == [], Service \== none, Numbers == []
    ->  Recs = [rec(Service, "SRV", none, none)]
    ;   Do == delete, Service == none, Hosts = [One], Numbers == []
    ->  Recs = [rec(One, "SRV", none, none)]
    ;   Hosts = [Host],
        three(Numbers, P, W, O, Three)
    ->  Three = [Priority, Weight, Port],
        format(string(Value), "~d ~d ~d ~s", [Priority, Weight, Port, Host]),
        Recs = [rec(Service, "SRV", Value, none)]
    ;   Hosts = [_, _|_]
    ->  Recs = what(unclear)
    ;   lacking(Hosts, P, W, O, Lacking),
        Recs = what(service_lacks(Service, Lacking))
    ).

measured(Ents, Kind, Number) :-
    findall(N, member(e(_, Kind, N), Ents), Ns),
    (   Ns = [Number]
    ->  true
    ;   Number = none
    ).

three([P, W, O], none, none, none, Three) => Three = [P, W, O].
three([], P, W, O, Three), integer(P), integer(W), integer(O) => Three = [P, W, O].
three([P], none, W, O, Three), integer(W), integer(O) => Three = [P, W, O].
three([P, W], none, none, O, Three), integer(O) => Three = [P, W, O].
three(_, _, _, _, _) => fail.

lacking(Hosts, P, W, O, Lacking) :-
    findall(Word,
            (   Hosts == [], Word = "target"
            ;   P == none, Word = "priority"
            ;   W == none, Word = "weight"
            ;   O == none, Word = "port"
            ),
            Lacking).

%   Texts.
txt(Ents0, _, Recs) :-
    exclude(==(sep), Ents0, Ents),
    findall(Name, ( member(E, Ents), slot(E, name), value_of(E, Name) ), Names),
    findall(Text, text_of(Ents, Text), Texts),
    (   Texts = [_, _|_]
    ->  Recs = what(several("TXT"))
    ;   Names = [_, _|_],
        Texts == []
    ->  Recs = what(text_unquoted)
    ;   ( Texts = [Text] -> true ; Text = none ),
        ( Names == [] -> All = [none] ; All = Names ),
        findall(rec(Name, "TXT", Text, none), member(Name, All), Recs)
    ).

text_of(Ents, Text) :-
    member(e(_, q, Text-_), Ents).
text_of(Ents, Text) :-
    member(e(_, text, Text), Ents).

%   Certificate authorities: flags, a tag, and who may issue.
caa(Ents0, Do, Recs) :-
    exclude(==(sep), Ents0, Ents1),
    caa_flag(Ents1, Flag, Ents2),
    caa_tag(Ents2, Tag, Ents),
    (   caa_roles(Ents, Domain, Authority)
    ->  (   Authority == none
        ->  Recs = [rec(Domain, "CAA", none, none)]
        ;   sub_string(Authority, _, 1, _, "\"")
        ->  Recs = [rec(Domain, "CAA", Authority, none)]
        ;   integer(Flag),
            Flag > 255
        ->  Recs = what(unclear)
        ;   Do \== nothing,
            format(string(Value), "~d ~s \"~s\"", [Flag, Tag, Authority]),
            Recs = [rec(Domain, "CAA", Value, none)]
        )
    ;   Recs = what(unclear)
    ).

caa_flag(Ents0, Flag, Ents) :-
    (   select(e(_, Kind, Flag0), Ents0, Ents1),
        memberchk(Kind, [num, flag])
    ->  Flag = Flag0, Ents = Ents1
    ;   Flag = 0, Ents = Ents0
    ).

caa_tag(Ents0, Tag, Ents) :-
    (   select(e(_, short, Word), Ents0, Ents1),
        memberchk(Word, ["issuewild", "iodef", "issuemail"])
    ->  Tag = Word, Ents = Ents1
    ;   Tag = "issue", Ents = Ents0
    ).

caa_roles(Ents, Domain, Authority) :-
    (   Ents = [e(_, host, Domain0)]
    ->  Domain = Domain0, Authority = none
    ;   Ents == []
    ->  Domain = none, Authority = none
    ;   Ents = [_, _],
        select(e(Role, Kind, Value), Ents, [e(Role2, host, Other)]),
        (   Kind == q
        ->  Value = Text-_
        ;   memberchk(Kind, [host, text]),
            Text = Value
        ),
        ( Role == allow ; memberchk(Kind, [q, text]) ),
        Role2 \== allow
    ->  Domain = Other, Authority = Text
    ;   Ents = [e(RoleA, host, A), e(RoleB, host, B)],
        target_first(RoleA, RoleB, First),
        (   memberchk(RoleA, [for, of, on])
        ->  Domain = A, Authority = B
        ;   memberchk(RoleB, [for, of])
        ->  Domain = B, Authority = A
        ;   First == no
        ->  Domain = A, Authority = B
        ;   Domain = B, Authority = A
        )
    ).
