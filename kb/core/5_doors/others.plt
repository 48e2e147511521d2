%   SPDX-License-Identifier: Apache-2.0

:- use_module('../../test/asking').

:- begin_tests(doors, [setup(empty), cleanup(empty)]).

empty :-
    retractall(state:change(_, _, _, _, _, _)),
    retractall(state:zone(_, _)).

                /*  catalogue  */

test(the_catalogue_holds_ten_actions, Names == [ case_explain, dns_lookup, dns_record_add, dns_record_change,
        dns_record_delete, dns_record_list, dns_zone_create, dns_zone_delete, node_list, playbook_run ]) :-
    door_catalogue:catalogue(obj([]), Out),
    at(Out, actions, Actions),
    findall(Name, ( member(Action, Actions), at(Action, name, Name) ), Names).
test(a_schema_is_closed, Required-Extra == ["name", "value"]-false) :-
    door_catalogue:catalogue(obj([]), Out),
    at(Out, actions/2/parameters/required, Required),
    at(Out, actions/2/parameters/additionalProperties, Extra).
test(it_takes_nothing, Code == unknown_field) :-
    door_catalogue:catalogue(obj(["x"-1]), Out),
    at(Out, error/code, Code).

                /*  approver  */

approver(KeyId, Principal, Approvals, Out) :-
    approver(KeyId, Principal, api, Approvals, Out).
approver(KeyId, Principal, Via, Approvals, Out) :-
    findall(obj(["person"-Person, "key_id"-Key]), member(Person-Key, Approvals), Objs),
    atom_string(Via, ViaText),
    door_approver:approver(obj([ "key_id"-KeyId, "tier"-"risky", "action"-"dns_record_delete",
                                 "params"-obj(["name"-"a.local"]),
                                 "by"-obj(["principal"-Principal, "via"-ViaText]), "approvals"-Objs ]), Out).

owner("72cd6e8422c407fb").
ada("75877bb41d393b5f").
junior("648aa5c579fb30f3").

answer(Out, Known/May/Enough) :-
    at(Out, known, Known), at(Out, may, May), at(Out, enough, Enough).

test(the_owner_may_and_it_is_enough, A == true/true/true) :-
    owner(Key), approver(Key, "loopback", [], Out), answer(Out, A).
test(an_unknown_key, A == false/false/false) :-
    approver("0000000000000000", "loopback", [], Out), answer(Out, A).
test(not_ones_own, A == true/false/false) :-
    owner(Key), approver(Key, "person:owner", [], Out), answer(Out, A).
test(not_ones_own_through_a_token, A == true/false/false) :-
    owner(Key), approver(Key, "token:laptop", [], Out), answer(Out, A).
test(not_above_ones_tier, A == true/false/false) :-
    junior(Key), approver(Key, "loopback", [], Out), answer(Out, A).
test(a_models_needs_two, A == true/true/false) :-
    owner(Key), approver(Key, "loopback", model, [], Out), answer(Out, A).
test(two_persons_are_two, A == true/true/true) :-
    owner(Key), ada(Ada), approver(Key, "loopback", model, ["ada"-Ada], Out), answer(Out, A).
test(not_twice, A == true/false/false) :-
    owner(Key), approver(Key, "loopback", model, ["owner"-Key], Out), answer(Out, A).
test(a_false_approval_counts_for_nothing, A == true/true/false) :-
    owner(Key), ada(Ada), approver(Key, "loopback", model, ["junior"-Ada, "ada"-"0000000000000000"], Out), answer(Out, A).
test(nobody_for_a_stranger, A == true/false/false) :-
    owner(Key), approver(Key, "mallory", [], Out), answer(Out, A).
test(the_public_key, Public == "ed25519:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=") :-
    owner(Key), approver(Key, "loopback", [], Out), at(Out, public_key, Public).

                /*  query  */

query(Name, Args, Answers) :-
    door_query:query(obj(["query"-Name, "args"-obj(Args)]), Out),
    (   at(Out, answers, Found) -> Answers = Found ; at(Out, error/code, Answers) ).

