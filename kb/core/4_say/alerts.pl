%   SPDX-License-Identifier: Apache-2.0

:- module(say_alerts,
          [ move_words/7,               % +Move, +What, +Severity, +Levels, ++Used, +State, -Words
            gone_words/3,               % +Why, +What, -Words
            storm_words/5,              % +Move, +Key, +Severity, +Members, -Words
            condition_sentence/4        % +Condition, +Node, +Part, -Words
          ]).
:- use_module(library(lists), [append/3, memberchk/2]).
:- use_module(kb('1_words/condition_words'), [condition_words/2]).
:- use_module(kb('1_words/metric_words'), [metric/5]).
:- use_module(kb('3_rules/conditions'), [alert_condition/4]).
:- use_module(kb('3_rules/condition'), [measured/3]).
:- use_module(quantities, [amount/3, duration/2]).

/** <module> What an alert says to a person

Node, part and numbers come from our facts and checked readings; nothing here is free text.
*/

named_max(8).

%!  condition_sentence(+Condition, +Node, +Part, -Words:string) is det.
%
%   "nas has a full file system (/srv)"

condition_sentence(Condition, Node, Part, Words) :-
    once(condition_words(Condition, Said)),
    (   Part == ""
    ->  format(string(Words), "~s ~s", [Node, Said])
    ;   format(string(Words), "~s ~s (~s)", [Node, Said, Part])
    ).

%!  move_words(+Move, +What, +Severity, +Levels, ++Used, +State, -Words:string) is det.
%
%   What is Condition/Node/Part; Move raise, worse, again or clear.

move_words(Move, Condition/Node/Part, Severity, Levels, Used, State, Words) :-
    condition_sentence(Condition, Node, Part, Sentence),
    now_words(Condition, Used, Now),
    move_end(Move, Condition, Severity, Levels, State, End),
    (   Move == clear
    ->  format(string(Words), "over: ~s~s~s.", [Sentence, Now, End])
    ;   format(string(Words), "~w: ~s~s~s.", [Severity, Sentence, Now, End])
    ).

move_end(raise, Condition, Severity, Levels, _, End) :-
    limit_words(Condition, Severity, Levels, End).
move_end(worse, Condition, Severity, Levels, _, End) :-
    limit_words(Condition, Severity, Levels, End).
move_end(again, _, _, _, st(_, _, _, _, Count, _, _, _), End) :-
    format(string(End), "; ~d times by now", [Count]).
move_end(clear, _, _, _, _, "").

%   What is measured, in its unit.
now_words(Condition, Used, Words) :-
    alert_condition(Condition, Measure, _, _),
    (   measured(Condition, Used, value(Value)),
        measure_words(Measure, Value, Said)
    ->  format(string(Words), ": ~s", [Said])
    ;   Words = ""
    ),
    !.

measure_words(of(Metric), Value, Said) :-
    metric(Metric, Unit, _, _, _),
    (   Unit == bool
    ->  fail
    ;   amount(Unit, Value, Said)
    ).
measure_words(away(Metric), Value, Said) :-
    metric(Metric, Unit, _, _, _),
    amount(Unit, Value, Amount),
    format(string(Said), "~s off", [Amount]).
measure_words(per(_, _), Value, Said) :-
    amount(milli, Value, Amount),
    format(string(Said), "~s for each core", [Amount]).
measure_words(runs_out(_), Value, Said) :-
    amount(minutes, Value, Amount),
    format(string(Said), "nothing left in ~s at this rate", [Amount]).
measure_words(climbs(_, _), Value, Said) :-
    amount(minutes, Value, Amount),
    format(string(Said), "in ~s at this rate", [Amount]).
measure_words(silence, Value, Said) :-
    duration(Value, Amount),
    format(string(Said), "not heard for ~s", [Amount]).
measure_words(absence(_), Value, Said) :-
    duration(Value, Amount),
    format(string(Said), "not seen for ~s", [Amount]).

limit_words(Condition, Severity, levels(Direction, Raises, _), Words) :-
    (   alert_condition(Condition, Measure, _, _),
        limited(Measure, Unit),
        memberchk(Severity-Raise, Raises)
    ->  amount(Unit, Raise, Amount),
        ( Direction == up -> Down = "" ; Down = " down" ),
        format(string(Words), " (~w from ~s~s)", [Severity, Amount, Down])
    ;   Words = ""
    ),
    !.

limited(of(Metric), Unit) :-
    metric(Metric, Unit, _, _, _),
    Unit \== bool.
limited(away(Metric), Unit) :-
    metric(Metric, Unit, _, _, _).
limited(per(_, _), milli).

%!  gone_words(+Why, +What, -Words:string) is det.

gone_words(Why, Condition/Node/Part, Words) :-
    condition_sentence(Condition, Node, Part, Sentence),
    gone_why(Why, Said),
    format(string(Words), "over: ~s; ~s.", [Sentence, Said]).

gone_why(node, "the node is no longer in the site facts").
gone_why(source, "its source is no longer in the site facts").
gone_why(condition, "the rules know this condition no more").
gone_why(part, "nothing was told of this part for a day").

%!  storm_words(+Move, +Key, +Severity, +Members:list, -Words:string) is det.

storm_words(Move, Key, Severity, Members, Words) :-
    length(Members, Count),
    storm_of(Key, Of),
    (   Move == clear
    ->  format(string(Words), "over: the storm (~s) has no member left.", [Of])
    ;   named_max(Max),
        names(Members, Max, Names),
        format(string(Words), "~w storm: ~d nodes, each ~s: ~s.", [Severity, Count, Of, Names])
    ).

storm_of(others-_, "with conditions of several kinds") :- !.
storm_of(Condition-_, Words) :-
    once(condition_words(Condition, Words)).

names(Members, Max, Words) :-
    length(Members, Count),
    (   Count =< Max
    ->  atomic_list_concat(Members, ', ', Atom),
        atom_string(Atom, Words)
    ;   length(Head, Max),
        append(Head, _, Members),
        atomic_list_concat(Head, ', ', Atom),
        More is Count - Max,
        format(string(Words), "~w and ~d more", [Atom, More])
    ).
