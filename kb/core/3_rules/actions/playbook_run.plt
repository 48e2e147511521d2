%   SPDX-License-Identifier: Apache-2.0

:- use_module('../../../test/asking').

:- begin_tests(playbook_run).

me("loopback"/api).

test(an_allowed_playbook, Secrets == obj(["become_password"-"secret:become/home"])) :-
    me(By),
    judge(playbook_run, [playbook="maintenance/apt.yml", variables=obj(["upgrade"-true])], By,
        null, V),
    at(V, look/secrets, Secrets).
test(a_strange_playbook, First == unknown_playbook) :-
    me(By),
    judge(playbook_run, [playbook="evil.yml"], By, null, V),
    rules(V, [First|_]).
test(a_strange_variable, First == unknown_variable) :-
    me(By),
    judge(playbook_run, [playbook="maintenance/apt.yml", variables=obj(["become_password"-"x"])],
        By, null, V),
    rules(V, [First|_]).

:- end_tests(playbook_run).
