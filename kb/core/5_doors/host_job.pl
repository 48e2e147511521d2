%   SPDX-License-Identifier: Apache-2.0

:- module(door_host_job,
          [ host_job/2                  % +In, -Out
          ]).
:- use_module(kb('1_words/wire'), [answered/3, fields/3]).
:- use_module(kb('3_rules/power'), [host_named/3, host_look/2]).

/** <module> Door host_job: which look tells how a host is

For the request `host_status`: a look that is telemetry, so nothing of it is recorded.
*/

%!  host_job(+In, -Out) is det.

:- det(host_job/2).
host_job(In, Out) :-
    answered(job, In, Out).

job(In, obj([job-Job])) :-
    fields(In, [required(host, string)], [Text]),
    host_named(host, Text, Host),
    host_look(Host, Job).
