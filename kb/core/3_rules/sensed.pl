%   SPDX-License-Identifier: Apache-2.0

:- module(sensed,
          [ facts_job/2,                % +Nodes, -Job
            facts_job/3,                % +Nodes, +Metrics, -Job
            readings_seen/3,            % -Readings, -Refused, -Cut
            with_look/1,                % :Goal
            fresh/1,                    % +Reading
            nodes_down/2,               % +Readings, -Down
            node_power_now/3,           % +Node, +Readings, -Power
            node_use/3                  % +Node, +Readings, -Used
          ]).
:- use_module(library(lists), [member/2, memberchk/2]).
:- use_module(library(pairs), [pairs_keys/2, pairs_values/2]).
:- use_module(kb('1_words/metric_words'), [metric/5, metric_named/2, part_text/1]).
:- use_module(kb('1_words/wire'), [field/3]).
:- use_module(kb('2_seen/seen'), [looked/2]).
:- use_module(kb('2_seen/senses'), [from_look/2]).
:- use_module(kb('2_seen/site'), []).
:- use_module(kb('2_seen/state'), []).

/** <module> What a look of the hand `senses` brought, and what of it is known

    reading(Node, Metric, Part, Value, AgeS, Fresh)

Each fact is checked as if it came from a stranger: node, metric and part are of ours, the value in
the metric's range; what is not so is left out and counted. What is not fresh says nothing: neither
its value, nor zero. Rules over readings (health.pl, thermal.pl) see the same facts in with_look/1.
*/

:- meta_predicate with_look(0).

%!  facts_job(+Nodes, -Job) is det.
%
%   Nodes is a list of names, or all.

facts_job(Nodes, obj([hand-senses, op-facts, what-readings, nodes-Nodes])).

%!  facts_job(+Nodes, +Metrics:list, -Job) is det.

facts_job(Nodes, Metrics, obj([ hand-senses, op-facts, what-readings, nodes-Nodes,
                                metrics-Metrics ])).

%!  readings_seen(-Readings:list, -Refused:integer, -Cut) is det.
%
%   Cut is true if there was more than was told.

readings_seen(Readings, Refused, Cut) :-
    facts_seen(Facts, Cut),
    taken(Facts, Pairs, 0, Refused),
    pairs_keys(Pairs, Readings).

facts_seen(Facts, Cut) :-
    (   looked(senses, Seen),
        field(Seen, facts, Found),
        is_list(Found)
    ->  Facts = Found,
        (   field(Seen, cut, true)
        ->  Cut = true
        ;   Cut = false
        )
    ;   Facts = [],
        Cut = false
    ).

%   Each good fact as Reading-Fact.
taken([], [], Refused, Refused).
taken([Fact|Facts], Pairs, Refused0, Refused) :-
    (   reading(Fact, Reading)
    ->  Pairs = [Reading-Fact|More],
        taken(Facts, More, Refused0, Refused)
    ;   Refused1 is Refused0 + 1,
        taken(Facts, Pairs, Refused1, Refused)
    ).

reading(Fact, reading(Node, Metric, Part, Value, AgeS, Fresh)) :-
    field(Fact, node, Node),
    string(Node),
    site:node(Node, _, _),
    field(Fact, metric, MetricText),
    metric_named(MetricText, Metric),
    field(Fact, part, Part),
    part_text(Part),
    field(Fact, value, Value),
    integer(Value),
    metric(Metric, _, Min, Max, _),
    Value >= Min,
    Value =< Max,
    field(Fact, at_ms, AtMs),
    integer(AtMs),
    AtMs >= 0,
    field(Fact, age_s, AgeS),
    integer(AgeS),
    field(Fact, fresh, Fresh),
    memberchk(Fresh, [true, false]),
    !.

%!  with_look(:Goal) is semidet.
%
%   Goal, once; what was sensed is the good facts of the look.

