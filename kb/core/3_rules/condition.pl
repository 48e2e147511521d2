%   SPDX-License-Identifier: Apache-2.0

:- module(condition,
          [ condition_step/7,           % +Condition, +Levels, ++State0, +Measured, +NowMs, …
            measured/3,                 % +Condition, ++Used, -Measured
            evidence_ms/4,              % +Condition, ++Used, +NowMs, -AtMs
            used_readings/4,            % +Condition, +Node, +Part, -Used
            level_of/3,                 % +Levels, +Measured, -Level
            quiet_span/5,               % +Condition, +Levels, ++State, -Low, -High
            calm_state/1,               % -State
            rested/3,                   % ++State0, +NowMs, -State
            taken_up/4,                 % +Severity, +Count, +NowMs, -State
            state_obj/2,                % ?State, ?Obj
            used_obj/2,                 % +Used, -Obj
            obj_used/2,                 % ++Obj, -Used
            levels_obj/2,               % +Levels, -Obj
            obj_levels/2                % ++Obj, -Levels
          ]).
:- use_module(library(lists), [member/2, memberchk/2]).
:- use_module(kb('1_words/condition_words'), [severity/2]).
:- use_module(kb('1_words/metric_words'), [metric_named/2]).
:- use_module(kb('1_words/wire'), [field/3]).
:- use_module(kb('2_seen/senses'),
              [sensed/5, last_sensed/6, slope_per_hour/4, heard_at/2, sense_time/1,
               watched_since/1]).
:- use_module(kb('2_seen/site'), []).
:- use_module(kb('2_seen/state'), []).
:- use_module(conditions, [alert_condition/4, levels_for/3, condition_option/3]).

/** <module> One condition of one part of one node, one step

Pure: state before, what the readings come to, levels and time give state after and a move. Nothing
else counts, so what is recorded can be worked out again. A state is

    st(Is, Severity, SinceMs, ToldMs, Count, Flaps, ClearedMs, Hits)

    Is         calm · armed (calm, and was once on the clear side) · rising · raised · clearing
    Count      crossings in this life of the alert        ToldMs    when it was last told of
    Flaps      crossings soon after it was clear: each doubles the time that it must stay clear
    Hits       when it was hit, the newest first (only with hits/2)

A move is none, raise(Severity), worse(Severity), again or clear. What is unknown neither raises nor
clears: who was rising is calm, who was clearing stands raised. A time that lies ahead, because the
clock went back, counts as now: nothing gets older by it, so nothing is raised, and nothing over.
*/

again_ms(300000).                       % of one alert at most so often: it came again
once_within_ms(600000).                 % a crossing sooner after the end is a flap
flaps_max(4).

%!  calm_state(-State) is det.

calm_state(st(calm, none, 0, 0, 0, 0, 0, [])).

%!  rested(++State0, +NowMs, -State) is semidet.
%
%   What is calm long enough has no flaps behind it.

rested(st(Is, none, _, _, _, _, ClearedMs, []), NowMs, st(Is, none, 0, 0, 0, 0, 0, [])) :-
    ClearedMs > 0,
    memberchk(Is, [calm, armed]),
    once_within_ms(Within),
    ( NowMs - ClearedMs >= Within ; ClearedMs > NowMs ),
    !.

%!  taken_up(+Severity, +Count, +NowMs, -State) is det.
%
%   What an alert that is open says after a restart.

taken_up(Severity, Count, NowMs, st(raised, Severity, NowMs, NowMs, Count, 0, 0, [])).

%!  condition_step(+Condition, +Levels, ++State0, +Measured, +NowMs, -State, -Move) is det.

condition_step(Condition, Levels, State0, Measured, NowMs, State, Move) :-
    not_ahead(State0, NowMs, State1),
    (   Measured == unknown
    ->  without_sight(State1, NowMs, State),
        Move = none
    ;   level_of(Levels, Measured, Level),
        State1 =.. [st, Is|_],
        step(Is, Level, Condition, State1, NowMs, State, Move)
    ),
    !.

