%   SPDX-License-Identifier: Apache-2.0

:- module(records,
          [ record_family/3,            % +Clause, -Family, -Ents
            record_parts/5              % +Family, +Do, +Flags, +Ents, -Parts
          ]).
:- use_module(library(lists), [member/2, memberchk/2, append/3, select/3]).
:- use_module(library(apply), [maplist/3, maplist/4, exclude/3, partition/4]).
:- use_module(record_kinds,
              [ slot/2, value_of/2, reverse_tree/1, segments/2, pairs/5, mx/4, srv/3, txt/3,
                caa/3
              ]).
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
