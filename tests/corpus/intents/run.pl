%   SPDX-License-Identifier: Apache-2.0

/*  run — the sentences of *.jsonl through the door `parse`, as TAP.

        swipl -O -f none -F none tests/corpus/intents/run.pl [-- FILE.jsonl …]

    A line is {"nl", "expect"}; expect is a list of {"action","params"}, or "question" (with
    "missing"), "not_understood", or "no_action" (either of the two: only nothing may happen).
    The last lines are comments with the time and the inferences of a sentence.
*/

:- multifile(user:file_search_path/2).
:- dynamic(user:file_search_path/2).
:- prolog_load_context(directory, Here),
   atom_concat(Here, '/../../../kb/core', Core),
   asserta(user:file_search_path(kb, Core)),
   asserta(user:file_search_path(corpus, Here)).

:- use_module(library(http/json), [json_read_dict/3]).
:- use_module(library(lists), [member/2, sum_list/2, max_list/2, append/2, memberchk/2, subset/2]).
:- use_module(library(apply), [maplist/2, maplist/3]).
:- use_module(library(readutil), [read_line_to_string/2]).
:- use_module(kb('5_doors/parse'), [parse/2]).

%   The hosts and pools that machines.jsonl speaks of, the nodes of house.jsonl.
:- maplist(assertz, [ site:node("tower", "", ""), site:node("pve", "", ""),
                      site:node("nas", "", ""),
                      site:node("laptop1", "", ""), site:node("gaming-pc", "", "") ]).
:- maplist(assertz, [ site:host(tower, "local", ""), site:host('gaming-pc', "local", ""),
                      site:pool(gpu0, tower, cuda, "0", 1, ""),
                      site:pool(gpu1, 'gaming-pc', cuda, "0", 1, "") ]).

:- initialization(main, main).

main :-
    current_prolog_flag(argv, Given),
    (   Given == []
    ->  absolute_file_name(corpus('.'), Folder, [file_type(directory)]),
        atom_concat(Folder, '/*.jsonl', Pattern),
        expand_file_name(Pattern, Files)
    ;   Files = Given
    ),
    maplist(sentences, Files, Lists),
    append(Lists, Sentences),
    length(Sentences, Count),
    format("1..~d~n", [Count]),
    checked(Sentences, 1, 0, Failed, Costs),
    sum_list(Costs, Sum),
    max_list(Costs, Max),
    Mean is Sum // Count,
    micros(Sentences, Micros),
    Right is Count - Failed,
    format("# ~d of ~d as expected~n", [Right, Count]),
    format("# inferences a sentence: ~d on average, ~d at most; ~1f us of CPU on average~n",
           [Mean, Max, Micros]),
    (   Failed =:= 0
    ->  halt(0)
    ;   halt(1)
    ).

sentences(File, Sentences) :-
    setup_call_cleanup(open(File, read, Stream, [encoding(utf8)]),
                       lines(Stream, Sentences),
                       close(Stream)).

lines(Stream, Sentences) :-
    read_line_to_string(Stream, Line),
    (   Line == end_of_file
    ->  Sentences = []
    ;   open_string(Line, Text),
        json_read_dict(Text, Sentence, [value_string_as_atom(false)]),
        Sentences = [Sentence|More],
        lines(Stream, More)
    ).

checked([], _, Failed, Failed, []).
checked([Sentence|Sentences], Number, Failed0, Failed, [Cost|Costs]) :-
    said(Sentence.nl, Out, Cost),
    (   as_expected(Sentence, Out)
    ->  format("ok ~d - ~s~n", [Number, Sentence.nl]),
        Failed1 = Failed0
    ;   format("not ok ~d - ~s~n#   got ~q~n", [Number, Sentence.nl, Out]),
        Failed1 is Failed0 + 1
    ),
    Next is Number + 1,
    checked(Sentences, Next, Failed1, Failed, Costs).

said(Text, Out, Cost) :-
    statistics(inferences, Before),
    (   catch(parse(obj(["nl"-Text, "principal"-"corpus"]), Out), Error, Out = thrown(Error))
    ->  true
    ;   Out = failed
    ),
    statistics(inferences, After),
    Cost is After - Before.

as_expected(Sentence, obj(["status"-Status|Rest])) :-
    Expect = Sentence.expect,
    (   is_list(Expect)
    ->  Status == "understood",
        Rest = ["intents"-Intents],
        maplist(same_intent, Expect, Intents)
    ;   Expect == "no_action"
    ->  memberchk(Status, ["question", "not_understood"])
    ;   Status == Expect,
        (   get_dict(missing, Sentence, Missing)
        ->  Rest = ["question"-obj(Question)],
            memberchk("missing"-Got, Question),
            subset(Missing, Got)
        ;   true
        )
    ).

same_intent(Expected, obj(["action"-Action, "params"-Params])) :-
    Action == Expected.action,
    same(Expected.params, Params).

%   A JSON object and a wire object with the same fields.
same(Dict, obj(Pairs)) :-
    is_dict(Dict),
    !,
    dict_pairs(Dict, _, Wanted),
    length(Wanted, Count),
    length(Pairs, Count),
    \+ ( member(Key-Value, Wanted),
         atom_string(Key, Text),
         \+ ( member(Text-Found, Pairs), same(Value, Found) ) ).
same(Value, Value).

micros(Sentences, Micros) :-
    length(Sentences, Count),
    statistics(cputime, Before),
    forall(( between(1, 10, _), member(Sentence, Sentences) ), said(Sentence.nl, _, _)),
    statistics(cputime, After),
    Micros is (After - Before) * 100000 / Count.
