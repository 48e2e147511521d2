%   SPDX-License-Identifier: Apache-2.0

:- module(senses,
          [ node_metric/4,              % ?Node, ?MetricOrOf, -Value, -AtMs
            sensed/5,                   % ?Node, ?Metric, ?Part, -Value, -AtMs
            last_sensed/6,              % ?Node, ?Metric, ?Part, -Value, -AtMs, -Fresh
            slope_per_hour/4,           % +Node, +Metric, +Part, -Slope
            trend_points/4,             % +Node, +Metric, +Part, -Points
            heard_at/2,                 % ?Node, -AtMs
            sense_time/1,               % -NowMs
            live/1,                     % :Goal
            from_look/2,                % +Facts, :Goal
            watched_since/1,            % -Ms
            begin_observing/2,          % +NowMs, -How
            take_row/3,                 % ++Row, +NowMs, -Outcome
            hear/2,                     % +Node, +AtMs
            quiet_between/5,            % +Node, +Metric, +Part, +Low, +High
            not_quiet/3,                % +Node, +Metric, +Part
            last_round/2,               % +What, -Ms
            round_done/2,               % +What, +NowMs
            forget_old_series/1,        % +NowMs
            series_count/1,             % -Count
            forget_senses/0
          ]).
:- use_module(library(lists), [max_list/2, member/2, memberchk/2, reverse/2]).
:- use_module(library(assoc), [list_to_assoc/2, get_assoc/3, assoc_to_list/2]).
:- use_module(kb('1_words/first'), [first/3]).
:- use_module(kb('1_words/metric_words'),
              [metric/5, metric_named/2, part_text/1, trend_metric/3]).
:- use_module(kb('1_words/wire'), [field/3]).
:- use_module(seen, [asked_at/1]).
:- use_module(site, []).

/** <module> What the machines of the house last said of themselves

A reading is one value of one metric of one part of one node. The newest of each series is kept
here, and of metrics with a direction a window of points; never in kb/state, never for long. It is
known while it is fresh: older than its metric allows, or than three rounds of its node's slowest
source, it is unknown.

Rules see readings only inside live/1 (what is known now) or from_look/2 (what a look of hand
`senses` brought); outside, nothing was sensed: so no verdict rests on a reading that is not in its
recorded question.

Measured (docs/senses.md, bench/observe): one clause a series, the new asserted before the old is
erased, costs 1.4 us a reading with two threads that read; a term in the recorded database would
take 1.1, and be seen through snapshots. Against a writer at full speed on its very series one
reader in 20,000 found neither the old nor the new, so it looks twice. One writer at a time: door
observe.
*/

:- meta_predicate live(0), from_look(+, 0).

%   series(Hash, Node, MetricText, Part, Id, s(Metric, Min, Max, StaleMs, Trend))
%   reading(Id, Value, AtMs, Low, High): between Low and High nobody needs to look
%   points(Id, NextMs, [AtMs-Value, …]): newest first
%   node_series(Node, Metric, Part, Id)
%   stale_ms(Id, Ms)
:- dynamic series/6, stale_ms/2, reading/5, points/3, node_series/4, heard/2, observing/2,
           last_id/1, round/2.

ahead_ms_max(60000).
gap_ms(60000).
back_ms(2000).
series_max(100000).
kept_ms(86400000).

%   Beyond every value that a metric can have.
least(-576460752303423488).
most(576460752303423488).

                /*  what rules ask  */

%!  live(:Goal) is semidet.
%
%   Goal, once; what was sensed is what is known now.

live(Goal) :-
    b_setval(ln_sensed, live),
    call(Goal),
    !,
    b_setval(ln_sensed, none).

%!  from_look(+Facts, :Goal) is semidet.
%
%   Goal, once; what was sensed is what the look of hand `senses` found: the objects of door sensed.

from_look(Facts, Goal) :-
    findall(Node-Found, ( member(Fact, Facts), looked_at(Fact, Node, Found) ), Pairs),
    keysort(Pairs, Sorted),
    by_node(Sorted, ByNode),
    list_to_assoc(ByNode, Look),
    b_setval(ln_sensed, look(Look)),
    call(Goal),
    !,
    b_setval(ln_sensed, none).

