%   SPDX-License-Identifier: Apache-2.0

:- module(alert_answer,
          [ alert_answer/2,             % ++Question, -Answer
            condition_question/7,       % +Key, +Levels, ++Used, ++State0, +NowMs, -Question, -Asked
            answer_asked/4,             % ++Asked, -Move, -State, -Answer
            gone_question/5,            % +Why, +Key, +Severity, +NowMs, -Question
            storm_question/6,           % +Key, ++Before, ++Joined, +Left, +NowMs, -Question
            storm_key_text/2            % ?Key, ?Text
          ]).
:- use_module(library(lists), [member/2, memberchk/2, subtract/3]).
:- use_module(kb('1_words/condition_words'), [condition/1, condition_named/2, severity/2]).
:- use_module(kb('1_words/metric_words'), [part_text/1]).
:- use_module(kb('1_words/wire'), [field/3]).
:- use_module(kb('3_rules/conditions'), [alert_condition/4]).
:- use_module(kb('3_rules/condition'),
              [condition_step/7, evidence_ms/4, measured/3, state_obj/2, used_obj/2, obj_used/2,
               levels_obj/2, obj_levels/2]).
:- use_module(alerts, [move_words/7, gone_words/3, storm_words/5]).

/** <module> The question behind an entry about an alert, and its answer

Each alert_raised, alert_changed and alert_cleared carries a question and an answer; the answer
depends on the question and the rules alone, so anybody can ask again (door `alert`):

    a condition    {condition, node, part, now_ms, levels, readings, before}
                   -> {move, severity, words, count, state}
    one that ended without it    {gone, condition, node, part, severity, now_ms}
                   -> {move, severity, words}
    a storm        {storm, now_ms, before: null or {severity, since_ms, told_ms, members}, joined,
                    left} -> {move, severity, words, members, count, state}
*/

%!  alert_answer(++Question, -Answer) is semidet.
%
%   False if Question is none that we ask.

alert_answer(Question, Answer) :-
    field(Question, gone, _),
    !,
    gone_answer(Question, Answer).
alert_answer(Question, Answer) :-
    field(Question, storm, _),
    !,
    storm_answer(Question, Answer).
alert_answer(Question, Answer) :-
    asked_of(Question, Asked),
    answer_asked(Asked, _, _, Answer).

                /*  a condition  */

%!  condition_question(+Key, +Levels, ++Used, ++State0, +NowMs, -Question, -Asked) is det.
%
%   Key is Condition/Node/Part; Asked is the same as a term, for answer_asked/4.

condition_question(Condition/Node/Part, Levels, Used, State0, NowMs, Question, Asked) :-
    Asked = asked(Condition/Node/Part, Levels, Used, State0, NowMs),
    levels_obj(Levels, LevelsObj),
    findall(Obj, ( member(Reading, Used), used_obj(Reading, Obj) ), Readings),
    state_obj(State0, Before),
    Question = obj([ condition-Condition, node-Node, part-Part, now_ms-NowMs, levels-LevelsObj,
                     readings-Readings, before-Before ]).

asked_of(Question, asked(Condition/Node/Part, Levels, Used, State0, NowMs)) :-
    key_of(Question, Condition, Node, Part),
    alert_condition(Condition, _, _, _),
    !,
    field(Question, now_ms, NowMs),
    integer(NowMs),
    field(Question, levels, LevelsObj),
    obj_levels(LevelsObj, Levels),
    field(Question, readings, Readings),
    is_list(Readings),
    \+ ( member(Obj, Readings), \+ obj_used(Obj, _) ),
    findall(Reading, ( member(Obj, Readings), obj_used(Obj, Reading) ), Used),
    field(Question, before, Before),
    state_obj(State0, Before).

key_of(Question, Condition, Node, Part) :-
    field(Question, condition, Text),
    ( atom(Text) -> condition(Text), Condition = Text ; condition_named(Text, Condition) ),
    !,
    field(Question, node, Node),
    string(Node),
    field(Question, part, Part),
    part_text(Part).

%!  answer_asked(++Asked, -Move, -State, -Answer) is det.

answer_asked(asked(Key, Levels, Used, State0, NowMs), Move, State, Answer) :-
    Key = Condition/_/_,
    measured(Condition, Used, Measured),
    evidence_ms(Condition, Used, NowMs, AtMs),
    condition_step(Condition, Levels, State0, Measured, AtMs, State, Move),
    move_said(Move, State0, State, Word, Severity),
    State = st(_, _, _, _, Count, _, _, _),
    (   Word == none
    ->  Words = ""
    ;   move_words(Word, Key, Severity, Levels, Used, State, Words)
    ),
    state_obj(State, After),
    Answer = obj([ move-Word, severity-Severity, words-Words, count-Count, state-After ]).

move_said(raise(Severity), _, _, raise, Severity).
move_said(worse(Severity), _, _, worse, Severity).
move_said(again, _, State, again, Severity) :- arg(2, State, Severity).
move_said(clear, State0, _, clear, Severity) :- arg(2, State0, Severity).
move_said(none, _, _, none, none).

                /*  what ended without its condition  */

