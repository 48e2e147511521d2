%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(library(lists)).
:- use_module('../../test/asking').
:- use_module('../../test/sensing').
:- use_module(kb('2_seen/alerts')).
:- use_module(kb('2_seen/standings')).
:- use_module(kb('2_seen/senses')).

:- begin_tests(observe_door, [setup(begun(0)), cleanup(nothing_sensed)]).

t0(1795228235000).
begun :- t0(Now), begun(Now).
now(S, Now) :- t0(T0), Now is T0 + S * 1000.

%   say(+S, +[Node/Metric/Part/Value, …], -Told): at second S, and everybody with a source speaks.
say(S, Readings, Told) :-
    append(Readings, ["nas"/cpu_busy/""/9, "pve"/cpu_busy/""/9, "pi1"/cpu_busy/""/9], All),
    say_only(S, All, Told).

say_only(S, Readings, Told) :-
    now(S, Now),
    findall([Node, Metric, Part, Value, Now],
            ( member(Node/MetricAtom/Part/Value, Readings), atom_string(MetricAtom, Metric) ),
            Rows),
    observed_learned(Now, Rows, Told).

%   during(+From, +To, +Readings, -Kinds): the same each ten seconds.
during(From, To, Readings, Kinds) :-
    findall(Kind,
            ( between(From, To, S), S mod 10 =:= 0, say(S, Readings, Told), kinds(Told, All),
              member(Kind, All) ),
            Kinds).

%   only(+From, +To, +Nodes, -Raised): nobody else speaks; Condition/Node of what is raised.
only(From, To, Nodes, Raised) :-
    findall(Node/cpu_busy/""/10, member(Node, Nodes), Readings),
    findall(Condition/Of,
            ( between(From, To, S), S mod 10 =:= 0, say_only(S, Readings, Told),
              member(told(alert_raised, _, Body), Told), at(Body, "condition", Text),
              at(Body, "node", Of), atom_string(Condition, Text) ),
            Raised).

%   hot(+From, +To, +Value, -Kinds): each 10 seconds the same temperature.
hot(From, To, Value, Kinds) :- hot("nas", From, To, Value, Kinds).
hot(Node, From, To, Value, Kinds) :- every(Node, cpu_temperature, "c/1", From, To, Value, Kinds).
every(Node, Metric, Part, From, To, Value, Kinds) :-
    during(From, To, [Node/Metric/Part/Value], Kinds).
all(["camera", "home", "laptop1", "nas", "pi1", "pve", "switch1"]).
all_at(Value, Rows) :-
    all(All),
    findall(Node/cpu_temperature/"x"/Value, member(Node, All), Rows).

test(nothing_at_all, [setup(begun), true(Told == [])]) :-
    say(0, [], Told).
test(who_plays_is_said_each_time_and_then_no_more,
     [setup(begun), true(Pools == [[gpu0], [gpu0], []])]) :-
    now(0, A), now(10, B), now(20, C),
    findall(Leaving,
            ( member(At-Value, [A-1, B-1, C-0]),
              observed(At, [["tower", "full_screen", "", Value, At]], obj(Out)),
              memberchk(make_way-MakeWay, Out),
              findall(Pool, ( member(obj(Row), MakeWay), memberchk(pool-Pool, Row) ), Leaving) ),
            Pools).
test(whoever_is_heard_no_more_makes_nobody_leave, [setup(begun), true(MakeWay == [])]) :-
    now(0, A), now(300, B),
    observed(A, [["tower", "full_screen", "", 1, A]], _),
    observed(B, [], obj(Out)),
    memberchk(make_way-MakeWay, Out).
test(a_hot_processor_is_told_once, [setup(begun), true(Kinds == [alert_raised])]) :-
    hot(0, 200, 90000, Kinds),
    alert_open(_, cpu_hot, "nas", "c/1", warning, _, 1, []).
test(a_cool_one_is_not, [setup(begun), true(Kinds == [])]) :-
    hot(0, 200, 84999, Kinds).
