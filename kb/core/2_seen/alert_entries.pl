%   SPDX-License-Identifier: Apache-2.0

:- module(alert_entries,
          [ learn_alert/5,              % +Kind, +Seq, +At, ++Body, -Changed
            learn_acknowledged/5        % +Seq, +At, ++Params, +By, -Changed
          ]).
:- use_module(library(lists), [memberchk/2, member/2]).
:- use_module(kb('1_words/condition_words'), [condition_named/2, severity/2]).
:- use_module(kb('1_words/metric_words'), [part_text/1]).
:- use_module(kb('1_words/wire'), [field/3]).
:- use_module(alerts, [alert_known/1, alert_open/8, remember_alert/2]).
:- use_module(machines, [time_ms/2]).
:- use_module(standings, [alert_begun/4, alert_over/3]).

/** <module> Entries of the ledger about alerts

What an entry says is certain, for we wrote it; the words of older rules may be gone: then the
condition is `unknown`, and the rules clear the alert as gone. An entry that is no whole one
changes nothing.
*/

%!  learn_alert(+Kind:string, +Seq, +At:string, ++Body, -Changed) is semidet.
%
%   False if Kind is none about alerts.

learn_alert(Kind, Seq, At, Body, Changed) :-
    memberchk(Kind, [ "alert_raised", "alert_changed", "alert_cleared", "runbook_generated",
                      "runbook_failed" ]),
    moment(At, AtMs),
    (   entry(Kind, Seq, AtMs, Body, Entry)
    ->  told(Entry, Changed)
    ;   Changed = false
    ).

told(Entry, Changed) :-
    (   Entry = cleared(Id, _, _, _, _)
    ->  ignore(( alert_open(Id, Condition, Node, Part, _, _, _, _),
                 alert_over(Condition, Node, Part) ))
    ;   true
    ),
    remember_alert(Entry, Changed),
    (   Entry = raised(Id, _, Condition, Node, Part, _, _, _),
        alert_open(Id, _, _, _, _, _, _, _)
    ->  alert_begun(Id, Condition, Node, Part)
    ;   true
    ).

entry("alert_raised", Seq, AtMs, Body,
      raised(Seq, AtMs, Condition, Node, Part, Severity, Words, Members)) :-
    field(Body, condition, ConditionText),
    string(ConditionText),
    ( condition_named(ConditionText, Condition) -> true ; Condition = unknown ),
    field(Body, node, Node),
    string(Node),
    field(Body, part, Part),
    part_text(Part),
    severity_of(Body, Severity),
    words_of(Body, Words),
    members_of(Body, [], Members).
entry("alert_changed", Seq, AtMs, Body, changed(Id, Seq, AtMs, Severity, Words, Count, Members)) :-
    alert_of(Body, Id),
    severity_of(Body, Severity),
    words_of(Body, Words),
    ( field(Body, count, Count), integer(Count) -> true ; Count = 1 ),
    members_of(Body, same, Members).
entry("alert_cleared", Seq, AtMs, Body, cleared(Id, Seq, AtMs, Words, Why)) :-
    alert_of(Body, Id),
    words_of(Body, Words),
    ( field(Body, why, "gone") -> Why = gone ; Why = clear ).
entry("runbook_generated", Seq, AtMs, Body, runbook(Id, Seq, AtMs, "")) :-
    alert_of(Body, Id).
entry("runbook_failed", Seq, AtMs, Body, runbook(Id, Seq, AtMs, Code)) :-
    alert_of(Body, Id),
    ( field(Body, code, Code0), string(Code0), Code0 \== "" -> cut(Code0, Code) ; Code = "failed" ).

severity_of(Body, Severity) :-
    field(Body, severity, Text),
    severity(Severity, _),
    atom_string(Severity, Text),
    !.

words_of(Body, Words) :-
    (   field(Body, words, Text),
        string(Text)
    ->  cut(Text, Words)
    ;   Words = ""
    ).

cut(Text, Cut) :-
    (   string_length(Text, Length),
        Length > 1024
    ->  sub_string(Text, 0, 1024, _, Cut)
    ;   Cut = Text
    ).

members_of(Body, Without, Members) :-
    (   field(Body, members, List),
        is_list(List),
        \+ ( member(Member, List), \+ string(Member) )
    ->  Members = List
    ;   Members = Without
    ).

%!  learn_acknowledged(+Seq, +At, ++Params, +By:string, -Changed) is det.
%
%   Params of the action alert_acknowledge: `alert`, a number or its digits, and `words`.

learn_acknowledged(Seq, At, Params, By, Changed) :-
    (   alert_of(Params, Id),
        alert_known(Id)
    ->  moment(At, AtMs),
        words_of(Params, Words),
        remember_alert(acknowledged(Id, Seq, AtMs, By, Words), Changed)
    ;   Changed = false
    ).

alert_of(Obj, Id) :-
    field(Obj, alert, Value),
    (   integer(Value)
    ->  Id = Value
    ;   string(Value),
        string_length(Value, Length),
        Length =< 18,
        string_codes(Value, Codes),
        Codes = [_|_],
        \+ ( member(Code, Codes), \+ memberchk(Code, `0123456789`) ),
        number_codes(Id, Codes)
    ),
    Id > 0.

moment(At, AtMs) :-
    (   time_ms(At, Found)
    ->  AtMs = Found
    ;   AtMs = 0
    ).
