%   SPDX-License-Identifier: Apache-2.0

:- use_module('../../test/asking').

:- use_module('../../test/sensing').

:- begin_tests(query_door, [cleanup(nothing_sensed)]).

query(Name, Args, Answers) :-
    door_query:query(obj(["query"-Name, "args"-obj(Args)]), Out),
    (   at(Out, answers, Found) -> Answers = Found ; at(Out, error/code, Answers) ).

test(questions, [forall(member(Name/Args/Answers,
    [ "zone_of"/["name"-"A.home.arpa."]/["home.arpa"], "zone_of"/["name"-"x.org"]/[],
        "zone_of"/[]/missing_field, "zone_of"/["name"-"a b"]/bad_name, "halt"/[]/unknown_query,
            "changes"/["limit"-101]/bad_value,
        "zones"/["x"-1]/unknown_field ])), Found == Answers]) :-
    query(Name, Args, Found).
test(may, Kinds == [permit, needs_consent, deny]) :-
    findall(Kind, ( member(Principal/Action, ["loopback"/"dns_record_add",
        "loopback"/"dns_record_delete", "uid:1"/"dns_record_delete"]),
                    ( Action == "dns_record_add" -> P = ["name"-"a.local",
                        "value"-"1.1.1.1"] ; P = ["name"-"a.local"] ),
                    query("may", ["principal"-Principal, "action"-Action, "params"-obj(P)], [A]),
                    at(A, verdict, Kind) ), Kinds).
test(zones_nodes_actions, Counts == [6, 11, 23]) :-
    findall(Count, ( member(Name, ["zones", "nodes", "actions"]), query(Name, [], L), length(L,
        Count) ), Counts).

test(a_node, Roles-Vram == [gpu_server, hypervisor]-16303) :-
    query("node", ["name"-"PVE"], [Card]),
    at(Card, roles, Roles),
    at(Card, gpus/0/vram_mib, Vram).
test(no_such_node, [forall(member(Name, ["zeus", "", "a b"])), Answers == []]) :-
    query("node", ["name"-Name], Answers).
test(nodes_say_what_they_are, Roles == [storage]) :-
    query("nodes", [], Nodes),
    member(Node, Nodes),
    at(Node, name, "nas"),
    !,
    at(Node, roles, Roles).

%   What is sensed and what is wrong, as of the newest observation.
hot(Told) :-
    Now = 1795228235000,
    begun(Now),
    findall(T, ( between(0, 6, I), At is Now + I * 10000,
                 observed_learned(At, [ ["nas", "cpu_temperature", "c", 90000, At],
                                        ["pve", "cpu_busy", "", 5, At] ], Ts),
              member(T, Ts), T = told(_, _, Body), at(Body, "node", "nas") ),
            Told).
test(readings, [setup(hot(_)), Values == [90000, 5]]) :-
    query("readings", [], All),
    findall(Value, ( member(One, All), at(One, value, Value) ), Values).
test(readings_of_one, [setup(hot(_)), Counts == [1, 1, 0, 0]]) :-
    findall(Count,
            ( member(Args, [ ["node"-"nas"], ["metric"-"cpu_busy"], ["node"-"mars"],
                             ["node"-"nas", "metric"-"cpu_busy"] ]),
              query("readings", Args, All), length(All, Count) ),
            Counts).
test(nothing_was_ever_sensed, [setup(nothing_sensed), Answers == []]) :-
    query("readings", [], Answers).
test(health, [setup(hot(_)), true(States == [degraded/hot, ok/unknown, unknown/unknown])]) :-
    findall(Health/Heat,
            ( member(Node, ["nas", "pve", "pi1"]), query("health", ["node"-Node], [One]),
              at(One, health, Health), at(One, heat, Heat) ),
            States).
test(health_of_all, [setup(hot(_)), Count == 11]) :-
    query("health", [], All),
    length(All, Count).
test(alerts, [setup(hot([told(_, Id, _)|_])), Seen-Old == [raised/cpu_hot/"nas"]-[]]) :-
    query("alerts", [], All),
    findall(Status/Condition/Node,
            ( member(One, All), at(One, status, Status), at(One, condition, Condition),
              at(One, node, Node), Node == "nas" ),
            Seen),
    query("alerts", ["status"-"cleared"], Old),
    query("alert", ["alert"-Id], [_]),
    query("alert", ["alert"-1], []).
test(refused_questions, [forall(member(Name-Args, [ "alerts"-["status"-"bad"],
        "alerts"-["limit"-501], "readings"-["metric"-"x"], "readings"-["limit"-1001] ])),
        Code == bad_value]) :-
    query(Name, Args, Code).

:- end_tests(query_door).
