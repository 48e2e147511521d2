%   SPDX-License-Identifier: Apache-2.0

:- module(door_sensed,
          [ sensed/2                    % +In, -Out
          ]).
:- use_module(library(lists), [append/3, member/2, memberchk/2]).
:- use_module(library(pairs), [pairs_values/2]).
:- use_module(kb('1_words/condition_words'), [severity/2]).
:- use_module(kb('1_words/metric_words'), [metric_named/2]).
:- use_module(kb('1_words/wire'), [answered/3, fields/3, refuse/4, shown/2]).
:- use_module(kb('2_seen/seen'), [asking_at/2]).
:- use_module(kb('2_seen/senses'), [last_sensed/6, live/1, slope_per_hour/4]).
:- use_module(kb('2_seen/site'), []).
:- use_module(kb('3_rules/conditions'), [alert_condition/4, levels_for/3, watching/3]).
:- use_module(kb('3_rules/condition'), [level_of/3]).
:- use_module(kb('3_rules/vitals'), [node_look/2]).
:- use_module(kb('4_say/readings'), [fact_id/4]).

/** <module> Door sensed: what was last sensed, as the look of hand `senses`

A job is {"hand":"senses","op":"facts","what":"readings","nodes":"all" or [names], "metrics"?:
[names]}. Where there is more than a message holds, what matters most is told and `cut` is true:
what is not well before what is, fresh before stale, and of each node something.

"what":"vitals" tells instead, of each node by its name, what a list shows beside its health
(3_rules/vitals.pl): {"nodes":{name:{"words"?, "watts_range"?, "vitals"?}}}.
*/

facts_max(900).

%!  sensed(+In, -Out) is det.

:- det(sensed/2).
sensed(In, Out) :-
    answered(found, In, Out).

found(In, Found) :-
    fields(In, [required(job, obj), required(now_ms, integer)], [Job, NowMs]),
    fields(Job,
           [ required(hand, string), required(op, string), required(what, string),
             required(nodes, any), optional(metrics, list, []) ],
           [Hand, Op, What, NodesSaid, MetricsSaid]),
    (   Hand-Op == "senses"-"facts",
        memberchk(What, ["readings", "vitals"])
    ->  true
    ;   shown(What, Shown),
        refuse(bad_value, what, "'~s' is nothing that senses tell; readings and vitals are",
               [Shown])
    ),
    nodes_asked(NodesSaid, Nodes),
    metrics_asked(MetricsSaid, Metrics),
    (   NowMs > 0
    ->  told(What, Nodes, Metrics, NowMs, Found)
    ;   refuse(bad_value, now_ms, "now_ms is a time, not ~d", [NowMs])
    ).

told("vitals", Nodes, _, NowMs, obj([nodes-obj(Pairs)])) :-
    asking_at(NowMs, live(findall(Node-obj(Look),
                                  ( member(Node, Nodes), site:node(Node, _, _),
                                    node_look(Node, Look) ),
                                  Pairs))).
told("readings", Nodes, Metrics, NowMs, obj([facts-Facts, cut-Cut])) :-
    asking_at(NowMs, live(known(Nodes, Metrics, NowMs, Keyed))),
    length(Keyed, Count),
    facts_max(Max),
    (   Count =< Max
    ->  Kept = Keyed,
        Cut = false
    ;   keysort(Keyed, Ranked),
        length(Kept, Max),
        append(Kept, _, Ranked),
        Cut = true
    ),
    pairs_values(Kept, Terms),
    sort(Terms, Sorted),
    findall(Obj, ( member(Term, Sorted), fact_obj(Term, NowMs, Obj) ), Facts).

nodes_asked("all", Nodes) :-
    !,
    findall(Node, site:node(Node, _, _), Nodes0),
    sort(Nodes0, Nodes).
nodes_asked(Nodes, Nodes) :-
    is_list(Nodes),
    \+ ( member(Node, Nodes), \+ string(Node) ),
    length(Nodes, Count),
    Count =< 1000,
    !.
nodes_asked(_, _) :-
    refuse(wrong_type, nodes, "field 'nodes' must be \"all\" or a list of names", []).

metrics_asked(Said, Metrics) :-
    findall(Metric, ( member(Text, Said), metric_named(Text, Metric) ), Metrics),
    length(Said, Count),
    (   length(Metrics, Count)
    ->  true
    ;   refuse(bad_value, metrics, "not all of these are metrics", [])
    ).

%   Rank-fact(Node, Metric, Part, Value, AtMs, Fresh, Slope): of each node one of each rank first.
known(Nodes, Metrics, NowMs, Keyed) :-
    findall(key(Rank, Metric)-fact(Node, Metric, Part, Value, AtMs, Fresh, Slope),
            ( member(Node, Nodes),
              last_sensed(Node, Metric, Part, Value, AtMs, Fresh),
              AtMs =< NowMs + 60000,
              ( Metrics == [] ; memberchk(Metric, Metrics) ),
              ( Fresh == true, slope_per_hour(Node, Metric, Part, Slope0) -> Slope = Slope0
              ; Slope = null ),
              rank(Node, Metric, Value, Fresh, Rank) ),
            Keyed).

rank(Node, Metric, Value, true, Rank) :-
    watching(Metric, Condition, value),
    alert_condition(Condition, of(Metric), _, _),
    levels_for(Condition, Node, Levels),
    level_of(Levels, value(Value), Level),
    severity(Level, _),
    !,
    Rank = 1.
rank(_, Metric, _, true, Rank) :- first_of_all(Metric), !, Rank = 2.
rank(_, _, _, true, Rank)      :- !, Rank = 3.
rank(_, _, _, false, 4).

%   What says that a node is there, where something fits, and how hot it is.
first_of_all(Metric) :-
    memberchk(Metric, [ source_ok, memory_available, gpu_memory_used, gpu_busy, cpu_temperature,
                        gpu_temperature ]).

fact_obj(fact(Node, Metric, Part, Value, AtMs, Fresh, Slope), NowMs,
         obj([ id-Id, node-Node, metric-Metric, part-Part, value-Value, at_ms-AtMs, age_s-AgeS,
               fresh-Fresh, slope-Slope ])) :-
    AgeS is max(0, NowMs - AtMs) // 1000,
    fact_id(Node, Metric, Part, Id).