looked_at(Fact, Node, found(Metric, Part, Value, AtMs, Slope, Fresh)) :-
    field(Fact, node, Node),
    field(Fact, metric, MetricText),
    ( atom(MetricText), metric(MetricText, _, _, _, _), Metric = MetricText
    ; metric_named(MetricText, Metric) ),
    !,
    field(Fact, part, Part),
    field(Fact, value, Value),
    integer(Value),
    field(Fact, at_ms, AtMs),
    ( field(Fact, slope, Slope0), integer(Slope0) -> Slope = Slope0 ; Slope = null ),
    ( field(Fact, fresh, false) -> Fresh = false ; Fresh = true ).

by_node([], []).
by_node([Node-Found|Pairs], [Node-[Found|More]|Nodes]) :-
    same_node(Pairs, Node, More, Others),
    by_node(Others, Nodes).

same_node([Node-Found|Pairs], Same, [Found|More], Others) :-
    Node == Same,
    !,
    same_node(Pairs, Same, More, Others).
same_node(Others, _, [], Others).

world(World) :-
    nb_current(ln_sensed, World),
    World \== none.

%!  sense_time(-NowMs) is semidet.
%
%   The time of the question, else of the newest observation.

sense_time(NowMs) :-
    (   asked_at(Asked),
        Asked > 0
    ->  NowMs = Asked
    ;   observing(NowMs, _)
    ),
    !.

%!  node_metric(?Node, ?MetricOrOf, -Value, -AtMs) is nondet.
%
%   A fresh reading. The metric of a whole node is its name, of a part of(Metric, Part).

node_metric(Node, Of, Value, AtMs) :-
    (   var(Of)
    ->  sensed(Node, Metric, Part, Value, AtMs),
        ( Part == "" -> Of = Metric ; Of = of(Metric, Part) )
    ;   Of = of(Metric, Part)
    ->  sensed(Node, Metric, Part, Value, AtMs),
        Part \== ""
    ;   sensed(Node, Of, "", Value, AtMs)
    ).

%!  sensed(?Node, ?Metric, ?Part, -Value, -AtMs) is nondet.
%
%   A fresh reading; Part is "" for the whole node.

sensed(Node, Metric, Part, Value, AtMs) :-
    last_sensed(Node, Metric, Part, Value, AtMs, true).

%!  last_sensed(?Node, ?Metric, ?Part, -Value, -AtMs, ?Fresh) is nondet.
%
%   The last reading, and whether it may still be believed: to say since when nothing is known.

last_sensed(Node, Metric, Part, Value, AtMs, Fresh) :-
    world(World),
    sensed_in(World, Node, Metric, Part, Value, AtMs, Fresh).

sensed_in(live, Node, Metric, Part, Value, AtMs, Fresh) :-
    sense_time(NowMs),
    series_of(Node, Metric, Part, Id),
    newest(Id, Value, AtMs),
    stale_of(Id, StaleMs),
    freshness(AtMs, NowMs, StaleMs, Fresh).
sensed_in(look(Look), Node, Metric, Part, Value, AtMs, Fresh) :-
    (   nonvar(Node)
    ->  get_assoc(Node, Look, All)
    ;   assoc_pairs(Look, Node, All)
    ),
    member(found(Metric, Part, Value, AtMs, _, Fresh), All).

assoc_pairs(Look, Node, All) :-
    assoc_to_list(Look, Pairs),
    member(Node-All, Pairs).

newest(Id, Value, AtMs) :-
    (   reading(Id, Value0, AtMs0, _, _)
    ->  true
    ;   reading(Id, Value0, AtMs0, _, _)
    ->  true
    ),
    AtMs0 > 0,
    Value = Value0,
    AtMs = AtMs0.

