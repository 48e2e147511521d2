%   SPDX-License-Identifier: Apache-2.0

:- module(playbook_run, []).
:- use_module(library(lists), [member/2]).
:- use_module(kb('2_seen/seen'), [looked/2]).
:- use_module(kb('2_seen/site'), []).
:- use_module(kb('3_rules/action'), []).
:- use_module(kb('3_rules/policy'), []).
:- use_module(kb('3_rules/playbooks'), [check_job/5, playbook_plan/4]).

/** <module> playbook_run: one of the owner's Ansible playbooks

The playbook and each variable must be in the site facts; secrets are handles from there and
can never be given in a proposal.
*/

action:action(playbook_run, risky, "Run an Ansible playbook").

action:summary(playbook_run,
    "Runs a playbook that the site allows, with variables that the site allows, after a dry run.").

action:parameter(playbook_run, playbook, path_word, required,
    "The playbook by its name in the site facts, such as services/dns/zone.yml").
action:parameter(playbook_run, variables, variables, optional,
    "Variables for it: only those that the site allows for this playbook").

action:example(playbook_run, "Run the playbook services/dns/zone.yml with zone=lab.home.arpa").
action:example(playbook_run, "run playbook maintenance/apt.yml").

action:completed(playbook_run(Playbook, none), playbook_run(Playbook, obj([]))).

action:playbook_touched(playbook_run(Playbook, _), Playbook).

policy:forbids(playbook_run(Playbook, _), _, unknown_playbook(Playbook, Known)) :-
    \+ site:playbook(Playbook, _, _),
    findall(Name, site:playbook(Name, _, _), Known0),
    sort(Known0, Known).
policy:forbids(playbook_run(Playbook, obj(Pairs)), _,
               unknown_variable(Playbook, Variable, Known)) :-
    site:playbook(Playbook, _, _),
    member(Variable-_, Pairs),
    \+ site:playbook_variable(Playbook, Variable),
    findall(Name, site:playbook_variable(Playbook, Name), Known0),
    sort(Known0, Known).

action:look(Action, Job) :-
    run_check(Action, Job).

run_check(playbook_run(Playbook, obj(Variables)), Job) :-
    site:playbook(Playbook, Inventory, _),
    !,
    findall(Variable-Secret, site:playbook_secret(Playbook, Variable, Secret), Secrets),
    check_job(Playbook, Inventory, Variables, Secrets, Job).

action:plan(playbook_run(Playbook, Variables), _, Plan) :-
    looked(ansible, Seen),
    Action = playbook_run(Playbook, Variables),
    run_check(Action, Job),
    format(string(Target), "playbook ~s", [Playbook]),
    playbook_plan(Action, Target, Job-Seen, Plan).

action:wording(playbook_run(Playbook, obj(Pairs)), Text) :-
    (   Pairs == []
    ->  format(string(Text), "run playbook ~s", [Playbook])
    ;   findall(Word, ( member(Name-Value, Pairs), format(string(Word), "~w=~w", [Name, Value]) ),
                Words),
        atomic_list_concat(Words, ', ', List),
        format(string(Text), "run playbook ~s with ~w", [Playbook, List])
    ).
