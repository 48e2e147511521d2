%   SPDX-License-Identifier: Apache-2.0

:- module(dns_changes,
          [ dns_change/3                % +Do, +Clause, -Reading
          ]).
:- use_module(library(lists), [member/2, memberchk/2, subtract/3]).
:- use_module(library(apply), [maplist/3]).
:- use_module(records, [record_family/3, record_parts/5]).
:- use_module(values, [params/2, ttl_seconds/1, owned_zone/1]).
:- use_module(ask, [problem/4, ask_for/5]).

/** <module> dns_record_add, dns_record_change, dns_record_delete

Everything in the clause must be used: nouns and flags that these actions have no use for end the
reading, roles are settled in records.pl, and what is missing becomes a question.
*/

%!  dns_change(+Do, +Clause, -Reading) is semidet.
%
%   Reading is act(Intents), ask(Text, Missing, Action, Params) or no(Why).

dns_change(Do, Clause, Reading) :-
    Clause = cl(Verbs, Types, Flags0, Nouns, _, Ents0),
    subtract(Nouns, [record, records, dns, name, names, host, hosts, address, zone, domain,
        server, ttl, decision,
                     value, certificates, priority, node], []),
    clean(Flags0, Do),
    (   member(link(_), Verbs)
    ->  Flags = [linked|Flags0]
    ;   Flags = Flags0
    ),
    action(Do, Action),
    (   memberchk(other, Types)
    ->  Reading = ask("I can write A, AAAA, CNAME, MX, TXT, SRV, PTR and CAA records. Which of \c
        them do you mean?",
                      ["type"], Action, null)
    ;   each_type(Do, Clause, Clauses)
    ->  maplist(of_type(Do, Action, Flags), Clauses, Readings),
        joined(Readings, Reading)
    ;   Ents0 == [], Types == []
    ->  (   Do == delete
        ->  Missing = ["name"]
        ;   Missing = ["name", "value"]
        ),
        ask_for(Missing, Do, rec(none, none, none), obj([]), Text),
        Reading = ask(Text, Missing, Action, obj([]))
    ;   of_type(Do, Action, Flags, Clause, Reading)
    ).

action(add, "dns_record_add").
action(change, "dns_record_change").
action(delete, "dns_record_delete").

%   Flags that do not bend the meaning of these actions.
clean(Flags, Do) :-
    findall(Flag, ( member(Flag, Flags), \+ harmless(Flag, Do) ), []).

harmless(new, add).
harmless(new, change).
harmless(new_value, _).
harmless(instead, change).
harmless(now, _).
harmless(should, _).
harmless(asking, _).
harmless(qm, _).
harmless(all, delete).
harmless(old, change).
harmless(old, delete).
harmless(both, _).
harmless(respectively, _).
harmless(up, _).
harmless(out, delete).
harmless(back, change).
harmless(is, change).
harmless(wildcard, _).
harmless(any, delete).
harmless(dangling(Role), _) :- memberchk(Role, [to, with, at, as, value, in, on, of, called, for,
    eq, arrow, be]).

%   "The A and MX records of x": one reading for each type, where no value is said.
each_type(delete, cl(V, Types, F, N, A, Ents), Clauses) :-
    sort(Types, [_, _|_]),
    \+ ( member(e(_, Kind, _), Ents), \+ memberchk(Kind, [host, short, zone]) ),
    sort(0, @<, Types, Sorted),
    findall(cl(V, [Type], F, N, A, Ents), member(Type, Sorted), Clauses).

joined(Readings, Reading) :-
    (   member(Reading0, Readings),
        Reading0 \= act(_)
    ->  Reading = Reading0
    ;   findall(Intent, ( member(act(Intents), Readings), member(Intent, Intents) ), All),
        Reading = act(All)
    ).

of_type(Do, Action, Flags, Clause, Reading) :-
    Clause = cl(_, _, _, Nouns, _, _),
    (   record_family(Clause, Family, Ents)
    ->  record_parts(Family, Do, Flags, Ents, Parts),
        (   Parts = parts(Recs, Ttls)
        ->  written(Do, Action, Family, Flags, Nouns, Ents, Recs, Ttls, Reading)
        ;   Parts = what(Problem),
            problem(Problem, Do, Text, Missing),
            Reading = ask(Text, Missing, Action, null)
        )
    ;   Reading = ask("Which one record type do you mean?", ["type"], Action, null)
    ).

