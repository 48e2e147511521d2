%   SPDX-License-Identifier: Apache-2.0

:- module(record_kinds,
          [ slot/2,                     % +Ent, -Slot
            value_of/2,                 % +Ent, -Value
            reverse_tree/1,             % +Name
            segments/2,                 % +Ents, -Segments
            pairs/5,                    % +Segments, +Type, +Do, +Flags, -Recs
            mx/4,                       % +Ents, +Do, +Flags, -Recs
            srv/3,                      % +Ents, +Do, -Recs
            txt/3,                      % +Ents, +Do, -Recs
            caa/3                       % +Ents, +Do, -Recs
          ]).
:- use_module(library(lists), [member/2, memberchk/2, append/3, select/3]).
:- use_module(library(apply), [maplist/2, maplist/3, exclude/3]).
:- use_module(kb('1_words/address'), [reverse_name/2]).
:- use_module(values, [suffix_of/2]).

/** <module> Aliases, reverse names, mail, services, texts, authorities

For each kind of record whose value is no plain address: which entity is the name, which the value.
Recs as in records.pl, or what(Problem).
*/

%!  slot(+Ent, -Slot) is semidet.
%!  value_of(+Ent, -Value) is det.
%!  reverse_tree(+Name) is semidet.

slot(e(_, host, _), name).
slot(e(_, short, _), name).
slot(e(_, ip4, _), value).
slot(e(_, ip6, _), value).

value_of(e(_, _, Value), Value).

reverse_tree(Name) :-
    (   string_concat(_, ".in-addr.arpa", Name)
    ;   string_concat(_, ".ip6.arpa", Name)
    ),
    !.

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
    ;   RoleB == by
    ->  Domain = A, Host = B
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
