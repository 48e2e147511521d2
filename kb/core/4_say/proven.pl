%   SPDX-License-Identifier: Apache-2.0

:- module(proven,
          [ proven/3                    % ?Name, -Holds, -Words
          ]).
:- use_module(kb('3_rules/policy'), [invariant/2]).
:- use_module(kb('3_rules/proofs'), [proof/2, reason_kind/2]).
:- use_module(verdict, [reason_said/1, remedy_said/1, invariant_text/2]).

/** <module> The proofs and their outcome in words */

%!  proven(?Name, -Holds, -Words:string) is multi.

proven(Name, Holds, Words) :-
    any_proof(Name, Faults),
    (   Faults == []
    ->  Holds = true,
        title(Name, Words)
    ;   Holds = false,
        atomic_list_concat(Faults, '; ', Atom),
        atom_string(Atom, Words)
    ).

any_proof(Name, Faults) :-
    proof(Name, Faults).
any_proof(reasons_have_words, Faults) :-
    findall(Fault, wordless(Fault), Faults0),
    sort(Faults0, Faults).

wordless(Fault) :-
    reason_kind(Use, Reason),
    functor(Reason, Name, Arity),
    (   \+ reason_said(Reason),
        format(string(Fault), "the reason ~w/~d has no words (4_say/verdict.pl, reason//1)",
               [Name, Arity])
    ;   Use == against,
        \+ remedy_said(Reason),
        format(string(Fault), "the reason ~w/~d has no remedy (4_say/verdict.pl, remedy//1)",
               [Name, Arity])
    ).
wordless(Fault) :-
    invariant(_, Invariant),
    \+ invariant_text(Invariant, _),
    format(string(Fault), "the invariant ~w has no words", [Invariant]).

title(tiers_have_approvers, "every tier that a grant reaches has enough people who may sign").
title(signatures_are_never_zero, "where signatures are asked for, none never suffices").
title(observing_needs_no_signature, "no grant asks for a signature where nothing changes").
title(actions_are_complete, "every action has a tier, a schema, words and examples").
title(site_hangs_together, "every name in the site facts is declared there, once").
title(house_is_consistent, "nodes, networks and firewall agree with each other").
title(reasons_have_words, "every reason can be put in words and says what would help").
