%   SPDX-License-Identifier: Apache-2.0
%
%   The gate against rule sets that are good but for one line. Each is checked in a process of
%   its own, as the gate itself is meant to run.

:- use_module(library(process), [process_create/3, process_wait/2]).
:- use_module(library(filesex), [directory_file_path/3, copy_file/2, make_directory_path/1,
                                 delete_directory_and_contents/1]).
:- use_module(library(readutil), [read_stream_to_codes/2]).

:- begin_tests(kb_check).

:- dynamic here/1.
:- prolog_load_context(directory, Here), assertz(here(Here)).

copy_folder(From, To) :-
    make_directory_path(To),
    directory_files(From, Entries),
    forall(( member(Entry, Entries), \+ sub_atom(Entry, 0, _, _, '.') ),
           ( directory_file_path(From, Entry, Source),
             directory_file_path(To, Entry, Target),
             (   exists_directory(Source)
             ->  copy_folder(Source, Target)
             ;   file_name_extension(_, pl, Entry)
             ->  copy_file(Source, Target)
             ;   true
             ) )).

%   checked(+File, +Text, -Status, -Said): our rules, with Text at the end of File.
checked(File, Text, Status, Said) :-
    here(Tools),
    user:ln_folder(core, Core),
    user:ln_folder(site, Site),
    file_directory_name(Core, Kb),
    tmp_file(kb, Copy),
    setup_call_cleanup(
        ( atom_concat(Copy, '/core', CopyCore),
          copy_folder(Core, CopyCore),
          atom_concat(Copy, '/site', CopySite),
          copy_folder(Site, CopySite),
          atom_concat(Kb, '/main.pl', Main),
          atom_concat(Copy, '/main.pl', CopyMain),
          copy_file(Main, CopyMain) ),
        ( atomic_list_concat([Copy, /, File], Path),
          setup_call_cleanup(open(Path, append, Stream, [encoding(utf8)]),
                             write(Stream, Text), close(Stream)),
          atom_concat(Tools, '/kb_check.pl', Gate),
          process_create(path(swipl), ['-q', '-f', none, '-F', none, Gate, '--', Copy],
                         [stdout(pipe(Out)), stderr(null), process(Pid)]),
          read_stream_to_codes(Out, Codes),
          close(Out),
          process_wait(Pid, exit(Status)),
          string_codes(Said, Codes) ),
        delete_directory_and_contents(Copy)).

test(good_rules_pass, true(Status-Found == 0-true)) :-
    checked('core/3_rules/more.pl', ':- module(more, []).\n', Status, Said),
    ( sub_string(Said, _, _, _, "kb ok rules=") -> Found = true ; Found = Said ).
test(bad_rules_do_not,
     [ forall(member(File/Text/Part,
         [ 'core/3_rules/zones.pl'/'p :- q(.\n'/"syntax error",
           'core/3_rules/zones.pl'/'lonely(X) :- true.\n'/"Singleton",
           'core/3_rules/zones.pl'/'p :- never_defined_anywhere.\n'/"never_defined_anywhere",
           'core/3_rules/zones.pl'/'owned(x).\n'/"not together",
           'core/3_rules/zones.pl'/':- initialization(shell(true)).\n'/"not on the list",
           'core/3_rules/zones.pl'/':- shell(true).\n'/"zones.pl:",
           'core/3_rules/zones.pl'/'?- shell(true).\n'/"would run while loading",
           'core/3_rules/zones.pl'/'user:term_expansion(a, b).\n'/"change how files are read",
           'core/3_rules/zones.pl'/'term_expansion(a, b) :- shell(true).\n'/"not on the list",
           'core/3_rules/zones.pl'/':- use_module(library(process)).\n'/"not on the list",
           'core/3_rules/zones.pl'/':- dynamic fact/1.\n'/"only 2_seen",
           'core/1_words/types.pl'/':- use_module(kb(\'3_rules/zones\')).\n'/"only lower numbers",
           'core/3_rules/zones.pl'/'p :- assertz(q).\n'/"rules change no facts",
           'core/3_rules/zones.pl'/'p(X) :- findall(T, get_time(T), X).\n'/"no clock",
           'core/3_rules/zones.pl'/'p :- format("x").\n'/"print nothing",
           'core/3_rules/zones.pl'/'p(X) :- term_to_atom(_, X).\n'/"never becomes a goal",
           'core/3_rules/zones.pl'/'p :- system:shell(true).\n'/"start and end nothing",
           'core/2_seen/seen.pl'/'p :- halt.\n'/"start and end nothing",
           'core/3_rules/policy.pl'/
               'forbids(dns_lookup(_, _), _, unheard_of(1)) :- fail.\n'/"unheard_of",
           'main.pl'/':- shell(true).\n'/"main.pl may not call",
           'site/house.pl'/':- shell(true).\n'/"never run",
           'site/house.pl'/'zonne("x", home, private).\n'/"zonne/3",
           'site/house.pl'/'grant(operator, no_action, any, freely).\n'/"no_action" ])),
       true(Status-Found == 1-true) ]) :-
    checked(File, Text, Status, Said),
    ( sub_string(Said, _, _, _, Part) -> Found = true ; Found = Said ).

:- end_tests(kb_check).
