%   SPDX-License-Identifier: Apache-2.0

:- use_module('../../../test/asking').
:- use_module('../../../test/machines').

:- begin_tests(host_sleep, [setup(nothing_learned), cleanup(nothing_learned)]).

me("loopback"/api).
noon(1767268800000).

sleep(Host, Seen, Verdict) :-
    me(By), sleep(Host, By, [], Seen, Verdict).
sleep(Host, By, State, Seen, Verdict) :-
    noon(Now),
    with_state(State, judge_at(Now, host_sleep, [host=Host], By, Seen, Verdict)).

quiet(Seen) :-
    pool("gpu0", "empty", 0, Pool),
    status("tower", [Pool], [], Seen).

first(Verdict, Kind-First) :-
    at(Verdict, verdict, Kind),
    rules(Verdict, [First|_]).

test(it_looks_first, Job == obj([ hand-host, op-status, host-tower,
                                  agent-"https://192.168.1.20:30443" ])) :-
    sleep("tower", null, V), at(V, look, Job).
test(a_quiet_host, Job == obj([ hand-host, op-sleep, host-tower, agent-"https://192.168.1.20:30443",
                                how-suspend, limit_s-120 ])) :-
    quiet(Seen), sleep("tower", Seen, V), at(V, plan/job, Job).
test(the_node_may, Kind == permit) :-
    quiet(Seen), sleep("tower", "node:gateway"/rule, [], Seen, V), at(V, verdict, Kind).
test(a_stranger_may_not, Rules == [no_role]) :-
    quiet(Seen), sleep("tower", "mallory"/api, [], Seen, V), rules(V, Rules).
test(a_failed_pool_is_empty, Kind == permit) :-
    pool("gpu0", "failed", 0, Pool), status("tower", [Pool], [], Seen),
    sleep("tower", Seen, V), at(V, verdict, Kind).
test(a_strange_host, First == deny-unknown_host) :-
    sleep("mars", null, V), first(V, First).
test(invariant_12_the_node_never_sleeps_itself, true(memberchk(own_machine, Rules))) :-
    sleep("here", null, V), rules(V, Rules).
test(never_is_the_rule, true(memberchk(never_sleeps, Rules))) :-
    sleep("here", null, V), rules(V, Rules).
test(just_woken, First-Retry == (deny-on_too_short)-500000) :-
    me(By), noon(Now), At is Now - 100000,
    sleep("tower", By, [host_power(tower, awake, At)], null, V), first(V, First),
    at(V, retry_ms, Retry).
test(long_enough_awake, Kind == permit) :-
    me(By), noon(Now), At is Now - 600000, quiet(Seen),
    sleep("tower", By, [host_power(tower, awake, At)], Seen, V), at(V, verdict, Kind).
test(a_person_is_there, First == deny-inhibited) :-
    status("tower", [], [obj(["kind"-"person", "words"-"ada at tty1"])], Seen),
    sleep("tower", Seen, V), first(V, First),
    at(V, words, Words), sub_string(Words, _, _, _, "person: ada at tty1"),
    !.
test(an_odd_inhibitor_is_one, [forall(member(Odd, [obj([]), 7, null, "x", obj(["kind"-7])])),
                               true(First == deny-inhibited)]) :-
    status("tower", [], [Odd], Seen), sleep("tower", Seen, V), first(V, First).
test(many_inhibitors_are_a_few_reasons, Count == 8) :-
    findall(obj(["kind"-"person", "words"-Words]),
            ( between(1, 300, N), number_string(N, Words) ), List),
    status("tower", [], List, Seen), sleep("tower", Seen, V), rules(V, Rules0),
    findall(x, member(inhibited, Rules0), Rules), length(Rules, Count).
test(a_pool_in_use, [forall(member(State, [ "ready", "loading", "starting", "verifying",
                                            "draining", "sdfsdf" ])),
                     true(First == deny-pool_in_use)]) :-
    pool("gpu0", State, 0, Pool), status("tower", [Pool], [], Seen),
    sleep("tower", Seen, V), first(V, First).
test(a_busy_pool, true(memberchk(pool_busy, Rules))) :-
    pool("gpu0", "ready", 2, Pool), status("tower", [Pool], [], Seen),
    sleep("tower", Seen, V), rules(V, Rules).
test(an_unknown_number_is_busy, [forall(member(Busy, [null, -1, "0", 0.0, obj([])])),
                                 true(First == deny-pool_busy)]) :-
    pool("gpu0", "empty", Busy, Pool), status("tower", [Pool], [], Seen),
    sleep("tower", Seen, V), first(V, First).
test(a_pool_of_no_form, [forall(member(Pool, [ 7, obj([]), obj(["pool"-"gpu0"]),
                                               obj(["pool"-7, "state"-"empty"]),
                                               obj(["pool"-"gpu0", "state"-null]) ])),
                         true(First == deny-status_unclear)]) :-
    status("tower", [Pool], [], Seen), sleep("tower", Seen, V), first(V, First).
test(what_is_missing_is_unknown, [forall(member(Key, ["host", "inhibitors", "pools"])),
                                  true(First == deny-status_unclear)]) :-
    quiet(Seen0), at(Seen0, "status", Status0), without(Status0, Key, Status),
    with_member(Seen0, "status", Status, Seen), sleep("tower", Seen, V), first(V, First).
test(another_host_answers, First == deny-status_unclear) :-
    status("gaming-pc", [], [], Seen), sleep("tower", Seen, V), first(V, First).
test(no_answer, First == deny-agent_silent) :-
    sleep("tower", obj(["reachable"-false, "status"-null, "words"-"timed out"]), V),
    first(V, First).
test(no_status, [forall(member(Odd, [null, 7, [], "x"])), true(First == deny-agent_silent)]) :-
    sleep("tower", obj(["reachable"-true, "status"-Odd, "words"-7]), V), first(V, First).
test(a_look_of_another_hand_sleeps_nothing, [forall(member(Seen, [ obj([]), obj(["rrsets"-[]]) ])),
                                             true(memberchk(agent_silent, Rules))]) :-
    sleep("tower", Seen, V), rules(V, Rules).

:- end_tests(host_sleep).
