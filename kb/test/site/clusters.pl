%   SPDX-License-Identifier: Apache-2.0
%
%   A cluster that the test node may turn out to run on, and what boots after what.

host(vault, "https://192.168.10.10:30443", "the Proxmox machine").
node_host("pve", vault).
host_wake(vault, "52:54:00:aa:bb:03", "", "").
host_sleep(vault, poweroff).

cluster(lab, proxmox, "the rack in the cellar").
cluster_member(lab, "pve").
cluster_guest(lab, "dns1", uuid("11223344-5566-7788-99aa-bbccddeeff00")).
cluster_guest(lab, "dns1", mac("bc:24:11:00:00:01")).
cluster_guest(lab, "files", address("192.168.10.77")).
cluster_api(lab, "https://192.168.10.10:8006", "secret:proxmox/lab").

playbook("services/vault.yml", "inventory/home.yml", "the vault itself").
playbook_node("services/vault.yml", "pve").

boots_after("nas", "switch1").
boots_after("switch1", "router").
boots_after("pve", "nas").
