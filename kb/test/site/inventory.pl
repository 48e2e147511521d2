%   SPDX-License-Identifier: Apache-2.0
%
%   The machines of the test house: enough of each kind that every rule has its yes and its no.

node("pve",     "192.168.10.10", "Proxmox").
node("tower",   "192.168.20.20", "Windows, plays games").
node("laptop1", "192.168.20.31", "an old laptop").
node("laptop2", "192.168.20.32", "a laptop that no cable reaches").
node("pi1",     "192.168.10.41", "a single-board computer").
node("router",  "192.168.10.1",  "the way out").
node("switch1", "192.168.10.2",  "in the cellar").
node("switch2", "192.168.10.3",  "upstairs").
node("camera",  "192.168.30.50", "looks at the door").

node_role("pve", hypervisor).
node_role("pve", gpu_server).
node_role("tower", desktop).
node_role("laptop1", worker).
node_role("laptop2", client).
node_role("nas", storage).
node_role("pi1", voter).
node_role("router", gateway).
node_role("camera", sensor).

node_can("pve", cuda).
node_can("pve", containers).
node_can("pve", wake_on_lan).
node_can("tower", cuda).
node_can("tower", wake_on_lan).
node_can("laptop1", cpu_inference).
node_can("nas", zfs).

node_gpu("pve",   "RTX 5080",       16303, 16).
node_gpu("tower", "RTX 4080 SUPER", 16376, 16).
node_memory("pve", 65536).
node_memory("tower", 32768).
node_memory("laptop1", 8192).
node_memory("pi1", 4096).
node_cores("pve", 16).
node_cores("pi1", 4).
node_power("pve", 45, 480).
node_power("tower", 60, 520).
node_power("laptop1", 9, 35).
node_boot("pve", 90).
node_boot("tower", 45).
node_volatility("pve", stable).
node_volatility("tower", volatile).
node_volatility("laptop1", ephemeral).
node_weight("pve", 80).
node_weight("tower", 60).
node_weight("laptop1", 20).
node_host("tower", tower).
node_pool("laptop1", box).

vlan(servers, 10, "192.168.10.0/24").
vlan(servers, 10, "fd00:10::/64").
vlan(clients, 20, "192.168.20.0/24").
vlan(things,  30, "192.168.30.0/24").
vlan(island,  40, "192.168.40.0/24").

node_address("pve",     servers, "192.168.10.10").
node_address("pve",     servers, "fd00:10::10").
node_address("nas",     servers, "192.168.10.5").
node_address("nas",     servers, "fd00:10::5").
node_address("pi1",     servers, "192.168.10.41").
node_address("pi1",     island,  "192.168.40.41").
node_address("router",  servers, "192.168.10.1").
node_address("router",  clients, "192.168.20.1").
node_address("router",  things,  "192.168.30.1").
node_address("tower",   clients, "192.168.20.20").
node_address("laptop1", clients, "192.168.20.31").
node_address("laptop2", clients, "192.168.20.32").
node_address("camera",  things,  "192.168.30.50").

node_link("router",  "switch1", 1000).
node_link("switch1", "switch2", 1000).
node_link("router",  "switch2", 100).
node_link("switch1", "pve",     2500).
node_link("switch1", "nas",     1000).
node_link("switch1", "pi1",     1000).
node_link("switch2", "pi1",     100).
node_link("switch2", "tower",   2500).
node_link("switch2", "laptop1", 1000).
node_link("switch2", "camera",  100).

node_routes("router", servers, clients).
node_routes("router", servers, things).

firewall(10, vlan(clients),              node("nas"),   tcp(443), allow).
firewall(20, vlan(clients),              node("nas"),   tcp(445), allow).
firewall(25, node("laptop1"),            node("pve"),   tcp(22),  deny).
firewall(30, vlan(clients),              vlan(servers), tcp(22),  allow).
firewall(40, any,                        any,           icmp,     allow).
firewall(50, subnet("192.168.30.0/24"),  any,           any,      deny).
firewall(60, vlan(servers),              node("pi1"),   tcp(23),  deny).
