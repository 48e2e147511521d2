%   SPDX-License-Identifier: Apache-2.0

/*  main — load core, site and state, in this order.

    Before loading, C (or a test) may say where the folders are:

        user:ln_folder(core|site|state, Directory)

    Without it they lie beside this file. Core is code; site and state are data: they
    are read term by term, never run. When all went well user:ln_loaded(Rules, Facts) is
    true; after an error it is not, and the messages say why (file:line: what).

    Autoload is off while loading, so every library that a rule needs is here when the
    first question comes; whoever embeds us leaves it off for good.
*/

:- dynamic([user:ln_folder/2, user:ln_loaded/2]).
:- multifile(user:file_search_path/2).
:- dynamic(user:file_search_path/2).

:- prolog_load_context(directory, Here),
   forall(member(Folder, [core, site, state]),
          (   user:ln_folder(Folder, _)
          ->  true
          ;   atomic_list_concat([Here, /, Folder], Directory),
              assertz(user:ln_folder(Folder, Directory))
          )).

user:file_search_path(kb, Directory) :-
    user:ln_folder(core, Directory).

:- retractall(user:ln_loaded(_, _)).
:- current_prolog_flag(autoload, Was),
   create_prolog_flag(ln_autoload_was, Was, []),
   set_prolog_flag(autoload, false).

:- use_module(kb('2_seen/loading'),
              [load_site/2, load_state/2, load_core/2, loading_went_well/0]).

:- user:ln_folder(core, Core),
   load_core(Core, Rules),
   user:ln_folder(site, Site),
   load_site(Site, SiteFacts),
   user:ln_folder(state, State),
   load_state(State, StateFacts),
   (   loading_went_well
   ->  Facts is SiteFacts + StateFacts,
       assertz(user:ln_loaded(Rules, Facts))
   ;   true
   ).

:- current_prolog_flag(ln_autoload_was, Was),
   set_prolog_flag(autoload, Was).
