%   SPDX-License-Identifier: Apache-2.0

:- module(playbooks,
          [ check_job/5,                % +Playbook, +Inventory, +Variables, +Secrets, -Job
            playbook_plan/4             % +Action, +Target, +JobSeen, -Plan
          ]).
:- use_module(library(lists), [append/3]).
:- use_module(kb('1_words/wire'), [field/3, refuse/4]).
:- use_module(action, [wording/2]).

/** <module> Ansible: the dry run as a look, the run as a plan bound to it */

%!  check_job(+Playbook, +Inventory, +Variables:list, +Secrets:list, -Job) is det.

check_job(Playbook, Inventory, Variables, Secrets, Job) :-
    Job = obj([ hand-ansible, op-check, playbook-Playbook, inventory-Inventory,
                variables-obj(Variables), secrets-obj(Secrets) ]).

%!  playbook_plan(+Action, +Target, +JobSeen, -Plan) is det.
%
%   JobSeen is Job-Seen, the dry run and its result: the plan names the content and the
%   fingerprint that were checked, and the hand checks both again just before it runs.

playbook_plan(Action, Target, Job-Seen, Plan) :-
    seen_field(Seen, content_sha256, Content),
    seen_field(Seen, fingerprint, Fingerprint),
    seen_field(Seen, coverage, Coverage),
    seen_field(Seen, diff, Diff),
    Job = obj([hand-ansible, op-check|Pairs]),
    append(Pairs, [content_sha256-Content, fingerprint-Fingerprint], RunPairs),
    wording(Action, Summary),
    Plan = obj([ summary-Summary, targets-[Target], current-[], diff-Diff,
                 preconditions-[
                     "the playbook and its files are unchanged since the dry run",
                     "the inventory and the variables are unchanged since the dry run" ],
                 coverage-Coverage, job-obj([hand-ansible, op-run|RunPairs]), undo-null,
                 verify-"the run ends without a failed task" ]).

seen_field(Seen, Name, Value) :-
    (   field(Seen, Name, Found)
    ->  Value = Found
    ;   refuse(missing_field, seen, "the dry run did not say its ~w", [Name])
    ).
