%   SPDX-License-Identifier: Apache-2.0

:- module(case_explain, []).
:- use_module(kb('3_rules/action'), []).
:- use_module(kb('3_rules/policy'), []).

/** <module> case_explain: why a case went as it went; the judge's role fills in the case */

action:action(case_explain, observe, "Explain a case").

action:summary(case_explain,
    "Tells in words what was asked in a case, how it was judged and why, and what came of it.").

action:parameter(case_explain, case, case_id, required,
    "The case's identifier").

action:example(case_explain, "Explain case 01J9ZC3V5T8Q2M4K6N7P9R0S1T").
action:example(case_explain, "why was case 01J9ZC3V5T8Q2M4K6N7P9R0S1T denied?").

action:answer(case_explain(Case), obj([case-Case])).

action:wording(case_explain(Case), Text) :-
    format(string(Text), "explain case ~s", [Case]).
