%   SPDX-License-Identifier: Apache-2.0

:- module(others,
          [ other_request/4             % +Do, +Clause, +Principal, -Reading
          ]).
:- use_module(library(lists), [member/2, memberchk/2, subtract/3]).
:- use_module(kb('2_seen/state'), []).
:- use_module(kb('3_rules/action'), []).
:- use_module(tokens, [name_text/1]).
:- use_module(values, [params/2]).

/** <module> Zones, playbooks, cases, nodes, and "undo that" */

%!  other_request(+Do, +Clause, +Principal, -Reading) is semidet.
%
%   False if the clause is about records.

other_request(undo, Clause, Principal, Reading) =>
    undo(Clause, Principal, Reading).
other_request(explain, Clause, _, Reading) =>
    explained(Clause, Reading).
other_request(run, Clause, _, Reading) =>
    playbook(Clause, Reading).
other_request(observe, Clause, _, Reading) =>
    (   about_case(Clause)
    ->  explained(Clause, Reading)
    ;   nodes(Clause, Reading)
    ).
other_request(add, Clause, _, Reading) =>
    zone("dns_zone_create", dns_zone_create, Clause, Reading).
other_request(delete, Clause, _, Reading) =>
    zone("dns_zone_delete", dns_zone_delete, Clause, Reading).
other_request(unsaid, Clause, _, Reading) =>
    about_case(Clause),
    explained(Clause, Reading).
other_request(_, _, _, _) =>
    fail.

%   Zones: the noun, one name, and no record of any kind.
zone(Action, Known, cl(_, Types, Flags, Nouns, Asks, Ents), Reading) :-
    ( memberchk(zone, Nouns) ; memberchk(zones, Nouns) ; memberchk(domain, Nouns),
        Known == dns_zone_create ),
    Types == [],
    Asks == [],
    \+ memberchk(record, Nouns),
    \+ memberchk(records, Nouns),
    subtract(Nouns, [zone, zones, domain, dns, name, server], []),
    \+ ( member(Flag, Flags), \+ zone_flag(Flag) ),
    \+ ( member(e(_, Kind, _), Ents), \+ memberchk(Kind, [zone, host, short, q]) ),
    findall(Name, ( member(e(Role, Kind, Value), Ents), zone_said(Role, Kind, Value, Name) ),
        Names),
    zone_key(Known, Key),
    (   Names == []
    ->  Reading = ask("Which zone do you mean? Name it in full, such as lab.home.arpa.", [Key],
        Action, obj([]))
    ;   member(e(Role, Kind, _), Ents),
        ( Kind \== q, memberchk(Role, [from, in, old, by, at, arrow]) )
    ->  fail
    ;   \+ ( member(Name, Names), \+ name_text(Name) ),
        (   Names = [_]
        ->  true
        ;   memberchk(sep, Ents)
        )
    ->  findall(Action-Params, ( member(Name, Names), params([Key-Name], Params) ), Intents),
        Reading = act(Intents)
    ).

zone_flag(new).
zone_flag(qm).
zone_flag(now).
zone_flag(up).
zone_flag(out).
zone_flag(asking).
zone_flag(should).
zone_flag(old).
zone_flag(both).
zone_flag(dangling(Role)) :- memberchk(Role, [for, called, of]).

zone_said(_, zone, Zone, Name) :- string_lower(Zone, Name).
zone_said(_, host, Name, Name).
zone_said(_, short, Zone, Name) :- string_lower(Zone, Name).
zone_said(_, q, _-[host(Name)], Name).
zone_said(_, q, _-[u(Name, _)], Name).

%   The catalogue says how the parameter is called.
zone_key(Action, Key) :-
    (   predicate_property(action:parameter(_, _, _, _, _), defined),
        action:parameter(Action, Name, zone, required, _)
    ->  atom_string(Name, Key)
    ;   Key = "zone"
    ).

%   Playbooks: one path or word, variables, nothing else.
playbook(cl(Verbs, Types, Flags, Nouns, Asks, Ents0), Reading) :-
    Asks == [],
    \+ ( member(Verb, Verbs), \+ memberchk(Verb, [main(run), doing(run), light(_)]) ),
    \+ ( member(Flag, Flags), \+ memberchk(Flag, [qm, now, asking, all, up, should]) ),
    subtract(Nouns, [playbook, ansible, variable, name, job], []),
    variables(Ents0, Ents, Variables),
    findall(Name, ( member(e(_, Kind, Value), Ents), book(Kind, Value, Name) ), Books),
    findall(x, member(e(_, _, _), Ents), Entities),
    length(Entities, Count),
    length(Books, Count),
    (   Books = [Book],
        ( Types == [] ; memberchk(playbook, Nouns) )
    ->  (   Variables == []
        ->  Given = none
        ;   Given = obj(Variables)
        ),
        params(["playbook"-Book, "variables"-Given], Params),
        Reading = act(["playbook_run"-Params])
    ;   Books == [],
        ( memberchk(playbook, Nouns) ; memberchk(ansible, Nouns) )
    ->  Reading = ask("Which playbook shall I run? Name its file, such as \c
        services/dns/zone.yml.", ["playbook"],
                      "playbook_run", obj([]))
    ).

