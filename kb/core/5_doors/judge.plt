%   SPDX-License-Identifier: Apache-2.0

:- use_module('../../test/asking').

:- begin_tests(judge).

me("loopback"/api).

add(Params, Sets, Verdict) :-
    me(By),
    sets(Sets, Seen),
    judge(dns_record_add, Params, By, Seen, Verdict).
change(Params, Sets, Verdict) :-
    me(By),
    sets(Sets, Seen),
    judge(dns_record_change, Params, By, Seen, Verdict).
delete(Params, Sets, Verdict) :-
    me(By),
    sets(Sets, Seen),
    judge(dns_record_delete, Params, By, Seen, Verdict).

a(Values, "test.local"/'A'/60/Values).

                /*  input  */

test(bad_input_is_refused_by_name,
     [forall(member(Action/Params/Code/Param,
        [ dns_record_ad/[]/unknown_action/action, dns_record_add/[name="a.local"]/missing_field/"value",
          dns_record_add/[name="a.local", value="1.1.1.1", zone="x"]/unknown_field/"zone",
          dns_record_add/[name="a b", value="1.1.1.1"]/bad_name/name, dns_record_add/[name=7, value="1.1.1.1"]/wrong_type/name,
          dns_record_add/[name="a.local", value="hello"]/missing_field/type,
          dns_record_add/[name="a.local", type="A", value="fd00::1"]/bad_value/value,
          dns_record_add/[name="a.local", value="1.1.1.1", ttl= -1]/bad_value/ttl,
          dns_record_change/[name="a.local"]/missing_field/value, dns_zone_create/[name="l.home.arpa"]/missing_field/server,
          dns_zone_create/[name="l.home.arpa", server="mars"]/unknown_server/server ])),
      Found == Code-Param]) :-
    me(By),
    judge(Action, Params, By, null, Out),
    at(Out, error/kind, input),
    at(Out, error/code, FoundCode),
    at(Out, error/param, FoundParam),
    Found = FoundCode-FoundParam.
test(a_strange_via_is_refused, Code == bad_value) :-
    judge(node_list, [], "loopback"/telepathy, null, Out),
    at(Out, error/code, Code).
test(what_was_seen_must_be_sets, Code == bad_value) :-
    me(By),
    judge(dns_record_add, [name="a.local", value="1.1.1.1"], By, obj(["rrsets"-[obj([])]]), Out),
    at(Out, error/code, Code).

                /*  adding  */

test(first_look, Names == ["test.local", "100.1.168.192.in-addr.arpa"]) :-
    me(By),
    judge(dns_record_add, [name="Test.Local.", value="192.168.1.100"], By, null, V),
    at(V, verdict, permit),
    at(V, plan, null),
    at(V, look/names, Names).
test(then_a_plan, Type/Ttl/Prerequisites == 'A'/300/[obj([is-rrset_absent, name-"test.local", type-'A']),
                                                  obj([is-rrset_absent, name-"test.local", type-'CNAME'])]) :-
    Params = [name="test.local", value="192.168.1.100"],
    me(By),
    sets([], Seen),
    judge(dns_record_add, Params, By, Seen, V0),
    at(V0, verdict, permit),
    at(V0, plan/job/prerequisites, P0),
    at(V0, params/type, Type),
    at(V0, params/ttl, Ttl),
    Prerequisites = [_, _],
    same_set(P0, Prerequisites).

same_set(List, List).

test(a_second_value_joins_and_keeps_the_ttl, Update-Expect == [obj([op-add, name-"test.local", type-'A', ttl-60, value-"2.2.2.2"])]-["1.1.1.1", "2.2.2.2"]) :-
    a(["1.1.1.1"], A),
    add([name="test.local", value="2.2.2.2"], [A], V),
    at(V, plan/job/prerequisites/0/is, rrset_equals),
    at(V, plan/job/prerequisites/0/values, ["1.1.1.1"]),
    at(V, plan/job/updates, Update),
    at(V, plan/job/expect/0/values, Expect).
test(another_ttl_is_for_the_whole_set, Ops == [delete_rrset, add, add]) :-
    a(["1.1.1.1"], A),
    add([name="test.local", value="2.2.2.2", ttl=120], [A], V),
    at(V, plan/job/updates, Updates),
    findall(Op, ( member(U, Updates), at(U, op, Op) ), Ops).
test(an_alias_needs_an_empty_name, Is == name_absent) :-
    add([name="www.local", value="web.local"], [], V),
    at(V, plan/job/prerequisites/0/is, Is).