%   A key that is known wholly goes by its hash.
series_of(Node, Metric, Part, Id) :-
    (   nonvar(Node),
        nonvar(Metric),
        nonvar(Part)
    ->  atom_string(Metric, Text),
        term_hash(k(Node, Text, Part), Hash),
        series(Hash, Node, Text, Part, Id, _),
        !
    ;   node_series(Node, Metric, Part, Id)
    ).

stale_of(Id, StaleMs) :-
    stale_ms(Id, StaleMs),
    !.

freshness(AtMs, NowMs, StaleMs, Fresh) :-
    ahead_ms_max(Ahead),
    (   AtMs >= NowMs - StaleMs,
        AtMs =< NowMs + Ahead
    ->  Fresh = true
    ;   Fresh = false
    ).

%!  slope_per_hour(+Node, +Metric, +Part, -Slope) is semidet.
%
%   How much it changes in an hour, by least squares over its window, in whole numbers. False with
%   fewer than four points, over less than a quarter of the window, or when it is stale.

slope_per_hour(Node, Metric, Part, Slope) :-
    world(World),
    slope_in(World, Node, Metric, Part, Slope).

slope_in(live, Node, Metric, Part, Slope) :-
    sensed(Node, Metric, Part, _, _),
    trend_metric(Metric, WindowS, _),
    series_of(Node, Metric, Part, Id),
    once(points(Id, _, Points)),
    slope_of(Points, WindowS, Slope),
    !.
slope_in(look(Look), Node, Metric, Part, Slope) :-
    get_assoc(Node, Look, All),
    memberchk(found(Metric, Part, _, _, Slope, true), All),
    integer(Slope),
    !.

%!  trend_points(+Node, +Metric, +Part, -Points:list) is semidet.
%
%   AtMs-Value, the oldest first: the window of a metric that has one, while it is fresh.

trend_points(Node, Metric, Part, Points) :-
    world(live),
    sensed(Node, Metric, Part, _, _),
    series_of(Node, Metric, Part, Id),
    points(Id, _, Newest),
    !,
    reverse(Newest, Points).

slope_of(Points, WindowS, Slope) :-
    Points = [LastMs-_|_],
    FromMs is LastMs - WindowS * 1000,
    sums(Points, FromMs, LastMs, s(0, 0, 0, 0, 0), s(N, T, V, TT, TV), LastMs, FirstMs),
    N >= 4,
    (LastMs - FirstMs) * 4 >= WindowS * 1000,
    Below is N * TT - T * T,
    Below > 0,
    Slope is (3600 * (N * TV - T * V)) // Below.

sums([AtMs-Value|Points], FromMs, LastMs, s(N0, T0, V0, TT0, TV0), Sums, _, First) :-
    AtMs >= FromMs,
    !,
    Time is (AtMs - LastMs) // 1000,
    N is N0 + 1,
    T is T0 + Time,
    V is V0 + Value,
    TT is TT0 + Time * Time,
    TV is TV0 + Time * Value,
    sums(Points, FromMs, LastMs, s(N, T, V, TT, TV), Sums, AtMs, First).
sums(_, _, _, Sums, Sums, First, First).

%!  heard_at(?Node, -AtMs) is nondet.
%
%   The newest reading of the node itself; that a source was asked in vain is none.

heard_at(Node, AtMs) :-
    world(World),
    heard_in(World, Node, AtMs).

heard_in(live, Node, AtMs) :-
    heard(Node, AtMs).
heard_in(look(Look), Node, AtMs) :-
    (   nonvar(Node)
    ->  get_assoc(Node, Look, All)
    ;   assoc_pairs(Look, Node, All)
    ),
    findall(At, ( member(found(Metric, _, _, At, _, _), All), Metric \== source_ok ), Ats),
    Ats = [_|_],
    max_list(Ats, AtMs).

%!  watched_since(-Ms) is semidet.
%
%   Since when observations come without a gap: nobody is silent for longer than we listen. A look
%   knows of no gap: it is asked for the newest reading that it brought.

watched_since(Ms) :-
    world(World),
    (   World == live
    ->  observing(_, Ms)
    ;   Ms = 0
    ),
    !.

%!  series_count(-Count) is det.