test(the_owners_threshold_counts, [setup(begun), true(Kinds-Cool == [alert_raised]-[])]) :-
    hot("nas", 0, 60, 71000, Cool),
    hot("pve", 70, 130, 71000, Kinds).
test(a_peak_is_not_told, [setup(begun), true(Kinds == [])]) :-
    hot(0, 10, 90000, _),
    hot(20, 20, 70000, _),
    hot(30, 40, 90000, Kinds0),
    hot(50, 100, 70000, Kinds1),
    append(Kinds0, Kinds1, Kinds).
test(worse_then_over,
     [setup(begun), true(A-B-C-D == [alert_raised]-[alert_changed]-[]-[alert_cleared])]) :-
    hot(0, 60, 90000, A),
    hot(70, 100, 96000, B),
    hot(110, 200, 82000, C),
    hot(210, 300, 79000, D),
    alert_past(_, cpu_hot, "nas", "c/1", critical, _, _, clear).
test(a_silent_sensor_neither_raises_nor_clears,
     [setup(begun), true(A-B-C == [alert_raised]-[]-[])]) :-
    hot(0, 60, 90000, A),
    hot(70, 70, 70000, _),
    during(80, 1000, [], B),
    during(1010, 2000, [], C),
    alert_open(_, cpu_hot, "nas", _, _, _, _, _).
test(who_is_rising_and_goes_silent_is_not_told, [setup(begun), true(B == [])]) :-
    hot(0, 10, 90000, _),
    during(20, 300, [], B).
test(flapping_is_one_alert,
     [setup(begun), true(Kinds == [alert_raised, alert_changed, alert_changed])]) :-
    hot(0, 60, 90000, Kinds0),
    findall(Kind,
            ( between(1, 16, I), From is 30 + I * 40, Mid is From + 10, Up is Mid + 10,
              To is From + 30,
              hot(From, Mid, 70000, _), hot(Up, To, 90000, Kinds1), member(Kind, Kinds1) ),
            More),
    append(Kinds0, More, Kinds),
    alert_open(_, cpu_hot, "nas", _, _, _, Count, _),
    Count >= 12.
test(each_flap_must_stay_clear_longer, [setup(begun), true(A-B == []-[alert_cleared])]) :-
    hot(0, 60, 90000, _), hot(70, 100, 70000, _), hot(110, 110, 90000, _),
    hot(120, 230, 70000, A),
    hot(240, 250, 70000, B).
test(three_hits_of_network_errors, [setup(begun), true(A-B == []-[alert_raised])]) :-
    every("nas", network_errors, "eth0", 0, 10, 400, A),
    every("nas", network_errors, "eth0", 20, 40, 400, B).
test(a_fan_that_never_turned, [setup(begun), true(Kinds == [])]) :-
    every("nas", fan_speed, "f/1", 0, 200, 0, Kinds).
test(a_fan_that_stops, [setup(begun), true(Kinds == [alert_raised])]) :-
    every("nas", fan_speed, "f/1", 0, 50, 900, _),
    every("nas", fan_speed, "f/1", 60, 200, 0, Kinds).
test(a_large_disk_with_room_is_not_full, [setup(begun), true(A-B == []-[alert_raised])]) :-
    during(0, 200, [ "nas"/disk_free/"/srv"/500000000000, "nas"/disk_used_share/"/srv"/950 ], A),
    during(210, 400, [ "nas"/disk_free/"/srv"/50000000000, "nas"/disk_used_share/"/srv"/950 ], B).
test(a_disk_that_fills_up, [setup(begun), true(Kinds == [alert_raised])]) :-
    findall(K,
            ( between(0, 720, I), S is I * 10, Free is 100000000000 - S * 2000000,
              say(S, ["nas"/disk_free/"/srv"/Free, "nas"/disk_used_share/"/srv"/800], T),
              kinds(T, Ks), member(K, Ks) ),
            Kinds),
    alert_open(Id, disk_filling, "nas", "/srv", _, _, _, _),
    alert_words(Id, Words),
    sub_string(Words, _, _, _, "nothing left in 12 h 1"),
    !.
