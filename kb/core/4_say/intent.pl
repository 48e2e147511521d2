%   SPDX-License-Identifier: Apache-2.0

:- module(intent,
          [ understood/3                % +Text, +Principal, -Out
          ]).
:- use_module(library(lists), [member/2, memberchk/2, append/3]).
:- use_module(library(apply), [maplist/3]).
:- use_module(tokens, [tokens/2]).
:- use_module(items, [items/2]).
:- use_module(clause, [clauses/2]).
:- use_module(doing, [doing/2]).
:- use_module(dns_changes, [dns_change/3]).
:- use_module(dns_questions, [dns_question/2]).
:- use_module(machines, [machine_request/2]).
:- use_module(houses, [house_request/2]).
:- use_module(others, [other_request/4]).
:- use_module(ask, [halted/4, misread/3, unsaid/2]).
:- use_module(examples, [nearest/2]).

/** <module> A sentence becomes intents, a question, or nothing

Text → tokens → items → clauses → readings. Each step is deterministic and reads everything it is
given: a word that no rule has a use for ends in a question or in "not understood", never in an
action. The same sentence gives the same answer, but for "undo that", which asks the state.
*/

intents_max(16).

%!  understood(+Text:string, +Principal:string, -Out) is det.
%
%   Out as docs/protocol.md §1 says for the door `parse`.
%
%   @throws refused(too_long|control_character, "nl", Message)

understood(Text, Principal, Out) :-
    tokens(Text, Tokens),
    (   machine_request(Tokens, Reading)
    ->  answer([Reading], Tokens, Out)
    ;   house_request(Tokens, Reading)
    ->  answer([Reading], Tokens, Out)
    ;   items(Tokens, Items),
        of_items(Items, Tokens, Principal, Out)
    ).

of_items(Items, Tokens, Principal, Out) :-
    (   stopped(Items, Question, Missing)
    ->  question(Question, Missing, null, null, Out)
    ;   clauses(Items, Clauses),
        Clauses = [_|_],
        readings(Clauses, Principal, Readings)
    ->  answer(Readings, Tokens, Out)
    ;   not_understood("", Tokens, Out)
    ).

%   Words after which nothing is done, and values that are none, before anything else is read.
stopped(Items, Question, Missing) :-
    member(Item, Items),
    stops(Item),
    !,
    serious(Items),
    (   Item = halt(Why, Word)
    ->  halted(Why, Word, Question, Missing)
    ;   Item = ent(bad(Kind), Raw),
        misread(Kind, Raw, Question),
        wrong(Kind, Missing)
    ).

stops(halt(_, _)).
stops(ent(bad(_), _)).

wrong(Kind, Missing) :-
    (   memberchk(Kind, [ipv4, ipv6, port, network])
    ->  Missing = ["value"]
    ;   memberchk(Kind, [name, foreign])
    ->  Missing = ["name"]
    ;   Missing = []
    ).

%   Only then is it worth a question: the rest of the sentence is about our work.
serious(Items) :-
    member(Item, Items),
    ours(Item),
    !.

ours(ent(Kind, _)) :- memberchk(Kind, [host, ip4, ip6, path, id, ttl, bad(ipv4), bad(ipv6),
    bad(port), bad(network)]).
ours(ty(_)).
ours(n(_)).
ours(main(Do)) :- memberchk(Do, [add, change, delete, undo, repoint]).

readings([], _, []).
readings([Clause|Clauses], Principal, [Reading|Readings]) :-
    reading(Clause, Principal, Reading),
    readings(Clauses, Principal, Readings).

%   reading(+Clause, +Principal, -Reading): act(Intents), ask(Text, Missing, Action, Params) or
%   no(Why)
reading(Clause, Principal, Reading) :-
    doing(Clause, Do),
    (   other_request(Do, Clause, Principal, Reading0)
    ->  Reading = Reading0
    ;   memberchk(Do, [add, change, delete]),
        dns_change(Do, Clause, Reading0)
    ->  Reading = Reading0
    ;   Do == observe,
        dns_question(Clause, Reading0)
    ->  Reading = Reading0
    ;   memberchk(Do, [unsaid, stated, torn]),
        unsaid(Clause, Text)
    ->  Reading = ask(Text, ["action"], null, null)
    ;   Reading = no("")
    ).

answer(Readings, Tokens, Out) :-
    (   member(no(Why), Readings)
    ->  not_understood(Why, Tokens, Out)
    ;   member(ask(Text, Missing, Action, Params), Readings)
    ->  question(Text, Missing, Action, Params, Out)
    ;   findall(Intent, ( member(act(Intents), Readings), member(Intent, Intents) ), All),
        length(All, Count),
        intents_max(Max),
        (   Count > Max
        ->  format(string(Text),
                   "That would be ~d changes; ~d are the most in one sentence. Which come first?",
                   [Count, Max]),
            question(Text, [], null, null, Out)
        ;   maplist(intent, All, Wire),
            Out = obj(["status"-"understood", "intents"-Wire])
        )
    ).

intent(Action-Params, obj(["action"-Action, "params"-Params])).

question(Text, Missing, Action, Params,
         obj(["status"-"question",
              "question"-obj(["text"-Text, "missing"-Missing, "action"-Action, "params"-Params])])).

not_understood(Why, Tokens, obj(["status"-"not_understood", "text"-Text, "examples"-Examples])) :-
    nearest(Tokens, Examples),
    (   Why == ""
    ->  Text = "I did not understand that. Say it like one of these:"
    ;   format(string(Text), "I did not understand that: ~s. Say it like one of these:", [Why])
    ).