book(path, Path, Path).
book(short, Word, Word).
book(q, Text-[Token], Text) :- memberchk(Token, [path(_), u(_, _)]).

%   a=b; "variable a set to b" is not offered.
variables([], [], []).
variables([e(_, assign, Key-Value)|Ents0], Ents, [Key-Value|Variables]) :-
    !,
    variables(Ents0, Ents, Variables).
variables([e(Role, Kind, Value)|Ents0], [e(Role, Kind, Value)|Ents], Variables) :-
    !,
    variables(Ents0, Ents, Variables).
variables([sep|Ents0], Ents, Variables) :-
    variables(Ents0, Ents, Variables).

%   Cases.
about_case(cl(_, _, Flags, Nouns, Asks, Ents)) :-
    (   memberchk(case, Nouns)
    ;   memberchk(decision, Nouns)
    ;   member(e(_, id, _), Ents)
    ;   memberchk(denied, Flags),
        memberchk(was, Asks)
    ;   memberchk(happened, Flags)
    ),
    !.

explained(cl(_, Types, Flags, Nouns, Asks, Ents), Reading) :-
    Types == [],
    \+ ( member(Ask, Asks), \+ memberchk(Ask, [why, was, is, does, what, which]) ),
    \+ ( member(Flag, Flags), \+ memberchk(Flag, [qm, denied, happened, pronoun, up, old, last,
        new, all, is, dangling(_)]) ),
    subtract(Nouns, [case, decision, change, record, records], []),
    findall(Id, ( member(e(_, Kind, Value), Ents), case_id(Kind, Value, Id) ), Ids),
    findall(x, member(e(_, _, _), Ents), Entities),
    length(Entities, Count),
    (   Ids = [Id],
        Count =:= 1
    ->  params(["case"-Id], Params),
        Reading = act(["case_explain"-Params])
    ;   Ids == [],
        Count =:= 0
    ->  Reading = ask("Which case do you mean? Give its identifier, as `cases` lists it.", ["case"],
                      "case_explain", obj([]))
    ).

case_id(id, Id, Id).
case_id(q, Text-[id(_)], Text).

%   Nodes: the noun, and no name of a zone or record.
nodes(cl(Verbs, Types, Flags, Nouns, Asks, Ents), Reading) :-
    Types == [],
    \+ member(e(_, _, _), Ents),
    (   memberchk(nodes, Nouns)
    ;   memberchk(hosts, Nouns)
    ;   memberchk(server, Nouns),
        memberchk(all, Flags)
    ),
    subtract(Nouns, [nodes, hosts, names, server], []),
    \+ ( member(Flag, Flags),
         \+ memberchk(Flag, [qm, all, any, now, up, is, person, dangling(in), dangling(of)]) ),
    \+ ( member(Ask, Asks), \+ memberchk(Ask, [what, which, there, is, does]) ),
    \+ ( member(Verb, Verbs),
         \+ memberchk(Verb, [main(list), main(show), main(give_me), light(have), light(know),
                             light(find), light(want), link(exist), link(handle)]) ),
    Reading = act(["node_list"-obj([])]).

%   Undo: the newest change of this principal that can be undone, or the one of a case.
undo(cl(_, Types, Flags, Nouns, Asks, Ents), Principal, Reading) :-
    Types == [],
    Asks == [],
    subtract(Nouns, [change, case, record, decision], []),
    \+ ( member(Flag, Flags),
         \+ memberchk(Flag, [qm, pronoun, last, new, back, up, now, asking, old, should]) ),
    findall(Id, member(e(_, id, Id), Ents), Ids),
    findall(x, member(e(_, _, _), Ents), Entities),
    length(Entities, Count),
    length(Ids, Count),
    (   Ids == []
    ->  findall(Seq-Undo, ( change(_, Seq, Principal, Undo), undoable(Undo) ), Found),
        (   last_change(Found, Undo)
        ->  undone(Undo, Reading)
        ;   Reading = ask("There is no change of yours that I could undo. Which record do you \c
            mean?", ["case"],
                          null, null)
        )
    ;   Ids = [Id],
        findall(Seq-Undo, ( change(Id, Seq, _, Undo), undoable(Undo) ), Found),
        (   last_change(Found, Undo)
        ->  undone(Undo, Reading)
        ;   format(string(Text), "I know of nothing to undo in case ~s. Which case do you mean?",
            [Id]),
            Reading = ask(Text, ["case"], null, null)
        )
    ).

change(Case, Seq, Principal, Undo) :-
    predicate_property(state:change(_, _, _, _, _, _), defined),
    state:change(Case, Seq, Principal, _, _, Undo).

undoable(Undo) :-
    Undo \== null.

last_change(Found, Undo) :-
    Found = [_|_],
    sort(1, @>=, Found, [_-Undo|_]).

undone(obj(Pairs), act([Action-Params])) :-
    member(Key1-Action0, Pairs), same_text(Key1, "action"),
    member(Key2-Params, Pairs), same_text(Key2, "params"),
    !,
    text_to_string(Action0, Action).

same_text(Key, Text) :-
    text_to_string(Key, String),
    String == Text.