series_count(Count) :-
    predicate_property(series(_, _, _, _, _, _), number_of_clauses(Count)),
    !.
series_count(0).

                /*  what door observe writes  */

%!  begin_observing(+NowMs, -How) is det.
%
%   How is first, steady, gap (nothing was observed for a minute or more) or back (the clock went
%   back). After each but steady, silence counts from now on.

begin_observing(NowMs, How) :-
    (   clause(observing(LastMs, SinceMs), true, Old)
    ->  gap_ms(Gap),
        back_ms(Back),
        (   NowMs < LastMs - Back
        ->  How = back,
            Since = NowMs,
            hear_no_later(NowMs)
        ;   NowMs > LastMs + Gap
        ->  How = gap,
            Since = NowMs
        ;   How = steady,
            Since = SinceMs
        ),
        assertz(observing(NowMs, Since)),
        erase(Old)
    ;   How = first,
        assertz(observing(NowMs, NowMs))
    ).

hear_no_later(NowMs) :-
    forall(( clause(heard(Node, AtMs), true, Old), AtMs > NowMs ),
           ( assertz(heard(Node, NowMs)), erase(Old) )).

%!  take_row(++Row, +NowMs, -Outcome) is det.
%
%   Row is [Node, Metric, Part, Value, AtMs] as it came. Outcome: quiet (kept, and nobody needs to
%   look), news(Node, Metric, Part, Why) (Why: value, or point: its window has a new point too),
%   or refused(Reason): form, stranger, metric, part, range, ahead, older, stale, many.

take_row([Node, Text, Part, Value, AtMs], NowMs, Outcome) :-
    integer(Value),
    integer(AtMs),
    !,
    term_hash(k(Node, Text, Part), Hash),
    (   series(Hash, Node, Text, Part, Id, Sort)
    ->  take_value(Sort, Id, Node, Part, Value, AtMs, NowMs, Outcome)
    ;   new_series(Hash, Node, Text, Part, Made),
        (   Made = made(Id, Sort)
        ->  take_value(Sort, Id, Node, Part, Value, AtMs, NowMs, Outcome)
        ;   Outcome = Made
        )
    ),
    !.
take_row(_, _, refused(form)).

take_value(s(Metric, Min, Max, StaleMs, Trend), Id, Node, Part, Value, AtMs, NowMs, Outcome) :-
    clause(reading(Id, _, WasMs, Low, High), true, Old),
    !,
    LatestMs is NowMs + 60000,
    (   AtMs > LatestMs
    ->  Outcome = refused(ahead)
    ;   ( Value < Min ; Value > Max )
    ->  Outcome = refused(range)
    ;   AtMs =< WasMs,
        WasMs =< LatestMs
    ->  Outcome = refused(older)
    ;   AtMs < NowMs - StaleMs
    ->  Outcome = refused(stale)
    ;   assertz(reading(Id, Value, AtMs, Low, High)),
        erase(Old),
        (   Trend \== none,
            new_point(Trend, Id, AtMs, Value)
        ->  Outcome = news(Node, Metric, Part, point)
        ;   Value >= Low,
            Value =< High
        ->  Outcome = quiet
        ;   Outcome = news(Node, Metric, Part, value)
        )
    ).

%   A point each Window / Points seconds; after a clock that went back the window begins anew.
new_point(every(EveryMs, Count), Id, AtMs, Value) :-
    clause(points(Id, NextMs, Points0), true, Old),
    !,
    (   AtMs >= NextMs
    ->  Points = Points0
    ;   AtMs < NextMs - EveryMs
    ->  Points = []
    ),
    Next is AtMs + EveryMs,
    first(Count, [AtMs-Value|Points], Kept),
    assertz(points(Id, Next, Kept)),
    erase(Old).
new_point(every(EveryMs, _), Id, AtMs, Value) :-
    Next is AtMs + EveryMs,
    assertz(points(Id, Next, [AtMs-Value])).

