%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(library(lists), [memberchk/2]).
:- use_module(kb('5_doors/parse'), []).

:- begin_tests(door_parse).

test(understood, Status == "understood") :-
    door_parse:parse(obj(["nl"-"delete x.local", "principal"-"anna"]), obj(["status"-Status|_])).
test(too_long_is_an_error, Code-Param == too_long-"nl") :-
    length(Codes, 2001),
    maplist(=(0'a), Codes),
    string_codes(Text, Codes),
    door_parse:parse(obj(["nl"-Text, "principal"-"anna"]), obj([error-obj(Error)])),
    memberchk(code-Code, Error),
    memberchk(param-Param, Error).
test(a_missing_field_is_an_error, Code == missing_field) :-
    door_parse:parse(obj(["nl"-"delete x.local"]), obj([error-obj(Error)])),
    memberchk(code-Code, Error).
test(the_answer_is_ground, true(ground(Out))) :-
    door_parse:parse(obj(["nl"-"add a.local", "principal"-"anna"]), Out).

:- end_tests(door_parse).
