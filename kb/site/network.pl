%   SPDX-License-Identifier: Apache-2.0
%
%   The networks of the demo, its cables and what its firewall lets through.

%    name     id  subnet
vlan(servers, 10, "192.168.10.0/24").
vlan(servers, 10, "fd00:10::/64").
vlan(clients, 20, "192.168.20.0/24").
vlan(things,  30, "192.168.30.0/24").

%            node          vlan     address
node_address("logic-node", servers, "192.168.10.8").
node_address("pve",        servers, "192.168.10.10").
node_address("pve",        servers, "fd00:10::10").
node_address("nas",        servers, "192.168.10.5").
node_address("nas",        servers, "fd00:10::5").
node_address("pi1",        servers, "192.168.10.41").
node_address("switch",     servers, "192.168.10.2").
node_address("router",     servers, "192.168.10.1").
node_address("router",     clients, "192.168.20.1").
node_address("router",     things,  "192.168.30.1").
node_address("tower",      clients, "192.168.20.20").
node_address("laptop1",    clients, "192.168.20.31").
node_address("laptop2",    clients, "192.168.20.32").
node_address("pi2",        things,  "192.168.30.42").

%         a cable between                Mbit/s
node_link("router",     "switch",        1000).
node_link("logic-node", "switch",        1000).
node_link("pve",        "switch",        2500).
node_link("nas",        "switch",        2500).
node_link("tower",      "switch",        2500).
node_link("laptop1",    "switch",        1000).
node_link("laptop2",    "switch",        100).
node_link("pi1",        "switch",        1000).
node_link("pi2",        "router",        72).

%           node      forwards between
node_routes("router", servers, clients).
node_routes("router", servers, things).
node_routes("router", clients, things).

%   The first rule that fits decides. None: denied between VLANs, allowed within one.
%        number  from                to                  service    what
firewall(10,     vlan(clients),      node("nas"),        tcp(443),  allow).
firewall(20,     vlan(clients),      node("nas"),        tcp(445),  allow).
firewall(30,     vlan(clients),      node("logic-node"), tcp(443),  allow).
firewall(40,     vlan(clients),      node("logic-node"), udp(53),   allow).
firewall(50,     node("laptop2"),    vlan(servers),      tcp(22),   deny).
firewall(60,     vlan(clients),      vlan(servers),      tcp(22),   allow).
firewall(70,     vlan(servers),      vlan(clients),      tcp(9100), allow).
firewall(80,     vlan(servers),      vlan(things),       any,       allow).
firewall(90,     vlan(things),       node("logic-node"), udp(123),  allow).
firewall(100,    vlan(things),       any,                any,       deny).
firewall(110,    any,                any,                icmp,      allow).
