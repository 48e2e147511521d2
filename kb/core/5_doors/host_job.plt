%   SPDX-License-Identifier: Apache-2.0

:- use_module('../../test/asking').

:- begin_tests(host_job_door).

test(a_look, Job == obj([hand-host, op-status, host-tower, agent-"https://192.168.1.20:30443"])) :-
    door_host_job:host_job(obj(["host"-"tower"]), Out),
    at(Out, job, Job).
test(a_strange_host_is_named, true(Code-Param == unknown_host-host)) :-
    door_host_job:host_job(obj(["host"-"mars"]), Out),
    at(Out, error/code, Code),
    at(Out, error/param, Param),
    at(Out, error/message, Message),
    sub_string(Message, _, _, _, "'mars'"),
    !.
test(a_missing_host, Code == missing_field) :-
    door_host_job:host_job(obj([]), Out),
    at(Out, error/code, Code).
test(a_host_that_is_no_text, Code == wrong_type) :-
    door_host_job:host_job(obj(["host"-7]), Out),
    at(Out, error/code, Code).

:- end_tests(host_job_door).
