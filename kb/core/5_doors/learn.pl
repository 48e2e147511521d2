%   SPDX-License-Identifier: Apache-2.0

:- module(door_learn,
          [ learn/2                     % +In, -Out
          ]).
:- use_module(kb('1_words/wire'), [answered/3, fields/3, refuse/4, shown/2]).
:- use_module(kb('1_words/dns_name'), [zone_name/3]).
:- use_module(kb('2_seen/site'), []).
:- use_module(kb('2_seen/state'), [remember_change/7, remember_tries/1]).
:- use_module(kb('2_seen/machines'), [machine_effects/5, machine_tries/5]).
:- use_module(kb('2_seen/standing_entries'), [learn_standing/5]).
:- use_module(kb('2_seen/alert_entries'), [learn_alert/5, learn_acknowledged/5]).

/** <module> Door learn: a ledger entry becomes a state fact

It writes (so does door observe). Learning an entry again changes nothing, so the ledger may be
replayed over a snapshot.
*/

%!  learn(+In, -Out) is det.

:- det(learn/2).
learn(In, Out) :-
    answered(learnt, In, Out).

learnt(In, obj([changed-Changed])) :-
    fields(In,
           [ required(kind, string), required(case, string), required(seq, integer),
             optional(at, string, ""), required(body, obj) ],
           [Kind, Case, Seq, At, Body]),
    (   Kind == "case_executed"
    ->  executed(Case, Seq, At, Body, Changed)
    ;   Kind == "case_failed"
    ->  failed(Seq, At, Body, Changed)
    ;   learn_alert(Kind, Seq, At, Body, Learned)
    ->  Changed = Learned
    ;   learn_standing(Kind, Seq, At, Body, Learned)
    ->  Changed = Learned
    ;   Changed = false
    ).

executed(Case, Seq, At, Body, Changed) :-
    fields(Body,
           [ optional(result, any, null), optional(undo, any, null), required(action, string),
             required(params, obj), required(by, obj) ],
           [Result, Undo, Action, Params, By]),
    fields(By, [required(principal, string), optional(via, string, "")], [Principal, _]),
    undo_form(Undo),
    consequence(Action, Params, At-Result, Effects),
    (   remember_change(Case, Seq, Principal, Action, Params, Undo, Effects)
    ->  Changed = true
    ;   Changed = false
    ),
    (   Action == "alert_acknowledge"
    ->  learn_acknowledged(Seq, At, Params, Principal, _)
    ;   true
    ).

%   A failure says what was tried where that may have had its effect.
failed(Seq, At, Body, Changed) :-
    fields(Body,
           [ required(error, any), required(changed, string), optional(action, string, ""),
             optional(params, obj, obj([])), optional(by, obj, obj([])) ],
           [_, Did, Action, Params, _]),
    (   Did \== "no",
        machine_tries(Action, Params, At, Seq, Tries),
        remember_tries(Tries)
    ->  Changed = true
    ;   Changed = false
    ).

undo_form(null) => true.
undo_form(Undo) =>
    fields(Undo, [required(action, string), required(params, obj)], _).

%   What else became true: a created zone is ours, a woken host is awake.
consequence("dns_zone_create", Params, _, Effects) =>
    fields(Params, [required(name, string), required(server, string)], [Text, ServerText]),
    zone_name(name, Text, Zone),
    (   site:dns_server(Server, _, _, _, _),
        atom_string(Server, ServerText)
    ->  Effects = [zone(Zone, Server)]
    ;   shown(ServerText, Shown),
        refuse(unknown_server, server, "the server '~s' is not in the site facts", [Shown])
    ).
consequence(Action, Params, At-Result, Effects),
        machine_effects(Action, Params, At, Result, Found) =>
    Effects = Found.
consequence(_, _, _, Effects) =>
    Effects = [].
