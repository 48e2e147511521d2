%   SPDX-License-Identifier: Apache-2.0

:- module(boot_answers,
          [ boot_answer/2,              % +Told, -Obj
            stands_words/2,             % +Stands, -Words
            proof_words/2               % +What, -Words
          ]).
:- use_module(library(lists), [append/3, member/2]).
:- use_module(readings, [and_list/2]).

/** <module> The boot order, and where the node stands, in words */

named_max(64).

%!  boot_answer(+Told, -Obj) is det.

boot_answer(told(boot_order, Order, Cycle, Whys), Obj) :-
    order_words(Order, First),
    cycle_words(Cycle, Second),
    joined([First, Second], Words),
    why_list(Whys, Proof),
    Obj = obj([words-Words, order-Order, cycle-Cycle, proof-Proof]).
boot_answer(told(boots_before, Name, Names, Cycle, Whys), Obj) :-
    before_words(Names, Name, First),
    cycle_words(Cycle, Second),
    joined([First, Second], Words),
    why_list(Whys, Proof),
    Obj = obj([words-Words, node-Name, order-Names, cycle-Cycle, proof-Proof]).

order_words([], Words) =>
    Words = "Nothing can be said to boot first.".
order_words(Order, Words) =>
    shortened(Order, List),
    format(string(Words), "The house boots in this order: ~w.", [List]).

before_words([], Name, Words) =>
    format(string(Words), "Nothing must be up before ~s, as far as the site facts say.", [Name]).
before_words(Names, Name, Words) =>
    shortened(Names, List),
    format(string(Words), "Before ~s these must be up, in this order: ~w.", [Name, List]).

cycle_words([], Words) =>
    Words = "".
cycle_words([Name], Words) =>
    format(string(Words), "A circle: ~s waits for itself.", [Name]).
cycle_words(Cycle, Words) =>
    Cycle = [First|_],
    append(Cycle, [First], Round),
    atomic_list_concat(Round, ' waits for ', Text),
    format(string(Words),
           "A circle: ~w; nothing of it can boot by itself, somebody must start one by hand.",
           [Text]).

shortened(Names, List) :-
    named_max(Max),
    length(Names, Count),
    (   Count =< Max
    ->  atomic_list_concat(Names, ', ', List)
    ;   length(First, Max),
        append(First, _, Names),
        More is Count - Max,
        atomic_list_concat(First, ', ', Head),
        format(atom(List), "~w and ~d more", [Head, More])
    ).

why_list(Whys, Proof) :-
    findall(Text, ( member(Why, Whys), why_words(Why, Text) ), Proof0),
    named_max(Max),
    length(Proof0, Count),
    ( Count =< Max -> Proof = Proof0 ; length(Proof, Max), append(Proof, _, Proof0) ).

why_words(why(Name, Other, said), Words) =>
    format(string(Words), "~s boots after ~s: the site facts say so.", [Name, Other]).
why_words(why(Name, Other, guest(Cluster)), Words) =>
    format(string(Words), "~s is a guest of the cluster ~w, and ~s is a member of it.",
           [Name, Cluster, Other]).
why_words(why(Name, Other, own(Cluster)), Words) =>
    format(string(Words),
           "~s is this node, which runs on the cluster ~w, and ~s is a member of it.",
           [Name, Cluster, Other]).

joined([First, ""], First) :- !.
joined([First, Second], Words) :-
    format(string(Words), "~s ~s", [First, Second]).

%!  stands_words(+Stands, -Words:string) is det.

stands_words(match(Cluster, Guest, What), Words) =>
    proof_words(What, Proof),
    format(string(Words),
           "This node runs on the cluster ~w: it is ~s (~s). It does not govern that cluster.",
           [Cluster, Guest, Proof]).
stands_words(unproven(Vm, Container), Words) =>
    findall(Sign, ( member(Kind-Text, ["a virtual machine"-Vm, "a container"-Container]),
                    Text \== "", format(string(Sign), "~s (~s)", [Kind, Text]) ), Signs),
    and_list(Signs, List),
    format(string(Words),
           "This node runs in ~s, but no guest of a known cluster has its marks: whether it \c
            runs on a cluster that it governs is not proven.", [List]).
stands_words(bare, Words) =>
    Words = "This node runs on a machine of its own: no sign of a virtual machine or a container.".
stands_words(unknown, Words) =>
    Words = "Nothing was told yet of the machine that this node runs on.".

%!  proof_words(+What, -Words:string) is det.

proof_words(member, Words)        => Words = "the site facts name it as a member".
proof_words(uuid(Uuid), Words)    => format(string(Words), "its machine has the UUID ~s", [Uuid]).
proof_words(mac(Mac), Words)      => format(string(Words), "its network card is ~s", [Mac]).
proof_words(address(Ip), Words)   => format(string(Words), "it has the address ~s", [Ip]).
proof_words(What, Words), var(What) => Words = "".
