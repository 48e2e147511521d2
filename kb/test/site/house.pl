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

%    machines that sleep, and what serves models
host(tower,       "https://192.168.1.20:30443", "the workstation with the GPU").
host('gaming-pc', "https://192.168.1.21:30443", "the gaming computer").
host(here,        "local",                      "this node").
host_wake(tower,       "52:54:00:aa:bb:01", "192.168.1.255", "").
host_wake('gaming-pc', "52:54:00:aa:bb:02", "",              "secret:wake/gaming").
host_limits(tower, 180, 600, 60, 6).
host_sleep(tower,       suspend).
host_sleep('gaming-pc', poweroff).
quiet_hours(tower, "17:00", "21:00").
quiet_hours('gaming-pc', "22:00", "06:00").
utc_offset(60).

pool(gpu0, tower,       cuda,     "0", 16303, "RTX 5080").
pool(gpu1, 'gaming-pc', vulkan,   "0", 8192,  "RX 6600").
pool(cpu0, here,        cpu,      "",  4096,  "two cores of this node").
pool(box,  none,        external, "",  0,     "somebody else's engine").
pool_serves(gpu0, any).
pool_serves(gpu1, "llama3").
pool_serves(cpu0, "tiny").
pool_serves(box,  "big").
pool_engine(gpu0, llama, 4, 8192, f16).
pool_engine(gpu1, llama, 1, 4096, q8_0).
pool_engine(cpu0, llama, 1, 2048, f16).
pool_engine(box,  llama, 2, 8192, f16).
pool_at(box, "http://192.0.2.9:8080").
