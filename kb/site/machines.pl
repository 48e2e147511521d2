%   SPDX-License-Identifier: Apache-2.0
%
%   Machines that may sleep, and the devices on them that serve models (docs/inference.md).
%   All of it is an example: take the % away and write down what you have. `logicctl agent enroll
%   tower` makes the certificates of a host; "local" is the agent of this node.

%    name   agent                         what it is
%host(tower, "https://192.168.1.20:30443", "the workstation with the GPU").

%         name   network card         broadcast        SecureOn: "" or a handle
%host_wake(tower, "52:54:00:aa:bb:01", "192.168.1.255", "").

%           name   boot s  least on s  least off s  wakes in an hour
%host_limits(tower, 180,    600,        60,          6).

%          name   suspend, poweroff or never (which it is without this fact)
%host_sleep(tower, suspend).

%   No wake then, unless a person asks; local time is so many minutes ahead of UTC.
%quiet_hours(tower, "17:00", "21:00").
%utc_offset(60).

%    name  host   kind  device  MiB    what it is
%pool(gpu0, tower, cuda, "0",    16303, "RTX 5080").
%pool_serves(gpu0, any).

%           pool  engine  slots  context  cache
%pool_engine(gpu0, llama,  4,     8192,    f16).

%   An engine that somebody else runs: no host, nothing to wake.
%pool(box, none, external, "", 0, "the other machine").
%pool_serves(box, "llama3").
%pool_engine(box, llama, 2, 8192, f16).
%pool_at(box, "http://192.168.1.30:8080").