test(silence, [setup(begun), true(A-B-C == []-[node_silent/"nas"]-[alert_cleared])]) :-
    only(0, 30, ["nas", "pve", "pi1"], A),
    only(40, 120, ["pve", "pi1"], B),
    during(130, 200, [], C).
test(who_may_be_away_is_not_silent, [setup(begun), true(A-B == []-[])]) :-
    only(0, 30, ["nas", "pve", "pi1", "tower"], A),
    only(40, 400, ["nas", "pve", "pi1"], B).
test(a_push_is_waited_for_longer, [setup(begun), true(A-B == []-[node_silent/"pi1"])]) :-
    only(0, 0, ["nas", "pve", "pi1"], _),
    only(10, 90, ["nas", "pve"], A),
    only(100, 150, ["nas", "pve"], B).
test(a_source_that_fails_beside_one_that_answers, [setup(begun), true(A-B == []-[alert_raised])]) :-
    every("pve", source_ok, "pve-smart", 0, 10, 0, A),
    every("pve", source_ok, "pve-smart", 20, 60, 0, B).
test(the_only_source_that_fails_is_silence, [setup(begun), true(Raised == [node_silent])]) :-
    during(0, 20, [], _),
    findall(Condition,
            ( between(3, 20, I), S is I * 10,
              say_only(S, ["nas"/source_ok/"nas"/0, "pve"/cpu_busy/""/1, "pi1"/cpu_busy/""/1], T),
              member(told(alert_raised, _, Body), T), at(Body, "condition", Text),
              atom_string(Condition, Text) ),
            Raised).
test(nobody_is_silent_before_we_listened, [setup(begun), true(Kinds == [])]) :-
    now(0, Now),
    Later is Now + 3600000,
    observed_learned(Later, [], Told),
    kinds(Told, Kinds).
test(a_gpu_that_is_told_of_no_more,
     [setup(begun), true(A-B-C == []-[alert_raised]-[alert_cleared])]) :-
    every("nas", gpu_temperature, "0", 0, 100, 50000, A),
    during(110, 400, [], B),
    every("nas", gpu_temperature, "0", 410, 600, 50000, C).
test(the_clock_that_goes_back_loses_and_ends_nothing, [setup(begun), true(Kinds-Open == []-1)]) :-
    hot(0, 60, 90000, _),
    hot(-3600, -3500, 90000, Kinds0),
    hot(-3490, -3450, 70000, Kinds1),
    append(Kinds0, Kinds1, Kinds),
    aggregate_all(count, alert_open(_, cpu_hot, _, _, _, _, _, _), Open).
test(and_ends_it_when_it_was_clear_long_enough, [setup(begun), true(Kinds == [alert_cleared])]) :-
    hot(0, 60, 90000, _),
    hot(70, 90, 70000, _),
    hot(-3600, -3500, 70000, Kinds).
test(absurd_readings_change_nothing, [setup(begun), true(Refused-Told == 6-[])]) :-
    hot(0, 10, 50000, _),
    now(20, Now), Ahead is Now + 61000, Old is Now - 15000,
    observed(Now, [ ["nas", "cpu_temperature", "c/1", 10000000000000000000000, Now],
                    ["nas", "cpu_temperature", "c/1", 99000, Ahead],
                    ["nas", "cpu_temperature", "c/1", 99000, Old],
                    ["nas", "cpu_temperature", "c/1", 99000.0, Now],
                    ["mars", "cpu_temperature", "c/1", 99000, Now],
                    ["nas", "cpu_temperature", "c/1"] ], Out),
    at(Out, refused, Refused),
    at(Out, transitions, Told).
test(a_storm_of_all_nodes_is_one_alert,
     [setup(begun), true(Kinds-Members == [alert_raised]-All)]) :-
    all(All),
    all_at(99000, Rows),
    during(0, 100, Rows, Kinds),
    alert_open(_, storm, "", "cpu_hot", critical, _, _, Members).
