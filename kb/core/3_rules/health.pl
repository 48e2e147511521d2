%   SPDX-License-Identifier: Apache-2.0

:- module(health,
          [ node_health/3,              % +Node, -Health, -Anomalies
            node_anomaly/2              % +Node, -Anomaly
          ]).
:- use_module(library(lists), [member/2, memberchk/2]).
:- use_module(kb('1_words/condition_words'), [severity/2]).
:- use_module(kb('2_seen/alerts'), [alert_open/8]).
:- use_module(kb('2_seen/senses'), [sensed/5]).
:- use_module(kb('2_seen/site'), []).
:- use_module(conditions, [alert_condition/4, levels_for/3]).
:- use_module(condition, [used_readings/4, measured/3, level_of/3]).

/** <module> How a node is: out of fresh readings and of the alerts that are open

Ask inside senses:live/1 or from_look/2. An anomaly is

    anomaly(Severity, Condition, Part, Used, Alert)

Used are the readings that say so ([] where only the alert does), Alert its id or none. Readings say
it at once and alerts after a while; what is unknown says nothing.
*/

%!  node_health(+Node, -Health, -Anomalies:list) is semidet.
%
%   Health: ok, degraded (an anomaly), critical (a critical one) or unknown (nothing fresh is known
%   of it: what was said before is no news). Anomalies the worst first. False for a stranger.

node_health(Node, Health, Anomalies) :-
    site:node(Node, _, _),
    !,
    findall(Rank-Anomaly,
            ( node_anomaly(Node, Anomaly), arg(1, Anomaly, Severity), severity(Severity, Rank) ),
            Pairs0),
    sort(0, @>=, Pairs0, Pairs),
    findall(Anomaly, member(_-Anomaly, Pairs), Anomalies),
    (   \+ told_of_itself(Node)
    ->  Health = unknown
    ;   Anomalies == []
    ->  Health = ok
    ;   memberchk(anomaly(critical, _, _, _, _), Anomalies)
    ->  Health = critical
    ;   Health = degraded
    ).

told_of_itself(Node) :-
    sensed(Node, Metric, _, _, _),
    Metric \== source_ok,
    !.

%!  node_anomaly(+Node, -Anomaly) is nondet.

node_anomaly(Node, anomaly(Severity, Condition, Part, Used, Alert)) :-
    at_once(Condition, Measure),
    part_of(Measure, Node, Part),
    level_now(Condition, Node, Part, Used, Level),
    (   alert_open(Id, Condition, Node, Part, Told, _, _, _)
    ->  Alert = Id,
        worse(Told, Level, Severity)
    ;   Alert = none,
        Severity = Level
    ).
node_anomaly(Node, anomaly(Severity, Condition, Part, [], Id)) :-
    alert_open(Id, Condition, Node, Part, Severity, _, _, _),
    \+ says_now(Node, Condition, Part).
node_anomaly(Node, anomaly(Severity, storm, Key, [], Id)) :-
    alert_open(Id, storm, _, Key, Severity, _, _, Members),
    memberchk(Node, Members).

worse(A, B, Severity) :-
    severity(A, RankA),
    severity(B, RankB),
    ( RankA >= RankB -> Severity = A ; Severity = B ).

%   The first clause has it.
says_now(Node, Condition, Part) :-
    at_once(Condition, _),
    level_now(Condition, Node, Part, _, _),
    !.

%   A condition that the readings of one moment tell.
at_once(Condition, Measure) :-
    alert_condition(Condition, Measure, _, Options),
    \+ memberchk(armed, Options),
    \+ memberchk(hits(_, _), Options).

level_now(Condition, Node, Part, Used, Level) :-
    used_readings(Condition, Node, Part, Used),
    measured(Condition, Used, Measured),
    Measured = value(_),
    levels_for(Condition, Node, Levels),
    level_of(Levels, Measured, Level),
    severity(Level, _).

part_of(silence, _, "") :- !.
part_of(per(_, _), _, "") :- !.
part_of(absence(_), _, _) :- !, fail.
part_of(Measure, Node, Part) :-
    arg(1, Measure, Metric),
    sensed(Node, Metric, Part, _, _).