test(broken_worlds_are_denied,
     [forall(member(Params/Sets/Rule,
        [ [name="test.local", value="1.1.1.1"]/["test.local"/'A'/60/["1.1.1.1"]]/duplicate,
          [name="test.local", value="1.1.1.1"]/["test.local"/'CNAME'/60/["x.local"]]/alias_beside,
          [name="test.local", value="x.local"]/["test.local"/'TXT'/60/["\"x\""]]/alias_beside,
          [name="test.local", value="x.local"]/["test.local"/'SPF'/60/["\"x\""]]/alias_beside,
          [name="test.local", value="x.local"]/["test.local"/'CNAME'/60/["y.local."]]/second_alias,
          [name="local", value="x.home.arpa"]/[]/alias_at_apex,
          [name="test.local", type="MX", value="10 m.local"]/["m.local"/'CNAME'/60/["x.local"]]/points_at_alias,
          [name="_x.local", value="1.1.1.1"]/[]/no_host_name,
          [name="a.example.com", value="192.168.1.1"]/[]/private_in_public,
          [name="a.example.com", value="fd00::1"]/[]/private_in_public ])),
      Found == deny-Rule]) :-
    add(Params, Sets, V),
    at(V, verdict, Kind),
    rules(V, [First|_]),
    at(V, would_permit, [_|_]),
    at(V, plan, null),
    Found = Kind-First.
test(whole_worlds_are_not,
     [forall(member(Params/Sets,
        [ [name="test.local", value="1.1.1.1"]/["test.local"/'TXT'/60/["\"x\""]],
          [name="*.local", value="1.1.1.1"]/[], [name="_x.local", type="TXT", value="x"]/[],
          [name="test.local", value="x.local"]/["test.local"/'RRSIG'/60/["x"]],
          [name="test.local", type="MX", value="10 m.local"]/["m.local"/'A'/60/["1.1.1.1"]],
          [name="a.example.com", value="8.8.8.8"]/[], [name="a.open.example.net", value="192.168.1.1"]/[],
          [name="5.1.168.192.in-addr.arpa", value="nas.local"]/[] ]))]) :-
    add(Params, Sets, V),
    at(V, plan/job/op, update).
test(a_name_at_a_reverse_name_is_a_ptr, Type == 'PTR') :-
    add([name="5.1.168.192.in-addr.arpa", value="nas.local"], [], V),
    at(V, params/type, Type).
test(the_missing_ptr_is_offered, true(sub_string(Words, _, _, _, "The matching PTR is missing"))) :-
    add([name="test.local", value="192.168.1.9"], [], V),
    at(V, words, Words),
    !.
test(a_ptr_that_is_there_is_not_offered, fail) :-
    add([name="test.local", value="192.168.1.9"], ["9.1.168.192.in-addr.arpa"/'PTR'/60/["test.local."]], V),
    at(V, words, Words),
    sub_string(Words, _, _, _, "PTR"), !.
test(not_ours, Rules-Would == [not_owned]-["a zone that holds www.example.org were in the site facts"]) :-
    me(By),
    judge(dns_record_add, [name="www.example.org", value="1.1.1.1"], By, null, V),
    at(V, verdict, deny),
    rules(V, Rules),
    at(V, would_permit, Would).
test(undo_of_adding, Undo == dns_record_delete) :-
    add([name="test.local", value="1.1.1.1"], [], V),
    at(V, plan/undo/action, Undo).

                /*  changing  */

test(one_value_is_replaced, Kind-Ops-Undo == needs_consent-[delete_value, add]-["1.1.1.1", "2.2.2.2", 60]) :-
    a(["1.1.1.1"], A),
    change([name="test.local", value="2.2.2.2"], [A], V),
    at(V, verdict, Kind),
    at(V, plan/job/updates, Updates),
    findall(Op, ( member(U, Updates), at(U, op, Op) ), Ops),
    at(V, plan/undo/params, P),
    at(P, value, Old), at(P, old_value, New), at(P, ttl, Ttl),
    Undo = [Old, New, Ttl].
test(only_the_ttl, Texts == ["test.local 60 -> 600 IN A 1.1.1.1", "test.local 60 -> 600 IN A 2.2.2.2"]) :-
    a(["1.1.1.1", "2.2.2.2"], A),
    change([name="test.local", ttl=600], [A], V),
    at(V, plan/diff, Diff),
    findall(Text, ( member(D, Diff), at(D, text, Text) ), Texts).