new_series(Hash, Node, Text, Part, Made) :-
    (   \+ ( string(Node), site:node(Node, _, _) )
    ->  Made = refused(stranger)
    ;   \+ metric_named(Text, _)
    ->  Made = refused(metric)
    ;   \+ part_text(Part)
    ->  Made = refused(part)
    ;   series_count(Count),
        series_max(Max),
        Count >= Max
    ->  Made = refused(many)
    ;   metric_named(Text, Metric),
        sort_of(Node, Metric, Sort),
        (   retract(last_id(Last))
        ->  Id is Last + 1
        ;   Id = 1
        ),
        assertz(last_id(Id)),
        arg(4, Sort, StaleMs),
        assertz(stale_ms(Id, StaleMs)),
        assertz(reading(Id, 0, 0, 1, 0)),
        assertz(node_series(Node, Metric, Part, Id)),
        assertz(series(Hash, Node, Text, Part, Id, Sort)),
        Made = made(Id, Sort)
    ).

sort_of(Node, Metric, s(Metric, Min, Max, StaleMs, Trend)) :-
    metric(Metric, _, Min, Max, StaleS),
    findall(EveryS, site:sense_source(_, Node, _, _, EveryS), Rounds),
    slowest(Rounds, 0, Slowest),
    StaleMs is max(StaleS, 3 * Slowest) * 1000,
    (   trend_metric(Metric, WindowS, Points)
    ->  EveryMs is WindowS * 1000 // Points,
        Trend = every(EveryMs, Points)
    ;   Trend = none
    ),
    !.

slowest([], Most, Most).
slowest([Round|Rounds], Most0, Most) :-
    Most1 is max(Most0, Round),
    slowest(Rounds, Most1, Most).

%!  hear(+Node, +AtMs) is det.

hear(Node, AtMs) :-
    (   clause(heard(Node, WasMs), true, Old)
    ->  (   AtMs > WasMs
        ->  assertz(heard(Node, AtMs)),
            erase(Old)
        ;   true
        )
    ;   assertz(heard(Node, AtMs))
    ).

%!  quiet_between(+Node, +Metric, +Part, +Low, +High) is det.
%
%   While its values stay between these (-inf and inf: whatever comes) nobody needs to look.

quiet_between(Node, Metric, Part, Low0, High0) :-
    (   series_of(Node, Metric, Part, Id),
        clause(reading(Id, Value, AtMs, Was, Wah), true, Old)
    ->  ( Low0 == -inf -> least(Low) ; Low = Low0 ),
        ( High0 == inf -> most(High) ; High = High0 ),
        (   Was =:= Low,
            Wah =:= High
        ->  true
        ;   assertz(reading(Id, Value, AtMs, Low, High)),
            erase(Old)
        )
    ;   true
    ).

%!  not_quiet(+Node, +Metric, +Part) is det.

not_quiet(Node, Metric, Part) :-
    quiet_between(Node, Metric, Part, 1, 0).

%!  last_round(+What, -Ms) is semidet.
%
%   When round_done/2 was last said of What.

last_round(What, Ms) :-
    round(What, Ms),
    !.

%!  round_done(+What, +NowMs) is det.

round_done(What, NowMs) :-
    retractall(round(What, _)),
    assertz(round(What, NowMs)).

%!  forget_old_series(+NowMs) is det.
%
%   Parts that nobody told anything of for a day.

forget_old_series(NowMs) :-
    kept_ms(Kept),
    forall(( reading(Id, _, AtMs, _, _), AtMs < NowMs - Kept ),
           ( retractall(series(_, _, _, _, Id, _)),
             retractall(node_series(_, _, _, Id)),
             retractall(points(Id, _, _)),
             retractall(stale_ms(Id, _)),
             retractall(reading(Id, _, _, _, _)) )).

%!  forget_senses is det.
%
%   For tests.

forget_senses :-
    forall(member(Head, [ series(_, _, _, _, _, _), reading(_, _, _, _, _), points(_, _, _),
                          node_series(_, _, _, _), heard(_, _), observing(_, _), last_id(_),
                          round(_, _),
                          stale_ms(_, _) ]),
           retractall(Head)).
