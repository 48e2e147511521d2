%   SPDX-License-Identifier: Apache-2.0

:- module(observe_flow,
          [ look_at_news/4,             % +News, +NowMs, -Transitions, ?Rest
            look_around/4               % +Rows, +NowMs, -Transitions, ?Rest
          ]).
:- use_module(library(lists), [member/2, memberchk/2]).
:- use_module(kb('2_seen/alerts'), [alert_open/8]).
:- use_module(kb('2_seen/senses'),
              [forget_old_series/1, heard_at/2, last_sensed/6, last_round/2, not_quiet/3,
               quiet_between/5, round_done/2, watched_since/1]).
:- use_module(kb('2_seen/site'), []).
:- use_module(kb('2_seen/standings'),
              [cross/4, forget_crossings/1, stand/5, standing/5, stands_no_more/3]).
:- use_module(kb('3_rules/conditions'), [alert_condition/4, levels_for/3, watching/3]).
:- use_module(kb('3_rules/condition'),
              [calm_state/1, quiet_span/5, rested/3, taken_up/4, used_readings/4]).
:- use_module(kb('4_say/alert_answer'),
              [alert_answer/2, answer_asked/4, condition_question/7, gone_question/5,
               storm_key_text/2]).

/** <module> From readings to entries about alerts

What changed is looked at (look_at_news/4), what only time changes at each round (look_around/4).
What crossed waits a moment, held: observe_storms.pl tells it. Transitions are
obj([kind-…, body-…]).

Here standings are written; what a step comes to is worked out in 3_rules/condition.pl and
4_say/alert_answer.pl, from nothing but the question.
*/

round_ms(4000).
old_series_ms(3600000).
crossing_ms(60000).
part_gone_ms(86400000).

                /*  what the readings say  */

%!  look_at_news(+News:list, +NowMs, -Transitions, ?Rest) is det.

look_at_news([], _, Rest, Rest).
look_at_news([news(Node, Metric, Part, Why)|News], NowMs, Transitions, Rest) :-
    findall(Condition, concerned(Why, Metric, Condition), Conditions),
    look_each(Conditions, Node, Part, NowMs, Transitions, Transitions1),
    quiet_again(Node, Metric, Part),
    look_at_news(News, NowMs, Transitions1, Rest).

concerned(value, Metric, Condition) :- watching(Metric, Condition, value).
concerned(point, Metric, Condition) :- watching(Metric, Condition, _).

look_each([], _, _, _, Rest, Rest).
look_each([Condition|Conditions], Node, Part, NowMs, Transitions, Rest) :-
    look(Condition, Node, Part, NowMs, Transitions, Transitions1),
    look_each(Conditions, Node, Part, NowMs, Transitions1, Rest).

%   Until when nobody needs to look again: all that watch this metric agree.
quiet_again(Node, Metric, Part) :-
    findall(Span, ( watching(Metric, Condition, value), span(Condition, Node, Part, Span) ),
            Spans),
    narrowest(Spans, -inf, inf, Low, High),
    quiet_between(Node, Metric, Part, Low, High).

span(Condition, Node, Part, Span) :-
    (   stands(Condition, Node, Part, State, Owner),
        still(Owner),
        levels_for(Condition, Node, Levels),
        quiet_span(Condition, Levels, State, Low, High)
    ->  Span = Low-High
    ;   Span = 1-0
    ).

still(nobody).
still(alert(_)).
still(storm(_, _)).

narrowest([], Low, High, Low, High).
narrowest([Low1-High1|Spans], Low0, High0, Low, High) :-
    ( above(Low1, Low0) -> Low2 = Low1 ; Low2 = Low0 ),
    ( above(High0, High1) -> High2 = High1 ; High2 = High0 ),
    narrowest(Spans, Low2, High2, Low, High).

above(inf, _) :- !.
above(_, -inf) :- !.
above(-inf, _) :- !, fail.
above(_, inf) :- !, fail.
above(A, B) :- A >= B.

stands(Condition, Node, Part, State, Owner) :-
    (   standing(Condition, Node, Part, State0, Owner0)
    ->  State = State0,
        Owner = Owner0
    ;   calm_state(State),
        Owner = nobody
    ).

                /*  one look  */

%!  look(+Condition, +Node, +Part, +NowMs, -Transitions, ?Rest) is det.

look(Condition, Node, Part, NowMs, Transitions, Rest) :-
    stands_or_stood_in(Condition, Node, Part, State0, Owner),
    (   waits(Owner)
    ->  Transitions = Rest
    ;   levels_for(Condition, Node, Levels),
        used_readings(Condition, Node, Part, Used),
        Asked = asked(Condition/Node/Part, Levels, Used, State0, NowMs),
        answer_asked(Asked, Move, State, Answer),
        moved(Move, Asked, State, Owner, Answer, Transitions, Rest)
    ),
    !.

waits(pending).
waits(held(_, _)).

