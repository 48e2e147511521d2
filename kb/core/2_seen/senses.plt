%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(library(apply)).
:- use_module(library(lists)).
:- use_module(kb('2_seen/senses')).
:- use_module(kb('2_seen/seen'), [asking_at/2]).

:- begin_tests(senses, [setup(forget_senses), cleanup(forget_senses)]).

at(1795228235550).
take(Row, Outcome) :- at(Now), take_row(Row, Now, Outcome).
here(Goal) :- at(Now), asking_at(Now, live(Goal)).
:- meta_predicate here(0), outcome(+, ?).
started :- forget_senses, at(Now), begin_observing(Now, _).
outcome(Row0, Outcome) :- at(Now), maplist(timed(Now), Row0, Row), take(Row, Outcome).
timed(Now, now(D), At) :- !, At is Now + D.
timed(_, X, X).

test(a_reading_is_kept, [setup(started), true(V-Whole == 45000-35)]) :-
    outcome(["nas", "cpu_temperature", "chip/temp1", 45000, now(0)], news("nas", cpu_temperature,
        "chip/temp1", point)),
    outcome(["nas", "cpu_busy", "", 35, now(0)], news("nas", cpu_busy, "", value)),
    here(node_metric("nas", of(cpu_temperature, "chip/temp1"), V, _)),
    here(node_metric("nas", cpu_busy, Whole, _)).
test(strangers_and_nonsense, [ setup(started),
        forall(member(Row-Why, [ ["mars", "cpu_busy", "", 1, now(0)]-stranger,
                                 ["nas", "cpu_lazy", "", 1, now(0)]-metric,
                                 ["nas", "cpu_busy", "a b", 1, now(0)]-part,
                                 ["nas", "cpu_busy", "", 1001, now(0)]-range,
                                 ["nas", "cpu_busy", "", -1, now(0)]-range,
                                 ["nas", "cpu_busy", "", 1000000000000000000000,
                                  now(0)]-range,
                                 ["nas", "cpu_busy", "", 1.5, now(0)]-form,
                                 ["nas", "cpu_busy", "", "1", now(0)]-form,
                                 ["nas", "cpu_busy", "", 1]-form, nonsense-form,
                                 [7, "cpu_busy", "", 1, now(0)]-stranger,
                                 ["nas", "cpu_busy", "", 1, now(60001)]-ahead,
                                 ["nas", "cpu_busy", "", 1, now(-60001)]-stale ])),
        true(Outcome-Known == refused(Why)-no) ]) :-
    ( is_list(Row) -> outcome(Row, Outcome) ; take(Row, Outcome) ),
    ( here(node_metric("nas", cpu_busy, _, _)) -> Known = yes ; Known = no ).
test(older_than_the_newest, [setup(started), true(Two-V == refused(older)-5)]) :-
    outcome(["nas", "cpu_busy", "", 5, now(-10)], _),
    outcome(["nas", "cpu_busy", "", 6, now(-11)], Two),
    outcome(["nas", "cpu_busy", "", 6, now(-10)], refused(older)),
    here(node_metric("nas", cpu_busy, V, _)).
test(after_the_clock_went_back_new_readings_count, [setup(started), true(V == 7)]) :-
    at(Now),
    outcome(["nas", "cpu_busy", "", 5, now(0)], _),
    hear("nas", Now),
    Back is Now - 3600000,
    begin_observing(Back, How),
    How == back,
    live(( heard_at("nas", Back), watched_since(Back) )),
    take_row(["nas", "cpu_busy", "", 7, Back], Back, _),
    asking_at(Back, live(node_metric("nas", cpu_busy, V, _))).
test(a_gap_begins_the_watch_anew, [setup(started), true(How-Since == gap-Later)]) :-
    at(Now),
    Later is Now + 61000,
    begin_observing(Later, How),
    live(watched_since(Since)).
test(stale_is_unknown, [setup(started), true(Fresh == false)]) :-
    at(Now),
    outcome(["nas", "cpu_busy", "", 5, now(0)], _),
    Later is Now + 61000,
    \+ asking_at(Later, live(node_metric("nas", cpu_busy, _, _))),
    asking_at(Later, live(last_sensed("nas", cpu_busy, "", 5, _, Fresh))).
test(outside_nothing_was_sensed, [setup(started), fail]) :-
    outcome(["nas", "cpu_busy", "", 5, now(0)], _),
    node_metric("nas", cpu_busy, _, _).
test(a_look_instead, [setup(started), true(V-S == 900-60)]) :-
    outcome(["nas", "cpu_busy", "", 5, now(0)], _),
    from_look([ obj([ "node"-"nas", "metric"-"cpu_busy", "part"-"", "value"-900, "at_ms"-7,
                      "slope"-60 ]),
                obj([ "node"-"nas", "metric"-"nothing", "part"-"", "value"-900, "at_ms"-7 ]), 7 ],
              ( node_metric("nas", cpu_busy, V, 7), slope_per_hour("nas", cpu_busy, "", S) )).
test(quiet_between, [setup(started), true(One-Two-Three == quiet-quiet-News)]) :-
    News = news("nas", cpu_busy, "", value),
    outcome(["nas", "cpu_busy", "", 5, now(-9)], News),
    quiet_between("nas", cpu_busy, "", 0, 700),
    outcome(["nas", "cpu_busy", "", 0, now(-8)], One),
    outcome(["nas", "cpu_busy", "", 700, now(-7)], Two),
    outcome(["nas", "cpu_busy", "", 701, now(-6)], Three),
    quiet_between("nas", cpu_busy, "", -inf, inf),
    outcome(["nas", "cpu_busy", "", 900, now(-5)], quiet).
test(a_slope, [setup(started), true(Slope-Count == 3600-20)]) :-
    at(Now),
    forall(between(0, 40, I),
           ( T is Now - (40 - I) * 30000, V is 40000 + I * 30,
             take_row(["nas", "cpu_temperature", "a", V, T], T, _) )),
    here(slope_per_hour("nas", cpu_temperature, "a", Slope)),
    here(trend_points("nas", cpu_temperature, "a", Points)),
    length(Points, Count).
test(no_slope_of_three_points, [setup(started), fail]) :-
    forall(member(D, [-200000, -100000, 0]),
           ( at(Now), T is Now + D, take_row(["nas", "cpu_temperature", "a", 40000, T], T, _) )),
    here(slope_per_hour("nas", cpu_temperature, "a", _)).
test(old_series_are_forgotten, [setup(started), true(Before-After == 1-0)]) :-
    at(Now),
    outcome(["nas", "cpu_busy", "", 5, now(0)], _),
    series_count(Before),
    Later is Now + 86400001,
    forget_old_series(Later),
    series_count(After).
test(readers_always_find_one_while_another_writes, [setup(started), true(Missed == 0)]) :-
    at(Now),
    take_row(["nas", "cpu_busy", "", 5, Now], Now, _),
    thread_self(Me),
    thread_create(( asking_at(Now, live(readers(20000, 0, Missed0))),
                    thread_send_message(Me, missed(Missed0)) ), Id),
    forall(between(1, 20000, I), ( T is Now + I, take_row(["nas", "cpu_busy", "", 6, T], T, _) )),
    thread_join(Id),
    thread_get_message(missed(Missed)).

readers(0, Missed, Missed) :- !.
readers(Left, Missed0, Missed) :-
    ( sensed("nas", cpu_busy, "", _, _) -> Missed1 = Missed0 ; Missed1 is Missed0 + 1 ),
    Left1 is Left - 1,
    readers(Left1, Missed1, Missed).

:- end_tests(senses).
