%   SPDX-License-Identifier: Apache-2.0

:- use_module('../../test/asking').
:- use_module('../../test/machines').

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

test(what_machines_taught_can_be_loaded_again,
     [setup(nothing_learned), cleanup(nothing_learned),
      true(Found-Faults == [boot_time, change, host_power, host_tried, host_woken, load_time,
                            loaded, measured]-[])]) :-
    sha(Sha),
    learn(8, "host_wake", ["host"-"tower"], obj(["took_ms"-77]), true),
    learn(9, "pool_load", ["pool"-"gpu0", "model"-"llama3", "sha256"-Sha],
          obj([ "took_ms"-9000, "engine_version"-"b9000",
                "buffers"-obj([ "weights_bytes"-100, "kv_bytes"-20, "compute_bytes"-3,
                                "other_bytes"-4 ]) ]), true),
    assertz(state:host_tried(tower, 10, 1767225600000)),
    door_state_text:state_text(obj([]), Out),
    at(Out, files, Files),
    findall(Fact, ( member(File, Files), at(File, text, Text), read_back(Text, Fact) ), All),
    findall(Name, ( member(fact(_, Term), All), functor(Term, Name, _) ), Names),
    sort(Names, Found),
    findall(Words, member(fault(_, Words), All), Faults).

learn(Seq, Action, Params, Result, Changed) :-
    door_learn:learn(obj([ "kind"-"case_executed", "case"-"01C", "seq"-Seq,
                           "at"-"2026-01-01T00:00:00.000Z",
                           "body"-obj([ "result"-Result, "undo"-null, "action"-Action,
                                        "params"-obj(Params),
                                        "by"-obj([ "principal"-"node:gateway",
                                                   "via"-"rule" ]) ]) ]), Out),
    at(Out, changed, Changed),
    !.

read_back(Text, Fact) :-
    setup_call_cleanup(( tmp_file_stream(utf8, File, Stream), write(Stream, Text), close(Stream) ),
                       loading:facts_of_file(File, state, Facts), delete_file(File)),
    member(Fact, Facts).

test(alerts_can_be_loaded_again,
     [setup(no_alerts), cleanup(no_alerts), true(Found == Alerts)]) :-
    Alerts = [ runbook(7, 10, 6, ""), acknowledged(7, 9, "user:ana", "mine", 5),
               alert(7, 8, storm, "", "cpu_hot", critical, 1, 2, 3, "w'\n", ["a", "b"], 0, open) ],
    forall(member(Fact, Alerts), assertz(state:Fact)),
    door_state_text:state_text(obj([]), Out),
    at(Out, files, Files),
    findall(Fact, ( member(File, Files), at(File, text, Text),
                    read_back(Text, fact(_, Fact)), functor(Fact, Name, _),
                    memberchk(Name, [alert, acknowledged, runbook]) ), Found0),
    sort(Found0, Found).

no_alerts :-
    retractall(state:alert(_, _, _, _, _, _, _, _, _, _, _, _, _)),
    retractall(state:acknowledged(_, _, _, _, _)),
    retractall(state:runbook(_, _, _, _)).

:- end_tests(state_text_door).
