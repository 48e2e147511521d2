%   SPDX-License-Identifier: Apache-2.0

:- module(thermal,
          [ thermal_risk/2,             % +Node, -Risk
            thermal_risks/2,            % +Nodes, -Risks
            thermal_state/2             % +Node, -State
          ]).
:- use_module(library(lists), [member/2]).
:- use_module(kb('2_seen/senses'), [sensed/5, slope_per_hour/4]).
:- use_module(conditions, [alert_condition/4, levels_for/3]).

/** <module> Who becomes too hot, and when

Ask inside senses:live/1 or from_look/2. The threshold of a part is where its condition (cpu_hot and
its like) raises, with what the owner said by threshold facts; machines throttle a little above.

    risk(How, Node, Metric, Part, Value, Slope, Threshold, Minutes)

    How        hot (at the threshold or beyond) · soon (there within a quarter of an hour) ·
               rising (within two hours) · near (within 5 degrees, not rising)
    Slope      a tenth of a degree or more an hour is a direction; in millidegrees an hour, or null
    Minutes    until the threshold at this slope; 0 when hot, null when it does not rise
*/

soon_minutes(15).
rising_minutes(120).
near_millidegrees(5000).

%!  thermal_risk(+Node, -Risk) is nondet.

thermal_risk(Node, risk(How, Node, Metric, Part, Value, Slope, Threshold, Minutes)) :-
    temperature(Metric, Condition),
    sensed(Node, Metric, Part, Value, _),
    levels_for(Condition, Node, levels(up, [_-Threshold|_], _)),
    (   slope_per_hour(Node, Metric, Part, Slope0)
    ->  Slope = Slope0
    ;   Slope = null
    ),
    how(Value, Slope, Threshold, How, Minutes).

temperature(Metric, Condition) :-
    member(Condition, [cpu_hot, gpu_hot, disk_hot, board_hot]),
    alert_condition(Condition, of(Metric), _, _).

how(Value, _, Threshold, hot, 0) :-
    Value >= Threshold,
    !.
how(Value, Slope, Threshold, How, Minutes) :-
    integer(Slope),
    Slope >= 100,
    Minutes0 is (Threshold - Value) * 60 // Slope,
    rising_minutes(Rising),
    Minutes0 =< Rising,
    !,
    Minutes = Minutes0,
    soon_minutes(Soon),
    (   Minutes =< Soon
    ->  How = soon
    ;   How = rising
    ).
how(Value, _, Threshold, near, null) :-
    near_millidegrees(Near),
    Value >= Threshold - Near.

%!  thermal_risks(+Nodes:list, -Risks:list) is det.
%
%   Of all these nodes, the worst first: by How, then by what is left until the threshold.

thermal_risks(Nodes, Risks) :-
    findall(key(Rank, Left, Node, Part)-Risk,
            ( member(Node, Nodes),
              thermal_risk(Node, Risk),
              Risk = risk(How, _, _, Part, Value, _, Threshold, Minutes),
              rank(How, Rank),
              ( integer(Minutes), Minutes > 0 -> Left = Minutes ; Left is Threshold - Value ) ),
            Keyed0),
    keysort(Keyed0, Keyed),
    findall(Risk, member(_-Risk, Keyed), Risks).

rank(hot, 1).
rank(soon, 2).
rank(rising, 3).
rank(near, 4).

%!  thermal_state(+Node, -State) is det.
%
%   The worst of its risks; cool where there is none, unknown where no temperature is known.

thermal_state(Node, State) :-
    thermal_risks([Node], Risks),
    (   Risks = [Worst|_]
    ->  arg(1, Worst, State)
    ;   temperature(Metric, _),
        sensed(Node, Metric, _, _, _)
    ->  State = cool
    ;   State = unknown
    ).
