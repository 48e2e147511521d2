%   SPDX-License-Identifier: Apache-2.0

:- module(say_machines,
          [ machine_request/2           % +Tokens, -Reading
          ]).
:- use_module(library(lists), [memberchk/2]).
:- use_module(kb('2_seen/site'), []).
:- use_module(phrases, [fill//0, text/2, word//1, words//1, worth_reading/2]).

/** <module> "wake tower", "load llama3 on gpu0", "put tower to sleep", "unload gpu0"

A grammar of its own, because the names come from the site facts: a host or pool that is not there
is no name here, and "start x" stays what it was. It reads the whole sentence or nothing of it, so a
word of doubt ("don't", "if", "tomorrow") leaves the sentence to the others, who stop at it.
*/

%!  machine_request(+Tokens, -Reading) is semidet.
%
%   act(Intents) or ask(Text, Missing, Action, Params); false if the sentence is about other things.

machine_request(Tokens, Reading) :-
    spoken(Words),
    worth_reading(Tokens, Words),
    phrase(sentence(Reading), Tokens),
    !.

spoken([ "wake", "start", "boot", "power", "turn", "switch", "bring", "put", "send", "suspend",
         "shut", "load", "unload", "free", "empty", "run", "sleep", "serve" ]).

sentence(act(Intents)) -->
    fill, command(Intent), { Intents = [Intent|More] }, commands(More), fill.
sentence(ask(Text, [Param], Action, obj([]))) -->
    fill, asked(Action, Param), { question(Action, Text) }, fill.

commands([Intent|Intents]) -->
    joints, fill, command(Intent), commands(Intents).
commands([]) -->
    [].

joints --> joint, ( joint ; [] ), !.

joint --> [comma].
joint --> [semi].
joint --> [stop].
joint --> [Token], { text(Token, Text), memberchk(Text, ["and", "then"]) }.

command("host_wake"-obj(["host"-Host])) -->
    (   woken(Host)
    ;   wake_verb, host(Host), ( word(["up", "now"]) ; [] )
    ).
command("host_sleep"-obj(["host"-Host])) -->
    (   slept(Host)
    ;   sleep_verb, host(Host)
    ).
command("pool_load"-obj(["pool"-Pool, "model"-Model])) -->
    word(["load", "run", "start", "serve", "put"]), article, ( word(["model"]) ; [] ),
    model(Model), word(["on", "onto", "into", "in", "to", "with"]), pool(Pool).
command("pool_load"-obj(["pool"-Pool, "model"-Model])) -->
    word(["load"]), pool(Pool), word(["with"]), article, ( word(["model"]) ; [] ), model(Model).
command("pool_unload"-obj(["pool"-Pool])) -->
    word(["unload", "free", "empty"]), ( word(["up"]) ; [] ), pool(Pool).

wake_verb --> word(["wake"]), ( word(["up"]) ; [] ).
wake_verb --> word(["start", "boot"]), ( word(["up"]) ; [] ).
wake_verb --> word(["power", "turn", "switch"]), word(["on", "up"]).
wake_verb --> word(["bring"]), word(["up"]).

woken(Host) --> word(["power", "turn", "switch"]), host(Host), word(["on"]).
woken(Host) --> word(["bring"]), host(Host), word(["up"]).

sleep_verb --> word(["suspend"]).
sleep_verb --> word(["shut", "power", "turn", "switch"]), word(["down", "off"]).

slept(Host) --> word(["put", "send"]), host(Host), word(["to"]), word(["sleep", "bed"]).
slept(Host) --> word(["shut", "power", "turn", "switch"]), host(Host), word(["down", "off"]).
slept(Host) --> word(["let"]), host(Host), word(["sleep"]).

%   A verb that means nothing else, and nothing said of which.
asked("host_wake", "host")   --> word(["wake"]), ( word(["up"]) ; [] ), unknown(host).
asked("host_sleep", "host")  --> word(["suspend"]), unknown(host).
asked("host_sleep", "host")  -->
    word(["put", "send"]), unknown(host), word(["to"]), word(["sleep"]).
asked("pool_unload", "pool") --> word(["unload"]), unknown(pool).

unknown(host) --> article, word(["it", "host", "machine", "computer", "pc", "server"]).
unknown(_)    --> [].
unknown(pool) --> article, word(["it", "pool", "gpu", "model"]).
unknown(_)    --> article, [u(_, _)].

question(Action, Text) :-
    (   Action == "pool_unload"
    ->  findall(Pool, site:pool(Pool, _, _, _, _, _), Names),
        What = 'pool shall I unload'
    ;   findall(Host, site:host(Host, _, _), Names),
        (   Action == "host_wake"
        ->  What = 'host shall I wake'
        ;   What = 'host shall I put to sleep'
        )
    ),
    sort(Names, Sorted),
    (   Sorted == []
    ->  format(string(Text), "Which ~w? The site facts know none.", [What])
    ;   atomic_list_concat(Sorted, ', ', List),
        format(string(Text), "Which ~w? I know ~w.", [What, List])
    ).

                /*  names  */

host(Name) -->
    article,
    ( word(["host", "machine", "computer", "server"]) ; [] ),
    { site:host(Host, _, _) },
    label(Host, Name),
    ( word(["host", "machine", "computer", "server", "pc"]) ; [] ).

pool(Name) -->
    article,
    ( word(["pool", "gpu"]) ; [] ),
    { site:pool(Pool, _, _, _, _, _) },
    label(Pool, Name),
    ( word(["pool"]) ; [] ).

%   As one word, or its parts as words: gaming-pc, gaming pc.
label(Label, Name) -->
    { atom_string(Label, Name) },
    (   word([Name])
    ;   { split_string(Name, "-_", "", Parts), Parts = [_, _|_] },
        words(Parts)
    ).

%   A model is whatever stands there in the form of a name; the catalogue knows it or not.
model(Name) --> [u(_, Name)], { \+ pool_word(Name) }.
model(Name) --> [host(Name)].
model(Name) --> [quoted(Name, [_])].

pool_word(Name) :-
    string_lower(Name, Lower),
    site:pool(Pool, _, _, _, _, _),
    atom_string(Pool, Lower),
    !.

article --> word(["the", "my", "our", "a"]).
article --> [].

                /*  words  */
