%   SPDX-License-Identifier: Apache-2.0

person(owner,  "The owner").
person(ada,    "Ada").
person(junior, "Junior").
person(robin,  "Robin").
person(kim,    "Kim").
person_role(owner,  operator).
person_role(ada,    operator).
person_role(junior, guest).
person_role(robin,  operator).
person_role(kim,    viewer).
unix_person(1000, ada).
token_person("laptop", owner).
token_role("probe", guest).
channel_role(loopback, operator).
channel_role(unix, guest).
channel_role(node, scheduler).

operator_key(owner,  "ed25519:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=").
operator_key(ada,    "ed25519:AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=").
operator_key(junior, "ed25519:AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=").
operator_passkey(robin, "cm9iaW4", "es256:BGsX0fLhLEJH+Lzm5WOkQPJ3A32BLeszoPShOUXYmMKW\c
                                 T+NC4v4af5uO5+tKfA+eFivOM1drMV7Oy7ZAaDe/UfU=",
                 "node.test", "phone").
operator_passkey(owner, "b3duZXI", "ed25519:BAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ=",
                 "node.test", "token").
page_origin("https://node.test:30443").
page_origin("https://second.node.test").

may_approve(owner,  destructive).
may_approve(robin,  change).
may_approve(ada,    destructive).
may_approve(junior, change).

tier_signatures(risky,       1).
tier_signatures(destructive, 2).

grant(operator, dns_lookup,        any,                              freely).
grant(operator, dns_record_list,   any,                              freely).
grant(operator, node_list,         any,                              freely).
grant(operator, node_health,       any,                              freely).
grant(operator, thermal_risk,      any,                              freely).
grant(operator, node_show,         any,                              freely).
grant(operator, reach_check,       any,                              freely).
grant(operator, boot_order_show,   any,                              freely).
grant(operator, path_find,         any,                              freely).
grant(operator, placement_find,    any,                              freely).
grant(operator, alert_list,        any,                              freely).
grant(operator, alert_acknowledge, any,                              freely).
grant(operator, case_explain,      any,                              freely).
grant(viewer,  dns_lookup,        any,                              freely).
grant(viewer,  dns_record_list,   any,                              freely).
grant(viewer,  node_list,         any,                              freely).
grant(viewer,  node_health,       any,                              freely).
grant(viewer,  thermal_risk,      any,                              freely).
grant(viewer,  node_show,         any,                              freely).
grant(viewer,  reach_check,       any,                              freely).
grant(viewer,  boot_order_show,   any,                              freely).
grant(viewer,  path_find,         any,                              freely).
grant(viewer,  placement_find,    any,                              freely).
grant(viewer,  alert_list,        any,                              freely).
grant(viewer,  case_explain,      any,                              freely).
grant(operator, dns_record_add,    zone("local"),                    freely).
grant(operator, dns_record_add,    zone("home.arpa"),                freely).
grant(operator, dns_record_add,    zone("1.168.192.in-addr.arpa"),   freely).
grant(operator, dns_record_add,    zone("example.com"),              signatures(1)).
grant(operator, dns_record_add,    zone("open.example.net"),         signatures(2)).
grant(operator, dns_record_change, any,                              signatures(1)).
grant(operator, dns_record_delete, any,                              signatures(1)).
grant(operator, dns_zone_create,   zone("home.arpa"),                signatures(1)).
grant(operator, playbook_run,      playbook("maintenance/apt.yml"),  signatures(1)).
grant(guest,    dns_lookup,        zone("local"),                    freely).
grant(operator,  host_wake,   any, freely).
grant(operator,  host_sleep,  any, freely).
grant(operator,  pool_load,   any, freely).
grant(operator,  pool_unload, any, freely).
grant(scheduler, host_wake,   any, freely).
grant(scheduler, host_sleep,  any, freely).
grant(scheduler, pool_load,   any, freely).
grant(scheduler, pool_unload, any, freely).
