%   SPDX-License-Identifier: Apache-2.0

:- module(alerts,
          [ alert_open/8,               % ?Id, ?Condition, ?Node, ?Part, -Severity, -RaisedMs, …
            alert_past/8,               % ?Id, ?Condition, ?Node, ?Part, -Severity, -RaisedMs, …
            alert_words/2,              % +Id, -Words
            alert_acknowledged/4,       % +Id, -By, -Words, -AtMs
            alert_runbook/4,            % +Id, -Seq, -AtMs, -Failure
            newest_alerts/4,            % +Status, +Before, +Limit, -Ids
            alert_status/2,             % +Id, -Status
            alert_known/1,              % +Id
            remember_alert/2,           % +Entry, -Changed
            alerts_until/1,             % -Seq
            alerts_kept_max/1           % -Count
          ]).
:- use_module(library(lists), [append/3, max_list/2, member/2, memberchk/2]).
:- use_module(kb('1_words/condition_words'), [severity/2]).
:- use_module(kb('1_words/first'), [first/3]).
:- use_module(state, []).

/** <module> Alerts: what a rule called wrong, and its life

Facts of module `state`, rebuilt from the ledger and kept readable in the state folder:

    alert(Id, Seq, Condition, Node, Part, Severity, RaisedMs, ChangedMs, Count, Words, Members,
          ClearedMs, Why)       Why: open, clear, gone; Seq: the newest entry that told of it
    acknowledged(Id, Seq, By, Words, AtMs)      By "": it became worse at Seq, and counts no more
    runbook(Id, Seq, AtMs, Failure)     Failure "" or the code of why there is none

The id of an alert is the number of the ledger entry that raised it. A storm has the node "" and
its condition as part; Members are the names of its nodes. Open alerts are never forgotten; of the
others the newest are kept, for what was before says what may help.
*/

%!  alerts_kept_max(-Count) is det.
%
%   Of those that are over.

alerts_kept_max(500).

%!  alert_open(?Id, ?Condition, ?Node, ?Part, -Severity, -RaisedMs, -Count, -Members) is nondet.

alert_open(Id, Condition, Node, Part, Severity, RaisedMs, Count, Members) :-
    state:alert(Id, _, Condition, Node, Part, Severity, RaisedMs, _, Count, _, Members, _, open).

%!  alert_past(?Id, ?Condition, ?Node, ?Part, -Severity, -RaisedMs, -ClearedMs, -Why) is nondet.

alert_past(Id, Condition, Node, Part, Severity, RaisedMs, ClearedMs, Why) :-
    state:alert(Id, _, Condition, Node, Part, Severity, RaisedMs, _, _, _, _, ClearedMs, Why),
    Why \== open.

%!  alert_words(+Id, -Words:string) is semidet.

alert_words(Id, Words) :-
    state:alert(Id, _, _, _, _, _, _, _, _, Words, _, _, _),
    !.

%!  alert_acknowledged(+Id, -By:string, -Words:string, -AtMs) is semidet.

alert_acknowledged(Id, By, Words, AtMs) :-
    state:acknowledged(Id, _, By, Words, AtMs),
    By \== "",
    !.

%!  alert_runbook(+Id, -Seq, -AtMs, -Failure:string) is semidet.

alert_runbook(Id, Seq, AtMs, Failure) :-
    state:runbook(Id, Seq, AtMs, Failure),
    !.

%!  alert_known(+Id) is semidet.

alert_known(Id) :-
    state:alert(Id, _, _, _, _, _, _, _, _, _, _, _, _),
    !.

%!  alert_status(+Id, -Status) is semidet.
%
%   raised, acknowledged or cleared. Who acknowledged it did not know what it became later: more
%   severe, it is raised again.

alert_status(Id, Status) :-
    state:alert(Id, _, _, _, _, _, _, _, _, _, _, _, Why),
    !,
    (   Why \== open
    ->  Status = cleared
    ;   alert_acknowledged(Id, _, _, _)
    ->  Status = acknowledged
    ;   Status = raised
    ).

%!  newest_alerts(+Status, +Before, +Limit, -Ids:list) is det.
%
%   Status: all, open, raised, acknowledged or cleared. Before: only smaller ids; 0 for all.

newest_alerts(Status, Before, Limit, Ids) :-
    findall(Id,
            ( state:alert(Id, _, _, _, _, _, _, _, _, _, _, _, Why),
              ( Before =:= 0 ; Id < Before ),
              has_status(Status, Id, Why) ),
            Found0),
    sort(0, @>=, Found0, Found),
    first(Limit, Found, Ids).

has_status(all, _, _) :- !.
has_status(open, _, Why) :- !, Why == open.
has_status(Status, Id, _) :- alert_status(Id, Status).

                /*  what door learn writes  */

