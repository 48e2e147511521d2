%   SPDX-License-Identifier: Apache-2.0

:- module(plunit_tap, [main/0]).
:- use_module(library(plunit)).
:- use_module(library(apply), [maplist/2, maplist/3]).
:- use_module(library(yall), []).
:- use_module(library(lists), [member/2, append/3]).

/** <module> Run the rule tests (*.plt) as TAP

    swipl -q -f none -F none tools/plunit_tap.pl -- [--kb KB] [--site DIR] DIR…

Loads KB/main.pl with the site in DIR (default KB/site), then every *.plt below the folders.
plunit keeps its results as facts, which are printed here: a failure, a choice point left open, a
blocked test, a test that did not run at all, and an error or warning while loading are all `not
ok`.
*/

:- initialization(main, main).

:- dynamic complaint/1.
:- multifile user:message_hook/3.
:- dynamic user:message_hook/3.

main :-
    current_prolog_flag(argv, Argv0),
    (   Argv0 = ['--'|Argv]
    ->  true
    ;   Argv = Argv0
    ),
    settings(Argv, kb, none, Kb, Site, Folders),
    load_rules(Kb, Site),
    findall(File, ( member(Folder, Folders), plt_below(Folder, File) ), Files),
    forall(member(File, Files), load_files(user:File, [])),
    findall(failed, \+ run_quietly, _),
    report(Files).

settings(['--kb', Kb|Argv], _, Site0, Kb1, Site, Folders) :-
    !,
    settings(Argv, Kb, Site0, Kb1, Site, Folders).
settings(['--site', Site0|Argv], Kb0, _, Kb, Site, Folders) :-
    !,
    settings(Argv, Kb0, Site0, Kb, Site, Folders).
settings(Folders, Kb, Site, Kb, Site, Folders).

load_rules(Kb, Site) :-
    asserta((user:message_hook(Term, Kind, Lines) :- plunit_tap:hear(Term, Kind, Lines))),
    atom_concat(Kb, '/core', Core0),
    absolute_file_name(Core0, Core, [file_type(directory), access(read)]),
    assertz(user:ln_folder(core, Core)),
    (   Site == none
    ->  true
    ;   absolute_file_name(Site, Full, [file_type(directory), access(read)]),
        assertz(user:ln_folder(site, Full))
    ),
    atom_concat(Kb, '/main.pl', Main0),
    absolute_file_name(Main0, Main, [access(read)]),
    load_files(user:Main, []).

plt_below(Folder, File) :-
    directory_files(Folder, Entries),
    msort(Entries, Sorted),
    member(Entry, Sorted),
    \+ sub_atom(Entry, 0, _, _, '.'),
    atomic_list_concat([Folder, /, Entry], Path),
    (   exists_directory(Path)
    ->  plt_below(Path, File)
    ;   file_name_extension(_, plt, Entry),
        File = Path
    ).

%   Load errors and warnings count; what plunit says about tests is printed as a comment.
hear(_, Kind, Lines) :-
    memberchk(Kind, [error, warning]),
    with_output_to(string(Text), print_message_lines(current_output, '', Lines)),
    comment(Text),
    (   source_location(File, Line)
    ->  format(string(Where), "~w:~d", [File, Line])
    ;   Where = ""
    ),
    (   plunit_speaks(Text)
    ->  true
    ;   assertz(complaint(Where-Text))
    ).

plunit_speaks(Text) :-
    sub_string(Text, _, _, _, "test "),
    !.
plunit_speaks(Text) :-
    sub_string(Text, _, _, _, "PL-Unit"),
    !.

memberchk(X, [Y|Ys]) :- ( X = Y -> true ; memberchk(X, Ys) ).

comment(Text) :-
    split_string(Text, "\n", " \t\r", Lines),
    forall(( member(Line, Lines), Line \== "" ), format("# ~s~n", [Line])).

run_quietly :-
    catch(run_tests, _, fail).

report(Files) :-
    findall(Line, result(Line), Lines0),
    findall(Line, loading_complaint(Line), Complaints),
    findall(Line, empty_file(Files, Line), Empty),
    append(Complaints, Empty, Bad),
    append(Lines0, Bad, Lines),
    length(Lines, Count),
    format("1..~d~n", [Count]),
    print_lines(Lines, 1),
    (   Count > 0,
        \+ member(bad(_), Lines)
    ->  halt(0)
    ;   halt(1)
    ).

print_lines([], _).
print_lines([Line|Lines], Number) :-
    (   Line = good(Text)
    ->  format("ok ~d - ~w~n", [Number, Text])
    ;   Line = bad(Text),
        format("not ok ~d - ~w~n", [Number, Text])
    ),
    Next is Number + 1,
    print_lines(Lines, Next).

%   A test is one line, however many cases forall/1 made of it.
result(Line) :-
    findall(Unit-Number-Name, test_known(Unit, Name, Number), Keys0),
    sort(Keys0, Keys),
    member(Unit-Number-Name, Keys),
    format(atom(Text), "~w: ~w", [Unit, Name]),
    (   test_bad(Unit, Name, Number, Why)
    ->  format(atom(Full), "~w (line ~w: ~w)", [Text, Number, Why]),
        Line = bad(Full)
    ;   Line = good(Text)
    ).

test_known(Unit, Name, Number) :- plunit:current_test(Unit, Name, Number, _, _).

test_bad(Unit, Name, Number, failed) :-
    plunit:failed(Unit, Found, Number, _),
    same_test(Found, Name).
test_bad(Unit, Name, Number, assertion_failed) :-
    plunit:failed_assertion(Unit, Found, Number, _, _, _, _),
    same_test(Found, Name).
test_bad(Unit, Name, Number, left_a_choice_point) :-
    plunit:passed(Unit, Found, Number, Det, _),
    same_test(Found, Name),
    Det \== true,
    plunit:current_test(Unit, Name, Number, _, Options),
    \+ ( member(Option, Options), Option == nondet ).
test_bad(Unit, Name, Number, did_not_run) :-
    \+ ( plunit:passed(Unit, Found, Number, _, _), same_test(Found, Name) ).

same_test(Name, Name) :- !.
same_test(@(Name, _), Name).

loading_complaint(bad(Text)) :-
    complaint(Where-Said),
    split_string(Said, "\n", " \t", Parts),
    atomic_list_concat(Parts, ' ', One),
    format(atom(Text), "loading ~w: ~w", [Where, One]).

empty_file(Files, bad(Text)) :-
    member(File, Files),
    absolute_file_name(File, Full),
    \+ ( plunit:current_test_unit(Unit, _),
         plunit:unit_file(Unit, Full) ),
    format(atom(Text), "~w holds no tests", [File]).
