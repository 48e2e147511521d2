%   SPDX-License-Identifier: Apache-2.0

/*  Rules that misbehave in every way we know of, for the tests of port prolog.

    `query` takes {"name": which, "n": number} and dispatches; the other doors are polite.
*/

:- use_module(library(lists), [append/3, numlist/3, sum_list/2]).

:- multifile(user:ln_folder/2).
:- dynamic(counter/1).

door_catalogue:catalogue(_, obj([actions-[]])).
door_parse:parse(In, In).
door_judge:judge(In, In).
door_approver:approver(_, Out) :-
    user:refusal(Out).
door_people:people(_, obj([people-[], origins-[]])).
door_explain:explain(_, obj([words-"because"])).
door_inference:inference(_, obj([hosts-[], pools-[], measured-[]])).
door_host_job:host_job(In, In).
door_prompt:prompt(In, In).
door_runbook:runbook(In, In).
door_senses:senses(In, In).
door_observe:observe(In, In).
door_alert:alert(In, In).
door_sensed:sensed(In, In).
door_ground:ground(In, In).
door_notify:notify(In, In).
door_stand:stand(In, In).
door_site:site(_, obj([folders-Folders])) :-
    findall(obj([which-Which, folder-Folder]), user:ln_folder(Which, Folder), Folders).
door_state_text:state_text(_, obj([files-[obj([name-counter, text-N])]])) :-
    user:counter(N).

%   One at a time, or an increment is lost: the pause invites the others in.

door_learn:learn(_, obj([changed-true])) :-
    user:counter(N),
    sleep(0.0005),
    N1 is N + 1,
    retractall(user:counter(_)),
    assertz(user:counter(N1)).

counter(0).

refusal(obj([error-obj([kind-input, code-not_known, param-"key_id", message-"no such key"])])).

door_query:query(obj(Members), Out) :-
    memberchk("name"-Name, Members),
    (   memberchk("n"-N, Members)
    ->  true
    ;   N = 0
    ),
    atom_string(Which, Name),
    user:query(Which, N, Out).

%   Good ones.

query(echo, N, obj([n-N])).
query(sum, N, obj([n-N, sum-Sum])) :-
    numlist(1, N, Numbers),
    sum_list(Numbers, Sum).
query(tabled, N, obj([paths-Sorted])) :-
    findall(Y, reach(N, Y), Ys),
    msort(Ys, Sorted).
query(choices, N, obj([n-M])) :-
    between(N, inf, M).
query(values, _, [1, -2, 9223372036854775807, 1.5, 1.0e100, 0.1, 2.0, true, false, null, [],
                  obj([]),
                  atom, 'tr"ue', "gr\u00fc\u00df \U0001F600", "\t\"\\"]).
query(keys, N, obj(Members)) :-
    findall(Key-I, (between(1, N, I), atom_number(Key, I)), Members).

%   Runaways.

query(tail_loop, _, _) :-
    tail_loop.
query(failure_loop, _, _) :-
    repeat,
    fail.
query(recursion, _, N) :-
    recursion(N).
query(findall, _, L) :-
    findall(X, between(1, inf, X), L).
query(doubling, _, S) :-
    doubling("0123456789abcdef", S).
query(tabling, _, N) :-
    tabling(N).
query(stubborn, _, _) :-
    stubborn.
query(sorts, _, _) :-
    numlist(1, 200000, L),
    repeat,
    msort(L, _),
    fail.
query(asleep, N, obj([])) :-
    sleep(N).

%   Those that would end the process or the worker.

query(halt, _, obj([])) :-
    halt.
query(halt_1, _, obj([])) :-
    halt(3).
query(halt_caught, _, obj([])) :-
    catch(halt, _, true).
query(thread_exit, _, obj([])) :-
    thread_exit(done).
query(abort, _, obj([])) :-
    abort.

%   Those that do not answer.

query(no, _, _) :-
    fail.
query(throws, _, _) :-
    throw(my_ball("with text")).
query(throws_much, _, _) :-
    length(L, 100000),
    throw(L).
query(throws_itself, _, _) :-
    X = f(X),
    throw(X).
query(type_error, _, N) :-
    atom_length(_, N).
query(no_predicate, _, N) :-
    this_is_nowhere(N).
query(autoload, _, N) :-
    partition([X]>>(X > 1), [1, 2], N, _).

%   Answers that are no JSON.

query(not_ground, _, obj([a-_])).
query(variable, _, _).
query(cycle, _, X) :-
    X = [X].
query(endless_list, _, L) :-
    L = [1|L].
query(improper_list, _, [1|2]).
query(deep, N, X) :-
    deep(N, X).
query(big_string, N, S) :-
    format(string(S), "~*c", [N, 0'x]).
query(big_list, N, L) :-
    numlist(1, N, L).
query(big_integer, _, N) :-
    N is 1 << 64.
query(fraction, _, 1r3).
query(infinite, _, X) :-
    X is inf.
query(compound, _, point(1, 2)).
query(pair, _, a-b).
query(not_pairs, _, obj([a])).
query(key_number, _, obj([1-2])).
query(same_key, _, obj([a-1, "a"-2])).
query(same_key_of_many, _, obj([dup-1|Members])) :-
    findall(Key-I, (between(1, 40, I), atom_number(Key, I)), Some),
    append(Some, [dup-2], Members).
query(nul, _, S) :-
    string_codes(S, [0'a, 0, 0'b]).
query(surrogate, _, S) :-
    string_codes(S, [0xD800]).
query(stream, _, S) :-
    current_output(S).

%   Errors of a door.

query(denied, _, obj([error-obj([kind-denied, code-not_yours, message-"ask the owner"])])).
query(odd_error, _, obj([error-obj([kind-odd, message-"?"])])).
query(bare_error, _, obj([error-obj([code-"x"])])).
query(error_and_more, _, obj([error-obj([kind-input, message-"?"]), id-7])).

tail_loop :-
    tail_loop.

recursion(N) :-
    recursion(M),
    N is M + 1.

doubling(S0, S) :-
    string_concat(S0, S0, S1),
    doubling(S1, S).

:- table(tabling/1).

tabling(0).
tabling(N) :-
    tabling(M),
    N is M + 1.

:- table(reach/2).

reach(X, Y) :-
    edge(X, Y).
reach(X, Y) :-
    reach(X, Z),
    edge(Z, Y).

edge(1, 2).
edge(2, 3).
edge(3, 1).

stubborn :-
    catch(tail_loop, _, true),
    stubborn.

deep(0, []) :-
    !.
deep(N, [X]) :-
    M is N - 1,
    deep(M, X).