test(a_storm_passes, [setup(begun), true(Kinds-Why == [alert_cleared]-clear)]) :-
    all_at(99000, Rows),
    all_at(50000, Cool),
    during(0, 100, Rows, _),
    during(110, 300, Cool, Kinds),
    alert_past(_, storm, _, _, _, _, _, Why).
test(who_joins_and_leaves_a_storm_is_told,
     [setup(begun), true(A-B-Left == Joined-[alert_changed]-All)]) :-
    Joined = [alert_changed],
    all(All),
    all_at(99000, Rows),
    during(0, 100, Rows, _),
    More = ["router"/cpu_temperature/"x"/99000|Rows],
    during(110, 150, More, A),
    alert_open(_, storm, _, _, _, _, 8, _),
    during(160, 300, ["router"/cpu_temperature/"x"/50000|Rows], B),
    alert_open(_, storm, _, _, _, _, 7, Left).
test(few_nodes_have_an_alert_each, [setup(begun), true(Count == 5)]) :-
    all_at(99000, [_, _|Rows]),
    during(0, 100, Rows, _),
    aggregate_all(count, alert_open(_, cpu_hot, _, _, _, _, _, _), Count).
test(after_a_restart_open_alerts_stand, [setup(begun), true(A-B == []-[alert_cleared])]) :-
    hot(0, 60, 90000, _),
    forget_senses, forget_standings,
    say(70, [], _),
    hot(80, 200, 90000, A),
    hot(210, 300, 70000, B).
test(after_a_restart_a_storm_stands_and_passes, [setup(begun), true(A-B == []-[alert_cleared])]) :-
    all_at(99000, Rows),
    all_at(50000, Cool),
    during(0, 100, Rows, _),
    forget_senses,
    forget_standings,
    say(105, [], _),
    during(110, 200, Rows, A),
    during(210, 400, Cool, B).
test(what_is_not_learned_waits, [setup(begun), true(Kinds == [])]) :-
    hot(0, 20, 90000, _),
    now(30, Now),
    observed(Now, [["nas", "cpu_temperature", "c/1", 90000, Now]], Out),
    at(Out, transitions, [_]),
    hot(40, 100, 97000, Kinds).
test(an_alert_of_a_node_that_is_gone, [setup(begun), true(Whys == [gone])]) :-
    Words = "over: a has a hot processor; the node is no longer in the site facts.",
    Question = obj([ gone-node, condition-cpu_hot, node-"a", part-"", severity-warning,
                     now_ms-1 ]),
    Answer = obj([move-gone, severity-warning, words-Words]),
    learn_all([ obj([ kind-alert_raised,
                      body-obj([ condition-cpu_hot, node-"atlantis", part-"", severity-warning,
                                 words-"w", question-Question, answer-Answer ]) ]) ], _),
    say(10, [], All),
    findall(Why,
            ( member(told(alert_cleared, _, Body), All), at(Body, "why", Text),
              atom_string(Why, Text) ),
            Whys).
test(too_many_rows, [setup(begun), true(Code == bad_value)]) :-
    now(0, Now),
    findall([], between(1, 501, _), Rows),
    observed(Now, Rows, Out),
    at(Out, error/code, Code).

%   Those that no test above names: what is well, and what is not; others are said beside it.
well_and_not(backup_old,        backup_age,         14400, 21600, []).
well_and_not(backup_unknown,    backup_known,       1,     0,     []).
well_and_not(board_hot,         board_temperature,  60000, 82000, []).
well_and_not(clock_adrift,      clock_synchronised, 1,     0,     []).
well_and_not(connections_short, conntrack_share,    100,   850,   []).
well_and_not(cpu_stolen,        cpu_steal,          0,     300,   []).
well_and_not(cpu_throttling,    cpu_throttles,      0,     100,   []).
well_and_not(disk_failing,      disk_healthy,       1,     0,     []).
well_and_not(disk_wearing,      disk_reallocated,   0,     20,    []).
well_and_not(engine_stuffed,    engine_waiting,     0,     10,    []).
well_and_not(files_short,       files_open_share,   100,   900,   []).
well_and_not(gpu_full,          gpu_memory_share,   500,   990,   []).
well_and_not(gpu_hot,           gpu_temperature,    60000, 90000, []).
well_and_not(gpu_throttling,    gpu_throttled,      0,     1,     []).
well_and_not(inodes_short,      inodes_used_share,  100,   950,   []).
well_and_not(io_stalled,        io_pressure,        0,     700,   []).
well_and_not(network_lost,      network_carrier,    1,     0,     []).
well_and_not(oom_killed,        oom_kills,          0,     1,     []).
well_and_not(pool_degraded,     zpool_online,       1,     0,     []).
well_and_not(swap_storm,        swap_in,            0,     2000,  [swap_out-600]).

