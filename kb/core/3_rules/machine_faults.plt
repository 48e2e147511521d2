%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(library(lists), [member/2, subtract/3]).
:- use_module(library(process), []).
:- use_module(library(readutil), [read_stream_to_codes/2]).
:- use_module(kb('3_rules/machine_faults')).

:- begin_tests(machine_faults).

%   The site is static: each other house is loaded by a process of its own.
faults(Facts, Text) :-
    user:ln_folder(core, Core),
    atom_concat(Core, '/../main.pl', Main),
    tmp_file(site, Folder),
    make_directory(Folder),
    atom_concat(Folder, '/house.pl', File),
    setup_call_cleanup(open(File, write, Stream), write(Stream, Facts), close(Stream)),
    format(atom(Goal),
           "assertz(user:ln_folder(site,'~w')),assertz(user:ln_folder(state,'~w/none')),\c
            load_files('~w',[]),forall(machine_faults:machine_fault(F),(write(F),nl)),halt",
           [Folder, Folder, Main]),
    current_prolog_flag(executable, Swipl),
    setup_call_cleanup(
        process:process_create(Swipl, ['-q', '-f', none, '-F', none, '-g', Goal],
                               [stdout(pipe(Out)), stderr(pipe(Err)), process(Pid)]),
        ( read_stream_to_codes(Out, Codes), read_stream_to_codes(Err, _) ),
        ( close(Out), close(Err), process:process_wait(Pid, _) )),
    delete_file(File),
    delete_directory(Folder),
    string_codes(Text, Codes).

good("host(a, \"local\", \"w\"). pool(p, a, cpu, \"\", 1, \"w\"). pool_serves(p, any). \c
      pool_engine(p, llama, 1, 1, f16).").

test(this_house_hangs_together, fail) :-
    machine_fault(_).
test(a_small_house, Text == "") :-
    good(Facts),
    faults(Facts, Text).
test(each_fault_is_said,
     true(Missing == [])) :-
    faults("host(a, \"local\", \"w\"). host(a, \"local\", \"again\"). \c
            host_sleep(a, suspend). host_limits(z, 1, 1, 1, 1). \c
            pool(p, b, cuda, \"0\", 1, \"w\"). \c
            pool(q, a, cuda, \"\", 1, \"w\"). pool(r, a, cuda, \"1\", 1, \"w\"). \c
            pool(s, a, vulkan, \"1\", 1, \"w\"). pool(t, a, external, \"\", 0, \"w\"). \c
            pool(u, a, cpu, \"0\", 0, \"w\"). pool_at(u, \"http://h:1\"). \c
            pool_serves(x, any). pool_engine(y, llama, 1, 1, f16).", Text),
    findall(Words,
            ( member(Words, [ "pool p is on the host b, which", "host a may suspend, but no",
                              "host_limits names the host z", "pool q of kind cuda names no device",
                              "pools r and s are both on device 1 of a",
                              "pool t is external, so its host is none", "pool t is external, but",
                              "pool u has a pool_at, so", "pool u of kind cpu has no device",
                              "pool_serves names the pool x", "pool_engine names the pool y",
                              "pool p has no pool_engine", "pool p serves nothing",
                              "host(a, …) is declared twice" ]),
              \+ sub_string(Text, _, _, _, Words) ), Missing).

:- end_tests(machine_faults).