%   A member of a storm whose part is not known since a restart: the part that is looked at first.
stands_or_stood_in(Condition, Node, Part, State, Owner) :-
    (   standing(Condition, Node, Part, State0, Owner0)
    ->  State = State0,
        Owner = Owner0
    ;   Part \== "",
        standing(Condition, Node, "", State0, Owner0),
        Owner0 = storm(_, _),
        has_parts(Condition)
    ->  stands_no_more(Condition, Node, ""),
        stand(Condition, Node, Part, State0, Owner0),
        State = State0,
        Owner = Owner0
    ;   calm_state(State),
        Owner = nobody
    ).

has_parts(Condition) :-
    alert_condition(Condition, Measure, _, _),
    \+ Measure = per(_, _),
    Measure \== silence.

moved(none, asked(Condition/Node/Part, _, _, State0, _), State, Owner, _, Rest, Rest) :-
    (   State == State0
    ->  true
    ;   calm_state(State),
        Owner == nobody
    ->  stands_no_more(Condition, Node, Part)
    ;   stand(Condition, Node, Part, State, Owner)
    ).
moved(raise(_), Asked, State, _, _, Rest, Rest) :-
    Asked = asked(Condition/Node/Part, _, _, _, NowMs),
    stand(Condition, Node, Part, State, held(NowMs, Asked)),
    cross(Condition, Node, Part, NowMs).
moved(Move, Asked, State, alert(Id), Answer, [Transition|Rest], Rest) :-
    Asked = asked(Condition/Node/Part, Levels, Used, State0, NowMs),
    condition_question(Condition/Node/Part, Levels, Used, State0, NowMs, Question, _),
    (   Move == clear
    ->  Kind = alert_cleared,
        stand(Condition, Node, Part, State, pending)
    ;   Kind = alert_changed,
        stand(Condition, Node, Part, State, alert(Id))
    ),
    told(Kind, Id, Question, Answer, Transition).
moved(worse(Severity), Asked, State, storm(Key, _), _, Rest, Rest) :-
    Asked = asked(Condition/Node/Part, _, _, _, NowMs),
    stand(Condition, Node, Part, State, storm(Key, new(Severity, NowMs))).
moved(again, asked(Condition/Node/Part, _, _, _, _), State, storm(Key, Told), _, Rest, Rest) :-
    stand(Condition, Node, Part, State, storm(Key, Told)).
moved(clear, asked(Condition/Node/Part, _, _, _, _), State, storm(_, _), _, Rest, Rest) :-
    stand(Condition, Node, Part, State, nobody).

told(Kind, Id, Question, Answer, obj([kind-Kind, body-obj(Pairs)])) :-
    Answer = obj(Said),
    memberchk(severity-Severity, Said),
    memberchk(words-Words, Said),
    Base = [ alert-Id, severity-Severity, words-Words|More ],
    ( memberchk(count-Count, Said), Kind == alert_changed -> More = [count-Count|More1]
    ; More = More1 ),
    ( Kind == alert_cleared -> why(Said, Why), More1 = [why-Why|More2] ; More1 = More2 ),
    More2 = [ question-Question, answer-Answer ],
    Pairs = Base.

why(Said, Why) :-
    ( memberchk(move-gone, Said) -> Why = gone ; Why = clear ).

                /*  what only time changes  */

%!  look_around(+Rows, +NowMs, -Transitions, ?Rest) is det.
%
%   At most once in four seconds; at once when it was called without rows.

look_around(Rows, NowMs, Transitions, Rest) :-
    round_ms(RoundMs),
    (   Rows = [_|_],
        last_round(look, LastMs),
        LastMs =< NowMs,
        NowMs - LastMs < RoundMs
    ->  Transitions = Rest
    ;   round_done(look, NowMs),
        take_up,
        end_what_is_gone(NowMs, Transitions, Transitions1),
        findall(Condition/Node/Part, by_time(NowMs, Condition, Node, Part), Keys0),
        sort(Keys0, Keys),
        look_keys(Keys, NowMs, Transitions1, Rest),
        sweep(NowMs)
    ),
    !.

look_keys([], _, Rest, Rest).
look_keys([Condition/Node/Part|Keys], NowMs, Transitions, Rest) :-
    look(Condition, Node, Part, NowMs, Transitions, Transitions1),
    look_keys(Keys, NowMs, Transitions1, Rest).

%   Who waits for time to pass; who may be silent; which GPU is no longer told of.
by_time(_, Condition, Node, Part) :-
    standing(Condition, Node, Part, State, Owner),
    Condition \== storm,
    \+ waits(Owner),
    due(Condition, State).
by_time(NowMs, node_silent, Node, "") :-
    watched_since(SinceMs),
    NowMs - SinceMs >= 15000,
    findall(Node0, site:sense_source(_, Node0, _, _, _), Nodes0),
    sort(Nodes0, Nodes),
    member(Node, Nodes),
    \+ ( heard_at(Node, AtMs), NowMs - AtMs < 15000 ).
