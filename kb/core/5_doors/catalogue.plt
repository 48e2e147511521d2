%   SPDX-License-Identifier: Apache-2.0

:- use_module('../../test/asking').

:- begin_tests(catalogue_door).

test(the_catalogue_holds_its_actions,
     Names == [ alert_acknowledge, alert_list, boot_order_show, case_explain, dns_lookup,
                dns_record_add, dns_record_change, dns_record_delete, dns_record_list,
                dns_zone_create,
                dns_zone_delete, host_sleep, host_wake, node_health, node_list, node_show,
                path_find, placement_find, playbook_run, pool_load, pool_unload, reach_check,
                thermal_risk ]) :-
    door_catalogue:catalogue(obj([]), Out),
    at(Out, actions, Actions),
    findall(Name, ( member(Action, Actions), at(Action, name, Name) ), Names).
test(a_schema_is_closed, Required-Extra == ["name", "value"]-false) :-
    door_catalogue:catalogue(obj([]), Out),
    at(Out, actions, Actions),
    member(Action, Actions),
    at(Action, name, dns_record_add),
    !,
    at(Action, parameters/required, Required),
    at(Action, parameters/additionalProperties, Extra).
test(it_takes_nothing, Code == unknown_field) :-
    door_catalogue:catalogue(obj(["x"-1]), Out),
    at(Out, error/code, Code).

:- end_tests(catalogue_door).