test(questions, [forall(member(Name/Args/Answers, [ "zone_of"/["name"-"A.home.arpa."]/["home.arpa"], "zone_of"/["name"-"x.org"]/[],
        "zone_of"/[]/missing_field, "zone_of"/["name"-"a b"]/bad_name, "halt"/[]/unknown_query, "changes"/["limit"-101]/bad_value,
        "zones"/["x"-1]/unknown_field ])), Found == Answers]) :-
    query(Name, Args, Found).
test(may, Kinds == [permit, needs_consent, deny]) :-
    findall(Kind, ( member(Principal/Action, ["loopback"/"dns_record_add", "loopback"/"dns_record_delete", "uid:1"/"dns_record_delete"]),
                    ( Action == "dns_record_add" -> P = ["name"-"a.local", "value"-"1.1.1.1"] ; P = ["name"-"a.local"] ),
                    query("may", ["principal"-Principal, "action"-Action, "params"-obj(P)], [A]),
                    at(A, verdict, Kind) ), Kinds).
test(zones_nodes_actions, Counts == [6, 2, 10]) :-
    findall(Count, ( member(Name, ["zones", "nodes", "actions"]), query(Name, [], L), length(L, Count) ), Counts).

                /*  learn and state_text  */

learn(Seq, Action, Params, Changed) :-
    door_learn:learn(obj([ "kind"-"case_executed", "case"-"01C", "seq"-Seq, "at"-"2026-01-01T00:00:00.000Z",
                           "body"-obj(["result"-obj([]), "undo"-null, "action"-Action, "params"-obj(Params),
                                       "by"-obj(["principal"-"loopback", "via"-"api"])]) ]), Out),
    (   at(Out, changed, C) -> Changed = C ; at(Out, error/code, Changed) ).

test(learning_twice_is_learning_once, [setup(empty), true([A, B] == [true, false])]) :-
    learn(5, "dns_record_add", ["name"-"a.local"], A),
    learn(5, "dns_record_add", ["name"-"a.local"], B).
test(a_created_zone_is_ours, [setup(empty), true(Zone == ["lab.home.arpa"])]) :-
    learn(6, "dns_zone_create", ["name"-"lab.home.arpa", "server"-"home"], true),
    query("zone_of", ["name"-"x.lab.home.arpa"], Zone).
test(other_entries_teach_nothing, [setup(empty), true(Changed == false)]) :-
    door_learn:learn(obj(["kind"-"case_opened", "case"-"c", "seq"-1, "at"-"", "body"-obj([])]), Out),
    at(Out, changed, Changed).
test(a_crooked_entry_is_refused, [setup(empty), true(Code == missing_field)]) :-
    door_learn:learn(obj(["kind"-"case_executed", "case"-"c", "seq"-1, "at"-"", "body"-obj([])]), Out),
    at(Out, error/code, Code).
test(state_text_can_be_loaded_again, [setup(empty), true(Found == [change("01C", 7, "loopback", "dns_record_add",
                                        obj(["name"-"a'b\"c\n"]), null)])]) :-
    learn(7, "dns_record_add", ["name"-"a'b\"c\n"], true),
    door_state_text:state_text(obj([]), Out),
    at(Out, files/0/text, Text),
    setup_call_cleanup(( tmp_file_stream(utf8, File, Stream), write(Stream, Text), close(Stream) ),
                       loading:facts_of_file(File, state, Facts), delete_file(File)),
    findall(Fact, member(fact(_, Fact), Facts), Found).

                /*  site and explain  */

test(the_site, Node-People == "test-node"-[ada, junior, owner]) :-
    door_site:site(obj([]), Out),
    at(Out, node, Node),
    findall(P, ( at(Out, people, L), member(O, L), at(O, person, P) ), People).
test(a_case_in_words, Words == "Case 01X: loopback asked for dns_record_add with name a.local. Denied: no. So nothing was done.") :-
    door_explain:explain(obj(["case"-obj([ "id"-"01X", "action"-"dns_record_add", "params"-obj(["name"-"a.local"]), "state"-"denied",
            "by"-obj(["principal"-"loopback", "via"-"api"]), "verdict"-obj(["words"-"Denied: no."]), "consents"-[], "error"-null ])]), Out),
    at(Out, words, Words).
test(a_case_without_an_id, Code == missing_field) :-
    door_explain:explain(obj(["case"-obj([])]), Out),
    at(Out, error/code, Code).

:- end_tests(doors).
