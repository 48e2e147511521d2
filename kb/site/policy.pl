%   SPDX-License-Identifier: Apache-2.0
%
%   What is allowed. Everything else is refused.

%     role      action             scope                             terms
grant(operator, dns_lookup,        any,                              freely).
grant(operator, dns_record_list,   any,                              freely).
grant(operator, node_list,         any,                              freely).
grant(operator, case_explain,      any,                              freely).

grant(operator, dns_record_add,    zone("local"),                    freely).
grant(operator, dns_record_add,    zone("home.arpa"),                freely).
grant(operator, dns_record_add,    zone("1.168.192.in-addr.arpa"),   freely).

grant(operator, dns_record_change, any,                              signatures(1)).
grant(operator, dns_record_delete, any,                              signatures(1)).
grant(operator, dns_zone_create,   any,                              signatures(1)).
grant(operator, playbook_run,      any,                              signatures(1)).

%   The least for a whole tier, whatever a grant says. One person lives here, so one.
tier_signatures(risky,       1).
tier_signatures(destructive, 1).
