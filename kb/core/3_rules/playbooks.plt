%   SPDX-License-Identifier: Apache-2.0

:- use_module('../../test/asking').

:- begin_tests(playbooks).

me("loopback"/api).

test(its_plan_runs_what_was_checked, Op/Sha/Undo == run/"ab"/null) :-
    me(By),
    judge(dns_zone_create, [name="lab.home.arpa", server="home"], By,
          obj(["content_sha256"-"ab", "fingerprint"-"cd", "coverage"-obj(["ok"-1]), "diff"-[],
              "tasks"-[]]), V),
    at(V, plan/job/op, Op), at(V, plan/job/content_sha256, Sha), at(V, plan/undo, Undo).

:- end_tests(playbooks).
