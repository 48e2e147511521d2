%   SPDX-License-Identifier: Apache-2.0
%
%   What is allowed. Everything else is refused.

%     role      action             scope                             terms
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

%   Who only looks, as a tablet on the wall: token_role("NAME", viewer) of its token.
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

grant(operator, dns_record_change, any,                              signatures(1)).
grant(operator, dns_record_delete, any,                              signatures(1)).
grant(operator, dns_zone_create,   any,                              signatures(1)).
grant(operator, playbook_run,      any,                              signatures(1)).

%   Waking, loading and putting to sleep: by people, and by the node itself where a request waits.
grant(operator,  host_wake,        any,                              freely).
grant(operator,  host_sleep,       any,                              freely).
grant(operator,  pool_load,        any,                              freely).
grant(operator,  pool_unload,      any,                              freely).
grant(scheduler, host_wake,        any,                              freely).
grant(scheduler, host_sleep,       any,                              freely).
grant(scheduler, pool_load,        any,                              freely).
grant(scheduler, pool_unload,      any,                              freely).

%   The least for a whole tier, whatever a grant says. One person lives here, so one.
tier_signatures(risky,       1).
tier_signatures(destructive, 1).
