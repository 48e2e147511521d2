%   SPDX-License-Identifier: Apache-2.0

:- module(seen,
          [ rrset/4,                    % Name, Type, Ttl, Values
            looked/2,                   % Hand, Result
            in_sight/2,                 % +Facts, :Goal
            supposing/2,                % +Facts, :Goal
            asking_at/2,                % +NowMs, :Goal
            asked_at/1,                 % -NowMs
            suppose_change/1            % +Effect
          ]).
:- use_module(library(lists), [append/3, selectchk/3, memberchk/2, subtract/3]).

/** <module> What the hands saw, for the length of one question

supposing/2 runs a goal as if the facts held: inside snapshot/1, so other threads do not see
them and nothing stays behind, whether the goal is true, false or throws. Calls may nest: a
hypothesis about what was seen is a supposing/2 inside a supposing/2.

Facts are rrset(Name, Type, Ttl, Values) and looked(Hand, Result). Name and values are
strings; Type is an atom of the vocabulary, or a string for types that we only read.
*/

:- dynamic rrset/4, looked/2.

:- meta_predicate in_sight(+, 0), supposing(+, 0), asking_at(+, 0).

%!  supposing(+Facts:list, :Goal) is semidet.
%
%   Goal, once, in the world as it is plus Facts; Facts may also be the effects
%   add(Name, Type, Ttl, Value), remove(Name, Type, Value) and ttl(Name, Type, Ttl).

supposing(Facts, Goal) :-
    snapshot(( suppose(Facts), call(Goal) )).

%!  in_sight(+Facts:list, :Goal) is semidet.
%
%   The outermost supposing/2 of a question. What the question before it left as erased clauses is
%   swept first: unswept, each snapshot would step over all the dead of those before (measured:
%   5,000 questions on, a verdict took ten times as long; the sweep itself takes about a
%   microsecond).

in_sight(Facts, Goal) :-
    garbage_collect_clauses,
    supposing(Facts, Goal).

%!  asking_at(+NowMs, :Goal) is semidet.
%
%   Goal, once, with the time that the question brought: rules read no clock.

asking_at(NowMs, Goal) :-
    b_setval(ln_asked_at, NowMs),
    call(Goal),
    !,
    b_setval(ln_asked_at, none).

%!  asked_at(-NowMs) is semidet.
%
%   False where the question has no time: then no rule about time has a say.

asked_at(NowMs) :-
    nb_current(ln_asked_at, NowMs),
    integer(NowMs).

suppose([]).
suppose([Fact|Facts]) :-
    suppose_change(Fact),
    suppose(Facts).

%!  suppose_change(+Effect) is det.
%
%   Only inside supposing/2.

suppose_change(rrset(Name, Type, Ttl, Values)) =>
    assertz(rrset(Name, Type, Ttl, Values)).
suppose_change(looked(Hand, Result)) =>
    assertz(looked(Hand, Result)).
suppose_change(add(Name, Type, Ttl, Value)) =>
    (   retract(rrset(Name, Type, _, Values0))
    ->  (   memberchk(Value, Values0)
        ->  Values = Values0
        ;   append(Values0, [Value], Values)
        )
    ;   Values = [Value]
    ),
    assertz(rrset(Name, Type, Ttl, Values)).
suppose_change(remove(Name, Type, Value)) =>
    (   retract(rrset(Name, Type, Ttl, Values0))
    ->  (   selectchk(Value, Values0, Values),
            Values = [_|_]
        ->  assertz(rrset(Name, Type, Ttl, Values))
        ;   Values0 = [Value]
        ->  true
        ;   assertz(rrset(Name, Type, Ttl, Values0))
        )
    ;   true
    ).
suppose_change(ttl(Name, Type, Ttl)) =>
    (   retract(rrset(Name, Type, _, Values))
    ->  assertz(rrset(Name, Type, Ttl, Values))
    ;   true
    ).
