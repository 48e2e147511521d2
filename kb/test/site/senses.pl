%   SPDX-License-Identifier: Apache-2.0
%
%   What is sensed in the house of the rule tests.

sense_source("nas",       "nas",   exporter, "http://192.168.1.5:9100/metrics",   10).
sense_source("pve",       "pve",   exporter, "http://192.168.10.10:9100/metrics", 10).
sense_source("pve-smart", "pve",   exporter, "http://192.168.10.10:9633/metrics", 60).
sense_source("tower",     "tower", agent,    "https://192.168.1.20:30443",        10).
sense_source("pi1",       "pi1",   push,     "pi1",                               30).
history("http://127.0.0.1:8428").
threshold("pve", cpu_hot,            70000, 65000).
threshold(any,   critical(disk_hot), 72000, 0).
