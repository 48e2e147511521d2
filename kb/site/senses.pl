%   SPDX-License-Identifier: Apache-2.0
%
%   What tells of itself, and how. All of it is an example, so that `make run` needs no exporter:
%   take the % away and write down what you have (docs/senses.md §2).

%            source          node          kind      where                               s
%sense_source("logic-node",  "logic-node", agent,    "local",                            10).
%sense_source("backup",      "logic-node", backup,   "local",                            30).
%sense_source("pve",         "pve",        exporter, "http://192.168.10.10:9100/metrics", 10).
%sense_source("pve-gpu",     "pve",        exporter, "http://192.168.10.10:9835/metrics", 10).
%sense_source("nas",         "nas",        exporter, "http://192.168.10.5:9100/metrics",  15).
%sense_source("nas-smart",   "nas",        exporter, "http://192.168.10.5:9633/metrics",  60).
%sense_source("tower",       "tower",      agent,    "https://192.168.20.20:30443",       10).
%sense_source("laptop1",     "laptop1",    exporter, "http://192.168.20.31:9100/metrics", 15).
%sense_source("pi1",         "pi1",        push,     "pi1",                              30).

%   Where history goes; without it there is none, and it is said so.
%history("http://127.0.0.1:8428").

%   Instead of the rule's own: where it raises and where it is over, in the unit of the metric.
%threshold("tower", gpu_hot, 88000, 80000).