not_ahead(st(Is, Severity, Since0, Told0, Count, Flaps, Cleared0, Hits0), NowMs,
          st(Is, Severity, Since, Told, Count, Flaps, Cleared, Hits)) :-
    Since is min(Since0, NowMs),
    Told is min(Told0, NowMs),
    Cleared is min(Cleared0, NowMs),
    ( Hits0 == [] -> Hits = [] ; findall(Hit, ( member(At, Hits0), Hit is min(At, NowMs) ), Hits) ).

without_sight(st(rising, _, _, _, _, Flaps, Cleared, Hits), NowMs,
              st(calm, none, NowMs, 0, 0, Flaps, Cleared, Hits)) :- !.
without_sight(st(clearing, Severity, _, Told, Count, Flaps, Cleared, Hits), NowMs,
              st(raised, Severity, NowMs, Told, Count, Flaps, Cleared, Hits)) :- !.
without_sight(State, _, State).

%   step(+Is, +Level, +Condition, +State0, +NowMs, -State, -Move); Level: back, between, Severity.
step(raised, back, _, st(_, Severity, _, Told, Count, Flaps, Cleared, Hits), NowMs,
     st(clearing, Severity, NowMs, Told, Count, Flaps, Cleared, Hits), none) :-
    !.
step(raised, Level, _, State0, NowMs, State, Move) :-
    !,
    State0 = st(_, Severity, Since, _, Count, Flaps, Cleared, Hits),
    (   more_severe(Level, Severity)
    ->  State = st(raised, Level, Since, NowMs, Count, Flaps, Cleared, Hits),
        Move = worse(Level)
    ;   State = State0,
        Move = none
    ).
step(clearing, back, Condition, State0, NowMs, State, Move) :-
    !,
    State0 = st(_, _, Since, _, _, Flaps, _, _),
    condition_option(Condition, clear_s(ClearS), 60),
    HoldMs is (ClearS * 1000) << Flaps,
    (   NowMs - Since >= HoldMs
    ->  resting(Condition, Rest),
        State = st(Rest, none, NowMs, 0, 0, Flaps, NowMs, []),
        Move = clear
    ;   State = State0,
        Move = none
    ).
step(clearing, between, _, st(_, Severity, _, Told, Count, Flaps, Cleared, Hits), NowMs,
     st(raised, Severity, NowMs, Told, Count, Flaps, Cleared, Hits), none) :-
    !.
step(clearing, Level, _, st(_, Severity0, _, Told0, Count0, Flaps0, Cleared, Hits), NowMs,
     st(raised, Severity, NowMs, Told, Count, Flaps, Cleared, Hits), Move) :-
    !,
    Count is Count0 + 1,
    flaps_max(Most),
    Flaps is min(Flaps0 + 1, Most),
    again_ms(AgainMs),
    (   more_severe(Level, Severity0)
    ->  Severity = Level,
        Told = NowMs,
        Move = worse(Level)
    ;   NowMs - Told0 >= AgainMs
    ->  Severity = Severity0,
        Told = NowMs,
        Move = again
    ;   Severity = Severity0,
        Told = Told0,
        Move = none
    ).
step(Is, Level, Condition, State0, NowMs, State, Move) :-        % calm, armed, rising
    (   severity(Level, _)
    ->  crossing(Is, Level, Condition, State0, NowMs, State, Move)
    ;   Move = none,
        settled(Is, Level, Condition, State0, NowMs, State)
    ).

settled(rising, Level, Condition, st(_, _, Since, _, _, Flaps, Cleared, Hits0), NowMs, State) :-
    !,
    recent(Condition, Hits0, NowMs, Hits),
    (   Hits == []
    ->  rest_after(Level, Condition, armed, Rest),
        State = st(Rest, none, NowMs, 0, 0, Flaps, Cleared, [])
    ;   State = st(rising, none, Since, 0, 0, Flaps, Cleared, Hits)
    ).
