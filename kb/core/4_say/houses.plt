%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(library(lists), [member/2, memberchk/2]).
:- use_module(kb('4_say/houses')).
:- use_module(kb('4_say/intent'), [understood/3]).
:- use_module(kb('4_say/tokens'), [tokens/2]).

:- begin_tests(houses).

%   tests/corpus/intents/house.jsonl holds many more of each.
said(Text, Action, Params) :-
    understood(Text, "anna", obj(["status"-"understood", "intents"-Intents])),
    Intents = [obj(["action"-Action, "params"-obj(Params)])].

question(Text, Words) :-
    understood(Text, "anna", obj(["status"-"question", "question"-obj(Question)])),
    memberchk("text"-Words, Question).

test(heat, Action-Params == "thermal_risk"-[]) :-
    said("which nodes are at risk of thermal throttling?", Action, Params).
test(health, Action-Params == "node_health"-["node"-"tower"]) :-
    said("is tower healthy?", Action, Params).
test(of_all_when_none_is_named,
     [forall(member(Text, [ "what is wrong?", "what's wrong now", "is anything wrong?",
                            "any problems?" ]))]) :-
    said(Text, "node_health", []).
test(a_stranger_is_kept_as_it_was_said, Params == ["node"-"zeus"]) :-
    said("is zeus healthy?", _, Params).
test(reaching, Params == ["from"-"laptop1", "to"-"nas", "service"-"tcp/443"]) :-
    said("can laptop1 reach nas on port 443?", "reach_check", Params).
test(a_path, Params == ["from"-"laptop1", "to"-"nas"]) :-
    said("what is the path from laptop1 to nas?", "path_find", Params).
test(placement, Params == ["vram_mib"-12288]) :-
    said("where can a 12 GB model run?", "placement_find", Params).
test(alerts, Params == []) :-
    said("which alerts are open?", "alert_list", Params).
test(acknowledging, Params == ["alert"-17]) :-
    said("acknowledge alert 17", "alert_acknowledge", Params).
test(a_pool_that_there_is_none_of) :-
    question("is the pool gpu7 healthy?", Words),
    sub_string(Words, 0, _, _, "There is no pool named 'gpu7'; the nearest name is 'gpu0'."),
    !.
test(a_pool_is_no_node) :-
    question("is the pool gpu0 healthy?", Words),
    sub_string(Words, 0, _, _, "'gpu0' is a pool; I tell the health of nodes."),
    !.
test(a_machine_that_we_know_nothing_of) :-
    question("is the vm web1 healthy?", Words),
    sub_string(Words, 0, _, _, "There is no virtual machine named 'web1'."),
    !.
test(which_node) :-
    question("is the server healthy?", Words),
    sub_string(Words, 0, _, _, "Which node do you mean? The nodes are camera, "),
    !.
test(other_things_are_left_to_the_others,
     [forall(member(Text, [ "is test.local healthy?", "is tower not healthy?",
      "add a.local to 1.1.1.1",
                            "can laptop1 reach", "acknowledge alert 0", "wake tower" ])), fail]) :-
    tokens(Text, Tokens),
    house_request(Tokens, _).
test(a_long_sentence_is_not_read, fail) :-
    findall("is tower healthy and ", between(1, 15, _), Parts),
    atomic_list_concat(Parts, Atom),
    atom_string(Atom, Text),
    tokens(Text, Tokens),
    house_request(Tokens, _).

:- end_tests(houses).
