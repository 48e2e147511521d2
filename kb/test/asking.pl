%   SPDX-License-Identifier: Apache-2.0

:- module(asking,
          [ judge/5,                    % +Action, +Params, +By, ++Seen, -Verdict
            judge_at/6,                 % +NowMs, +Action, +Params, +By, ++Seen, -Verdict
            at/3,                       % ++Obj, +Path, -Value
            rules/2,                    % ++Verdict, -Rules
            sets/2                      % +Sets, -Seen
          ]).
:- use_module(library(lists), [member/2, memberchk/2, nth0/3]).
:- use_module(library(apply), [maplist/3]).
:- use_module(kb('5_doors/judge'), []).

/** <module> For the rule tests: ask the door judge, look into its answer */

%   judge(+Action, +Params, +By, ++Seen, -Verdict): By is principal/via, Params Key=Value pairs.
judge(Action, Params, By, Seen, Verdict) :-
    judge_at(0, Action, Params, By, Seen, Verdict).

%   judge_at(+NowMs, +Action, +Params, +By, ++Seen, -Verdict): as asked at that time.
judge_at(NowMs, Action, Params, Principal/Via, Seen, Verdict) :-
    maplist(pair, Params, Pairs),
    atom_string(Via, ViaText),
    atom_string(Action, ActionText),
    door_judge:judge(obj([ "action"-ActionText, "params"-obj(Pairs),
                           "by"-obj(["principal"-Principal, "via"-ViaText]),
                           "seen"-Seen, "now_ms"-NowMs ]), Verdict),
    !.

pair(Key=Value, Text-Value) :-
    atom_string(Key, Text).

%   at(++Obj, +Path, -Value): Path is a/b/0/c.
at(Obj, Path/Step, Value) :-
    !,
    at(Obj, Path, Inner),
    step(Step, Inner, Value).
at(Obj, Step, Value) :-
    step(Step, Obj, Value).

step(Number, List, Value) :-
    integer(Number),
    !,
    nth0(Number, List, Value).
step(Key, obj(Pairs), Value) :-
    memberchk(Key-Found, Pairs),
    Value = Found.

rules(Verdict, Rules) :-
    at(Verdict, reasons, Reasons),
    findall(Rule, ( member(Reason, Reasons), at(Reason, rule, Rule) ), Rules).

%   sets(+[Name/Type/Ttl/Values, …], -Seen): what a look found.
sets(Sets, obj(["rrsets"-Objs, "zone_serial"-7])) :-
    maplist(set, Sets, Objs).

set(Name/Type/Ttl/Values,
    obj(["name"-Name, "type"-Text, "ttl"-Ttl, "values"-Values])) :-
    atom_string(Type, Text).
