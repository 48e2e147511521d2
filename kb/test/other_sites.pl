%   SPDX-License-Identifier: Apache-2.0

:- module(test_other_sites,
          [ faults_of/3                 % +Rule, +Facts, -Text
          ]).
:- use_module(library(process), [process_create/3, process_wait/2]).
:- use_module(library(readutil), [read_stream_to_codes/2]).

/** <module> For the rule tests: what a rule about faults says of other site facts

The site is static: each other house is loaded by a process of its own. Rule is Module:Name.
*/

faults_of(Module:Name, Facts, Text) :-
    user:ln_folder(core, Core),
    atom_concat(Core, '/../main.pl', Main),
    tmp_file(site, Folder),
    make_directory(Folder),
    atom_concat(Folder, '/house.pl', File),
    setup_call_cleanup(open(File, write, Stream), write(Stream, Facts), close(Stream)),
    format(atom(Goal),
           "assertz(user:ln_folder(site,'~w')),assertz(user:ln_folder(state,'~w/none')),\c
            load_files('~w',[]),forall(~q:~q(F),(write(F),nl)),halt",
           [Folder, Folder, Main, Module, Name]),
    current_prolog_flag(executable, Swipl),
    setup_call_cleanup(
        process_create(Swipl, ['-q', '-f', none, '-F', none, '-g', Goal],
                       [stdout(pipe(Out)), stderr(pipe(Err)), process(Pid)]),
        ( read_stream_to_codes(Out, Codes), read_stream_to_codes(Err, _) ),
        ( close(Out), close(Err), process_wait(Pid, _) )),
    delete_file(File),
    delete_directory(Folder),
    string_codes(Text, Codes).
