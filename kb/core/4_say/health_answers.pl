%   SPDX-License-Identifier: Apache-2.0

:- module(health_answers,
          [ health_answer/5,            % +Asked, +Healths, +Readings, +Cut, -Obj
            thermal_answer/4            % +Told, +Readings, +Cut, -Obj
          ]).
:- use_module(library(lists), [append/3, member/2, memberchk/2]).
:- use_module(kb('1_words/metric_words'), [metric/5, metric_words/2]).
:- use_module(kb('2_seen/site'), []).
:- use_module(alerts, [condition_sentence/4]).
:- use_module(quantities, [amount/3, duration/2]).
:- use_module(readings, [and_list/2, fact_id/4, reading_objs/2]).

/** <module> How a node is and how hot, in words

What is unknown is said to be unknown: no node is called well of which nothing fresh is known.
*/

%!  health_answer(+Asked, +Healths:list, +Readings:list, +Cut, -Obj) is det.
%
%   Asked is the name of a node, or none for all; Healths health(Node, Health, Power, Anomalies).

health_answer(Asked, Healths, Readings, Cut, Obj) :-
    findall(Node-Objects, ( member(health(Node, _, _, Anomalies), Healths),
                            anomaly_objs(Node, Anomalies, Objects) ), ByNode),
    health_words(Asked, Healths, Words0),
    with_cut(Cut, Words0, Words),
    findall(obj([ node-Node, roles-Roles, sleeps_as-Sleeper, health-Health, power-Power,
                  because-Objects ]),
            ( member(health(Node, Health, Power, _), Healths), memberchk(Node-Objects, ByNode),
              roles_of(Node, Roles), sleeper_of(Node, Sleeper) ),
            Nodes),
    findall(Said, ( member(health(Node, Health, Power, Anomalies), Healths),
                    node_words(Node, Health, Power, Anomalies, Said) ), Proof),
    cited(Asked, Readings, ByNode, Facts),
    Obj = obj([words-Words, nodes-Nodes, facts-Facts, proof-Proof]).

%   What a list of nodes is ordered by, and which host it is where one may sleep, or null.
roles_of(Node, Roles) :-
    findall(Role, site:node_role(Node, Role), Roles0),
    sort(Roles0, Roles).

sleeper_of(Node, Host) :-
    (   site:node_host(Node, Host0)
    ->  Host = Host0
    ;   Host = null
    ).

%   Of one node all readings, of all nodes those that something rests on.
cited(none, Readings, ByNode, Facts) =>
    findall(Id, ( member(_-Objects, ByNode), member(Object, Objects),
                  object_fact(Object, Id) ), Ids),
    findall(Reading, ( member(Reading, Readings), Reading = reading(Node, Metric, Part, _, _, _),
                       fact_id(Node, Metric, Part, Id), memberchk(Id, Ids) ), Some),
    reading_objs(Some, Facts).
cited(_, Readings, _, Facts) =>
    reading_objs(Readings, Facts).

object_fact(obj(Pairs), Id) :-
    memberchk(facts-Ids, Pairs),
    member(Id, Ids).

health_words(none, Healths, Words) =>
    length(Healths, Count),
    findall(Node, member(health(Node, ok, _, _), Healths), Well),
    findall(Node, member(health(Node, unknown, _, _), Healths), Unknown),
    findall(Text, ( member(Health, [critical, degraded]),
                    member(health(Node, Health, Power, Anomalies), Healths),
                    node_words(Node, Health, Power, Anomalies, Text) ), Ill),
    length(Well, WellCount),
    length(Ill, IllCount),
    length(Unknown, UnknownCount),
    format(string(Counts), "Of ~d nodes: ~d well, ~d not well, ~d unknown.",
           [Count, WellCount, IllCount, UnknownCount]),
    (   Unknown == []
    ->  Rest = []
    ;   and_list(Unknown, List),
        format(string(Text), "Nothing is known of ~s.", [List]),
        Rest = [Text]
    ),
    append(Ill, Rest, Tail),
    joined([Counts|Tail], Words).
health_words(_, [health(Node, Health, Power, Anomalies)], Words) =>
    node_words(Node, Health, Power, Anomalies, Words).

