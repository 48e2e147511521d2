%   SPDX-License-Identifier: Apache-2.0

:- module(asked,
          [ by_term/2                   % ++Obj, -By
          ]).
:- use_module(kb('1_words/wire'), [fields/3, refuse/4, shown/2]).
:- use_module(kb('1_words/vocabulary'), [via/1]).

/** <module> Who asks, and through what */

principal_bytes_max(128).

%!  by_term(++Obj, -By) is det.
%
%   by(Principal, Via) from {"principal","via"}.

by_term(Obj, by(Principal, Via)) :-
    fields(Obj, [required(principal, string), required(via, string)], [Principal, ViaText]),
    principal_bytes_max(Max),
    (   string_length(Principal, Length),
        Length > Max
    ->  refuse(too_long, principal, "the principal has ~d characters; ~d are the most",
               [Length, Max])
    ;   true
    ),
    (   via(Via),
        atom_string(Via, ViaText)
    ->  true
    ;   shown(ViaText, Shown),
        refuse(bad_value, via, "'~s' is no way in: grammar, api, model or rule", [Shown])
    ).
