%   SPDX-License-Identifier: Apache-2.0

:- module(dns_questions,
          [ dns_question/2              % +Clause, -Reading
          ]).
:- use_module(library(lists), [member/2, memberchk/2, append/3, subtract/3]).
:- use_module(kb('1_words/address'), [reverse_name/2]).
:- use_module(values, [params/2, owned_zone/1, zone_above/2]).

/** <module> dns_lookup and dns_record_list: questions, which change nothing

One name and what it resolves to is a lookup; the records of a zone are a list. "In", a plural noun
("records", "names") without a question about one type, and a zone of ours make the difference.
*/

%!  dns_question(+Clause, -Reading) is semidet.

dns_question(cl(Verbs, Types0, Flags, Nouns, Asks, Ents0), Reading) :-
    \+ memberchk(how, Asks),
    \+ memberchk(was, Asks),
    subtract(Nouns, [record, records, dns, name, names, host, hosts, address, zone, domain,
        server, nodes, ttl,
                     lookup_of], []),
    \+ ( member(Flag, Flags), \+ harmless(Flag) ),
    asked(Types0, Types),
    unquoted(Ents0, Ents1),
    (   append(Front, Back, Ents1), Back \== [], \+ member(e(_, _, _), Back)
    ->  Ents2 = Front
    ;   Ents2 = Ents1
    ),
    \+ ( member(e(Role, _, _), Ents2), memberchk(Role, [old, arrow, allow, called_not]) ),
    sought(Ents2, What),
    question(What, Verbs, Types, Flags, Nouns, Asks, Reading).

harmless(qm).
harmless(all).
harmless(any).
harmless(now).
harmless(old).
harmless(should).
harmless(up).
harmless(out).
harmless(both).
harmless(is).
harmless(person).
harmless(dangling(Role)) :- memberchk(Role, [to, at, in, for, of, as, is, on, with, value]).

%   "any" and the like read as no type; the rest by name.
asked(Types0, Types) :-
    findall(Text, ( member(Type, Types0), Type \== other, atom_string(Type, Text) ), Types1),
    sort(0, @<, Types1, Types),
    \+ memberchk(other, Types0).

unquoted([], []).
unquoted([e(Role, q, _-[Token])|Ents0], [e(Role, Kind, Value)|Ents]) :-
    !,
    token_entity(Token, Kind, Value),
    unquoted(Ents0, Ents).
unquoted([Ent|Ents0], [Ent|Ents]) :-
    unquoted(Ents0, Ents).

token_entity(host(Name), host, Name).
token_entity(ip4(Text), ip4, Text).
token_entity(ip6(Text), ip6, Text).
token_entity(u(Text, _), short, Text).

%   sought(+Ents, -What): zone(Z), in(Z), names(Names), address(Text), both(Name), nothing, short(S)
sought(Ents, What) :-
    findall(E, ( member(E, Ents), E = e(_, _, _) ), Es),
    what(Es, What).

what([], What) => What = nothing.
what([e(_, zone, Zone)], What) => lower(Zone, Z), What = zone(Z).
what([e(in, Kind, Zone)], What), memberchk(Kind, [host, short]) => lower(Zone, Z), What = zone(Z).
what([e(Role, short, Word)], What) =>
    lower(Word, Z),
    (   owned_zone(Z)
    ->  What = known(Z)
    ;   What = short(Role, Z)
    ).
what([e(_, host, Name)], What) => What = names([Name]).
what([e(_, Kind, Text)], What), memberchk(Kind, [ip4, ip6]) => What = address(Text).
what([e(_, host, Name), e(_, Kind, Value)], What), memberchk(Kind, [ip4, ip6]) =>
    What = both(Name, Kind, Value).
what([e(_, host, Name), e(Role, zone, Zone0)], What) =>
    lower(Zone0, Zone),
    Role \== none,
    What = name_in(Name, Zone).
what([e(_, host, Name), e(in, Kind, Zone0)], What), memberchk(Kind, [host, short]) =>
    lower(Zone0, Zone),
    What = name_in(Name, Zone).
what([e(_, short, Word), e(Role, Kind, Zone0)], What), Role == in, memberchk(Kind, [host, zone]) =>
    lower(Zone0, Zone),
    lower(Word, Short),
    format(string(Name), "~s.~s", [Short, Zone]),
    What = names([Name]).
what(Es, What) =>
    findall(Name, member(e(_, host, Name), Es), Names),
    length(Es, Count),
    length(Names, Count),
    What = names(Names).

lower(Text, Lower) :-
    string_lower(Text, Lower).

%   question(+What, +Verbs, +Types, +Flags, +Nouns, +Asks, -Reading)
question(nothing, _, Types, _, Nouns, Asks, Reading) =>
    (   ( plural(Nouns) ; memberchk(zone, Nouns), memberchk(record, Nouns) )
    ->  first_type(Types, Type),
        params(["type"-Type], Params),
        Reading = ask("Of which zone shall I list the records? Name it, such as home.arpa.",
            ["zone"],
                      "dns_record_list", Params)
    ;   ( memberchk(address, Nouns) ; Types = [_|_] ; memberchk(record, Nouns) ; memberchk(where,
        Asks), memberchk(host, Nouns) )
    ->  first_type(Types, Type),
        params(["type"-Type], Params),
        Reading = ask("Which name shall I look up? Write it in full, such as nas.home.arpa.",
            ["name"],
                      "dns_lookup", Params)
    ).
