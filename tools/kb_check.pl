%   SPDX-License-Identifier: Apache-2.0

:- module(kb_check,
          [ main/0,
            main/2                      % +Argv, -ExitCode
          ]).
:- use_module(library(check), [list_undefined/0]).
:- use_module(library(lists), [member/2, memberchk/2, append/3]).

/** <module> The gate before a rule set is loaded

    swipl -q -f none -F none tools/kb_check.pl -- KB [SITE] [STATE]

KB holds main.pl and core/. Run it in a process of its own: loading runs directives, so these are
read and judged first, and nothing is loaded while one is not on the list. Then: syntax,
singletons, discontiguous and undefined predicates, what rules may not call, the order of the
folders, the doors, and the proofs over rules and site. One line `file:line: what` per finding,
last line `kb ok rules=N` or `kb refused findings=N`; exit code 0 or 1.
*/

:- dynamic finding/3, heard/2.

:- initialization(main, main).

main :-
    current_prolog_flag(argv, Argv),
    main(Argv, Code),
    halt(Code).

%!  main(+Argv, -ExitCode) is det.

main(Argv, Code) :-
    retractall(finding(_, _, _)),
    (   folders(Argv, Kb, Site, State)
    ->  gate(Kb, Site, State),
        conclude(Code)
    ;   format("usage: kb_check.pl -- KB [SITE] [STATE]; KB holds main.pl and core/~n"),
        Code = 2
    ).

folders(['--'|Argv], Kb, Site, State) :-
    !,
    folders(Argv, Kb, Site, State).
folders([Kb0|More], Kb, Site, State) :-
    full(Kb0, Kb),
    (   More = [Site0|Rest]
    ->  full(Site0, Site)
    ;   atom_concat(Kb, '/site', Site),
        Rest = []
    ),
    (   Rest = [State0]
    ->  full(State0, State)
    ;   Rest == [],
        atom_concat(Kb, '/state', State)
    ).

full(Path, Full) :-
    absolute_file_name(Path, Full, [file_type(directory), file_errors(fail)]).

gate(Kb, Site, State) :-
    atom_concat(Kb, '/core', Core),
    atom_concat(Kb, '/main.pl', Main),
    (   exists_directory(Core),
        exists_file(Main)
    ->  core_files(Core, Files),
        read_main(Main),
        read_core(Files, Core),
        (   finding(_, _, _)
        ->  true
        ;   load(Main, Core, Site, State),
            loaded_checks(Core)
        )
    ;   found(Kb, 0, "holds no main.pl and core/")
    ).

conclude(Code) :-
    findall(File-Line-Words, finding(File, Line, Words), All0),
    sort(All0, All),
    forall(member(File-Line-Words, All), print_finding(File, Line, Words)),
    length(All, Count),
    (   Count =:= 0
    ->  user:ln_loaded(Rules, _),
        format("kb ok rules=~d~n", [Rules]),
        Code = 0
    ;   format("kb refused findings=~d~n", [Count]),
        Code = 1
    ).

print_finding(File, Line, Words) :-
    (   Line > 0
    ->  format("~w:~d: ~s~n", [File, Line, Words])
    ;   format("~w: ~s~n", [File, Words])
    ).

found(File, Line, Words) :-
    (   finding(File, Line, Words)
    ->  true
    ;   assertz(finding(File, Line, Words))
    ).

                /*  before loading: what is written  */

core_files(Core, Files) :-
    findall(File, below(Core, '.pl', File), Files).

below(Folder, Extension, File) :-
    directory_files(Folder, Entries),
    msort(Entries, Sorted),
    member(Entry, Sorted),
    \+ sub_atom(Entry, 0, _, _, '.'),
    atomic_list_concat([Folder, /, Entry], Path),
    (   exists_directory(Path)
    ->  below(Path, Extension, File)
    ;   sub_atom(Path, _, _, 0, Extension),
        File = Path
    ).

read_main(Main) :-
    read_all(Main, Terms),
    forall(( member(read(Line, (:- Goal)), Terms), root_fault(Goal, Words) ),
           found(Main, Line, Words)).

read_core(Files, Core) :-
    forall(member(File, Files),
           ( folder_number(File, Core, Number),
             read_all(File, Terms),
             forall(member(read(Line, Term), Terms), judge_term(Term, File, Line, Number)) )).