%!  remember_alert(+Entry, -Changed) is det.
%
%   Entry is one of
%
%       raised(Seq, AtMs, Condition, Node, Part, Severity, Words, Members)
%       changed(Alert, Seq, AtMs, Severity, Words, Count, Members)     Members: list, or same
%       cleared(Alert, Seq, AtMs, Words, Why)
%       acknowledged(Alert, Seq, AtMs, By, Words)
%       runbook(Alert, Seq, AtMs, Failure)
%
%   Changed is false for an entry that is known, and for one of an alert that is not.

remember_alert(Entry, Changed) :-
    with_mutex(ln_state, transaction(remembered(Entry, Changed))).

remembered(raised(Seq, AtMs, Condition, Node, Part, Severity, Words, Members), Changed) =>
    (   alert_known(Seq)
    ->  Changed = false
    ;   assertz(state:alert(Seq, Seq, Condition, Node, Part, Severity, AtMs, AtMs, 1, Words,
                            Members, 0, open)),
        Changed = true
    ).
remembered(changed(Id, Seq, AtMs, Severity, Words, Count, Members0), Changed) =>
    (   newer(Id, Seq, alert(_, _, Condition, Node, Part, Was, Raised, _, _, _, Were, Cleared, Why),
              Old)
    ->  worse(Was, Severity, Id, Seq, AtMs),
        ( Members0 == same -> Members = Were ; Members = Members0 ),
        assertz(state:alert(Id, Seq, Condition, Node, Part, Severity, Raised, AtMs, Count, Words,
                            Members, Cleared, Why)),
        erase(Old),
        Changed = true
    ;   Changed = false
    ).
remembered(cleared(Id, Seq, AtMs, Words, Why), Changed) =>
    (   newer(Id, Seq, alert(_, _, Condition, Node, Part, Severity, Raised, _, Count, _, Members, _,
                             _), Old)
    ->  assertz(state:alert(Id, Seq, Condition, Node, Part, Severity, Raised, AtMs, Count, Words,
                            Members, AtMs, Why)),
        erase(Old),
        forget_oldest,
        Changed = true
    ;   Changed = false
    ).
remembered(acknowledged(Id, Seq, AtMs, By, Words0), Changed) =>
    (   alert_known(Id),
        \+ ( state:acknowledged(Id, Was, _, _, _), Was >= Seq )
    ->  (   Words0 == "",
            alert_acknowledged(Id, _, Said, _)
        ->  Words = Said
        ;   Words = Words0
        ),
        retractall(state:acknowledged(Id, _, _, _, _)),
        assertz(state:acknowledged(Id, Seq, By, Words, AtMs)),
        Changed = true
    ;   Changed = false
    ).
remembered(runbook(Id, Seq, AtMs, Failure), Changed) =>
    (   alert_known(Id),
        \+ ( state:runbook(Id, Was, _, _), Was >= Seq )
    ->  retractall(state:runbook(Id, _, _, _)),
        assertz(state:runbook(Id, Seq, AtMs, Failure)),
        Changed = true
    ;   Changed = false
    ).

%   What was acknowledged is the lesser one. The newer number stays, so that an entry of before is
%   not learned anew.
worse(Was, Severity, Id, Seq, AtMs) :-
    (   severity(Was, Low),
        severity(Severity, High),
        High > Low,
        alert_acknowledged(Id, _, _, _)
    ->  retractall(state:acknowledged(Id, _, _, _, _)),
        assertz(state:acknowledged(Id, Seq, "", "", AtMs))
    ;   true
    ).

newer(Id, Seq, Alert, Old) :-
    Alert = alert(Id, Was, _, _, _, _, _, _, _, _, _, _, _),
    clause(state:Alert, true, Old),
    Seq > Was,
    !.

forget_oldest :-
    alerts_kept_max(Max),
    findall(Id, alert_past(Id, _, _, _, _, _, _, _), Ids0),
    sort(0, @>=, Ids0, Ids),
    (   length(Kept, Max),
        append(Kept, Old, Ids)
    ->  forall(member(Id, Old),
               ( retractall(state:alert(Id, _, _, _, _, _, _, _, _, _, _, _, _)),
                 retractall(state:acknowledged(Id, _, _, _, _)),
                 retractall(state:runbook(Id, _, _, _)) ))
    ;   true
    ).

%!  alerts_until(-Seq) is det.
%
%   The newest entry about alerts that is known here; 0 before the first.

alerts_until(Seq) :-
    findall(Known,
            ( state:alert(_, Known, _, _, _, _, _, _, _, _, _, _, _)
            ; state:acknowledged(_, Known, _, _, _)
            ; state:runbook(_, Known, _, _) ),
            Seqs),
    max_list([0|Seqs], Seq).