settled(Is, Level, Condition, st(_, _, Since, _, _, Flaps0, Cleared0, _), NowMs, State) :-
    rest_after(Level, Condition, Is, Rest),
    once_within_ms(Within),
    (   Cleared0 > 0,
        NowMs - Cleared0 < Within
    ->  Flaps = Flaps0,
        Cleared = Cleared0
    ;   Flaps = 0,
        Cleared = 0
    ),
    (   Cleared =:= 0
    ->  State = st(Rest, none, 0, 0, 0, 0, 0, [])
    ;   State = st(Rest, none, Since, 0, 0, Flaps, Cleared, [])
    ).

resting(Condition, Rest) :-
    ( needs_arming(Condition) -> Rest = armed ; Rest = calm ).

rest_after(Level, Condition, Is, Rest) :-
    (   needs_arming(Condition),
        ( Level == back ; Is == armed )
    ->  Rest = armed
    ;   Rest = calm
    ).

needs_arming(Condition) :-
    alert_condition(Condition, _, _, Options),
    memberchk(armed, Options),
    !.

crossing(calm, _, Condition, State, _, State, none) :-
    needs_arming(Condition),
    !.
crossing(Is, Level, Condition, State0, NowMs, State, Move) :-
    State0 = st(_, _, Since0, _, _, Flaps, Cleared, Hits0),
    ( Is == rising -> Since = Since0 ; Since = NowMs ),
    (   condition_option(Condition, hits(Needed, _), none),
        integer(Needed)
    ->  recent(Condition, Hits0, NowMs, Hits1),
        Hits = [NowMs|Hits1],
        length(Hits, Count),
        ( Count >= Needed -> Enough = yes ; Enough = no )
    ;   condition_option(Condition, for_s(ForS), 30),
        Hits = [],
        ( NowMs - Since >= ForS * 1000 -> Enough = yes ; Enough = no )
    ),
    (   Enough == yes
    ->  once_within_ms(Within),
        flaps_max(Most),
        (   Cleared > 0,
            NowMs - Cleared < Within
        ->  Flaps1 is min(Flaps + 1, Most)
        ;   Flaps1 = 0
        ),
        State = st(raised, Level, NowMs, NowMs, 1, Flaps1, Cleared, []),
        Move = raise(Level)
    ;   State = st(rising, none, Since, 0, 0, Flaps, Cleared, Hits),
        Move = none
    ).

recent(Condition, Hits0, NowMs, Hits) :-
    (   Hits0 == []
    ->  Hits = []
    ;   condition_option(Condition, hits(Needed, WindowS), none),
        integer(Needed),
        findall(At, ( member(At, Hits0), NowMs - At < WindowS * 1000 ), Hits)
    ).

more_severe(Level, Severity) :-
    severity(Level, Rank),
    severity(Severity, Was),
    Rank > Was.

%!  level_of(+Levels, +Measured, -Level) is det.
%
%   back (the clear side), between, or the severity that it raises.

level_of(_, back, Level) => Level = back.
level_of(levels(Direction, Raises, Clear), value(Value), Level) =>
    (   highest(Raises, Direction, Value, none, Severity),
        Severity \== none
    ->  Level = Severity
    ;   clear_side(Direction, Value, Clear)
    ->  Level = back
    ;   Level = between
    ).

highest([], _, _, Severity, Severity).
highest([Severity1-Raise|Raises], Direction, Value, Severity0, Severity) :-
    (   raise_side(Direction, Value, Raise)
    ->  highest(Raises, Direction, Value, Severity1, Severity)
    ;   highest(Raises, Direction, Value, Severity0, Severity)
    ).

raise_side(up, Value, Raise)   :- Value >= Raise.
raise_side(down, Value, Raise) :- Value =< Raise.

clear_side(up, Value, Clear)   :- Value =< Clear.
clear_side(down, Value, Clear) :- Value >= Clear.

                /*  what the readings come to  */

