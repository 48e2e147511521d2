%   SPDX-License-Identifier: Apache-2.0

:- module(agent_said,
          [ silent/1,                   % -Words
            unclear/2,                  % +Host, -What
            inhibited/2,                % -Kind, -Words
            pool_said/2,                % ?Text, -Said
            empty_state/1,              % ?State
            free_bytes/4,               % +Kind, +Mask, +VramMib, -Bytes
            entry/2                     % +Which, -Entry
          ]).
:- use_module(library(lists), [member/2, memberchk/2, nth1/3, sum_list/2]).
:- use_module(kb('1_words/machine_words'), [machine_column/2, model_name/1]).
:- use_module(kb('1_words/wire'), [field/3, shown/2]).
:- use_module(kb('2_seen/seen'), [looked/2]).

/** <module> What an agent said of its machine, as far as it can be believed

An agent runs on a machine that is not this one. What it leaves out, or says in another form, is
unknown; and what is unknown permits nothing. Its words are shown, never read.
*/

inhibitors_max(8).
mib_bytes(1048576).

%!  silent(-Words:string) is semidet.
%
%   It was looked at, and did not answer.

silent(Words) :-
    looked(agent, Seen),
    \+ ( field(Seen, reachable, true), status(_) ),
    (   field(Seen, words, Said),
        string(Said),
        Said \== ""
    ->  shown(Said, Words)
    ;   Words = "no answer"
    ).

status(Status) :-
    looked(agent, Seen),
    field(Seen, status, Status),
    Status = obj(_).

%!  unclear(+Host, -What) is nondet.
%
%   What must be known before a machine is touched, and is not.

unclear(Host, "that it is this host") :-
    status(Status),
    \+ ( field(Status, host, Text), string(Text), atom_string(Host, Text) ).
unclear(_, "what keeps it awake") :-
    status(Status),
    \+ ( field(Status, inhibitors, List), is_list(List) ).
unclear(_, "its pools") :-
    status(Status),
    \+ ( field(Status, pools, List),
         is_list(List),
         \+ ( member(Pool, List), \+ pool_formed(Pool) ) ).

pool_formed(Pool) :-
    Pool = obj(_),
    field(Pool, pool, Name),
    string(Name),
    field(Pool, state, State),
    string(State).

%!  inhibited(-Kind:string, -Words:string) is nondet.
%
%   Each of the first reasons to stay awake; one of an unknown form is one, too.

inhibited(Kind, Words) :-
    status(Status),
    field(Status, inhibitors, List),
    is_list(List),
    inhibitors_max(Max),
    nth1(At, List, Inhibitor),
    (   At > Max
    ->  !,
        fail
    ;   text_of(Inhibitor, kind, Kind),
        text_of(Inhibitor, words, Words)
    ).

text_of(Obj, Name, Text) :-
    (   Obj = obj(_),
        field(Obj, Name, Found),
        string(Found)
    ->  shown(Found, Text)
    ;   Text = "unknown"
    ).

%!  pool_said(?Name:string, -Said) is nondet.
%
%   Each pool that the agent lists: said(State, Busy, Model); Busy a number or unknown.

pool_said(Name, said(State, Busy, Model)) :-
    status(Status),
    field(Status, pools, List),
    is_list(List),
    member(Pool, List),
    pool_formed(Pool),
    field(Pool, pool, Name),
    field(Pool, state, State0),
    shown(State0, State),
    (   field(Pool, slots_busy, Busy0),
        integer(Busy0),
        Busy0 >= 0
    ->  Busy = Busy0
    ;   Busy = unknown
    ),
    text_of(Pool, model, Model).

%!  empty_state(?State:string) is nondet.
%
%   Nothing is loaded in a pool of this state.

empty_state("empty").
empty_state("failed").

%!  free_bytes(+Kind, +Mask, +VramMib, -Bytes) is semidet.
%
%   How much a load may take; false if that is unknown. A GPU that the driver's tool does not list
%   (rocm, vulkan) is believed to have what the owner wrote down; a CUDA device must be listed.

free_bytes(Kind, Mask, VramMib, Bytes) :-
    status(Status),
    mib_bytes(Mib),
    Owned is VramMib * Mib,
    (   Kind == cpu
    ->  field(Status, memory, Memory),
        bytes_of(Memory, available_bytes, Free)
    ;   gpu_free(Status, Mask, Free0)
    ->  Free = Free0
    ;   Kind \== cuda,
        Owned > 0,
        Free = Owned
    ),
    (   Owned > 0
    ->  Bytes is min(Free, Owned)
    ;   Bytes = Free
    ).

gpu_free(Status, Mask, Free) :-
    field(Status, gpus, Gpus),
    is_list(Gpus),
    findall(Gpu, ( member(Gpu, Gpus), is_device(Gpu, Mask) ), [Gpu]),
    bytes_of(Gpu, total_bytes, Total),
    bytes_of(Gpu, used_bytes, Used),
    Free is Total - Used,
    Free >= 0.

is_device(Gpu, Mask) :-
    Gpu = obj(_),
    (   field(Gpu, index, Index),
        integer(Index),
        number_string(Index, Mask)
    ;   field(Gpu, uuid, Uuid),
        string(Uuid),
        string_length(Mask, Length),
        Length >= 8,
        sub_string(Uuid, 0, _, _, Mask)
    ),
    !.

bytes_of(Obj, Name, Bytes) :-
    Obj = obj(_),
    field(Obj, Name, Bytes),
    machine_column(bytes, Bytes).

%!  entry(+Which, -Entry) is semidet.
%
%   What the catalogue of this node has, whole and of its form: model(File, Bytes, Sha256,
%   Embedding, Need) or engine(Version). Need is need(Bytes, Context) or cannot(Words).

entry(model, model(File, Bytes, Sha, Embedding, Need)) :-
    looked(agent, Seen),
    field(Seen, model, Model),
    Model = obj(_),
    field(Model, file, File),
    string(File),
    string_length(File, Length),
    Length >= 1,
    Length =< 512,
    bytes_of(Model, bytes, Bytes),
    Bytes > 0,
    field(Model, sha256, Sha),
    machine_column(sha256, Sha),
    (   field(Model, embedding, true)
    ->  Embedding = true
    ;   Embedding = false
    ),
    need(Model, Need).
entry(engine, engine(Version)) :-
    looked(agent, Seen),
    field(Seen, engine, Engine),
    Engine = obj(_),
    field(Engine, version, Version),
    string(Version),
    string_length(Version, Length),
    Length >= 1,
    Length =< 128.

need(Model, Need) :-
    (   bytes_of(Model, need_bytes, Bytes),
        Bytes > 0
    ->  (   field(Model, need, Parts),
            Parts = obj(_),
            field(Parts, context, Context0),
            machine_column(context, Context0)
        ->  Context = Context0
        ;   Context = unknown
        ),
        Need = need(Bytes, Context)
    ;   field(Model, cannot, Cannot)
    ->  text_of(Cannot, message, Words),
        Need = cannot(Words)
    ;   Need = cannot("its shape is unknown")
    ).