by_time(NowMs, Condition, Node, Part) :-
    alert_condition(Condition, absence(Metric), _, _),
    last_sensed(Node, Metric, Part, _, AtMs, false),
    AtMs =< NowMs.

due(Condition, State) :-
    arg(1, State, Is),
    (   memberchk(Is, [rising, clearing])
    ->  true
    ;   Is == raised,
        alert_condition(Condition, Measure, _, _),
        ( Measure == silence ; Measure = absence(_) )
    ),
    !.

%   After a restart the alerts that are open stand as they are told.
take_up :-
    forall(( alert_open(Id, Condition, Node, Part, Severity, _, Count, Members),
             \+ standing(Condition, Node, Part, _, _) ),
           take_up(Condition, Id, Node, Part, Severity, Count, Members)).

take_up(storm, Id, "", Text, Severity, _, Members) :-
    !,
    last_round(look, NowMs),
    stand(storm, "", Text, storm(Severity, NowMs, NowMs, Members), alert(Id)),
    (   storm_key_text(Key, Text),
        Key = Condition-_,
        Condition \== others
    ->  forall(( member(Node, Members), \+ standing(Condition, Node, _, _, _) ),
               ( taken_up(Severity, 1, NowMs, State),
                 stand(Condition, Node, "", State, storm(Key, told)) ))
    ;   true
    ).
take_up(Condition, Id, Node, Part, Severity, Count, _) :-
    last_round(look, NowMs),
    taken_up(Severity, Count, NowMs, State),
    stand(Condition, Node, Part, State, alert(Id)),
    forall(watching(Metric, Condition, _), not_quiet(Node, Metric, Part)).

%   What can never be clear because nobody will tell of it again.
end_what_is_gone(NowMs, Transitions, Rest) :-
    findall(gone(Why, Id, Condition/Node/Part, Severity),
            ( alert_open(Id, Condition, Node, Part, Severity, _, _, _),
              Condition \== storm,
              standing(Condition, Node, Part, _, alert(Id)),
              gone(Condition, Node, Part, NowMs, Why) ),
            Gone),
    end_gone(Gone, NowMs, Transitions, Rest).

end_gone([], _, Rest, Rest).
end_gone([gone(Why, Id, Condition/Node/Part, Severity)|Gone], NowMs, [Transition|Transitions],
         Rest) :-
    gone_question(Why, Condition/Node/Part, Severity, NowMs, Question),
    alert_answer(Question, Answer),
    calm_state(Calm),
    stand(Condition, Node, Part, Calm, pending),
    told(alert_cleared, Id, Question, Answer, Transition),
    end_gone(Gone, NowMs, Transitions, Rest).

gone(Condition, _, _, _, condition) :-
    \+ alert_condition(Condition, _, _, _),
    !.
gone(_, Node, _, _, node) :-
    \+ site:node(Node, _, _),
    !.
gone(node_silent, Node, _, _, source) :-
    \+ site:sense_source(_, Node, _, _, _),
    !.
gone(exporter_failing, Node, Part, _, source) :-
    \+ site:sense_source(Part, Node, _, _, _),
    !.
gone(Condition, Node, Part, NowMs, part) :-
    part_gone_ms(GoneMs),
    alert_condition(Condition, Measure, _, _),
    Measure \== silence,
    arg(1, Measure, Metric),
    watched_since(SinceMs),
    NowMs - SinceMs >= GoneMs,
    heard_at(Node, HeardMs),
    NowMs - HeardMs < 60000,
    \+ ( last_sensed(Node, Metric, Part, _, AtMs, _), NowMs - AtMs < GoneMs ),
    !.

%   Each minute: crossings and calm that are long ago; each hour: parts that nobody tells of.
sweep(NowMs) :-
    crossing_ms(Ms),
    (   again(minute, Ms, NowMs)
    ->  Before is NowMs - Ms,
        forget_crossings(Before),
        forall(( standing(Condition, Node, Part, _, Owner),
                 Condition \== storm,
                 Owner \= alert(_),
                 Owner \== pending,
                 gone(Condition, Node, Part, NowMs, _) ),
               stands_no_more(Condition, Node, Part)),
        calm_state(Calm),
        forall(( standing(Condition, Node, Part, State0, nobody), rested(State0, NowMs, State) ),
               stand(Condition, Node, Part, State, nobody)),
        forall(standing(Condition, Node, Part, Calm, nobody),
               stands_no_more(Condition, Node, Part))
    ;   true
    ),
    old_series_ms(OldMs),
    (   again(old, OldMs, NowMs)
    ->  forget_old_series(NowMs)
    ;   true
    ).

again(What, EveryMs, NowMs) :-
    \+ ( last_round(What, LastMs), LastMs =< NowMs, NowMs - LastMs < EveryMs ),
    round_done(What, NowMs).
