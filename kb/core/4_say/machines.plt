%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(library(lists), [member/2]).
:- use_module(kb('4_say/tokens'), [tokens/2]).
:- use_module(kb('4_say/machines'), [machine_request/2]).

:- begin_tests(say_machines).

reading(Text, Reading) :-
    tokens(Text, Tokens),
    machine_request(Tokens, Reading).

test(a_name_of_two_words, true(Reading == act(["host_wake"-obj(["host"-"gaming-pc"])]))) :-
    reading("start the gaming pc", Reading).
test(a_model_and_a_pool,
     true(Reading == act(["pool_load"-obj(["pool"-"gpu0", "model"-"llama3"])]))) :-
    reading("load llama3 on gpu0", Reading).
test(two_things, true(Count == 2)) :-
    reading("unload gpu0 and put tower to sleep", act(Intents)),
    length(Intents, Count).
test(a_strange_host_is_asked_for, true(Missing == ["host"])) :-
    reading("wake mars", ask(_, Missing, _, _)).
test(what_is_not_ours, [forall(member(Text, [ "start the playbook a.yml", "run maintenance",
                                              "add a.local 1.2.3.4", "start mars",
                                              "wake tower unless it sleeps" ])), fail]) :-
    reading(Text, _).
test(a_long_sentence_is_left_alone, fail) :-
    length(Words, 60), maplist(=(please), Words),
    atomic_list_concat(Words, ' ', Atom), format(string(Text), "~w wake tower", [Atom]),
    reading(Text, _).

:- end_tests(say_machines).