question(zone(Zone), _, Types, _, Nouns, Asks, Reading) =>
    \+ ( memberchk(address, Nouns), \+ plural(Nouns) ),
    memberchk_any(Asks, Nouns, Types),
    list_reading(Zone, Types, none, Reading).
question(known(Zone), Verbs, Types, Flags, Nouns, Asks, Reading) =>
    (   Types = [_|_],
        \+ lists(Verbs, Flags, Nouns, Asks)
    ->  lookups([Zone], Types, Nouns, Reading)
    ;   ( lists(Verbs, Flags, Nouns, Asks) ; shows(Verbs) ),
        list_reading(Zone, Types, none, Reading)
    ).
question(short(Role, Word), Verbs, Types, Flags, Nouns, Asks, Reading) =>
    (   memberchk(Role, [of, for, from, on]),
        lists(Verbs, Flags, Nouns, Asks)
    ->  list_reading(Word, Types, none, Reading)
    ;   memberchk(Role, [of, for, none, called]),
        ( memberchk(address, Nouns) ; Types = [_|_] ; looks(Verbs) ; Asks = [_|_], Nouns == [],
            Verbs = [link(_)|_]
        ; memberchk(where, Asks) )
    ->  format(string(Text),
               "What is the full name of '~s'? Write it with its zone, such as ~s.home.arpa.",
                   [Word, Word]),
        Reading = ask(Text, ["name"], "dns_lookup", obj([]))
    ).
question(name_in(Name, Zone), _, Types, _, _, _, Reading) =>
    lookup_type(Types, [], Types1),
    (   string_concat(_, Zone, Name)
    ->  lookups_typed([Name], Types1, Reading)
    ;   Reading = ask("Which name in which zone do you mean?", ["name"], "dns_lookup", obj([]))
    ).
question(names(Names), Verbs, Types, Flags, Nouns, Asks, Reading) =>
    (   Names = [Name],
        lists(Verbs, Flags, Nouns, Asks),
        \+ ( Types = [_|_], memberchk_typed(Asks) ),
        \+ memberchk(address, Nouns)
    ->  (   owned_zone(Name)
        ->  list_reading(Name, Types, none, Reading)
        ;   zone_above(Name, Zone)
        ->  list_reading(Zone, Types, Name, Reading)
        ;   list_reading(Name, Types, none, Reading)
        )
    ;   Names = [Name],
        Types == [],
        shows(Verbs),
        Nouns == [],
        owned_zone(Name)
    ->  list_reading(Name, Types, none, Reading)
    ;   lookups(Names, Types, Nouns, Reading)
    ).
question(address(Text), _, Types, _, Nouns, _, Reading) =>
    subtract(Types, ["PTR", "A", "AAAA"], []),
    \+ memberchk(records, Nouns),
    reverse_name(Text, Name),
    params(["name"-Name, "type"-"PTR"], Params),
    Reading = act(["dns_lookup"-Params]).
question(both(Name, Kind, _), _, Types, _, Nouns, Asks, Reading) =>
    Asks = [_|_],
    (   Types == []
    ->  ( Kind == ip4 -> Types1 = ["A"] ; Types1 = ["AAAA"] )
    ;   Types1 = Types
    ),
    lookups([Name], Types1, Nouns, Reading).
question(_, _, _, _, _, _, _) => fail.

%   "Which A records are there for x" asks for one type of one name.
memberchk_typed(Asks) :-
    member(Ask, Asks),
    memberchk(Ask, [what, does, is, there]),
    !.

%   A zone alone says too little: there must be a word about what is in it.
memberchk_any(_, _, _).

plural(Nouns) :-
    member(Noun, Nouns),
    memberchk(Noun, [records, names, hosts, nodes]),
    !.

lists(Verbs, Flags, Nouns, Asks) :-
    (   plural(Nouns)
    ;   memberchk(main(list), Verbs),
        \+ memberchk(record, Nouns)
    ;   memberchk(all, Flags), memberchk(record, Nouns)
    ;   memberchk(all, Flags), shows(Verbs)
    ;   memberchk(zone, Nouns), shows(Verbs), Asks == []
    ),
    !.

shows(Verbs) :-
    member(Verb, Verbs),
    memberchk(Verb, [main(show), main(list), main(give_me)]),
    !.

looks(Verbs) :-
    member(Verb, Verbs),
    memberchk(Verb, [main(lookup), link(resolve), light(look), light(find), link(exist),
        main(show)]),
    !.

list_reading(Zone, Types, Name, Reading) :-
    (   Types = [_, _|_]
    ->  findall("dns_record_list"-Params,
                ( member(Type, Types), params(["zone"-Zone, "type"-Type, "name"-Name], Params) ),
                    Intents)
    ;   first_type(Types, Type),
        params(["zone"-Zone, "type"-Type, "name"-Name], Params),
        Intents = ["dns_record_list"-Params]
    ),
    Reading = act(Intents).

first_type([], none).
first_type([Type|_], Type).

lookups(Names, Types0, Nouns, Reading) :-
    lookup_type(Types0, Nouns, Types),
    lookups_typed(Names, Types, Reading).

%   "A reverse lookup of x" is about an address; a name has none.
lookup_type([], _, Types) => Types = [none].
lookup_type(Types0, _, Types) => Types = Types0.

lookups_typed(Names, Types, act(Intents)) :-
    findall("dns_lookup"-Params,
            ( member(Name, Names), member(Type, Types), params(["name"-Name, "type"-Type],
                Params) ),
            Intents).