%!  used_readings(+Condition, +Node, +Part, -Used:list) is det.
%
%   The fresh readings that the condition needs, as used(Metric, Part, Value, AtMs, Slope), that of
%   the measure first; beside metrics `heard` and `age` (seconds), `others` (sources of the node)
%   and `limit`. What is not known is not among them.

used_readings(Condition, Node, Part, Used) :-
    alert_condition(Condition, Measure, _, Options),
    findall(Reading,
            ( needed(Measure, Options, Part, Need), reading_for(Need, Node, Reading) ), Used),
    !.

needed(of(Metric), _, Part, metric(Metric, Part)).
needed(away(Metric), _, Part, metric(Metric, Part)).
needed(per(Metric, _), _, _, metric(Metric, "")).
needed(per(_, Other), _, _, metric(Other, "")).
needed(runs_out(Metric), _, Part, sloping(Metric, Part)).
needed(climbs(Metric, _), _, Part, sloping(Metric, Part)).
needed(climbs(_, Hot), _, _, limit(Hot)).
needed(silence, _, _, heard).
needed(absence(Metric), _, Part, age(Metric, Part)).
needed(Measure, Options, Part, Need) :-
    member(with(Metric, Of, _, _), Options),
    ( Of == same -> GuardPart = Part ; GuardPart = "" ),
    (   memberchk(Metric, [heard, others])
    ->  ( Metric == heard -> Need = heard ; Need = others(Part) )
    ;   \+ measures(Measure, Metric),
        Need = metric(Metric, GuardPart)
    ).

measures(Measure, Metric) :-
    arg(1, Measure, Metric).

reading_for(metric(Metric, Part), Node, used(Metric, Part, Value, AtMs, null)) :-
    sensed(Node, Metric, Part, Value, AtMs),
    !.
reading_for(sloping(Metric, Part), Node, used(Metric, Part, Value, AtMs, Slope)) :-
    sensed(Node, Metric, Part, Value, AtMs),
    !,
    slope_per_hour(Node, Metric, Part, Slope).
reading_for(limit(Hot), Node, used(limit, "", Raise, 0, null)) :-
    levels_for(Hot, Node, levels(_, [_-Raise|_], _)),
    !.
reading_for(heard, Node, used(heard, "", AgeS, AtMs, null)) :-
    silent_since(Node, AtMs),
    sense_time(NowMs),
    AgeS is max(0, NowMs - AtMs) // 1000.
reading_for(others(Source), Node, used(others, "", Count, 0, null)) :-
    findall(Other, ( site:sense_source(Other, Node, _, _, _), Other \== Source ), Others),
    length(Others, Count).
reading_for(age(Metric, Part), Node, used(age, Part, AgeS, AtMs, null)) :-
    last_sensed(Node, Metric, Part, _, AtMs, _),
    !,
    sense_time(NowMs),
    AgeS is max(0, NowMs - AtMs) // 1000.

%   Only who has a source can be silent, and only while it is awake as far as we know; nobody is
%   silent for longer than we have been listening.
silent_since(Node, AtMs) :-
    site:sense_source(_, Node, _, _, _),
    \+ may_be_away(Node),
    watched_since(WatchedMs),
    !,
    (   heard_at(Node, HeardMs)
    ->  AtMs is max(HeardMs, WatchedMs)
    ;   WatchedMs > 0,
        AtMs = WatchedMs
    ).

may_be_away(Node) :-
    site:node_volatility(Node, How),
    How \== stable,
    !.
may_be_away(Node) :-
    site:node_host(Node, Host),
    state:host_power(Host, asleep, _),
    !.

%!  measured(+Condition, ++Used:list, -Measured) is det.
%
%   value(Value), back (what it needs beside does not hold) or unknown.

measured(Condition, Used, Measured) :-
    alert_condition(Condition, Measure, _, Options),
    (   guards(Options, Measure, Used, Guards),
        Guards \== holds
    ->  Measured = Guards
    ;   measure(Measure, Used, Measured)
    ),
    !.

