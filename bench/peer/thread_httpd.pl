%   SPDX-License-Identifier: Apache-2.0

/*  The peer of bench/door_query.py: SWI-Prolog's own server, as its manual says, answering the same
    question with the same rules over the same facts.

        swipl -O -q -f none -F none peer/thread_httpd.pl -- KB SITE PORT WORKERS
*/

:- use_module(library(http/thread_httpd), [http_server/2]).
:- use_module(library(http/http_dispatch), [http_dispatch/1, http_handler/3]).
:- use_module(library(http/http_json), [http_read_json_dict/2, reply_json_dict/1]).

:- dynamic user:ln_folder/2.

:- initialization(main, main).

main([Kb, Site, Port, Workers]) :-
    atom_concat(Kb, '/core', Core),
    atom_concat(Kb, '/state', State),
    forall(member(Folder-Path, [core-Core, site-Site, state-State]),
           assertz(user:ln_folder(Folder, Path))),
    atom_concat(Kb, '/main.pl', Main),
    load_files(user:Main, []),
    user:ln_loaded(_, _),
    atom_number(Port, PortNumber),
    atom_number(Workers, Count),
    http_handler('/api/v1/query', ask, [methods([post])]),
    http_server(http_dispatch, [port(localhost:PortNumber), workers(Count)]),
    thread_get_message(stop).

ask(Request) :-
    http_read_json_dict(Request, Question),
    answers(Question.query, Question.args, Answers),
    reply_json_dict(_{answers: Answers}).

answers("zone_of", Args, Answers) :-
    dns_name:fqdn(name, Args.name, Name),
    (   zones:zone_of(Name, Zone)
    ->  Answers = [Zone]
    ;   Answers = []
    ).
