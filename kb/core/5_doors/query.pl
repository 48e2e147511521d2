%   SPDX-License-Identifier: Apache-2.0

:- module(door_query,
          [ query/2                     % +In, -Out
          ]).
:- use_module(library(lists), [append/3, member/2]).
:- use_module(library(pairs), [pairs_values/2]).
:- use_module(kb('1_words/wire'), [answered/3, field/3, fields/3, refuse/4, shown/2]).
:- use_module(kb('1_words/dns_name'), [fqdn/3]).
:- use_module(kb('1_words/first'), [first/3]).
:- use_module(kb('1_words/metric_words'), [metric/5, metric_named/2]).
:- use_module(kb('2_seen/alerts'),
              [alert_acknowledged/4, alert_open/8, alert_past/8, alert_status/2, alert_words/2,
               newest_alerts/4]).
:- use_module(kb('2_seen/senses'), [last_sensed/6, live/1, slope_per_hour/4]).
:- use_module(kb('2_seen/site'), []).
:- use_module(kb('3_rules/health'), [node_health/3]).
:- use_module(kb('3_rules/thermal'), [thermal_state/2]).
:- use_module(kb('4_say/alerts'), [condition_sentence/4]).
:- use_module(kb('2_seen/state'), [newest_changes/1, changes_max/1]).
:- use_module(kb('3_rules/action'), [action/3, action_term/3]).
:- use_module(kb('3_rules/asked'), [by_term/2]).
:- use_module(kb('3_rules/house'), [node_card/2, node_known/2]).
:- use_module(kb('3_rules/verdict'), [permission/3]).
:- use_module(kb('3_rules/zones'), [zone_of/2, owned_zone/3]).
:- use_module(kb('4_say/verdict'), [reason_text/2]).

/** <module> Door query: questions that change nothing, by name

A question is a row of question/3: its name, its fields, and the rule that answers. Nothing else
can be asked.
*/

%!  query(+In, -Out) is det.

:- det(query/2).
query(In, Out) :-
    answered(asked, In, Out).

asked(In, obj([answers-Answers])) :-
    fields(In, [required(query, string), optional(args, obj, obj([]))], [Name, Args]),
    (   question(Name, Specs, Question)
    ->  fields(Args, Specs, Values),
        answers(Question, Values, Answers)
    ;   findall(Known, question(Known, _, _), All),
        atomic_list_concat(All, ', ', List),
        shown(Name, Shown),
        refuse(unknown_query, query, "'~s' cannot be asked; known are: ~w", [Shown, List])
    ).

question("zone_of", [required(name, string)], zone_of).
question("zones",   [], zones).
question("nodes",   [], nodes).
question("node",    [required(name, string)], node).
question("actions", [], actions).
question("readings", [ optional(node, string, ""), optional(metric, string, ""),
                       optional(limit, integer, 200) ], readings).
question("health",  [optional(node, string, "")], health).
question("alerts",  [ optional(status, string, "open"), optional(limit, integer, 50),
                      optional(before, integer, 0) ], alerts).
question("alert",   [required(alert, integer)], alert).
question("changes", [optional(limit, integer, 20)], changes).
question("may",     [ required(principal, string), required(action, string),
                      required(params, obj), optional(via, string, "api") ], may).

answers(zone_of, [Text], Answers) =>
    fqdn(name, Text, Name),
    (   zone_of(Name, Zone)
    ->  Answers = [Zone]
    ;   Answers = []
    ).
answers(zones, [], Answers) =>
    findall(Zone-obj([name-Zone, server-Server, visibility-Visibility]),
            owned_zone(Zone, Server, Visibility), Pairs),
    ordered(Pairs, Answers).
answers(nodes, [], Answers) =>
    findall(Name-obj([ name-Name, host-Host, words-Words, roles-Roles, gpus-Gpus,
                       volatility-Volatility, weight-Weight ]),
            ( site:node(Name, Host, Words), node_card(Name, Card),
              field(Card, roles, Roles), field(Card, gpus, Gpus),
              field(Card, volatility, Volatility), field(Card, weight, Weight) ), Pairs),
    ordered(Pairs, Answers).
answers(node, [Text], Answers) =>
    (   node_known(Text, Node),
        node_card(Node, Card)
    ->  Answers = [Card]
    ;   Answers = []
    ).
answers(actions, [], Answers) =>
    findall(Name-obj([name-Name, tier-Tier, title-Title]), action(Name, Tier, Title), Pairs),
    ordered(Pairs, Answers).
