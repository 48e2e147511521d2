%   SPDX-License-Identifier: Apache-2.0

:- use_module('../../test/asking').

:- begin_tests(state_text_door, [setup(empty), cleanup(empty)]).

empty :-
    retractall(state:change(_, _, _, _, _, _)),
    retractall(state:zone(_, _)).
learn(Seq, Action, Params, Changed) :-
    door_learn:learn(obj([ "kind"-"case_executed", "case"-"01C", "seq"-Seq,
        "at"-"2026-01-01T00:00:00.000Z",
                           "body"-obj(["result"-obj([]), "undo"-null, "action"-Action,
                               "params"-obj(Params),
                                       "by"-obj(["principal"-"loopback", "via"-"api"])]) ]), Out),
    (   at(Out, changed, C) -> Changed = C ; at(Out, error/code, Changed) ).

test(state_text_can_be_loaded_again, [setup(empty), true(Found == [change("01C", 7, "loopback",
    "dns_record_add",
                                        obj(["name"-"a'b\"c\n"]), null)])]) :-
    learn(7, "dns_record_add", ["name"-"a'b\"c\n"], true),
    door_state_text:state_text(obj([]), Out),
    at(Out, files/0/text, Text),
    setup_call_cleanup(( tmp_file_stream(utf8, File, Stream), write(Stream, Text), close(Stream) ),
                       loading:facts_of_file(File, state, Facts), delete_file(File)),
    findall(Fact, member(fact(_, Fact), Facts), Found).

:- end_tests(state_text_door).