folder_number(File, Core, Number) :-
    atom_concat(Core, '/', Prefix),
    (   atom_concat(Prefix, Rest, File),
        sub_atom(Rest, 0, 1, _, Digit),
        atom_number(Digit, Number),
        sub_atom(Rest, 1, 1, _, '_')
    ->  true
    ;   Number = 0,
        found(File, 0, "lies in no numbered folder of core/")
    ).

read_all(File, Terms) :-
    setup_call_cleanup(open(File, read, Stream, [encoding(utf8)]),
                       read_stream(Stream, File, Terms),
                       close(Stream)).

read_stream(Stream, File, Terms) :-
    catch(read_term(Stream, Term,
                    [ module(kb_check), term_position(Position), syntax_errors(error),
                      dotlists(false) ]),
          error(syntax_error(What), Where), true),
    (   nonvar(What)
    ->  error_line(Where, Line),
        format(string(Words), "syntax error: ~w", [What]),
        found(File, Line, Words),
        Terms = []
    ;   Term == end_of_file
    ->  Terms = []
    ;   stream_position_data(line_count, Position, Line),
        Terms = [read(Line, Term)|More],
        read_stream(Stream, File, More)
    ).

error_line(stream(_, Line, _, _), Line) :- !.
error_line(file(_, Line, _, _), Line) :- !.
error_line(_, 0).

%   Terms that run while loading: directives, and anything that expands into one.
judge_term((:- Goal), File, Line, Number) :-
    !,
    (   directive_fault(Goal, Number, Words)
    ->  found(File, Line, Words)
    ;   true
    ).
judge_term((?- Goal), File, Line, _) :-
    !,
    format(string(Words), "the query ~p would run while loading", [Goal]),
    found(File, Line, Words).
judge_term((term_expansion(Word, _) :- Body), File, Line, _) :-
    nonvar(Word),
    !,                                  % a file's own notation, worked out by pure goals only
    (   impure(Body, Goal)
    ->  format(string(Words), "term_expansion calls ~p while loading: not on the list", [Goal]),
        found(File, Line, Words)
    ;   true
    ).
judge_term(Term, File, Line, _) :-
    (   clause_head(Term, Head),
        expands(Head)
    ->  format(string(Words), "~p would change how files are read", [Head]),
        found(File, Line, Words)
    ;   true
    ).

clause_head((Head :- _), Head) :- !.
clause_head((Head --> _), Head) :- !.
clause_head(Head, Head).

expands(_:Head) :- nonvar(Head), !, expands(Head).
expands(Head) :-
    callable(Head),
    functor(Head, Name, _),
    memberchk(Name, [ term_expansion, goal_expansion, message_hook, exception, portray,
                      prolog_load_file, initialization ]).

impure(Goal, Goal) :- var(Goal), !.
impure((A, B), Goal) :- !, ( impure(A, Goal) ; impure(B, Goal) ).
impure((A ; B), Goal) :- !, ( impure(A, Goal) ; impure(B, Goal) ).
impure((A -> B), Goal) :- !, ( impure(A, Goal) ; impure(B, Goal) ).
impure(\+ A, Goal) :- !, impure(A, Goal).
impure(findall(_, A, _), Goal) :- !, impure(A, Goal).
impure(Goal, Goal) :-
    functor(Goal, Name, Arity),
    \+ memberchk(Name/Arity, [ true/0, !/0, (=)/2, (==)/2, (\==)/2, (is)/2, member/2, append/3,
                               split_string/4,
                               atom_string/2, string_codes/2, string_concat/3, length/2 ]).

directive_fault(Goal, _, "a directive with a variable") :-
    var(Goal),
    !.
directive_fault(module(_, _), _, _) :- !, fail.
directive_fault(use_module(Spec), Number, Words) :- !, import_fault(Spec, Number, Words).
directive_fault(use_module(Spec, _), Number, Words) :- !, import_fault(Spec, Number, Words).
directive_fault(multifile(_), _, _) :- !, fail.
directive_fault(discontiguous(_), _, _) :- !, fail.
directive_fault(meta_predicate(_), _, _) :- !, fail.
directive_fault(det(_), _, _) :- !, fail.
directive_fault(dynamic(_), Number, Words) :-
    !,
    Number =\= 2,
    Words = "only 2_seen may declare dynamic facts".