answers(readings, [Node, MetricText, Limit], Answers) =>
    within(limit, Limit, 1000),
    metric_or_any(MetricText, Metric),
    ( Node == "" -> Nodes = _ ; Nodes = Node ),
    (   live(findall(Reading, reading_obj(Nodes, Metric, Reading), All0))
    ->  true
    ;   All0 = []
    ),
    sort(All0, All),
    pairs_values(All, Values),
    first(Limit, Values, Answers).
answers(health, [Node], Answers) =>
    ( Node == "" -> Nodes = _ ; Nodes = Node ),
    findall(Name, ( site:node(Name, _, _), Name = Nodes ), Names0),
    sort(Names0, Names),
    live(findall(Obj, ( member(Name, Names), health_obj(Name, Obj) ), Answers)).
answers(alerts, [StatusText, Limit, Before], Answers) =>
    within(limit, Limit, 500),
    (   member(Status, [all, open, raised, acknowledged, cleared]),
        atom_string(Status, StatusText)
    ->  true
    ;   shown(StatusText, Shown),
        refuse(bad_value, status,
               "'~s' is no status: all, open, raised, acknowledged or cleared", [Shown])
    ),
    newest_alerts(Status, Before, Limit, Ids),
    findall(Obj, ( member(Id, Ids), alert_obj(Id, Obj) ), Answers).
answers(alert, [Id], Answers) =>
    findall(Obj, alert_obj(Id, Obj), Answers).
answers(changes, [Limit], Answers) =>
    changes_max(Max),
    (   Limit >= 0,
        Limit =< Max
    ->  true
    ;   refuse(bad_value, limit, "limit is ~d; 0 to ~d are answered", [Limit, Max])
    ),
    newest_changes(Changes),
    first(Limit, Changes, Newest),
    findall(obj([ case-Case, seq-Seq, principal-Principal, action-Action, params-Params,
                  undo-Undo ]),
            member(change(Case, Seq, Principal, Action, Params, Undo), Newest), Answers).
answers(may, [Principal, ActionText, Params, Via], Answers) =>
    by_term(obj(["principal"-Principal, "via"-Via]), By),
    action_term(ActionText, Params, Action),
    permission(Action, By, judged(Kind, _, _, Tier, _, For, Against, _, _)),
    append(Against, For, Reasons),
    findall(Text, ( member(Reason, Reasons), reason_text(Reason, Text) ), Words),
    Answers = [obj([verdict-Kind, tier-Tier, reasons-Words])].

within(Name, Number, Max) :-
    (   Number >= 0,
        Number =< Max
    ->  true
    ;   refuse(bad_value, Name, "~w is ~d; 0 to ~d are answered", [Name, Number, Max])
    ).

metric_or_any("", _) :- !.
metric_or_any(Text, Metric) :-
    (   metric_named(Text, Found)
    ->  Metric = Found
    ;   shown(Text, Shown),
        refuse(bad_value, metric, "'~s' is no metric", [Shown])
    ).

reading_obj(Node, Metric, (Node-Metric-Part)-obj([ node-Node, metric-Metric, part-Part,
                                                   value-Value, unit-Unit, at_ms-AtMs,
                                                   fresh-Fresh, slope-Slope ])) :-
    last_sensed(Node, Metric, Part, Value, AtMs, Fresh),
    once(metric(Metric, Unit, _, _, _)),
    (   Fresh == true,
        slope_per_hour(Node, Metric, Part, Slope0)
    ->  Slope = Slope0
    ;   Slope = null
    ).

health_obj(Node, obj([node-Node, health-Health, heat-Heat, anomalies-Anomalies])) :-
    node_health(Node, Health, Found),
    thermal_state(Node, Heat),
    findall(obj([ condition-Condition, part-Part, severity-Severity, alert-Alert, words-Words ]),
            ( member(anomaly(Severity, Condition, Part, _, Id), Found),
              ( Id == none -> Alert = null ; Alert = Id ),
              condition_sentence(Condition, Node, Part, Words) ),
            Anomalies).

alert_obj(Id, obj([ id-Id, status-Status, condition-Condition, node-Node, part-Part,
                    severity-Severity, raised_ms-RaisedMs, words-Words, members-Members,
                    acknowledged-Acknowledged ])) :-
    (   alert_open(Id, Condition, Node, Part, Severity, RaisedMs, _, Members)
    ->  true
    ;   alert_past(Id, Condition, Node, Part, Severity, RaisedMs, _, _)
    ->  Members = []
    ),
    alert_status(Id, Status),
    alert_words(Id, Words),
    (   alert_acknowledged(Id, By, Said, AtMs)
    ->  Acknowledged = obj([by-By, words-Said, at_ms-AtMs])
    ;   Acknowledged = null
    ).

ordered(Pairs, Values) :-
    sort(Pairs, Sorted),
    pairs_values(Sorted, Values).
