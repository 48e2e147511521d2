%   SPDX-License-Identifier: Apache-2.0

:- module(doing,
          [ doing/2                     % +Clause, -Do
          ]).
:- use_module(library(lists), [member/2, memberchk/2, subtract/3]).

/** <module> What a clause wants done: the verbs taken together

Do is add, change, delete, observe, run, explain, undo, or why it cannot be said: unsaid (no verb),
torn (two verbs that disagree), stated (a statement that asks for nothing: "x is 1.2.3.4").

"Point x at y" and its like add, unless a word says that x is there already: instead, now, back, a
new address, an old value. "Set x to y" changes; "set up x" adds.
*/

%!  doing(+Clause, -Do) is det.

doing(cl(Verbs, Types, Flags, Nouns, Asks, Ents), Do) :-
    mains(Verbs, Flags, Asks, Mains),
    (   Mains == misplaced
    ->  Do = torn
    ;   taken(Mains, Verbs, Types, Flags, Nouns, Asks, Ents, Do0)
    ->  bent(Do0, Mains, Verbs, Flags, Asks, Ents, Do)
    ;   Do = torn
    ).

%   The main verbs, without repetitions. "Removed" and "adding" count where someone asks for it.
mains(Verbs, Flags, Asks, Mains) :-
    findall(Main, ( member(Verb, Verbs), main(Verb, Main), \+ ( Asks = [_|_],
        Verb == done(add) ) ), Mains0),
    (   member(Verb, Verbs),
        misplaced(Verb, Verbs, Flags, Asks)
    ->  Mains = misplaced
    ;   sort(Mains0, Mains)
    ).

main(main(Main), Main).
main(done(Main), Main).
main(doing(Main), Main).

misplaced(done(Do), Verbs, Flags, Asks) :-
    \+ ( Do == add, Asks = [_|_] ),         % "is it registered?"
    \+ ( Asks == [],
         (   memberchk(light(want), Verbs)
         ;   memberchk(light(have), Verbs)
         ;   memberchk(light(get), Verbs)
         ;   memberchk(should, Flags)
         ) ).
misplaced(doing(Do), _, Flags, _) :-
    memberchk(Do, [add, change, delete, run]),
    \+ memberchk(asking, Flags).

taken([explain|_], _, _, _, _, _, _, Do) => Do = explain.
taken(Mains, _, _, _, _, Asks, _, Do), memberchk(why, Asks), \+ memberchk(undo,
    Mains) => Do = explain.
taken(Mains, _, _, _, _, _, _, Do), memberchk(undo, Mains) =>
    subtract(Mains, [undo, change], []),
    Do = undo.
taken([], Verbs, Types, Flags, Nouns, Asks, Ents, Do) =>
    lightly(Verbs, Types, Flags, Nouns, Asks, Ents, Do).
taken([give_me], Verbs, _, Flags, _, Asks, Ents, Do) =>
    (   Asks == [],
        ( memberchk(new, Flags) ; valued(Ents), \+ lone_address(Verbs, Ents) )
    ->  Do = add
    ;   Do = observe
    ).
taken([change], _, _, _, Nouns, Asks, Ents, Do) =>
    (   Asks == []
    ->  Do = change
    ;   Ents == [],
        memberchk(case, Nouns),
        Do = explain
    ).
taken([repoint], _, _, _, _, [], _, Do) => Do = change.
taken([change, repoint], _, _, _, _, [], _, Do) => Do = change.
taken([add], _, _, _, _, [], _, Do) => Do = add.
taken([delete], _, _, _, _, [], _, Do) => Do = delete.
taken([run], _, _, _, _, [], _, Do) => Do = run.
taken(Mains, _, _, _, _, _, _, Do), subtract(Mains, [list, show, lookup, give_me],
    []) => Do = observe.
taken([lookup, run], _, _, _, _, _, _, Do) => Do = observe.
taken(_, _, _, _, _, _, _, _) => fail.

valued(Ents) :-
    member(e(_, Kind, _), Ents),
    memberchk(Kind, [ip4, ip6]),
    !.

lone_address(_, [e(_, Kind, _)]) :-
    memberchk(Kind, [ip4, ip6]).