raised_of(From, To, Rows, Raised) :-
    findall(Condition,
            ( between(From, To, S), S mod 10 =:= 0, say(S, Rows, Told),
              member(told(alert_raised, _, Body), Told), at(Body, "condition", Text),
              atom_string(Condition, Text) ),
            Raised).

of_nas(Metric, Value, Others, ["nas"/Metric/"p"/Value|Rows]) :-
    findall("nas"/Other/"p"/Of, member(Other-Of, Others), Rows).

test(each_of_these_is_raised_when_it_is_so_and_not_before,
     [forall(well_and_not(Condition, Metric, Good, Bad, Others)), setup(begun),
      true(Well-Raised == []-[Condition])]) :-
    of_nas(Metric, Good, Others, Calm),
    of_nas(Metric, Bad, Others, Rows),
    raised_of(0, 100, Calm, Well),
    raised_of(110, 1100, Rows, All),
    findall(One, ( member(One, All), One == Condition ), Raised).
test(of_a_stranger_nothing_is_raised,
     [forall(well_and_not(_, Metric, _, Bad, Others)), setup(begun), true(Raised == [])]) :-
    of_nas(Metric, Bad, Others, Rows0),
    findall("zeus"/M/P/V, member(_/M/P/V, Rows0), Rows),
    raised_of(0, 1000, Rows, Raised).
test(an_old_backup_of_which_nothing_is_known_any_more_is_not_called_well,
     [setup(begun), true(Kinds-Open == [alert_raised]-[])]) :-
    raised_of(0, 100, ["nas"/backup_age/""/30000, "nas"/backup_known/""/1], [backup_old]),
    findall(Kind/Condition,
            ( between(11, 100, N), S is N * 10, say(S, ["nas"/backup_known/""/0], Told),
              member(told(Kind, _, Body), Told), at(Body, "condition", Text),
              atom_string(Condition, Text) ),
            Moves),
    findall(Kind, member(Kind/backup_unknown, Moves), Kinds),
    findall(Kind, member(Kind/backup_old, Moves), Open).
test(a_gpu_that_heats_up, [setup(begun), true(memberchk(gpu_heating, Raised))]) :-
    findall(Condition,
            ( between(0, 60, N), S is N * 10, Value is 70000 + N * 200,
              say(S, ["nas"/gpu_temperature/"0"/Value], Told),
              member(told(alert_raised, _, Body), Told), at(Body, "condition", Text),
              atom_string(Condition, Text) ),
            Raised).
test(a_gpu_that_is_gone, [setup(begun), true(Here-Raised == []-[gpu_lost])]) :-
    raised_of(0, 60, ["nas"/gpu_temperature/"0"/50000], Here),
    raised_of(70, 300, [], Raised).
test(memory_that_runs_out, [setup(begun), true(memberchk(memory_leaking, Raised))]) :-
    findall(Condition,
            ( between(0, 120, N), S is N * 10, Value is 8000000000 - N * 60000000,
              say(S, [ "nas"/memory_available/""/Value, "nas"/memory_available_share/""/200 ],
                  Told),
              member(told(alert_raised, _, Body), Told), at(Body, "condition", Text),
              atom_string(Condition, Text) ),
            Raised).

:- end_tests(observe_door).