directive_fault(table(Spec), _, Words) :-
    !,
    Spec \= (_ as _),
    Words = "a table must be `as incremental`: a plain one returns the last question's answers".
directive_fault(Goal, _, Words) :-
    format(string(Words), "the directive ~p is not on the list", [Goal]).

import_fault(library(Library), _, Words) :-
    !,
    \+ allowed_library(Library),
    format(string(Words), "library(~w) is not on the list", [Library]).
import_fault(kb(Path), Number, Words) :-
    !,
    (   sub_atom(Path, 0, 1, _, Digit),
        atom_number(Digit, Theirs),
        sub_atom(Path, 1, 1, _, '_'),
        \+ sub_atom(Path, _, _, _, '..')
    ->  Theirs > Number,
        format(string(Words), "folder ~d uses ~w: only lower numbers may be used", [Number, Path])
    ;   format(string(Words), "~w lies in no numbered folder", [Path])
    ).
import_fault(Path, _, Words) :-
    (   atom(Path),
        \+ sub_atom(Path, _, _, _, /)
    ->  fail
    ;   format(string(Words), "~p: write kb('N_folder/file'), or a bare name of the same folder",
               [Path])
    ).

allowed_library(Library) :-
    memberchk(Library, [ lists, apply, pairs, base64, sha, aggregate, option, error, assoc, ordsets,
                         dcg/basics, yall, solution_sequences, readutil ]).

%   main.pl is the one file that acts: what it may call is listed goal by goal.
root_fault(Goal, Words) :-
    root_goals(Goal, Bad),
    !,
    format(string(Words), "main.pl may not call ~p", [Bad]).

root_goals(Goal, Goal) :- var(Goal), !.
root_goals((A, B), Bad) :- !, ( root_goals(A, Bad) ; root_goals(B, Bad) ).
root_goals((A ; B), Bad) :- !, ( root_goals(A, Bad) ; root_goals(B, Bad) ).
root_goals((A -> B), Bad) :- !, ( root_goals(A, Bad) ; root_goals(B, Bad) ).
root_goals(forall(A, B), Bad) :- !, ( root_goals(A, Bad) ; root_goals(B, Bad) ).
root_goals(Goal, Goal) :-
    \+ ( root_goal(Allowed), subsumes_term(Allowed, Goal) ).

root_goal(true).
root_goal(dynamic(_)).
root_goal(multifile(_)).
root_goal(prolog_load_context(directory, _)).
root_goal(member(_, _)).
root_goal(user:ln_folder(_, _)).
root_goal(atomic_list_concat(_, _)).
root_goal(assertz(user:ln_folder(_, _))).
root_goal(assertz(user:ln_loaded(_, _))).
root_goal(retractall(user:ln_loaded(_, _))).
root_goal(current_prolog_flag(_, _)).
root_goal(create_prolog_flag(ln_autoload_was, _, [])).
root_goal(set_prolog_flag(autoload, _)).
root_goal(use_module(kb(_), _)).
root_goal(load_core(_, _)).
root_goal(load_site(_, _)).
root_goal(load_state(_, _)).
root_goal(loading_went_well).
root_goal(_ is _).

                /*  loading: what Prolog itself says  */

:- multifile user:message_hook/3.
:- dynamic user:message_hook/3.

load(Main, Core, Site, State) :-
    retractall(user:ln_folder(_, _)),
    assertz(user:ln_folder(core, Core)),
    assertz(user:ln_folder(site, Site)),
    assertz(user:ln_folder(state, State)),
    setup_call_cleanup(asserta((user:message_hook(Term, Kind, Lines) :-
                                    kb_check:hear(Term, Kind, Lines)), Hook),
                       ( catch(load_files(user:Main, []), Ball, print_message(error, Ball)),
                         list_undefined ),
                       erase(Hook)),
    (   user:ln_loaded(_, _)
    ->  true
    ;   finding(_, _, _)
    ->  true
    ;   found(Main, 0, "did not load to its end")
    ).