test(a_named_value_of_several, Expect == ["1.1.1.1", "3.3.3.3"]) :-
    a(["1.1.1.1", "2.2.2.2"], A),
    change([name="test.local", value="3.3.3.3", old_value="2.2.2.2"], [A], V),
    at(V, plan/job/expect/0/values, Expect).
test(a_text_takes_the_only_type, Type == 'TXT') :-
    change([name="test.local", value="hello"], ["test.local"/'TXT'/60/["\"x\""]], V),
    at(V, params/type, Type).
test(changes_that_cannot_be,
     [forall(member(Params/Sets/Rule,
        [ [name="test.local", value="2.2.2.2"]/[]/not_there,
          [name="test.local", value="2.2.2.2"]/["test.local"/'AAAA'/60/["fd00::1"]]/not_there,
          [name="test.local", value="2.2.2.2", old_value="9.9.9.9"]/["test.local"/'A'/60/["1.1.1.1"]]/not_there,
          [name="test.local", value="3.3.3.3"]/["test.local"/'A'/60/["1.1.1.1", "2.2.2.2"]]/which_value,
          [name="test.local", value="1.1.1.1"]/["test.local"/'A'/60/["1.1.1.1"]]/same_as_now,
          [name="test.local", ttl=60]/["test.local"/'A'/60/["1.1.1.1"]]/same_as_now,
          [name="test.local", ttl=60]/[]/not_there,
          [name="test.local", ttl=5]/["test.local"/'A'/60/["1.1.1.1"], "test.local"/'TXT'/60/["\"x\""]]/which_type,
          [name="test.local", value="2.2.2.2", old_value="1.1.1.1"]/["test.local"/'A'/60/["1.1.1.1", "2.2.2.2"]]/duplicate ])),
      Found == deny-Rule]) :-
    change(Params, Sets, V),
    at(V, verdict, Kind),
    rules(V, [First|_]),
    Found = Kind-First.
test(what_exists_is_said, true(sub_string(Words, _, _, _, "there is AAAA fd00::1"))) :-
    change([name="test.local", value="2.2.2.2"], ["test.local"/'AAAA'/60/["fd00::1"]], V),
    at(V, words, Words),
    !.

                /*  deleting  */

test(all_of_a_name, Ops-Expect-Undo == [delete_rrset, delete_rrset]-[[], []]-null) :-
    delete([name="test.local"], ["test.local"/'A'/60/["1.1.1.1"], "test.local"/'TXT'/60/["\"x\""]], V),
    at(V, verdict, needs_consent),
    at(V, plan/job/updates, Updates),
    findall(Op, ( member(U, Updates), at(U, op, Op) ), Ops),
    findall(Values, ( at(V, plan/job/expect, E), member(S, E), at(S, values, Values) ), Expect),
    at(V, plan/undo, Undo).
test(one_value_of_two, Updates-Undo == [obj([op-delete_value, name-"test.local", type-'A', value-"1.1.1.1"])]-dns_record_add) :-
    a(["1.1.1.1", "2.2.2.2"], A),
    delete([name="test.local", value="1.1.1.1"], [A], V),
    at(V, plan/job/updates, Updates),
    at(V, plan/undo/action, Undo).
test(an_ns_set_stays, Types == ['A']) :-
    delete([name="local"], ["local"/'NS'/60/["ns.local."], "local"/'SOA'/60/["x"], "local"/'A'/60/["1.1.1.1"]], V),
    findall(Type, ( at(V, plan/job/updates, U), member(S, U), at(S, type, Type) ), Types).
test(nothing_to_delete, [forall(member(Params/Sets, [ [name="test.local"]/[], [name="test.local", type="MX"]/["test.local"/'A'/60/["1.1.1.1"]],
                                  [name="test.local", value="2.2.2.2"]/["test.local"/'A'/60/["1.1.1.1"]], [name="local"]/["local"/'NS'/60/["n."]] ])),
                         Rules == [not_there, granted]]) :-
    delete(Params, Sets, V),
    rules(V, Rules0),
    sort(0, @>=, Rules0, Rules).

                /*  the others  */

test(a_zone_is_never_deleted, [forall(member(Via, [api, grammar, model])), true(Found)]) :-
    judge(dns_zone_delete, [name="home.arpa"], "person:owner"/Via, null, V),
    at(V, verdict, deny),
    rules(V, Rules),
    ( memberchk(zone_deletion, Rules) -> Found = true ; Found = Rules ).