with_look(Goal) :-
    facts_seen(Facts, _),
    taken(Facts, Pairs, 0, _),
    pairs_values(Pairs, Good),
    from_look(Good, Goal).

%!  fresh(+Reading) is semidet.

fresh(reading(_, _, _, _, _, true)).

%!  nodes_down(+Readings:list, -Down:list) is det.
%
%   The nodes that are known not to answer: put to sleep, or each source of theirs says so. Who
%   tells nothing is not down but unknown.

nodes_down(Readings, Down) :-
    findall(Node, ( site:node(Node, _, _), down(Node, Readings) ), Down0),
    sort(Down0, Down).

down(Node, Readings) :-
    node_power_now(Node, Readings, Power),
    memberchk(Power, [asleep, down]).

%!  node_power_now(+Node, +Readings:list, -Power) is det.
%
%   awake, asleep, down or unknown.

node_power_now(Node, Readings, Power) :-
    (   tells(Node, Readings)
    ->  Power = awake
    ;   site:node_host(Node, Host),
        state:host_power(Host, asleep, _)
    ->  Power = asleep
    ;   silent(Node, Readings)
    ->  Power = down
    ;   site:node_host(Node, Host),
        state:host_power(Host, awake, _)
    ->  Power = awake
    ;   Power = unknown
    ).

%   A fresh number of its own, or a source that answers.
tells(Node, Readings) :-
    member(Reading, Readings),
    Reading = reading(Node, Metric, _, Value, _, _),
    ( Metric \== source_ok ; Value =:= 1 ),
    fresh(Reading),
    !.

silent(Node, Readings) :-
    member(Reading, Readings),
    Reading = reading(Node, source_ok, _, 0, _, _),
    fresh(Reading),
    !.

%!  node_use(+Node, +Readings:list, -Used) is det.
%
%   used(FreeMemoryMib, [Gpu-FreeMib, …], Idle) of scheduler.pl. A GPU of the site facts is told
%   apart by its name as the part; where node and readings have one each, they are the same one.

node_use(Node, Readings, used(FreeMemory, Gpus, Idle)) :-
    (   now(Node, memory_available, _, Readings, Bytes)
    ->  FreeMemory is Bytes // 1048576
    ;   FreeMemory = unknown
    ),
    findall(Gpu-Vram, site:node_gpu(Node, Gpu, Vram, _), Known),
    findall(Part-Used, now(Node, gpu_memory_used, Part, Readings, Used), Measured),
    free(Known, Measured, Gpus),
    idle(Node, Readings, Idle).

now(Node, Metric, Part, Readings, Value) :-
    member(Reading, Readings),
    Reading = reading(Node, Metric, Part, Value, _, _),
    fresh(Reading).

free([Gpu-Vram], [_-Used], Gpus) =>
    Gpus = [Gpu-Free],
    left(Vram, Used, Free).
free(Known, Measured, Gpus) =>
    findall(Gpu-Free,
            ( member(Gpu-Vram, Known),
              ( memberchk(Gpu-Used, Measured) -> left(Vram, Used, Free) ; Free = unknown ) ),
            Gpus).

%   A part of a MiB in use is a whole one.
left(Vram, Used, Free) :-
    Free is max(0, Vram - (Used + 1048575) // 1048576).

%   Who sits there is told by its agent, and counts at once. Nobody plays and nothing computes: each
%   GPU that is known is at most 5 % busy; that nobody sits there is not enough.
idle(Node, Readings, full_screen) :-
    now(Node, full_screen, _, Readings, 1),
    !.
idle(Node, Readings, person) :-
    now(Node, inhibitors, "person", Readings, Count),
    Count > 0,
    !.
idle(Node, Readings, Idle) :-
    findall(Busy, now(Node, gpu_busy, _, Readings, Busy), All),
    (   All == []
    ->  Idle = unknown
    ;   member(Busy, All),
        Busy > 50
    ->  Idle = no
    ;   Idle = yes
    ).
