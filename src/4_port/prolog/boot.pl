%   SPDX-License-Identifier: Apache-2.0

/*  boot — the few predicates that C itself needs around the rules.

    This text is compiled into the program and loaded before any rule. It imports no
    library, so that it means the same whatever the rules do.
*/

:- module(logic_node_boot, []).

%!  kill(+Signal) is erroneous.
%
%   Run in a worker by the anonymous signal. Only abort/0 also ends a rule that catches
%   every exception.

kill(_) :-
    abort.

%!  ask(:Goal, +Inferences, -Status) is semidet.
%
%   Status is done, limit(What) or threw(Text). Fails if Goal fails. An abort passes.

:- meta_predicate(ask(0, +, -)).

ask(Goal, Inferences, Status) :-
    catch(limited(Goal, Inferences, Status), Ball, thrown(Ball, Status)).

limited(Goal, Inferences, Status) :-
    call_with_inference_limit(Goal, Inferences, Result),
    (   Result == inference_limit_exceeded
    ->  Status = limit(inferences)
    ;   Status = done
    ).

thrown('$aborted', threw("it called abort")) :-
    !.
thrown(error(Formal, _), limit(What)) :-
    nonvar(Formal),
    Formal = resource_error(What),
    atom(What),
    !.
thrown(Ball, threw(Text)) :-
    printed(Ball, Text).

%!  printed(+Ball, -Text) is det.
%
%   Bounded in depth, because the ball may hold what blew up.

printed(Ball, Text) :-
    catch(format(string(Text), '~W',
                 [Ball, [quoted(true), max_depth(12), cycles(true), attributes(ignore)]]),
          error(_, _),
          Text = "a term too large to print").

%!  load(+File) is det.
%
%   Errors and warnings go to report/2, which C defines.

load(File) :-
    catch(load_files(user:File, []), Ball, print_message(error, Ball)).

:- multifile(user:message_hook/3).
:- dynamic(user:message_hook/3).

user:message_hook(Term, Kind, Lines) :-
    logic_node_boot:heard(Kind, Term, Lines).

%!  heard(+Kind, +Term, +Lines) is det.
%
%   Nothing is printed: errors and warnings are reported, the rest is nobody's business.

heard(Kind, Term, Lines) :-
    (   worth_reporting(Kind)
    ->  with_output_to(string(Said), print_message_lines(current_output, '', Lines)),
        with_place(Term, Said, Text),
        report(Kind, Text)
    ;   true
    ).

worth_reporting(error).
worth_reporting(warning).

%!  with_place(+Term, +Said, -Text) is det.
%
%   Some messages begin with their place already.

with_place(Term, Said, Text) :-
    \+ sub_string(Said, 0, 1, _, "/"),
    place(Term, File, Line),
    format(string(Place), '~w:~w:', [File, Line]),
    \+ sub_string(Said, _, _, _, Place),
    !,
    format(string(Text), '~s ~s', [Place, Said]).
with_place(_, Said, Said).

place(error(_, Context), File, Line) :-
    nonvar(Context),
    Context = file(File, Line, _, _),
    !.
place(_, File, Line) :-
    source_location(File, Line),
    !.
place(_, File, Line) :-
    prolog_load_context(source, File),
    prolog_load_context(term_position, Position),
    stream_position_data(line_count, Position, Line).

%!  door(+Name) is semidet.
%
%   The rules have this door.

door(Name) :-
    atom_concat(door_, Name, Module),
    current_module(Module),
    current_predicate(Module:Name/2).

%!  folder(+Which, +Folder) is det.

:- dynamic(user:ln_folder/2).

folder(Which, Folder) :-
    assertz(user:ln_folder(Which, Folder)).

%!  loaded is det.
%
%   From here on nothing is loaded behind our back: a load inside snapshot/1 would break
%   the library for the whole process.

loaded :-
    set_prolog_flag(autoload, false),
    set_prolog_gc_thread(true).

%!  stop is det.

stop :-
    set_prolog_gc_thread(false).

%!  checked(+Argv, -ExitCode, -Text) is det.
%
%   Run the gate (tools/kb_check.pl), its findings as text.

checked(Argv, ExitCode, Text) :-
    with_output_to(string(Text),
                   catch(kb_check:main(Argv, ExitCode), Ball,
                         ( printed(Ball, Said), format('~s~n', [Said]), ExitCode = 1 ))),
    !.
checked(_, 1, "the checker gave no verdict\n").

%   A rule may not end the process, nor its worker.

:- redefine_system_predicate(system:halt),
   redefine_system_predicate(system:halt(_)),
   redefine_system_predicate(system:thread_exit(_)),
   assertz((system:halt :- throw(error(permission_error(call, rule, halt/0), _)))),
   assertz((system:halt(_) :- throw(error(permission_error(call, rule, halt/1), _)))),
   assertz((system:thread_exit(_) :- throw(error(permission_error(call, rule, thread_exit/1), _)))).

%   No library comes from somebody's home.

:- ignore(retract(user:file_search_path(library, app_config(lib)))),
   ignore(retract(user:file_search_path(autoload, app_config(lib)))).