%!  gone_question(+Why, +Key, +Severity, +NowMs, -Question) is det.
%
%   Why is node, source, part or condition.

gone_question(Why, Condition/Node/Part, Severity, NowMs,
              obj([ gone-Why, condition-Condition, node-Node, part-Part, severity-Severity,
                    now_ms-NowMs ])).

gone_answer(Question, obj([move-gone, severity-Severity, words-Words])) :-
    field(Question, gone, WhyText),
    member(Why, [node, source, part, condition]),
    ( Why == WhyText ; atom_string(Why, WhyText) ),
    !,
    key_or_unknown(Question, Condition, Node, Part),
    severity_of(Question, Severity),
    gone_words(Why, Condition/Node/Part, Words).

key_or_unknown(Question, Condition, Node, Part) :-
    (   key_of(Question, Condition, Node, Part)
    ->  true
    ;   Condition = unknown,
        field(Question, node, Node),
        string(Node),
        field(Question, part, Part),
        part_text(Part)
    ).

severity_of(Obj, Severity) :-
    field(Obj, severity, Text),
    severity(Severity, _),
    ( Severity == Text ; atom_string(Severity, Text) ),
    !.

                /*  a storm  */

%!  storm_key_text(?Key, ?Text) is semidet.
%
%   Key is Condition-Number, or others-Number; the first has no number in its text.

storm_key_text(Of-Number, Text) :-
    integer(Number),
    !,
    (   Number =:= 1
    ->  atom_string(Of, Text)
    ;   format(string(Text), "~w/~d", [Of, Number])
    ).
storm_key_text(Of-Number, Text) :-
    string(Text),
    split_string(Text, "/", "", [OfText|Rest]),
    ( OfText == "others" -> Of = others ; condition_named(OfText, Of) ),
    (   Rest == []
    ->  Number = 1
    ;   Rest = [NumberText],
        string_length(NumberText, Length),
        Length =< 4,
        number_string(Number, NumberText),
        integer(Number),
        Number > 1
    ),
    !.

%!  storm_question(+Key, ++Before, ++Joined, +Left, +NowMs, -Question) is det.
%
%   Before is none or storm(Severity, SinceMs, ToldMs, Members); Joined are
%   joined(Condition, Node, Part, Severity, AtMs), of those that crossed or got worse.

storm_question(Key, Before, Joined, Left, NowMs, Question) :-
    storm_key_text(Key, Text),
    (   Before = storm(Severity, Since, Told, Members)
    ->  BeforeObj = obj([ severity-Severity, since_ms-Since, told_ms-Told, members-Members ])
    ;   BeforeObj = null
    ),
    findall(obj([ condition-Condition, node-Node, part-Part, severity-How, at_ms-AtMs ]),
            member(joined(Condition, Node, Part, How, AtMs), Joined), Objs),
    Question = obj([ storm-Text, now_ms-NowMs, before-BeforeObj, joined-Objs, left-Left ]).

storm_answer(Question, Answer) :-
    field(Question, storm, Text),
    storm_key_text(Key, Text),
    field(Question, now_ms, NowMs),
    integer(NowMs),
    field(Question, before, Before),
    storm_before(Before, NowMs, Severity0, Since, Were),
    field(Question, joined, Joined),
    is_list(Joined),
    findall(How-Node,
            ( member(Obj, Joined), severity_of(Obj, How), field(Obj, node, Node), string(Node) ),
            Crossed),
    field(Question, left, Left),
    findall(Node, member(_-Node, Crossed), New),
    findall(Node, ( member(Node, Were) ; member(Node, New) ), All0),
    sort(All0, All),
    subtract(All, Left, Members),
    worst(Crossed, Severity0, Severity),
    storm_move(Before, Members, Severity0, Severity, Move),
    storm_words(Move, Key, Severity, Members, Words),
    length(Members, Count),
    Answer = obj([ move-Move, severity-Severity, words-Words, members-Members, count-Count,
                   state-obj([severity-Severity, since_ms-Since, told_ms-NowMs]) ]).

storm_before(null, NowMs, none, NowMs, []) :- !.
storm_before(Before, _, Severity, Since, Members) :-
    severity_of(Before, Severity),
    field(Before, since_ms, Since),
    integer(Since),
    field(Before, members, Members),
    is_list(Members),
    \+ ( member(Member, Members), \+ string(Member) ).

worst([], Severity, Severity).
worst([Severity1-_|Crossed], Severity0, Severity) :-
    (   rank(Severity1, Rank1),
        rank(Severity0, Rank0),
        Rank1 > Rank0
    ->  worst(Crossed, Severity1, Severity)
    ;   worst(Crossed, Severity0, Severity)
    ).

rank(none, 0) :- !.
rank(Severity, Rank) :- severity(Severity, Rank).

storm_move(null, _, _, _, raise) :- !.
storm_move(_, [], _, _, clear) :- !.
storm_move(_, _, Severity0, Severity, worse) :- Severity0 \== Severity, !.
storm_move(_, _, _, _, more).