node_words(Node, ok, _, _, Words) =>
    format(string(Words), "~s is well: it tells of itself, and nothing that it tells is wrong.",
           [Node]).
node_words(Node, unknown, Power, Anomalies, Words) =>
    unknown_why(Power, Why),
    anomalies_words(Node, Anomalies, Said),
    format(string(Words), "How ~s is, is unknown: ~s.~s", [Node, Why, Said]).
node_words(Node, Health, _, Anomalies, Words) =>
    anomalies_words(Node, Anomalies, Said),
    format(string(Words), "~s is ~w.~s", [Node, Health, Said]).

unknown_why(asleep, "it was put to sleep").
unknown_why(down, "it does not answer").
unknown_why(awake, "it answers, but tells nothing fresh").
unknown_why(unknown, "nothing fresh is known of it").

anomalies_words(_, [], "") :- !.
anomalies_words(Node, Anomalies, Said) :-
    findall(Text, ( member(Anomaly, Anomalies), anomaly_words(Node, Anomaly, Text) ), Texts),
    joined(Texts, List),
    string_concat(" ", List, Said).

anomaly_words(Node, anomaly(Severity, storm, _, _, Alert), Words) :-
    !,
    format(string(Words), "~s is one of many in alert ~w (~w).", [Node, Alert, Severity]).
anomaly_words(Node, anomaly(Severity, Condition, Part, Used, Alert), Words) :-
    condition_sentence(Condition, Node, Part, Sentence),
    findall(Text, used_words(Used, Text), Texts),
    ( Texts == [] -> Now = "" ; and_list(Texts, List), format(string(Now), ": ~s", [List]) ),
    ( Alert == none -> Told = "" ; format(string(Told), ", alert ~w", [Alert]) ),
    format(string(Words), "~s~s (~w~s).", [Sentence, Now, Severity, Told]).

used_words(Used, Text) :-
    member(used(Metric, _, Value, _, _), Used),
    integer(Value),
    metric(Metric, Unit, _, _, _),
    Unit \== bool,
    metric_words(Metric, Name),
    amount(Unit, Value, Amount),
    format(string(Text), "~w ~s", [Name, Amount]).

anomaly_objs(Node, Anomalies, Objs) :-
    findall(obj([ condition-Condition, severity-Severity, part-Part, alert-Id, words-Words,
                  facts-Ids ]),
            ( member(Anomaly, Anomalies),
              Anomaly = anomaly(Severity, Condition, Part, Used, Alert),
              ( Alert == none -> Id = null ; Id = Alert ),
              anomaly_words(Node, Anomaly, Words),
              findall(FactId, ( member(used(Metric, Of, _, _, _), Used), metric(Metric, _, _, _, _),
                                fact_id(Node, Metric, Of, FactId) ), Ids) ),
            Objs).

%!  thermal_answer(+Told, +Readings:list, +Cut, -Obj) is det.
%
%   Told is told(Asked, Risks, Cool, Unknown).

thermal_answer(told(Asked, Risks, Cool, Unknown), Readings, Cut, Obj) :-
    findall(Text, ( member(Risk, Risks), risk_words(Risk, Text) ), Texts),
    thermal_words(Asked, Risks, Texts, Cool, Unknown, Readings, Words0),
    with_cut(Cut, Words0, Words),
    findall(RiskObj, ( member(Risk, Risks), risk_obj(Risk, RiskObj) ), Objs),
    thermal_facts(Asked, Risks, Readings, Facts),
    unknown_words(Unknown, UnknownWords),
    append(Texts, UnknownWords, Proof),
    Obj = obj([ words-Words, risks-Objs, cool-Cool, unknown_nodes-Unknown, facts-Facts,
                proof-Proof ]).

thermal_words(none, [], _, [], _, _, Words) =>
    Words = "Whether a node is at risk of throttling is unknown: no temperature is known.".
