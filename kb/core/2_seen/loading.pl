%   SPDX-License-Identifier: Apache-2.0

:- module(loading,
          [ load_core/2,                % +Folder, -Rules
            load_site/2,                % +Folder, -Count
            load_state/2,               % +Folder, -Count
            loading_went_well/0,
            folder_files/2,             % +Folder, -Files
            facts_of_file/3             % +File, +Module, -Facts
          ]).
:- use_module(library(lists), [member/2, sum_list/2]).
:- use_module(library(apply), [maplist/3]).
:- use_module(library(sha), [sha_hash/3, hash_atom/2]).
:- use_module(kb('1_words/fact_words'), [fact_word/3, fact_fault/3, public_key_bytes/2]).
:- use_module(kb('1_words/passkey_words'), [passkey_key_bytes/2]).
:- use_module(site, []).
:- use_module(state, []).
:- use_module(alerts, []).

/** <module> Loading: core as code, site and state as data

Files load in the order of their names, so the same folders make the same knowledge base. A fault
in a fact is printed as `file:line: what` and counted; nothing of that file is kept.
*/

%   A site or state file beyond this is a mistake, not an inventory.
fact_file_bytes_max(8388608).

:- dynamic fault/1.

:- multifile prolog:message//1.

prolog:message(kb_fault(File, Line, Words)) -->
    [ url(File:Line), ': ~w'-[Words] ].

%!  load_core(+Folder, -Rules) is det.
%
%   The doors and the actions; each file names what it needs below itself.

load_core(Core, Rules) :-
    retractall(fault(_)),
    forall(( member(Part, ['/3_rules/actions', '/5_doors']),
             atom_concat(Core, Part, Folder),
             folder_files(Folder, Files),
             member(File, Files) ),
           load_files(File, [if(not_loaded), imports([])])),
    rules_loaded(Core, Rules).

rules_loaded(Core, Rules) :-
    findall(Count,
            ( module_property(Module, file(File)),
              sub_atom(File, 0, _, _, Core),
              current_predicate(Module:Name/Arity),
              functor(Head, Name, Arity),
              \+ predicate_property(Module:Head, imported_from(_)),
              \+ predicate_property(Module:Head, dynamic),
              predicate_property(Module:Head, number_of_clauses(Count)) ),
            Counts),
    sum_list(Counts, Rules).

%!  load_site(+Folder, -Count) is det.
%
%   After it the site is static: no rule, and no mistake, can change it.

load_site(Folder, Count) :-
    load_facts(Folder, site, Count),
    forall(key_of(Person, PublicKey, Bytes),
           ( sha_hash(Bytes, Hash, [algorithm(sha256), encoding(octet)]),
             hash_atom(Hash, Hex),
             sub_atom(Hex, 0, 16, _, Short),
             atom_string(Short, KeyId),
             assertz(site:key_person(KeyId, Person, PublicKey)) )),
    findall(site:Name/Arity,
            ( fact_word(site, Name, Columns), length(Columns, Arity) ), Predicates),
    compile_predicates([site:key_person/3|Predicates]).

%   Key files and passkeys: what a person may sign with.
key_of(Person, PublicKey, Bytes) :-
    site:operator_key(Person, PublicKey),
    public_key_bytes(PublicKey, Bytes).
key_of(Person, PublicKey, Bytes) :-
    site:operator_passkey(Person, _, PublicKey, _, _),
    passkey_key_bytes(PublicKey, Bytes).

%!  load_state(+Folder, -Count) is det.
%
%   A folder that is not there yet is an empty state.

load_state(Folder, Count) :-
    (   exists_directory(Folder)
    ->  load_facts(Folder, state, Count)
    ;   Count = 0
    ).

load_facts(Folder, Module, Count) :-
    (   exists_directory(Folder)
    ->  folder_files(Folder, Files)
    ;   Files = [],
        report(Folder, 0, "there is no such folder")
    ),
    maplist(load_fact_file(Module), Files, Counts),
    sum_list(Counts, Count).

load_fact_file(Module, File, Count) :-
    facts_of_file(File, Module, Found),
    findall(File:Line-Words, member(fault(Line, Words), Found), Faults),
    (   Faults == []
    ->  forall(member(fact(_, Fact), Found), assertz(Module:Fact)),
        length(Found, Count)
    ;   forall(member(File:Line-Words, Faults), report(File, Line, Words)),
        Count = 0
    ).

report(File, Line, Words) :-
    assertz(fault(File:Line)),
    print_message(error, kb_fault(File, Line, Words)).

%!  loading_went_well is semidet.

loading_went_well :-
    \+ fault(_).

%!  folder_files(+Folder, -Files) is det.
%
%   The *.pl files of Folder in the order of their names; hidden ones are none of ours.

folder_files(Folder, Files) :-
    directory_files(Folder, Entries),
    msort(Entries, Sorted),
    findall(File,
            ( member(Entry, Sorted),
              \+ sub_atom(Entry, 0, _, _, '.'),
              file_name_extension(_, pl, Entry),
              atomic_list_concat([Folder, /, Entry], File) ),
            Files).

%!  facts_of_file(+File, +Module, -Found:list) is det.
%
%   Each fact(Line, Term) or fault(Line, Words). Reading makes terms and nothing else.

facts_of_file(File, Module, Found) :-
    size_file(File, Bytes),
    fact_file_bytes_max(Max),
    (   Bytes > Max
    ->  Found = [fault(1, "the file is too long")]
    ;   setup_call_cleanup(open(File, read, Stream, [encoding(utf8)]),
                           read_facts(Stream, Module, Found),
                           close(Stream))
    ).

read_facts(Stream, Module, Found) :-
    catch(read_term(Stream, Term,
                    [ term_position(Position), module(Module), syntax_errors(error),
                      double_quotes(string), back_quotes(codes) ]),
          error(syntax_error(What), Where), true),
    (   nonvar(What)
    ->  syntax_line(Where, Line),
        format(string(Words), "syntax error: ~w", [What]),
        Found = [fault(Line, Words)]
    ;   Term == end_of_file
    ->  Found = []
    ;   stream_position_data(line_count, Position, Line),
        (   fact_fault(Module, Term, Words)
        ->  Found = [fault(Line, Words)|More]
        ;   Found = [fact(Line, Term)|More]
        ),
        read_facts(Stream, Module, More)
    ).

syntax_line(stream(_, Line, _, _), Line) :- !.
syntax_line(file(_, Line, _, _), Line) :- !.
syntax_line(_, 1).
