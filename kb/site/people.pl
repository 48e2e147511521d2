%   SPDX-License-Identifier: Apache-2.0
%
%   Who is who. Keys lie in keys.pl beside this file: `logicctl key new` prints the line,
%   `make run` writes it. No API can add one.

person(owner, "The owner of this node").
person_role(owner, operator).

%   Whoever can reach the loopback address or the unix socket of this machine.
channel_role(loopback, operator).
channel_role(unix, operator).

%   The node's own wishes: what its gateway proposes when a request waits or a machine is idle.
channel_role(node, scheduler).

may_approve(owner, destructive).
