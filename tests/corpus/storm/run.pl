%   SPDX-License-Identifier: Apache-2.0

/*  run — alert storms through the doors `observe`, `learn` and `alert`, as TAP.

        swipl -O -f none -F none tests/corpus/storm/run.pl

    200 nodes. What a person gets must stay a handful however many thresholds are crossed, no node
    that crossed may be missing from it, and each entry must give its answer again.
*/

:- multifile(user:file_search_path/2).
:- dynamic(user:file_search_path/2).
:- prolog_load_context(directory, Here),
   atom_concat(Here, '/../../../kb/core', Core),
   asserta(user:file_search_path(kb, Core)),
   atom_concat(Here, '/../../../kb/test', Test),
   asserta(user:file_search_path(test, Test)).

:- use_module(library(lists)).
:- use_module(library(apply)).
:- use_module(library(aggregate)).
:- use_module(test(sensing)).
:- use_module(test(asking), [at/3]).
:- use_module(kb('2_seen/alerts')).
:- use_module(kb('2_seen/standings')).

nodes(200).
t0(1795228235000).

%   Ten conditions, five parts each: 50 crossings a node, 10,000 in all.
crossing(cpu_temperature, 99000, 50000).
crossing(gpu_temperature, 99000, 50000).
crossing(disk_temperature, 80000, 30000).
crossing(board_temperature, 99000, 30000).
crossing(inodes_used_share, 990, 100).
crossing(raid_missing, 1, 0).
crossing(zpool_online, 0, 1).
crossing(filesystem_error, 1, 0).
crossing(unit_failed, 1, 0).
crossing(gpu_throttled, 1, 0).

node_name(I, Node) :- format(string(Node), "n~d", [I]).

:- nodes(Count),
   forall(between(1, Count, I),
          ( node_name(I, Node), assertz(site:node(Node, "", "")),
            assertz(site:sense_source(Node, Node, exporter, "", 10)) )).

:- initialization(main, main).

:- dynamic told/3, failed/1.

main :-
    findall(Name, clause(check(Name), _), Names),
    length(Names, Count),
    format("1..~d~n", [Count]),
    forall(nth1(At, Names, Name), checked(At, Name)),
    ( failed(_) -> halt(1) ; halt(0) ).

checked(At, Name) :-
    retractall(told(_, _, _)),
    statistics(cputime, Before),
    (   catch(check(Name), Ball, ( print_message(error, Ball), fail ))
    ->  Word = ok
    ;   Word = 'not ok',
        assertz(failed(Name))
    ),
    statistics(cputime, After),
    Took is After - Before,
    aggregate_all(count, told(alert_raised, _, _), Raised),
    aggregate_all(count, told(alert_changed, _, _), Changed),
    aggregate_all(count, told(alert_cleared, _, _), Cleared),
    format("~w ~d - ~w~n# ~d raised, ~d changed, ~d cleared, ~2f s of CPU~n",
           [Word, At, Name, Raised, Changed, Cleared, Took]).

                /*  playing  */

%   feed(+Second, +Rows): in the sensor's portions; what comes of it is learned and asked again.
feed(Second, Readings) :-
    t0(T0),
    Now is T0 + round(Second * 1000),
    findall([Node, Metric, Part, Value, Now], member(r(Node, Metric, Part, Value), Readings), Rows),
    portions(Rows, Now).

portions(Rows, Now) :-
    length(Rows, Count),
    (   Count > 500
    ->  length(Head, 500),
        append(Head, Tail, Rows),
        portion(Head, Now),
        portions(Tail, Now)
    ;   portion(Rows, Now)
    ).

portion(Rows, Now) :-
    observed_learned(Now, Rows, Told),
    forall(member(told(Kind, Seq, Body), Told),
           ( small_enough(Body), assertz(told(Kind, Seq, Body)) )).

%   An entry fits half a message of the ledger (192 KiB).
small_enough(Body) :-
    format(string(Text), "~q", [Body]),
    string_length(Text, Length),
    (   Length < 98304
    ->  true
    ;   throw(too_long(Length))
    ).

rows(From, To, Which, Readings) :-
    findall(r(Node, Metric, Part, Value),
            ( between(From, To, I), node_name(I, Node), crossing(Atom, Bad, Good),
              atom_string(Atom, Metric), between(1, 5, P), format(string(Part), "p~d", [P]),
              ( Which == bad -> Value = Bad ; Value = Good ) ),
            Readings).

started :-
    t0(T0),
    begun(T0).

%   Everybody whose threshold was crossed stands in an alert, and its node is named by an entry.
nobody_lost :-
    forall(standing(Condition, Node, Part, st(Is, _, _, _, _, _, _, _), Owner),
           (   memberchk(Is, [calm, armed, rising])
           ->  true
           ;   in_alert(Owner, Node)
           ->  true
           ;   throw(lost(Condition, Node, Part, Owner))
           )).

