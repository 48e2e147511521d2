%   SPDX-License-Identifier: Apache-2.0

:- use_module('../../test/asking').

:- begin_tests(judge_door).

me("loopback"/api).

test(bad_input_is_refused_by_name,
     [forall(member(Action/Params/Code/Param,
        [ dns_record_ad/[]/unknown_action/action,
            dns_record_add/[name="a.local"]/missing_field/"value",
          dns_record_add/[name="a.local", value="1.1.1.1", zone="x"]/unknown_field/"zone",
          dns_record_add/[name="a b", value="1.1.1.1"]/bad_name/name, dns_record_add/[name=7,
              value="1.1.1.1"]/wrong_type/name,
          dns_record_add/[name="a.local", value="hello"]/missing_field/type,
          dns_record_add/[name="a.local", type="A", value="fd00::1"]/bad_value/value,
          dns_record_add/[name="a.local", value="1.1.1.1", ttl= -1]/bad_value/ttl,
          dns_record_change/[name="a.local"]/missing_field/value,
              dns_zone_create/[name="l.home.arpa"]/missing_field/server,
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
test(a_verdict_says_what_was_known,
     [setup(retractall(state:change(_, _, _, _, _, _))),
      cleanup(retractall(state:change(_, _, _, _, _, _))), true(Learned == [0, 12])]) :-
    me(By),
    judge(node_list, [], By, null, Before),
    state:remember_change("c", 12, "loopback", "dns_record_add", obj([]), null, []),
    judge(node_list, [], By, null, After),
    maplist([Out, Seq]>>at(Out, learned, Seq), [Before, After], Learned).

:- end_tests(judge_door).
