%   SPDX-License-Identifier: Apache-2.0
%
%   Who is told what in the test house; nobody is told of alert_warning.

notify_channel(phone,  ntfy,    "secret:notify/phone").
notify_channel(office, slack,   "https://hooks.example/T0/B0").
notify_channel(log,    webhook, "http://127.0.0.1:9000/in").
notify_about(phone,  consent).
notify_about(phone,  alert_critical).
notify_about(phone,  consent).
notify_about(office, consent).
notify_about(office, case_failed).
notify_about(log,    node).