in_alert(alert(Id), Node) :-
    alert_open(Id, _, Node, _, _, _, _, _).
in_alert(storm(_, told), Node) :-
    told(_, _, Body),
    at(Body, "members", Members),
    memberchk(Node, Members),
    !.

open_alerts(Count) :-
    aggregate_all(count, alert_open(_, _, _, _, _, _, _, _), Count).

                /*  what is checked  */

%   All at once: five storms and one of others.
check('10,000 crossings in a minute over 200 nodes are six alerts, and no node is lost') :-
    started,
    rows(1, 200, good, Good),
    rows(1, 200, bad, Bad),
    length(Bad, 10000),
    feed(0, Good),
    forall(between(1, 20, I), ( S is I * 10, feed(S, Bad) )),
    open_alerts(Open),
    Open =< 6,
    aggregate_all(count, told(alert_raised, _, _), Raised),
    Raised =< 6,
    aggregate_all(count, told(_, _, _), Entries),
    Entries =< 20,
    aggregate_all(count, ( standing(_, _, _, st(raised, _, _, _, _, _, _, _), storm(_, told)) ),
                  10000),
    nobody_lost,
    %   and it passes, each storm once
    retractall(told(_, _, _)),
    forall(between(1, 20, I), ( S is 200 + I * 30, feed(S, Good) )),
    open_alerts(0),
    aggregate_all(count, told(alert_cleared, _, _), Open).

%   Node after node, one each second: five alone, then the storm.
check('nodes that cross one after the other: at most six alerts a condition') :-
    started,
    findall(r(Node, "cpu_temperature", "", 50000),
            ( between(1, 200, I), node_name(I, Node) ), Good),
    feed(0, Good),
    forall(between(1, 300, S),
           ( findall(r(Node, "cpu_temperature", "", Value),
                     ( between(1, 200, I), I mod 10 =:= S mod 10, node_name(I, Node),
                       ( I =< S -> Value = 99000 ; Value = 50000 ) ),
                     Rows),
             feed(S, Rows) )),
    feed(320, []),
    open_alerts(Open),
    Open =< 6,
    nobody_lost.

%   The switch dies: everybody is silent, and their own conditions with them.
check('200 silent nodes are one alert; nothing else is raised or cleared by it') :-
    started,
    findall(r(Node, "cpu_temperature", "", 99000), ( between(1, 3, I), node_name(I, Node) ), Hot),
    findall(r(Node, "cpu_busy", "", 10), ( between(1, 200, I), node_name(I, Node) ), Busy),
    append(Hot, Busy, Rows),
    forall(between(0, 10, I), ( S is I * 10, feed(S, Rows) )),
    open_alerts(3),
    retractall(told(_, _, _)),
    forall(between(21, 100, I), ( S is I * 5, feed(S, []) )),
    aggregate_all(count, told(alert_raised, _, _), 1),
    aggregate_all(count, told(alert_cleared, _, _), 0),
    alert_open(_, storm, "", "node_silent", _, _, 200, Members),
    length(Members, 200),
    open_alerts(4).

%   Sensors that jump over their threshold and back each ten seconds, for an hour.
check('200 flapping nodes for an hour: no more entries than a storm may tell') :-
    started,
    forall(between(0, 360, I),
           ( S is I * 10,
             ( I mod 6 < 4 -> Value = 99000 ; Value = 50000 ),
             findall(r(Node, "cpu_temperature", "", Value),
                     ( between(1, 200, N), node_name(N, Node) ), Rows),
             feed(S, Rows) )),
    aggregate_all(count, told(alert_raised, _, _), Raised),
    Raised =< 2,
    aggregate_all(count, told(_, _, _), Entries),
    Entries =< 60,
    nobody_lost.

%   Nonsense from everywhere between good readings of a storm.
check('absurd, stale, future and missing values change no alert') :-
    started,
    findall(r(Node, "cpu_temperature", "", 50000),
            ( between(1, 200, I), node_name(I, Node) ), Good),
    t0(T0),
    forall(between(0, 60, I),
           ( S is I * 10, feed(S, Good),
             Now is T0 + S * 1000 + 1, Ahead is Now + 3600000, Old is Now - 3600000,
             findall([Node, "cpu_temperature", "", Value, At],
                     ( between(1, 80, N), node_name(N, Node),
                       member(Value-At, [ 1000000000000000000000000-Now, -99000000-Now, 99000.5-Now,
                                          99000-Ahead, 99000-Old, null-Now ]) ),
                     Rows),
             portion(Rows, Now) )),
    aggregate_all(count, told(_, _, _), 0),
    open_alerts(0).
