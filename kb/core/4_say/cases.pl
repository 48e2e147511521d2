%   SPDX-License-Identifier: Apache-2.0

:- module(cases,
          [ case_words/2                % ++Case, -Words
          ]).
:- use_module(library(lists), [member/2]).
:- use_module(library(apply), [maplist/3]).
:- use_module(kb('1_words/wire'), [field/3, refuse/4, shown/2]).

/** <module> A case in words

Told from the case view (docs/protocol.md §6) alone: who asked for what, how it was judged and why,
who signed, what came of it. Fields that are not there yet are not spoken of.
*/

%!  case_words(++Case, -Words:string) is det.

case_words(Case, Words) :-
    (   field(Case, id, Id),
        string(Id)
    ->  true
    ;   refuse(missing_field, id, "the case has no id", [])
    ),
    findall(Text, sentence(Case, Text), Texts),
    atomic_list_concat(Texts, ' ', Atom),
    atom_string(Atom, Words).

sentence(Case, Text) :-
    field(Case, id, Id),
    who(Case, Who),
    what(Case, What),
    when(Case, When),
    format(string(Text), "Case ~s: ~s asked ~s~s.", [Id, Who, What, When]).
sentence(Case, Text) :-
    field(Case, nl, Sentence),
    string(Sentence),
    Sentence \== "",
    shown(Sentence, Shown),
    format(string(Text), "The words were: \"~s\".", [Shown]).
sentence(Case, Text) :-
    field(Case, verdict, Verdict),
    field(Verdict, words, Text),
    string(Text).
sentence(Case, Text) :-
    field(Case, consents, Consents),
    is_list(Consents),
    findall(Person, ( member(Consent, Consents), field(Consent, person, Person) ), People),
    People = [_|_],
    atomic_list_concat(People, ', ', List),
    format(string(Text), "Signed by: ~w.", [List]).
sentence(Case, Text) :-
    field(Case, refusal, Refusal),
    field(Refusal, person, Person),
    string(Person),
    (   field(Refusal, reason, Reason),
        string(Reason)
    ->  shown(Reason, Shown),
        format(string(Text), "Refused by ~s, who said: \"~s\".", [Person, Shown])
    ;   format(string(Text), "Refused by ~s.", [Person])
    ).
sentence(Case, Text) :-
    (   field(Case, state, State)
    ->  true
    ;   field(Case, status, State)
    ),
    string(State),
    state_words(State, Text).
sentence(Case, Text) :-
    field(Case, error, Error),
    field(Error, message, Message),
    string(Message),
    format(string(Text), "What went wrong: ~s.", [Message]).

who(Case, Who) :-
    (   field(Case, by, By),
        field(By, principal, Principal),
        string(Principal)
    ->  shown(Principal, Who0),
        (   field(By, via, "model")
        ->  string_concat(Who0, " (worded by a model)", Who)
        ;   Who = Who0
        )
    ;   Who = "somebody"
    ).

what(Case, What) :-
    (   field(Case, action, Action),
        string(Action)
    ->  (   field(Case, params, obj(Pairs)),
            Pairs = [_|_]
        ->  maplist(pair_words, Pairs, Words),
            atomic_list_concat(Words, ', ', List),
            format(string(What), "for ~s with ~w", [Action, List])
        ;   format(string(What), "for ~s", [Action])
        )
    ;   What = "for something"
    ).

pair_words(Key-Value, Words) :-
    shown(Value, Shown),
    format(string(Words), "~w ~s", [Key, Shown]).

when(Case, When) :-
    (   field(Case, opened_at, At),
        string(At)
    ->  format(string(When), " at ~s", [At])
    ;   When = ""
    ).

state_words("proposed",  "It is not judged yet.").
state_words("judged",    "It is judged; the present state is being looked at.").
state_words("denied",    "So nothing was done.").
state_words("planned",   "The plan is made and about to be carried out.").
state_words("awaiting",  "It waits for a signature; nothing is done until then.").
state_words("consented", "It is signed and about to be carried out.").
state_words("acting",    "It is being carried out.").
state_words("done",      "It was carried out and checked.").
state_words("failed",    "It failed.").
state_words("refused",   "A person refused it, so nothing was done.").
state_words("expired",   "Nobody signed in time, so nothing was done.").