guards(Options, Measure, Used, Guards) :-
    findall(Holds,
            ( member(with(Metric, _, At, Limit), Options),
              guard(Metric, At, Limit, Measure, Used, Holds) ),
            All),
    (   memberchk(unknown, All)
    ->  Guards = unknown
    ;   memberchk(back, All)
    ->  Guards = back
    ;   Guards = holds
    ).

%   A source of a node that nobody hears says nothing of its own.
guard(Metric, At, Limit, _, Used, Holds) :-
    (   memberchk(used(Metric, _, Value, _, _), Used)
    ->  (   beyond(At, Value, Limit)
        ->  Holds = holds
        ;   memberchk(Metric, [heard, others])
        ->  Holds = unknown
        ;   Holds = back
        )
    ;   Holds = unknown
    ).

beyond(at_least, Value, Limit) :- Value >= Limit.
beyond(at_most, Value, Limit)  :- Value =< Limit.

measure(of(Metric), Used, value(Value)) :-
    memberchk(used(Metric, _, Value, _, _), Used).
measure(away(Metric), Used, value(Value)) :-
    memberchk(used(Metric, _, Value0, _, _), Used),
    Value is abs(Value0).
measure(per(Metric, Other), Used, value(Value)) :-
    memberchk(used(Metric, _, Value0, _, _), Used),
    memberchk(used(Other, _, By, _, _), Used),
    By > 0,
    Value is Value0 // By.
measure(runs_out(Metric), Used, Measured) :-
    memberchk(used(Metric, _, Value, _, Slope), Used),
    integer(Slope),
    (   Slope < 0
    ->  Minutes is Value * 60 // -Slope,
        Measured = value(Minutes)
    ;   Measured = back
    ).
measure(climbs(Metric, _), Used, Measured) :-
    memberchk(used(Metric, _, Value, _, Slope), Used),
    integer(Slope),
    memberchk(used(limit, _, Limit, _, _), Used),
    (   Slope > 0,
        Value < Limit
    ->  Minutes is (Limit - Value) * 60 // Slope,
        Measured = value(Minutes)
    ;   Measured = back
    ).
measure(silence, Used, value(AgeS)) :-
    memberchk(used(heard, _, AgeS, _, _), Used).
measure(absence(_), Used, value(AgeS)) :-
    memberchk(used(age, _, AgeS, _, _), Used).
measure(_, _, unknown).

%!  evidence_ms(+Condition, ++Used:list, +NowMs, -AtMs) is det.
%
%   Until when the readings say so: one peak, and then nothing for a minute, is no minute of heat.

evidence_ms(Condition, Used, NowMs, AtMs) :-
    (   alert_condition(Condition, Measure, _, _),
        memberchk(Measure, [silence, absence(_)])
    ->  AtMs = NowMs
    ;   Used = [used(_, _, _, ReadMs, _)|_]
    ->  AtMs is min(NowMs, ReadMs)
    ;   AtMs = NowMs
    ).

%!  quiet_span(+Condition, +Levels, ++State, -Low, -High) is semidet.
%
%   While the value of of(Metric) stays in here, a step changes nothing. False where each value has
%   to be looked at.

quiet_span(Condition, levels(Direction, Raises, Clear), State, Low, High) :-
    alert_condition(Condition, Measure, _, Options),
    ( Measure = of(_) -> true ; Measure = away(_), Direction == up ),
    arg(1, State, Is),
    \+ ( Is == raised, memberchk(with(_, _, _, _), Options) ),
    arg(8, State, []),
    span(Is, Condition, Direction, Raises, Clear, State, Low0, High0),
    (   Measure = away(_)
    ->  integer(High0),
        Is \== raised,
        High = High0,
        Low is -High0
    ;   Low = Low0,
        High = High0
    ).

span(calm, Condition, Direction, [_-Raise|_], Clear, _, Low, High) :-
    calm_or_arming(Condition, Direction, Raise, Clear, Low, High).
