%   SPDX-License-Identifier: Apache-2.0

:- module(standings,
          [ standing/5,                 % ?Condition, ?Node, ?Part, -State, -Owner
            stand/5,                    % +Condition, +Node, +Part, +State, +Owner
            stands_no_more/3,           % +Condition, +Node, +Part
            alert_begun/4,              % +Id, +Condition, +Node, +Part
            alert_over/3,               % +Condition, +Node, +Part
            crossed/4,                  % ?Condition, ?Node, ?Part, -AtMs
            cross/4,                    % +Condition, +Node, +Part, +AtMs
            forget_crossings/1,         % +BeforeMs
            forget_standings/0
          ]).
:- use_module(library(lists), [member/2, memberchk/2]).

/** <module> How each condition stands while it is not calm

A state is a term of 3_rules/condition.pl, st(Is, Severity, SinceMs, …); that of a storm (condition
`storm`, node "") is storm(Severity, SinceMs, ToldMs, Members) or over.
Who owns it says how its story is told:

    nobody          calm, rising: nobody was told
    held(AtMs, Asked)   it crossed; a moment is waited, for more nodes may
    pending         its alert is on its way to the ledger, or its end is
    alert(Id)       an alert of its own
    storm(Key, How) member of the storm Key; How: told, or new(Severity, AtMs), not told yet

Never in kb/state: after a restart what is open is taken from the alerts, what was rising begins
anew.
*/

%   place(Hash, Condition, Node, Part, State, Owner)
%   crossing(Condition, Node, Part, AtMs)
:- dynamic place/6, crossing/4.

%!  standing(?Condition, ?Node, ?Part, -State, -Owner) is nondet.

standing(Condition, Node, Part, State, Owner) :-
    (   ground(Condition-Node-Part)
    ->  term_hash(Condition-Node-Part, Hash)
    ;   true
    ),
    place(Hash, Condition, Node, Part, State, Owner).

%!  stand(+Condition, +Node, +Part, +State, +Owner) is det.

stand(Condition, Node, Part, State, Owner) :-
    term_hash(Condition-Node-Part, Hash),
    (   clause(place(Hash, Condition, Node, Part, State0, Owner0), true, Old)
    ->  (   State0-Owner0 == State-Owner
        ->  true
        ;   assertz(place(Hash, Condition, Node, Part, State, Owner)),
            erase(Old)
        )
    ;   assertz(place(Hash, Condition, Node, Part, State, Owner))
    ).

%!  stands_no_more(+Condition, +Node, +Part) is det.

stands_no_more(Condition, Node, Part) :-
    term_hash(Condition-Node-Part, Hash),
    retractall(place(Hash, Condition, Node, Part, _, _)).

%!  alert_begun(+Id, +Condition, +Node, +Part) is det.
%
%   It is in the ledger: from now on it can change and end. What stands otherwise (after a
%   restart) is taken up by the rules (3_rules/alerts.pl).

alert_begun(Id, Condition, Node, Part) :-
    (   standing(Condition, Node, Part, State, pending)
    ->  stand(Condition, Node, Part, State, alert(Id))
    ;   true
    ).

%!  alert_over(+Condition, +Node, +Part) is det.
%
%   Its end is in the ledger.

alert_over(Condition, Node, Part) :-
    (   standing(Condition, Node, Part, State, pending)
    ->  (   State == over
        ->  stands_no_more(Condition, Node, Part)
        ;   arg(1, State, Is),
            memberchk(Is, [calm, armed])
        ->  stand(Condition, Node, Part, State, nobody)
        ;   true
        )
    ;   true
    ).

%!  crossed(?Condition, ?Node, ?Part, -AtMs) is nondet.
%
%   What crossed its threshold within the last minute.

crossed(Condition, Node, Part, AtMs) :-
    crossing(Condition, Node, Part, AtMs).

%!  cross(+Condition, +Node, +Part, +AtMs) is det.

cross(Condition, Node, Part, AtMs) :-
    retractall(crossing(Condition, Node, Part, _)),
    assertz(crossing(Condition, Node, Part, AtMs)).

%!  forget_crossings(+BeforeMs) is det.

forget_crossings(BeforeMs) :-
    forall(( clause(crossing(_, _, _, AtMs), true, Old), AtMs < BeforeMs ), erase(Old)).

%!  forget_standings is det.
%
%   For tests.

forget_standings :-
    forall(member(Head, [place(_, _, _, _, _, _), crossing(_, _, _, _)]), retractall(Head)).
