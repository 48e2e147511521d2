%   SPDX-License-Identifier: Apache-2.0

:- use_module('../../test/machines').
:- use_module(kb('2_seen/seen'), [in_sight/2]).
:- use_module(kb('3_rules/agent_said')).

:- begin_tests(agent_said).

free(Kind, Mask, VramMib, Free) :-
    status("tower", [], [], Seen),
    in_sight([looked(agent, Seen)], free_bytes(Kind, Mask, VramMib, Free)).

test(nothing_seen_is_not_silence, fail) :-
    silent(_).
test(a_gpu_by_its_number, Free == 16106127360) :-
    free(cuda, "0", 0, Free).
test(a_gpu_by_its_name, Free == 16106127360) :-
    free(cuda, "GPU-aaaabbbb", 0, Free).
test(a_gpu_that_is_not_listed, fail) :-
    free(cuda, "1", 4096, _).
test(another_maker_is_believed, Free == 4294967296) :-
    free(vulkan, "1", 4096, Free).
test(memory_of_the_machine, Free == 6442450944) :-
    free(cpu, "", 0, Free).
test(no_more_than_the_owner_said, Free == 1048576) :-
    free(cpu, "", 1, Free).
test(a_long_word_is_cut, true(Length =< 65)) :-
    length(Codes, 5000), maplist(=(0'x), Codes), string_codes(Long, Codes),
    status("tower", [], [obj(["kind"-"person", "words"-Long])], Seen),
    in_sight([looked(agent, Seen)], inhibited(_, Words)),
    string_length(Words, Length).

:- end_tests(agent_said).
