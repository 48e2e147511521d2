%   SPDX-License-Identifier: Apache-2.0

:- use_module('../../test/asking').

:- begin_tests(query_door).

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
test(zones_nodes_actions, Counts == [6, 11, 22]) :-
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

:- end_tests(query_door).