test(a_model_is_one_tier_stricter, Kind-Tier-N == needs_consent-risky-1) :-
    judge(dns_record_add, [name="a.local", value="1.1.1.1"], "loopback"/model, null, V),
    at(V, verdict, Kind), at(V, tier, Tier), at(V, consent/signatures, N).
test(a_guest_is_denied_with_the_way_out, Rules == [no_grant]) :-
    judge(dns_record_add, [name="a.local", value="1.1.1.1"], "uid:1"/api, null, V),
    rules(V, Rules), at(V, would_permit, [_]).
test(a_stranger_is_denied, Rules == [no_role]) :-
    judge(node_list, [], "mallory"/api, null, V),
    rules(V, Rules).
test(too_few_people, Rule-Kind == too_few_approvers-deny) :-
    judge(dns_record_add, [name="a.open.example.net", value="8.8.8.8"], "person:owner"/model, null, V0),
    at(V0, verdict, Kind), rules(V0, [Rule|_]).
test(a_zone_by_ansible, Variables == obj(["zone"-"lab.home.arpa", "zone_ttl"-"300"])) :-
    me(By),
    judge(dns_zone_create, [name="lab.home.arpa", server="home"], By, null, V),
    at(V, look/op, check), at(V, look/variables, Variables).
test(its_plan_runs_what_was_checked, Op/Sha/Undo == run/"ab"/null) :-
    me(By),
    judge(dns_zone_create, [name="lab.home.arpa", server="home"], By,
          obj(["content_sha256"-"ab", "fingerprint"-"cd", "coverage"-obj(["ok"-1]), "diff"-[], "tasks"-[]]), V),
    at(V, plan/job/op, Op), at(V, plan/job/content_sha256, Sha), at(V, plan/undo, Undo).
test(zones_that_cannot_be, [forall(member(Name/Server/Rule, [ "home.arpa"/"home"/zone_exists, "x.home.arpa"/"edge"/no_zone_playbook,
                                            "evil.org"/"home"/no_grant ])), First == Rule]) :-
    me(By),
    judge(dns_zone_create, [name=Name, server=Server], By, null, V),
    at(V, verdict, deny), rules(V, [First|_]).
test(an_allowed_playbook, Secrets == obj(["become_password"-"secret:become/home"])) :-
    me(By),
    judge(playbook_run, [playbook="maintenance/apt.yml", variables=obj(["upgrade"-true])], By, null, V),
    at(V, look/secrets, Secrets).
test(a_strange_playbook, First == unknown_playbook) :-
    me(By),
    judge(playbook_run, [playbook="evil.yml"], By, null, V),
    rules(V, [First|_]).
test(a_strange_variable, First == unknown_variable) :-
    me(By),
    judge(playbook_run, [playbook="maintenance/apt.yml", variables=obj(["become_password"-"x"])], By, null, V),
    rules(V, [First|_]).
test(listing_looks_and_answers, Op-Zone-Sets == list-"home.arpa"-[]) :-
    me(By),
    judge(dns_record_list, [zone="x.home.arpa"], By, null, V0),
    at(V0, look/op, Op),
    judge(dns_record_list, [zone="home.arpa"], By, obj(["rrsets"-[]]), V),
    at(V, answer/zone, Zone), at(V, answer/rrsets, Sets).
test(looking_up_an_address_asks_its_reverse_name, Name-Type == "5.1.168.192.in-addr.arpa"-'PTR') :-
    me(By),
    judge(dns_lookup, [name="192.168.1.5"], By, null, V),
    at(V, look/name, Name), at(V, look/type, Type).
test(looking_up_elsewhere, Rules == [not_owned, granted]) :-
    me(By),
    judge(dns_lookup, [name="example.org"], By, null, V),
    rules(V, Rules).
test(the_nodes, Names == ["home", "nas"]) :-
    me(By),
    judge(node_list, [], By, null, V),
    at(V, answer/nodes, Nodes),
    findall(Name, ( member(Node, Nodes), at(Node, name, Name) ), Names).
test(a_case_is_named, Case == "01X") :-
    me(By),
    judge(case_explain, [case="01X"], By, null, V),
    at(V, answer/case, Case).
test(the_same_bit_for_bit, First == Second) :-
    a(["2.2.2.2", "1.1.1.1"], A),
    add([name="test.local", value="3.3.3.3"], [A, "test.local"/'TXT'/5/["\"x\""]], First),
    add([name="test.local", value="3.3.3.3"], ["test.local"/'TXT'/5/["\"x\""], A], Second).

:- end_tests(judge).
