%   SPDX-License-Identifier: Apache-2.0
%
%   Who is told outside, and of what (docs/dashboard.md §6). All of it is an example: take the %
%   away.
%   A message has words and a link to the page, where one looks and decides; it decides nothing.

%   Where browsers reach the page: the first one is in the links; without one there are no links.
%page_origin("https://node.home.arpa:30443").

%   An address that holds a token belongs into a secret: HOME/secrets/notify/phone, one line, mode
%   0600, its folders 0700.

%              channel  kind     where: an address, or the secret that holds it
%notify_channel(phone,  ntfy,    "secret:notify/phone").         % https://ntfy.example/TOPIC
%notify_channel(office, slack,   "secret:notify/office").        % also Mattermost, Rocket.Chat
%notify_channel(log,    webhook, "http://192.168.10.9:8080/in").

%            channel  what: consent, alert_critical, alert_warning, case_failed, node
%notify_about(phone,  consent).
%notify_about(phone,  alert_critical).
%notify_about(office, case_failed).
%notify_about(log,    node).
