%   SPDX-License-Identifier: Apache-2.0

:- use_module(kb('1_words/types')).

:- begin_tests(types).

test(ttl_of_a_week, Ttl == 604800) :-
    typed(ttl, ttl, 604800, Ttl).
test(no_ttl, [forall(member(Raw, [-1, 604801, 2147483647, "300", 3.5, null, true])),
              throws(refused(bad_value, ttl, _))]) :-
    typed(ttl, ttl, Raw, _).
test(type_by_name, Type == 'MX') :-
    typed(record_type, type, "mx", Type).
test(unknown_type, throws(refused(unknown_type, type, _))) :-
    typed(record_type, type, "HINFO", _).
test(no_string, throws(refused(wrong_type, name, _))) :-
    typed(fqdn, name, 7, _).
test(variables_are_sorted, Vars == obj(["a"-true, "b"-"x y"])) :-
    typed(variables, variables, obj(["b"-"x y", "a"-true]), Vars).
test(no_variables,
     [forall(member(Raw, [ obj(["A"-1]), obj(["a-b"-1]), obj(["a"-"{{ x }}"]), obj(["a"-"$(id)"]),
         obj(["a"-"x\ny"]),
                           obj(["a"-"!vault"]), obj(["a"-null]), obj(["a"-[1]]), obj([""-1]),
                               obj(["a"-1.5]) ])),
      throws(refused(bad_value, variables, _))]) :-
    typed(variables, variables, Raw, _).
test(a_double_variable, throws(refused(double_field, variables, _))) :-
    typed(variables, variables, obj(["a"-1, "a"-2]), _).
test(too_many_variables, throws(refused(bad_value, variables, _))) :-
    findall(Key-1, ( between(1, 33, N), format(string(Key), "v~d", [N]) ), Pairs),
    typed(variables, variables, obj(Pairs), _).
test(playbook_name, Name == "services/dns/zone.yml") :-
    typed(path_word, playbook, "services/dns/zone.yml", Name).
test(no_playbook_name, [forall(member(Raw, ["../x.yml", "/etc/x.yml", "-e x", "a b.yml", "a;b", "",
    "a/../b"])),
                        throws(refused(bad_value, playbook, _))]) :-
    typed(path_word, playbook, Raw, _).
test(case_id, Id == "01J9ZC-x_1") :-
    typed(case_id, case, "01J9ZC-x_1", Id).
test(no_case_id, [forall(member(Raw, ["", "a b", "a/b", "a'b"])), throws(refused(bad_value, case,
    _))]) :-
    typed(case_id, case, Raw, _).
test(each_type_has_a_schema,
     [forall(member(Type, [fqdn, zone, record_type, record_value, ttl, text, path_word, case_id,
         variables]))]) :-
    type_schema(Type, Pairs),
    memberchk(type-_, Pairs).

test(nodes_and_their_like, [forall(member(Type/Raw/Value,
     [ node/"Tower"/"tower", service/"TCP/443"/"tcp/443", service/"icmp"/"icmp",
       capability/"cuda"/cuda, mib/0/0, yes_no/true/true, alert/17/17, alert_status/"all"/all ])),
                             Found == Value]) :-
    typed(Type, x, Raw, Found).
test(no_nodes_and_their_like, [forall(member(Type/Raw,
     [ node/"a b", node/7, node/"", node/"2x", service/"443", service/"tcp/0", service/443,
       capability/"magic", capability/cuda, mib/(-1), mib/4194305, mib/"1", yes_no/"true", yes_no/1,
       alert/0, alert/"17", alert/1.0, alert_status/"done", alert_status/open ])),
                                throws(refused(_, x, _))]) :-
    typed(Type, x, Raw, _).
test(their_schemas,
     [forall(member(Type, [node, service, capability, mib, yes_no, alert, alert_status]))]) :-
    type_schema(Type, Pairs),
    memberchk(type-_, Pairs).

:- end_tests(types).