span(armed, _, Direction, [_-Raise|_], _, _, Low, High) :-
    before(Direction, Raise, Low, High).
span(raised, _, Direction, Raises, Clear, State, Low, High) :-
    arg(2, State, Severity),
    (   member(Worse-Raise, Raises),
        more_severe(Worse, Severity)
    ->  ( Direction == up -> Low is Clear + 1, High is Raise - 1
        ; Low is Raise + 1, High is Clear - 1 )
    ;   ( Direction == up -> Low is Clear + 1, High = inf
        ; Low = -inf, High is Clear - 1 )
    ).

%   Who must be armed first is looked at until it is: on the raise side there is nothing to see.
calm_or_arming(Condition, Direction, Raise, Clear, Low, High) :-
    (   needs_arming(Condition)
    ->  ( Direction == up -> Low is Clear + 1, High = inf ; Low = -inf, High is Clear - 1 )
    ;   before(Direction, Raise, Low, High)
    ).

before(up, Raise, -inf, High)  :- High is Raise - 1.
before(down, Raise, Low, inf) :- Low is Raise + 1.

                /*  as they stand in a question  */

%!  state_obj(?State, ?Obj) is semidet.

state_obj(State, Obj) :-
    nonvar(State),
    !,
    State = st(Is, Severity, Since, Told, Count, Flaps, Cleared, Hits),
    Obj = obj([ is-Is, severity-Severity, since_ms-Since, told_ms-Told, count-Count, flaps-Flaps,
                cleared_ms-Cleared, hits-Hits ]).
state_obj(st(Is, Severity, Since, Told, Count, Flaps, Cleared, Hits), Obj) :-
    field(Obj, is, IsText),
    field(Obj, severity, SeverityText),
    field(Obj, since_ms, Since),
    field(Obj, told_ms, Told),
    field(Obj, count, Count),
    field(Obj, flaps, Flaps),
    field(Obj, cleared_ms, Cleared),
    field(Obj, hits, Hits),
    is_list(Hits),
    \+ ( member(Number, [Since, Told, Count, Flaps, Cleared|Hits]), \+ integer(Number) ),
    Flaps >= 0,
    Flaps =< 16,
    member(Is, [calm, armed, rising, raised, clearing]),
    atom_string(Is, IsText),
    member(Severity, [none, warning, critical]),
    atom_string(Severity, SeverityText),
    !.

%!  used_obj(+Used, -Obj) is det.

used_obj(used(Metric, Part, Value, AtMs, Slope),
         obj([metric-Metric, part-Part, value-Value, at_ms-AtMs, slope-Slope])).

%!  obj_used(++Obj, -Used) is semidet.

obj_used(Obj, used(Metric, Part, Value, AtMs, Slope)) :-
    field(Obj, metric, Text),
    (   metric_named(Text, Metric)
    ->  true
    ;   member(Metric, [heard, others, age, limit]),
        atom_string(Metric, Text)
    ),
    !,
    field(Obj, part, Part),
    field(Obj, value, Value),
    integer(Value),
    field(Obj, at_ms, AtMs),
    field(Obj, slope, Slope),
    ( integer(Slope) ; Slope == null ),
    !.

%!  levels_obj(+Levels, -Obj) is det.

levels_obj(levels(Direction, Raises, Clear), obj([direction-Direction, raise-obj(Raises),
                                                  clear-Clear])).

%!  obj_levels(++Obj, -Levels) is semidet.

obj_levels(Obj, levels(Direction, Raises, Clear)) :-
    field(Obj, direction, Text),
    member(Direction, [up, down]),
    atom_string(Direction, Text),
    !,
    field(Obj, raise, RaisesObj),
    findall(Severity-Raise,
            ( severity(Severity, _), field(RaisesObj, Severity, Raise), integer(Raise) ), Raises),
    Raises = [_|_],
    field(Obj, clear, Clear),
    integer(Clear).
