%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(library(lists), [member/2, memberchk/2]).
:- use_module(kb('2_seen/seen'), [supposing/2]).
:- use_module(kb('2_seen/senses'), [sensed/5]).
:- use_module(kb('3_rules/sensed')).
:- use_module('../../test/looks').
:- use_module('../../test/machines', [with_state/2]).

:- begin_tests(sensed).

seen(Facts, Goal) :-
    look_seen(Facts, Seen),
    supposing([looked(senses, Seen)], Goal).

test(a_good_fact, Readings == [reading("tower", cpu_temperature, "core0", 83000, 12, true)]) :-
    seen(["tower"/cpu_temperature/"core0"/83000/12], readings_seen(Readings, 0, false)).
test(nothing_seen, Readings == []) :-
    readings_seen(Readings, 0, false).
test(a_look_that_brought_no_facts, [forall(member(Seen, [ obj([]), obj(["facts"-"x"]),
                                                          obj(["facts"-null]) ])),
                                                          Readings == []]) :-
    supposing([looked(senses, Seen)], readings_seen(Readings, 0, false)).
test(more_than_was_told, Cut == true) :-
    look_seen(["tower"/uptime/""/1/1], obj(Pairs)),
    supposing([looked(senses, obj(["cut"-true|Pairs]))], readings_seen(_, _, Cut)).
test(strangers_are_left_out_and_counted,
     [forall(member(Bad, [ "zeus"/uptime/""/1/1, "tower"/pulse/""/1/1, "tower"/uptime/"a b"/1/1,
                           "tower"/uptime/""/"1"/1, "tower"/uptime/""/1.5/1,
                           "tower"/cpu_busy/""/1001/1, "tower"/cpu_busy/""/(-1)/1,
                           "tower"/cpu_temperature/""/200000/1, "tower"/uptime/""/1/"now",
                           tower/uptime/""/1/1, "tower"/uptime/7/1/1 ])),
      Readings-Refused == []-1]) :-
    seen([Bad], readings_seen(Readings, Refused, _)).
test(what_is_no_object_is_counted, Refused == 3) :-
    supposing([looked(senses, obj(["facts"-[7, "x", obj([])]]))], readings_seen([], Refused, _)).
test(rules_see_the_good_facts_only, Values == [83000]) :-
    seen(["tower"/cpu_temperature/""/83000/12, "tower"/cpu_temperature/""/999999/1],
         with_look(findall(V, sensed("tower", cpu_temperature, "", V, _), Values))).
test(rules_see_nothing_that_is_stale, Values == []) :-
    seen(["tower"/cpu_temperature/""/83000/stale(900)],
         with_look(findall(V, sensed("tower", cpu_temperature, "", V, _), Values))).

power(Node, Facts, Power) :-
    seen(Facts, ( readings_seen(Readings, _, _), node_power_now(Node, Readings, Power) )).

test(who_tells_is_awake, Power == awake) :-
    power("tower", ["tower"/uptime/""/100/5], Power).
test(who_told_long_ago_is_unknown, Power == unknown) :-
    power("tower", ["tower"/uptime/""/100/stale(500)], Power).
test(whose_source_fails_is_down, Power == down) :-
    power("tower", ["tower"/source_ok/""/0/5, "tower"/uptime/""/100/stale(500)], Power).
test(one_source_that_answers_is_enough, Power == awake) :-
    power("tower", ["tower"/source_ok/"a"/0/5, "tower"/source_ok/"b"/1/5], Power).
test(nobody_tells, Power == unknown) :-
    power("pve", ["tower"/uptime/""/100/5], Power).
test(who_was_put_to_sleep_sleeps, Power == asleep) :-
    with_state([host_power(tower, asleep, 5)], power("tower", [], Power)).
test(who_was_put_to_sleep_and_tells_is_awake, Power == awake) :-
    with_state([host_power(tower, asleep, 5)], power("tower", ["tower"/uptime/""/1/1], Power)).
test(down_are_those_that_are_known_to_be, Down == ["nas", "tower"]) :-
    with_state([host_power(tower, asleep, 5)],
               seen(["nas"/source_ok/""/0/5, "pve"/uptime/""/1/1, "pi1"/uptime/""/1/stale(999)],
                    ( readings_seen(Readings, _, _), nodes_down(Readings, Down) ))).

use(Node, Facts, Used) :-
    seen(Facts, ( readings_seen(Readings, _, _), node_use(Node, Readings, Used) )).

test(what_is_free, Used == used(30720, ["RTX 5080"-15302], yes)) :-
    Busy = 1048576001,                  % 1000 MiB and a byte: 1001 MiB are not free
    use("pve", [ "pve"/memory_available/""/32212254720/3, "pve"/gpu_memory_used/"0"/Busy/3,
                 "pve"/gpu_busy/"0"/20/3 ], Used).
test(stale_is_not_free, Used == used(unknown, ["RTX 5080"-unknown], unknown)) :-
    use("pve", ["pve"/gpu_memory_used/"0"/0/stale(99)], Used).
test(a_busy_gpu_is_not_idle, Idle == no) :-
    use("pve", ["pve"/gpu_busy/"0"/51/3], used(_, _, Idle)).
test(who_sits_there_counts_whatever_the_gpu_does,
     [forall(member(Count-Wanted, [1-person, 0-yes])), Idle == Wanted]) :-
    use("pve", [ "pve"/gpu_busy/"0"/0/3, "pve"/inhibitors/"person"/Count/3,
                 "pve"/inhibitors/"transfer"/1/3 ], used(_, _, Idle)).
test(a_whole_screen_is_said_before_a_person, Idle == full_screen) :-
    use("pve", [ "pve"/inhibitors/"person"/1/3, "pve"/full_screen/""/1/3, "pve"/gpu_busy/"0"/0/3 ],
        used(_, _, Idle)).
test(a_window_is_no_whole_screen, Idle == yes) :-
    use("pve", ["pve"/full_screen/""/0/3, "pve"/gpu_busy/"0"/0/3], used(_, _, Idle)).
test(that_nobody_sits_there_is_not_enough, Idle == unknown) :-
    use("pve", ["pve"/inhibitors/"person"/0/3, "pve"/full_screen/""/0/3], used(_, _, Idle)).
test(who_sat_there_long_ago_is_unknown, Idle == unknown) :-
    use("pve", ["pve"/inhibitors/"person"/1/stale(99), "pve"/full_screen/""/1/stale(99)],
        used(_, _, Idle)).
test(who_sits_elsewhere_is_a_stranger, Idle == yes) :-
    use("pve", ["tower"/inhibitors/"person"/1/3, "pve"/gpu_busy/"0"/0/3], used(_, _, Idle)).
test(more_in_use_than_there_is_leaves_nothing, Gpus == ["RTX 5080"-0]) :-
    use("pve", ["pve"/gpu_memory_used/"0"/99999999999/1], used(_, Gpus, _)).
test(a_job_names_its_nodes, Job == obj([hand-senses, op-facts, what-readings, nodes-["a"]])) :-
    facts_job(["a"], Job).

:- end_tests(sensed).