hear(Term, Kind, Lines) :-
    memberchk(Kind, [error, warning]),
    with_output_to(string(Said), print_message_lines(current_output, '', Lines)),
    split_string(Said, "\n", " \t", Parts0),
    exclude_empty(Parts0, Parts),
    atomic_list_concat(Parts, ' ', Atom),
    atom_string(Atom, Text0),
    place(Term, File, Line),
    without_place(File, Line, Text0, Text),
    found(File, Line, Text).

%   What Prolog says often begins with the place that we print anyway.
without_place(File, Line, Text0, Text) :-
    (   format(string(Place), "~w:~d:", [File, Line]),
        string_concat(Place, Rest, Text0)
    ->  without_column(Rest, Text)
    ;   Text = Text0
    ).

without_column(Rest, Text) :-
    (   sub_string(Rest, At, 2, After, ": "),
        At =< 4,
        sub_string(Rest, 0, At, _, Column),
        catch(number_string(_, Column), _, fail)
    ->  sub_string(Rest, _, After, 0, Text)
    ;   split_string(Rest, "", " ", [Text])
    ).

exclude_empty([], []).
exclude_empty([""|Parts0], Parts) :- !, exclude_empty(Parts0, Parts).
exclude_empty([Part|Parts0], [Part|Parts]) :- exclude_empty(Parts0, Parts).

place(error(_, Context), File, Line) :-
    nonvar(Context),
    Context = file(File, Line, _, _),
    !.
place(kb_fault(File, Line, _), File, Line) :-
    !.
place(_, File, Line) :-
    source_location(File, Line),
    !.
place(_, File, 0) :-
    user:ln_folder(core, File).

                /*  after loading: what the rules call, and the proofs  */

loaded_checks(Core) :-
    forall(banned_call(Core, File, Line, Words), found(File, Line, Words)),
    forall(( door(Door), door_missing(Door, Words) ), found(Core, 0, Words)),
    (   current_predicate(proven:proven/3)
    ->  forall(proven:proven(Name, false, Said), proof_finding(Name, Said))
    ;   found(Core, 0, "holds no proofs (4_say/proven.pl)")
    ).

%   A house that nobody has a key for yet is safe, because nothing that needs consent passes:
%   worth a word, no reason to refuse the rules.
proof_finding(tiers_have_approvers, Said) :-
    \+ call(site:key_person(_, _, _)),
    !,
    format("note: no operator_key and no passkey yet: ~s~n", [Said]).
proof_finding(Name, Said) :-
    user:ln_folder(site, Site),
    format(string(Words), "proof ~w does not hold: ~s", [Name, Said]),
    found(Site, 0, Words).

door(Door) :-
    member(Door, [ catalogue, parse, judge, approver, people, query, explain, site, inference,
                   host_job, senses, observe, alert, sensed, prompt, runbook, ground, learn,
                   state_text ]).

door_missing(Door, Words) :-
    atom_concat(door_, Door, Module),
    \+ current_predicate(Module:Door/2),
    format(string(Words), "the door ~w/2 of module ~w is missing", [Door, Module]).

banned_call(Core, File, Line, Words) :-
    core_clause(Core, Module, Head, Body, File, Line),
    body_goal(Body, Module, Called, Goal),
    functor(Goal, Name, Arity),
    (   banned(Name, Why)
    ;   prints(Goal),
        Why = "rules print nothing"
    ),
    \+ excused(File, Core, Name),
    functor(Head, Caller, CallerArity),
    format(string(Words), "~w/~d calls ~w:~w/~d: ~s",
           [Caller, CallerArity, Called, Name, Arity, Why]).

core_clause(Core, Module, Head, Body, File, Line) :-
    atom_concat(Core, '/', Prefix),
    module_property(Module, file(ModuleFile)),
    atom_concat(Prefix, _, ModuleFile),
    member(Owner, [Module, action, policy]),
    current_predicate(Owner:Name/Arity),
    functor(Head, Name, Arity),
    \+ predicate_property(Owner:Head, imported_from(_)),
    \+ predicate_property(Owner:Head, dynamic),
    catch(clause(Owner:Head, Body, Reference), _, fail),
    clause_property(Reference, file(File)),
    File == ModuleFile,
    clause_property(Reference, line_count(Line)).