thermal_words(none, [], _, Cool, Unknown, _, Words) =>
    length(Cool, Count),
    length(Unknown, Others),
    (   Others =:= 0
    ->  format(string(Words), "No node is at risk of throttling: all ~d are cool.", [Count])
    ;   format(string(Words), "No node is known to be at risk of throttling: ~d are cool, and of \c
                               ~d no temperature is known.", [Count, Others])
    ).
thermal_words(none, Risks, Texts, _, Unknown, _, Words) =>
    findall(Node, member(risk(_, Node, _, _, _, _, _, _), Risks), Nodes0),
    sort(Nodes0, Nodes),
    and_list(Nodes, List),
    length(Nodes, Count),
    ( Count =:= 1 -> Be = "is" ; Be = "are" ),
    format(string(First), "~s ~s at risk of throttling.", [List, Be]),
    unknown_words(Unknown, Rest),
    append(Texts, Rest, Tail),
    joined([First|Tail], Words).
thermal_words(Node, [], _, [], _, _, Words) =>
    format(string(Words), "Whether ~s is too hot is unknown: no temperature of it is known.",
           [Node]).
thermal_words(Node, [], _, _, _, Readings, Words) =>
    findall(Text, warm(Readings, Text), Texts),
    and_list(Texts, List),
    format(string(Words), "~s is not at risk of throttling: ~s.", [Node, List]).
thermal_words(_, _, Texts, _, _, _, Words) =>
    joined(Texts, Words).

warm(Readings, Text) :-
    member(reading(_, Metric, Part, Value, _, true), Readings),
    metric(Metric, millicelsius, _, _, _),
    of_part(Metric, Part, Name),
    amount(millicelsius, Value, Amount),
    format(string(Text), "~s ~s", [Name, Amount]).

of_part(Metric, Part, Name) :-
    metric_words(Metric, Words),
    ( Part == "" -> format(string(Name), "~w", [Words])
    ; format(string(Name), "~w of ~s", [Words, Part]) ).

risk_words(risk(How, Node, Metric, Part, Value, Slope, Threshold, Minutes), Words) :-
    of_part(Metric, Part, Name),
    amount(millicelsius, Value, Now),
    amount(millicelsius, Threshold, Limit),
    way(How, Slope, Minutes, Way),
    format(string(Words), "~s: ~s is ~s, the threshold ~s~s.", [Node, Name, Now, Limit, Way]).

way(hot, _, _, Way) =>
    Way = ", which is reached".
way(near, null, _, Way) =>
    Way = ", which is near; whether it rises is unknown".
way(near, Slope, _, Way), Slope < 100 =>
    Way = ", which is near; it does not rise".
way(near, Slope, _, Way) =>
    amount(millicelsius, Slope, Rise),
    format(string(Way), ", which is near; it rises by ~s an hour", [Rise]).
way(_, Slope, Minutes, Way) =>
    amount(millicelsius, Slope, Rise),
    Seconds is Minutes * 60,
    duration(Seconds, Time),
    format(string(Way), ", which it reaches in ~s (~s an hour)", [Time, Rise]).

risk_obj(risk(How, Node, Metric, Part, Value, Slope, Threshold, Minutes), Obj) :-
    Risk = risk(How, Node, Metric, Part, Value, Slope, Threshold, Minutes),
    risk_words(Risk, Words),
    fact_id(Node, Metric, Part, Id),
    Obj = obj([ node-Node, how-How, metric-Metric, part-Part, value-Value, slope_per_hour-Slope,
                threshold-Threshold, minutes-Minutes, fact-Id, words-Words ]).

thermal_facts(none, Risks, Readings, Facts) =>
    findall(Reading,
            ( member(Reading, Readings), Reading = reading(Node, Metric, Part, _, _, _),
              memberchk(risk(_, Node, Metric, Part, _, _, _, _), Risks) ), Some),
    reading_objs(Some, Facts).
thermal_facts(_, _, Readings, Facts) =>
    reading_objs(Readings, Facts).

unknown_words([], []) :- !.
unknown_words(Unknown, [Words]) :-
    and_list(Unknown, List),
    format(string(Words), "No temperature is known of ~s.", [List]).

with_cut(true, Words0, Words) =>
    string_concat(Words0, " There is more than was told.", Words).
with_cut(_, Words0, Words) =>
    Words = Words0.

joined(Texts, Words) :-
    atomic_list_concat(Texts, ' ', Atom),
    atom_string(Atom, Words).
