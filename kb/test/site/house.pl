%   SPDX-License-Identifier: Apache-2.0
%
%   The house of the rule tests: the demo's zones and more, so that each rule has its yes and no.

this_node("test-node").
node("nas",  "192.168.1.5", "files").
node("home", "127.0.0.1",   "BIND 9").

dns_server(home, "127.0.0.1", 5353, "logic-node", "secret:tsig/home").
dns_server(edge, "192.0.2.53", 53,  "edge-key",   "secret:tsig/edge").

zone("local",                  home, private).
zone("home.arpa",              home, private).
zone("1.168.192.in-addr.arpa", home, private).
zone("dmz.home.arpa",          home, private).
zone("example.com",            edge, public).
zone("open.example.net",       edge, public).
allow_private("open.example.net").

default_ttl(300).
zone_playbook(home, "services/dns/zone.yml", "inventory/home.yml").
zone_variable(home, "zone_ttl", "300").

playbook("maintenance/apt.yml", "inventory/home.yml", "bring packages up to date").
playbook_variable("maintenance/apt.yml", "upgrade").
playbook_secret("maintenance/apt.yml", "become_password", "secret:become/home").
