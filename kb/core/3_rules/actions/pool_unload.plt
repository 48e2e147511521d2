%   SPDX-License-Identifier: Apache-2.0

:- use_module('../../../test/asking').
:- use_module('../../../test/machines').

:- begin_tests(pool_unload, [setup(nothing_learned), cleanup(nothing_learned)]).

me("loopback"/api).

unload(Pool, Seen, Verdict) :-
    me(By), judge(pool_unload, [pool=Pool], By, Seen, Verdict).
seen(State, Busy, Seen) :-
    pool("gpu0", State, Busy, Pool), status("tower", [Pool], [], Status),
    pool_seen(Status, null, null, Seen).
first(Verdict, Kind-First) :-
    at(Verdict, verdict, Kind),
    rules(Verdict, [First|_]).

test(it_looks_first, Job == obj([ hand-pool, op-status, host-tower,
                                  agent-"https://192.168.1.20:30443", pool-gpu0, model-null,
                                  engine-llama ])) :-
    unload("gpu0", null, V), at(V, look, Job).
test(an_idle_pool, Job == obj([ hand-pool, op-unload, host-tower,
                                agent-"https://192.168.1.20:30443", pool-gpu0, limit_s-120 ])) :-
    seen("ready", 0, Seen), unload("gpu0", Seen, V), at(V, plan/job, Job).
test(why_stands_in_the_record, Summary == "unload pool gpu0, because somebody plays") :-
    seen("ready", 0, Seen), me(By),
    judge(pool_unload, [pool="gpu0", because="somebody plays"], By, Seen, V),
    at(V, plan/summary, Summary).
test(load_undoes_it, Undo == obj([ action-pool_load,
                                   params-obj([pool-gpu0, model-"llama3"]) ])) :-
    seen("ready", 0, Seen), unload("gpu0", Seen, V), at(V, plan/undo, Undo).
test(a_failed_pool_may_be_cleared, Kind == permit) :-
    seen("failed", 0, Seen), unload("gpu0", Seen, V), at(V, verdict, Kind).
test(a_stranger_may_not, Rules == [no_role]) :-
    judge(pool_unload, [pool="gpu0"], "mallory"/api, null, V), rules(V, Rules).
test(the_node_may, Kind == permit) :-
    seen("ready", 0, Seen), judge(pool_unload, [pool="gpu0"], "node:gateway"/rule, Seen, V),
    at(V, verdict, Kind).
test(a_busy_pool, First == deny-pool_busy) :-
    seen("ready", 1, Seen), unload("gpu0", Seen, V), first(V, First).
test(an_unknown_number_is_busy, [forall(member(Busy, [null, -1, "0", 0.5])),
                                 true(First == deny-pool_busy)]) :-
    seen("ready", Busy, Seen), unload("gpu0", Seen, V), first(V, First).
test(a_pool_that_changes, [forall(member(State, ["loading", "draining", "odd", "starting"])),
                           true(First == deny-pool_changes)]) :-
    seen(State, 0, Seen), unload("gpu0", Seen, V), first(V, First).
test(an_empty_pool, First == deny-nothing_loaded) :-
    seen("empty", 0, Seen), unload("gpu0", Seen, V), first(V, First).
test(a_pool_that_is_not_listed, First == deny-nothing_loaded) :-
    status("tower", [], [], Seen), unload("gpu0", Seen, V), first(V, First).
test(a_strange_pool, First == deny-unknown_pool) :-
    unload("gpu9", null, V), first(V, First).
test(an_external_pool, First == deny-not_our_engine) :-
    unload("box", null, V), first(V, First).
test(no_answer, true(memberchk(agent_silent, Rules))) :-
    unload("gpu0", obj(["reachable"-false, "status"-null, "words"-"x"]), V), rules(V, Rules).
test(another_host_answers, true(memberchk(status_unclear, Rules))) :-
    pool("gpu0", "ready", 0, Pool), status("mars", [Pool], [], Seen),
    unload("gpu0", Seen, V), rules(V, Rules).

:- end_tests(pool_unload).