%   written(...): records found; times and completeness are left to see to.
written(Do, Action, Family, Flags, Nouns, Ents, Recs, Ttls, Reading) :-
    (   timed(Recs, Ttls, Flags, Timed)
    ->  (   member(_-Seconds, Timed), Seconds \== none, \+ ttl_seconds(Seconds)
        ->  format(string(Text), "A time to live of ~d seconds is too long. Which do you mean?",
            [Seconds]),
            Reading = ask(Text, ["ttl"], Action, null)
        ;   lacks(Do, Recs, Timed, Ttls, Missing, Rec)
        ->  Rec = rec(Name, Type, Value, _),
            rec_params(Do, Rec-none, Params),
            (   Missing == ["name"], Value \== none, member(e(_, short, Word), Ents)
            ->  Said = Word
            ;   Said = Name
            ),
            ask_for(Missing, Do, rec(Said, Type, Value), Params, Text),
            Reading = ask(Text, Missing, Action, Params)
        ;   Do == delete,
            ( memberchk(all, Flags) ; memberchk(records, Nouns) ),
            member(rec(Zone, _, none, _), Recs),
            owned_zone(Zone)
        ->  format(string(Text),
                   "~s is a whole zone. Shall the records of the name ~s itself go? Then say: \c
                       delete ~s.",
                   [Zone, Zone, Zone]),
            Reading = ask(Text, ["name"], Action, null)
        ;   memberchk(wildcard, Flags),
            \+ ( member(rec(Star, _, _, _), Recs), sub_string(Star, 0, 2, _, "*.") )
        ->  Reading = ask("Which wildcard do you mean? Write it with its star, such as \c
            *.home.arpa.", ["name"],
                          Action, null)
        ;   unusual(Recs, Do, Family, Text, Missing, Rec)
        ->  rec_params(Do, Rec-none, Params),
            Reading = ask(Text, Missing, Action, Params)
        ;   maplist(rec_params(Do), Timed, Params),
            findall(Action-P, member(P, Params), Intents),
            Reading = act(Intents)
        )
    ;   Reading = ask("Which of these records is that time to live for? Say it for each, or in a \c
        sentence of its own.",
                      ["ttl"], Action, null)
    ).

%   timed(+Recs, +Ttls, +Flags, -Timed): Rec-Seconds; false if it is open for whom the time is.
timed(Recs, [], _, Timed) =>
    findall(Rec-none, member(Rec, Recs), Timed).
timed(Recs, [ttl(Seconds, Before)], Flags, Timed) =>
    (   same_name(Recs)
    ;   same_value(Recs)
    ;   Before =:= 0
    ;   memberchk(both, Flags)
    ;   memberchk(all, Flags)
    ),
    !,
    findall(Rec-Seconds, member(Rec, Recs), Timed).
timed(Recs, Ttls, _, Timed) =>
    length(Recs, Count),
    length(Ttls, Count),
    placed(Recs, Ttls, 2, Timed).

placed([], [], _, []).
placed([Rec|Recs], [ttl(Seconds, Before)|Ttls], Expected, [Rec-Seconds|Timed]) :-
    Before =:= Expected,
    Next is Expected + 2,
    placed(Recs, Ttls, Next, Timed).

same_name([rec(Name, _, _, _)|Recs]) :-
    \+ ( member(rec(Other, _, _, _), Recs), Other \== Name ).

same_value([rec(_, _, Value, _)|Recs]) :-
    \+ ( member(rec(_, _, Other, _), Recs), Other \== Value ).

%   lacks(+Do, +Recs, +Timed, +Ttls, -Missing, -Rec): the first record with a gap.
lacks(Do, Recs, _, Ttls, Missing, Rec) :-
    (   Recs == []
    ->  Rec = rec(none, none, none, none),
        (   Do == delete
        ->  Missing = ["name"]
        ;   Missing = ["name", "value"]
        )
    ;   member(Rec, Recs),
        gap(Do, Rec, Ttls, Missing)
    ->  true
    ).

gap(add, rec(none, _, none, _), _, ["name", "value"]) :- !.
gap(change, rec(none, _, none, _), Ttls, ["name"]) :- Ttls = [_|_], !.
gap(change, rec(none, _, none, _), _, ["name", "value"]) :- !.
gap(_, rec(none, _, _, _), _, ["name"]) :- !.
gap(add, rec(_, _, none, _), _, ["value"]).
gap(change, rec(_, _, none, _), [], ["value"]).

%   unusual(+Recs, +Do, +Family, -Text, -Missing, -Rec): a name that is not in full, a word left
%   over.
unusual(Recs, _, _, Text, ["name"], rec(none, Type, Value, none)) :-
    member(rec(Name, Type, Value, _), Recs),
    short(Name),
    !,
    format(string(Text), "What is the full name of '~s'? Write it with its zone, such as \c
        ~s.home.arpa.",
           [Name, Name]).
unusual(Recs, _, pair(_), Text, ["value"], rec(Name, Type, none, none)) :-
    member(rec(Name, Type, Value, _), Recs),
    Value \== none,
    short(Value),
    !,
    format(string(Text), "What is the full name of '~s'? Write it with its zone, such as \c
        ~s.home.arpa.",
           [Value, Value]).
unusual(Recs, _, mx, Text, ["value"], rec(Name, "MX", none, none)) :-
    member(rec(Name, _, Value, _), Recs),
    Value \== none,
    \+ sub_string(Value, _, 1, _, "."),
    !,
    Text = "What is the full name of the mail host?".
unusual(Recs, _, srv, Text, ["value"], rec(Name, "SRV", none, none)) :-
    member(rec(Name, _, Value, _), Recs),
    Value \== none,
    \+ sub_string(Value, _, 1, _, "."),
    !,
    Text = "What is the full name of the host that serves it?".

short(Name) :-
    \+ sub_string(Name, _, 1, _, ".").

%   The parameters of one record; change also says what it replaces.
rec_params(add, rec(Name, Type, Value, _)-Ttl, Params) =>
    params(["name"-Name, "type"-Type, "value"-Value, "ttl"-Ttl], Params).
rec_params(change, rec(Name, Type, Value, Old)-Ttl, Params) =>
    params(["name"-Name, "type"-Type, "value"-Value, "old_value"-Old, "ttl"-Ttl], Params).
rec_params(delete, rec(Name, Type, Value, _)-_, Params) =>
    params(["name"-Name, "type"-Type, "value"-Value], Params).
