%   SPDX-License-Identifier: Apache-2.0
%
%   The demo house: one DNS server on this machine. Facts only; the words that may stand here are
%   declared in core/1_words/fact_words.pl, and `logicctl kb check` says what is wrong.

this_node("logic-node").

%    name          host           what it is
node("home",       "127.0.0.1",   "this machine: BIND 9 for the house").
node("logic-node", "127.0.0.1",   "this machine: the Logic Node itself").

%          server  host         port  key           secret
dns_server(home,   "127.0.0.1", 5353, "logic-node", "secret:tsig/home").

%    zone                        server  seen by
zone("local",                    home,   private).
zone("home.arpa",                home,   private).
zone("1.168.192.in-addr.arpa",   home,   private).

default_ttl(300).

%             server  playbook                 inventory
zone_playbook(home,   "services/dns/zone.yml", "inventory/home.yml").