%   No main verb: what the light ones and the question words say together.
lightly(Verbs, Types, Flags, Nouns, Asks, Ents, Do) :-
    (   Asks = [_|_]
    ->  Do = observe
    ;   memberchk(light(take), Verbs)
    ->  (   memberchk(out, Flags) -> Do = delete
        ;   memberchk(back, Flags), Do = undo
        )
    ;   memberchk(light(roll), Verbs)
    ->  memberchk(back, Flags),
        Do = undo
    ;   memberchk(light(look), Verbs)
    ->  memberchk(up, Flags),
        Do = observe
    ;   ( memberchk(light(find), Verbs) ; memberchk(light(know), Verbs) )
    ->  Do = observe
    ;   memberchk(light(get), Verbs),
        ( memberchk(records, Nouns) ; memberchk(names, Nouns) ; memberchk(hosts, Nouns) ),
        \+ valued(Ents)
    ->  Do = observe
    ;   memberchk(light(set), Verbs)
    ->  (   memberchk(up, Flags)
        ->  Do = add
        ;   Do = change
        )
    ;   Verbs = [link(resolve)|_],
        \+ memberchk(should, Flags),
        Ents = [_|_],
        \+ ( member(e(Role, _, _), Ents), memberchk(Role, [to, at, arrow, eq, as]) )
    ->  Do = observe
    ;   Verbs = [link(exist)|_]
    ->  fail
    ;   memberchk(is, Flags)
    ->  Do = stated
    ;   Verbs = [_|_]
    ->  Do = add
    ;   member(e(be, _, _), Ents)
    ->  Do = add
    ;   memberchk(should, Flags), Ents = [_, _|_]
    ->  Do = add
    ;   memberchk(pronoun, Flags)
    ->  fail
    ;   verbless(Types, Flags, Nouns, Ents, Do)
    ).

%   "test.local = 1.2.3.4", "mx for home.arpa", "all nodes"
verbless(Types, Flags, Nouns, Ents, Do) :-
    (   memberchk(qm, Flags), valued(Ents), \+ lone_address([], Ents)
    ->  Do = unsaid
    ;   ( valued(Ents), \+ lone_address([], Ents) ; memberchk(new, Flags) )
    ->  Do = add
    ;   valued(Ents), \+ memberchk('PTR', Types)
    ->  Do = unsaid
    ;   slots(Ents, Count),
        Count >= 2
    ->  Do = add
    ;   memberchk(denied, Flags),
        member(e(_, id, _), Ents)
    ->  Do = explain
    ;   ( Types = [_|_], Ents = [_|_] ; memberchk(address, Nouns), Ents = [_|_] )
    ->  Do = observe
    ;   ( memberchk(records, Nouns) ; memberchk(names, Nouns) ; memberchk(hosts, Nouns)
        ; memberchk(nodes, Nouns) )
    ->  Do = observe
    ;   Do = unsaid
    ).

slots(Ents, Count) :-
    findall(x, ( member(e(_, Kind, _), Ents), memberchk(Kind, [host, text, q]) ), Found),
    length(Found, Count).

%   bent(+Do0, +Mains, +Verbs, +Flags, +Asks, +Ents, -Do): "instead" and its like.
bent(add, Mains, Verbs, Flags, [], Ents, Do) =>
    (   ( memberchk(instead, Flags) ; member(e(old, _, _), Ents) )
    ->  Do = change
    ;   memberchk(add, Mains)
    ->  Do = add
    ;   ( memberchk(new_value, Flags) ; memberchk(back, Flags) )
    ->  Do = change
    ;   memberchk(now, Flags)
    ->  Do = change
    ;   memberchk(link(_), Verbs), memberchk(old, Flags)
    ->  Do = change
    ;   member(e(from, Kind, _), Ents),
        memberchk(Kind, [ip4, ip6])
    ->  Do = change
    ;   only_ttl(Ents),
        (   memberchk(should, Flags)
        ;   member(Verb, Verbs),
            memberchk(Verb, [light(make), light(give), light(put), light(set)])
        )
    ->  Do = change
    ;   Do = add
    ).
bent(stated, _, _, Flags, _, _, Do) =>
    (   ( memberchk(now, Flags) ; memberchk(new_value, Flags) )
    ->  Do = change
    ;   Do = stated
    ).
bent(Do0, _, _, _, _, _, Do) => Do = Do0.

%   "Give x a ttl of 300": a name, a time and nothing else.
only_ttl(Ents) :-
    memberchk(e(_, ttl, _), Ents),
    \+ ( member(e(_, Kind, _), Ents), \+ memberchk(Kind, [ttl, host]) ),
    findall(x, member(e(_, host, _), Ents), [_]).
