%   SPDX-License-Identifier: Apache-2.0
%
%   The household of the demo: a Proxmox node and a Windows gaming PC with a GPU each, old laptops,
%   single-board computers, and this node. All of it is an example: write down what you have, and
%   `logicctl kb check` says what does not fit together.

%    name        host             what it is
node("pve",      "192.168.10.10", "Proxmox VE: virtual machines, containers, models").
node("tower",    "192.168.20.20", "the Windows gaming PC, with WSL2").
node("nas",      "192.168.10.5",  "an old server with the disks").
node("laptop1",  "192.168.20.31", "an old laptop, works for the others").
node("laptop2",  "192.168.20.32", "an older laptop, at the desk").
node("pi1",      "192.168.10.41", "Raspberry Pi 4 in the cellar").
node("pi2",      "192.168.30.42", "Raspberry Pi Zero 2 W: temperature, humidity").
node("router",   "192.168.10.1",  "the way out, with the firewall").
node("switch",   "192.168.10.2",  "16 ports, in the cellar").

%         node          role
node_role("logic-node", voter).
node_role("logic-node", server).
node_role("pve",        hypervisor).
node_role("pve",        gpu_server).
node_role("tower",      desktop).
node_role("tower",      gpu_server).
node_role("nas",        storage).
node_role("laptop1",    worker).
node_role("laptop2",    client).
node_role("pi1",        voter).
node_role("pi2",        sensor).
node_role("router",     gateway).

%        node          can
node_can("pve",        cuda).
node_can("pve",        vulkan).
node_can("pve",        containers).
node_can("pve",        zfs).
node_can("pve",        wake_on_lan).
node_can("tower",      cuda).
node_can("tower",      vulkan).
node_can("tower",      wake_on_lan).
node_can("nas",        zfs).
node_can("nas",        ecc).
node_can("nas",        wake_on_lan).
node_can("laptop1",    cpu_inference).
node_can("laptop1",    containers).
node_can("logic-node", cpu_inference).

%        node     GPU                      MiB    PCIe lanes
node_gpu("pve",   "RTX 5080",              16303, 16).
node_gpu("tower", "RTX 4080 SUPER",        16376, 16).

%           node          MiB           node          cores
node_memory("logic-node", 16384).       node_cores("logic-node", 4).
node_memory("pve",        65536).       node_cores("pve",        16).
node_memory("tower",      32768).       node_cores("tower",      12).
node_memory("nas",        32768).       node_cores("nas",        4).
node_memory("laptop1",    8192).        node_cores("laptop1",    4).
node_memory("laptop2",    4096).        node_cores("laptop2",    2).
node_memory("pi1",        4096).        node_cores("pi1",        4).
node_memory("pi2",        512).         node_cores("pi2",        4).

%          node          W idle  W peak     node          s to boot
node_power("logic-node", 6,      24).       node_boot("logic-node", 35).
node_power("pve",        62,     520).      node_boot("pve",        95).
node_power("tower",      68,     560).      node_boot("tower",      42).
node_power("nas",        34,     78).       node_boot("nas",        80).
node_power("laptop1",    9,      45).       node_boot("laptop1",    38).
node_power("laptop2",    11,     40).       node_boot("laptop2",    55).
node_power("pi1",        3,      7).        node_boot("pi1",        28).
node_power("pi2",        1,      3).        node_boot("pi2",        32).
node_power("router",     8,      14).       node_boot("router",     70).
node_power("switch",     9,      12).       node_boot("switch",     40).

%   A volatile node may leave when its person plays; an ephemeral one may be closed and carried off.
node_volatility("logic-node", stable).      node_weight("logic-node", 5).
node_volatility("pve",        stable).      node_weight("pve",        80).
node_volatility("tower",      volatile).    node_weight("tower",      60).
node_volatility("nas",        stable).      node_weight("nas",        20).
node_volatility("laptop1",    stable).      node_weight("laptop1",    15).
node_volatility("laptop2",    ephemeral).   node_weight("laptop2",    5).
node_volatility("pi1",        stable).      node_weight("pi1",        5).

%   Which host(…) of machines.pl a node is, when it may sleep.
%node_host("tower", tower).