%   body_goal(+Body, +Module, -Where, -Goal): each goal in Body, also those handed to meta
%   predicates.
body_goal(Goal, _, _, _) :-
    var(Goal),
    !,
    fail.
body_goal(Module:Goal, _, Where, Found) :-
    !,
    atom(Module),
    body_goal(Goal, Module, Where, Found).
body_goal(Goal, Module, Module, Goal) :-
    callable(Goal).
body_goal(Goal, Module, Where, Found) :-
    callable(Goal),
    predicate_property(Module:Goal, meta_predicate(Spec)),
    arg(At, Spec, Kind),
    arg(At, Goal, Argument),
    nonvar(Argument),
    inner_goal(Kind, Argument, Inner),
    body_goal(Inner, Module, Where, Found).

inner_goal(0, Goal, Goal).
inner_goal(^, Goal, Inner) :-
    strip_existential(Goal, Inner).
inner_goal(//, Goal, Inner) :-
    extend(Goal, 2, Inner).
inner_goal(Extra, Goal, Inner) :-
    integer(Extra),
    Extra > 0,
    extend(Goal, Extra, Inner).

strip_existential(Goal, Inner) :-
    (   nonvar(Goal),
        Goal = _^More
    ->  strip_existential(More, Inner)
    ;   Inner = Goal
    ).

extend(Module:Goal, Extra, Module:Inner) :-
    !,
    nonvar(Goal),
    extend(Goal, Extra, Inner).
extend(Goal, Extra, Inner) :-
    callable(Goal),
    Goal =.. Parts,
    length(More, Extra),
    append(Parts, More, Longer),
    Inner =.. Longer.

%   What a rule may not do: change, keep, print, wait, look at the clock, start, read, or make
%   code of text.
banned(Name, "rules change no facts") :-
    memberchk(Name, [ assert, asserta, assertz, retract, retractall, abolish, erase, recorda,
                      recordz, compile_predicates, dynamic, snapshot, transaction,
                      garbage_collect_clauses ]).
banned(Name, "rules keep nothing between questions") :-
    memberchk(Name, [ nb_setval, b_setval, nb_getval, b_getval, nb_setarg, nb_linkarg, gensym, flag,
                      set_flag, set_prolog_flag, create_prolog_flag, set_random, random,
                      random_between, random_member, setenv, unsetenv ]).
banned(Name, "rules print nothing") :-
    memberchk(Name, [ write, writeln, print, writeq, write_canonical, write_term, nl, put_char,
                      put_byte,
                      print_message, print_message_lines, portray_clause, listing, tab ]).
banned(Name, "rules read no clock and do not wait") :-
    memberchk(Name, [get_time, sleep, statistics, thread_statistics, call_with_time_limit, alarm]).
banned(Name, "rules start and end nothing") :-
    memberchk(Name, [ shell, process_create, halt, abort, prolog, thread_create, thread_self,
                      thread_exit,
                      thread_send_message, thread_get_message, thread_signal, mutex_create,
                      with_mutex,
                      fork, exec, engine_create, prolog_cut_to ]).
banned(Name, "rules open nothing") :-
    memberchk(Name, [ open, close, see, tell, read, read_term, consult, load_files, ensure_loaded,
                      make,
                      exists_file, exists_directory, delete_file, rename_file, directory_files,
                      tcp_socket, tcp_connect, open_null_stream, getenv, use_foreign_library ]).
banned(Name, "text never becomes a goal") :-
    memberchk(Name, [ term_to_atom, term_string, atom_to_term, read_term_from_atom, sformat,
                      open_string, expand_term, expand_goal, (@), on_signal, set_module ]).

%   format/3 makes text when its first argument says so; anything else is a stream.
prints(format(_)).
prints(format(_, _)).
prints(format(Sink, _, _)) :-
    \+ ( nonvar(Sink), functor(Sink, Name, 1), memberchk(Name, [string, atom, codes, chars]) ).

%   2_seen declares the facts of a question and loads files: it may do both, and nothing beyond.
excused(File, Core, Name) :-
    atom_concat(Core, '/2_seen/', Seen),
    atom_concat(Seen, _, File),
    \+ memberchk(Name, [shell, process_create, halt, thread_create, tcp_socket, tcp_connect]).
