%   SPDX-License-Identifier: Apache-2.0

:- module(test_sensing,
          [ nothing_sensed/0,
            begun/1,                    % +NowMs
            observed/3,                 % +NowMs, +Rows, -Out
            observed_learned/3,         % +NowMs, +Rows, -Told
            learn_all/2,                % +Transitions, -Told
            answered_again/1,           % ++Body
            as_sent/2,                  % +Term, -AsJson
            kinds/2                     % +Told, -Kinds
          ]).
:- use_module(library(lists), [member/2, memberchk/2]).
:- use_module(library(apply), [maplist/3]).
:- use_module(kb('2_seen/senses'), [forget_senses/0]).
:- use_module(kb('2_seen/standings'), [forget_standings/0]).
:- use_module(kb('5_doors/observe'), []).
:- use_module(kb('5_doors/alert'), []).
:- use_module(kb('5_doors/learn'), []).

/** <module> For the tests of alerts: the judge's part, played

Readings through door observe, each transition into a ledger that only counts, and back through
door learn; each question through door alert again.
*/

:- dynamic seq/1.

nothing_sensed :-
    forget_senses,
    forget_standings,
    retractall(seq(_)),
    assertz(seq(100)),
    retractall(state:alert(_, _, _, _, _, _, _, _, _, _, _, _, _)),
    retractall(state:acknowledged(_, _, _, _, _)),
    retractall(state:runbook(_, _, _, _)).

%   Listening since a minute.
begun(NowMs) :-
    nothing_sensed,
    Before is NowMs - 50000,
    observed(Before, [], _).

observed(NowMs, Rows, Out) :-
    door_observe:observe(obj(["now_ms"-NowMs, "rows"-Rows]), Out),
    !.

%   Told is [told(Kind, Seq, Body), …].
observed_learned(NowMs, Rows, Told) :-
    observed(NowMs, Rows, obj(Pairs)),
    memberchk(transitions-Transitions, Pairs),
    learn_all(Transitions, Told).

learn_all([], []).
learn_all([Transition|Transitions], [told(Kind, Seq, Body)|Told]) :-
    as_sent(Transition, obj(Pairs)),
    memberchk("kind"-KindText, Pairs),
    memberchk("body"-Body, Pairs),
    atom_string(Kind, KindText),
    retract(seq(Last)),
    !,
    Seq is Last + 1,
    assertz(seq(Seq)),
    door_learn:learn(obj([ "kind"-KindText, "case"-"", "seq"-Seq,
                           "at"-"2026-11-21T00:00:00.000Z", "body"-Body ]), Out),
    as_sent(Out, obj(["changed"-true])),
    answered_again(Body),
    learn_all(Transitions, Told).

%   The recorded question gives the recorded answer.
answered_again(obj(Pairs)) :-
    memberchk("question"-Question, Pairs),
    memberchk("answer"-Answer, Pairs),
    door_alert:alert(obj(["question"-Question]), Again0),
    as_sent(Again0, Again),
    (   Again == Answer
    ->  true
    ;   throw(other_answer(Question, Answer, Again))
    ),
    !.

%   As JSON brings it back: text where there was an atom, keys in order.
as_sent(obj(Pairs0), Sent) :-
    !,
    findall(Key-Value,
            ( member(Key0-Value0, Pairs0),
              ( atom(Key0) -> atom_string(Key0, Key) ; Key = Key0 ),
              as_sent(Value0, Value) ),
            Pairs1),
    sort(1, @<, Pairs1, Pairs),
    Sent = obj(Pairs).
as_sent(List0, List) :-
    is_list(List0),
    !,
    maplist(as_sent, List0, List).
as_sent(Value, Value) :-
    memberchk(Value, [true, false, null]),
    !.
as_sent(Atom, Text) :-
    atom(Atom),
    !,
    atom_string(Atom, Text).
as_sent(Value, Value).

kinds(Told, Kinds) :-
    findall(Kind, member(told(Kind, _, _), Told), Kinds).
