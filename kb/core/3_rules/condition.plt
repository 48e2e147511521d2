%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(library(lists)).
:- use_module(kb('3_rules/condition')).
:- use_module(kb('3_rules/conditions')).

:- begin_tests(condition).

levels(levels(up, [warning-85000, critical-95000], 80000)).

%   after(+[AtS-Value, …], -Moves, -State): cpu_hot, step by step.
after(Steps, Moves, State) :-
    calm_state(Calm),
    after(Steps, cpu_hot, Calm, Moves, State).
after([], _, State, [], State).
after([AtS-Value|Steps], Condition, State0, Moves, State) :-
    levels(Levels),
    NowMs is AtS * 1000,
    ( Value == unknown -> Measured = unknown ; Measured = value(Value) ),
    condition_step(Condition, Levels, State0, Measured, NowMs, State1, Move),
    ( Move == none -> Moves = More ; Moves = [AtS-Move|More] ),
    after(Steps, Condition, State1, More, State).

test(moves, [ forall(member(Steps-Want,
                [ [0-90000, 10-90000, 20-90000, 30-90000]-[20-raise(warning)],
                  [0-90000, 10-84999, 20-90000, 30-90000]-[],
                  [0-99000, 20-99000]-[20-raise(critical)],
                  [0-90000, 20-90000, 30-96000, 40-99000]-[20-raise(warning), 30-worse(critical)],
                  [0-90000, 20-90000, 30-80000, 90-80000]-[20-raise(warning), 90-clear],
                  [0-90000, 20-90000, 30-80001, 990-80001]-[20-raise(warning)],
                  [0-90000, 20-90000, 30-80000, 60-81000, 90-80000, 149-80000]-[20-raise(warning)],
                  [0-90000, 20-unknown, 40-90000, 59-90000]-[],
                  [0-90000, 20-90000, 30-80000, 60-unknown, 90-80000, 149-80000]-
                      [20-raise(warning)],
                  [0-unknown, 99-unknown]-[],
                  [100-90000, 120-90000, 130-70000, 0-70000, 59-70000]-[120-raise(warning)],
                  [100-90000, 120-90000, 130-70000, 0-70000, 60-70000]-[ 120-raise(warning),
                                                                         60-clear ],
                  [100-90000, 0-90000, 19-90000]-[],
                  [100-90000, 0-90000, 20-90000]-[20-raise(warning)],
                  [0-90000, 20-90000, 30-70000, 40-90000, 400-70000, 410-90000]-
                      [20-raise(warning), 410-again] ])),
              true(Moves == Want) ]) :-
    after(Steps, Moves, _).
test(a_flap_must_stay_clear_for_twice_as_long, Moves == [20-raise(warning), 160-clear]) :-
    after([0-90000, 20-90000, 30-70000, 39-90000, 40-70000, 159-70000, 160-70000], Moves, _).
test(soon_after_the_end_is_a_flap, Flaps == 1) :-
    after([0-90000, 20-90000, 30-70000, 90-70000, 100-90000, 120-90000], _, State),
    arg(6, State, Flaps).
test(long_after_it_is_not, Flaps == 0) :-
    after([0-90000, 20-90000, 30-70000, 90-70000, 800-90000, 820-90000], _, State),
    arg(6, State, Flaps).
test(while_it_is_quiet_a_step_changes_nothing,
     [forall(( member(Steps, [ [0-50000], [0-90000, 20-90000], [0-99000, 20-99000],
                               [0-90000, 20-90000, 30-70000, 90-70000] ]),
               member(Value, [0, 50000, 80000, 80001, 84999, 85000, 94999, 95000, 140000]) )),
      nondet]) :-
    levels(Levels),
    after(Steps, _, State),
    (   quiet_span(cpu_hot, Levels, State, Low, High),
        ( Low == -inf ; integer(Low), Value >= Low ),
        ( High == inf ; integer(High), Value =< High )
    ->  condition_step(cpu_hot, Levels, State, value(Value), 100000, After, Move),
        Move == none,
        arg(1, State, Is),
        arg(1, After, Is)
    ;   true
    ).
test(rising_is_never_quiet, fail) :-
    levels(Levels),
    after([0-90000], _, State),
    quiet_span(cpu_hot, Levels, State, _, _).
test(a_state_goes_over_the_wire_and_back, Back == State) :-
    State = st(clearing, critical, 5, 4, 3, 2, 1, [9, 8]),
    state_obj(State, obj(Pairs)),
    findall(Text-Sent, ( member(Key-Value, Pairs), atom_string(Key, Text),
                         ( atom(Value) -> atom_string(Value, Sent) ; Sent = Value ) ), Sents),
    state_obj(Back, obj(Sents)).
test(no_state, [forall(member(Key-Value, [ "is"-"angry", "severity"-"bad", "flaps"-99,
                                          "hits"-["x"], "since_ms"-"1" ])), fail]) :-
    Good = [ "is"-"calm", "severity"-"none", "since_ms"-0, "told_ms"-0, "count"-0, "flaps"-0,
             "cleared_ms"-0, "hits"-[] ],
    selectchk(Key-_, Good, Key-Value, Bad),
    state_obj(_, obj(Bad)).
test(measures, [forall(member(Condition/Used/Want,
        [ cpu_hot/[used(cpu_temperature, "", 7, 1, null)]/value(7), cpu_hot/[]/unknown,
          clock_skewed/[used(clock_ahead, "", -9, 1, null)]/value(9),
          load_high/[used(load_5, "", 9000, 1, null), used(cpu_cores, "", 4, 1, null)]/value(2250),
          load_high/[used(load_5, "", 9000, 1, null)]/unknown,
          disk_filling/[ used(disk_free, "/", 6000, 1, -60),
                         used(disk_used_share, "/", 600, 1, null) ]/value(6000),
          disk_filling/[ used(disk_free, "/", 6000, 1, 60),
                         used(disk_used_share, "/", 600, 1, null) ]/back,
          disk_filling/[ used(disk_free, "/", 6000, 1, -60),
                         used(disk_used_share, "/", 100, 1, null) ]/back,
          disk_filling/[ used(disk_used_share, "/", 600, 1, null) ]/unknown,
          disk_full/[ used(disk_used_share, "/", 990, 1, null) ]/unknown,
          cpu_heating/[ used(cpu_temperature, "", 75000, 1, 60000),
                        used(limit, "", 85000, 0, null) ]/value(10),
          cpu_heating/[ used(cpu_temperature, "", 86000, 1, 60000),
                        used(limit, "", 85000, 0, null) ]/back,
          backup_old/[used(backup_age, "", 50000, 1, null)]/value(50000), backup_old/[]/unknown,
          node_silent/[used(heard, "", 70, 1, null)]/value(70),
          exporter_failing/[ used(source_ok, "s", 0, 1, null), used(heard, "", 5, 1, null),
                             used(others, "", 0, 0, null) ]/unknown ])),
        true(Measured == Want)]) :-
    measured(Condition, Used, Measured).
test(evidence_ends_with_the_reading, A-B-C == 5-9-9) :-
    evidence_ms(cpu_hot, [used(cpu_temperature, "", 7, 5, null)], 9, A),
    evidence_ms(cpu_hot, [used(cpu_temperature, "", 7, 50, null)], 9, B),
    evidence_ms(node_silent, [used(heard, "", 7, 5, null)], 9, C).

:- end_tests(condition).
