%   SPDX-License-Identifier: Apache-2.0

:- module(house_answers,
          [ answer_obj/2,               % +Answer, -Obj
            stranger_words/4,           % +Kind, +Text, +Near, -Words
            step_words/2                % +Step, -Words
          ]).
:- use_module(library(lists), [append/3, member/2, memberchk/2]).
:- use_module(library(apply), [maplist/3]).
:- use_module(kb('1_words/house_words'), [service_text/2]).
:- use_module(kb('1_words/wire'), [shown/2]).
:- use_module(boot_answers, [boot_answer/2]).
:- use_module(health_answers, [health_answer/5, thermal_answer/4]).
:- use_module(readings, [and_list/2, reading_objs/2]).

/** <module> What the rules found out about the house, in words

A rule answers with a term told(Kind, …); here it becomes the object that goes out: `words`, whole
sentences; `proof`, what they rest on, one sentence each; `facts`, the readings that were used, by
id; and the data itself. Any other answer is an object already.
*/

nodes_listed_max(24).

%!  answer_obj(+Answer, -Obj) is det.

answer_obj(Answer, Obj), functor(Answer, told, _) =>
    said(Answer, Obj).
answer_obj(Answer, Obj) =>
    Obj = Answer.

said(told(no_nodes, Strangers, Known), Obj) =>
    findall(Words, ( member(stranger(Text, Near), Strangers),
                     stranger_words(node, Text, Near, Words) ), Sentences),
    known_words(Known, KnownWords),
    append(Sentences, [KnownWords], All),
    joined(All, Words),
    findall(obj([kind-node, name-Text, words-Sentence]),
            ( member(stranger(Text, Near), Strangers),
              stranger_words(node, Text, Near, Sentence) ), Unknown),
    Obj = obj([words-Words, unknown-Unknown, proof-[KnownWords]]).
said(told(node_show, Node, Card, Power, Readings, Refused-Cut), Obj) =>
    power_words(Node, Power, PowerWords),
    Card = obj(Pairs),
    memberchk(words-What, Pairs),
    readings_words(Node, Readings, Refused, Cut, ReadingWords),
    shown(What, Shown),
    format(string(First), "~s is written down as: \"~s\".", [Node, Shown]),
    joined([First, PowerWords|ReadingWords], Words),
    reading_objs(Readings, Facts),
    Obj = obj([words-Words, node-Card, power-Power, facts-Facts, proof-[First, PowerWords]]).
said(told(health, Asked, Healths, Readings, Cut), Obj) =>
    health_answer(Asked, Healths, Readings, Cut, Obj).
said(told(thermal, Asked, Risks, Cool, Unknown, Readings, Cut), Obj) =>
    thermal_answer(told(Asked, Risks, Cool, Unknown), Readings, Cut, Obj).
said(told(reach, From, To, Service, Outcomes), Obj) =>
    reach_words(From, To, Service, Outcomes, Words),
    findall(Way, outcome_obj(Outcomes, Way), Ways),
    (   Service \== none
    ->  Outcomes = [_-Outcome],
        arg(1, Outcome, Steps),
        maplist(step_words, Steps, Proof),
        ( Outcome = yes(_) -> Reachable = true ; Reachable = false )
    ;   findall(Text, ( member(Named-Outcome, Outcomes), decision_words(Named, Outcome, Text) ),
                Proof),
        ( memberchk(_-yes(_), Outcomes) -> Reachable = true ; Reachable = false )
    ),
    Obj = obj([ words-Words, from-From, to-To, reachable-Reachable, services-Ways, proof-Proof ]).
said(told(boot_order, Order, Cycle, Whys), Obj) =>
    boot_answer(told(boot_order, Order, Cycle, Whys), Obj).
said(told(boots_before, Name, Names, Cycle, Whys), Obj) =>
    boot_answer(told(boots_before, Name, Names, Cycle, Whys), Obj).
said(told(path, From, To, Down, Result), Obj) =>
    path_words(Result, From, To, Words),
    ( Result = path(Nodes, Mbit) -> true ; Nodes = [], Mbit = null ),
    down_words(Down, DownWords),
    Obj = obj([ words-Words, from-From, to-To, path-Nodes, mbit-Mbit, down-Down,
                proof-[Words, DownWords] ]).
said(told(placement, Load, Ranked, Refused), Obj) =>
    placement_words(Load, Ranked, Refused, Words),
    findall(obj([node-Node, gpu-Gpu, left_mib-Left, words-Text]),
            ( member(Place, Ranked), place_words(Place, Text),
              Place = place(Node, Gpu0, Left, _), null_for_none(Gpu0, Gpu) ), Places),
    findall(obj([node-Node, rule-Rule, words-Text]),
            ( member(refused(Node, Reason), Refused), functor(Reason, Rule, _),
              refused_words(Node, Reason, Text) ), Out),
    findall(Text, ( member(Place, Ranked), place_words(Place, Text)
                  ; member(refused(Node, Reason), Refused), refused_words(Node, Reason, Text) ),
            Proof),
    Obj = obj([words-Words, candidates-Places, refused-Out, proof-Proof]).

said(told(alerts, Status, Node, Alerts, Count), Obj) =>
    alerts_words(Status, Node, Alerts, Count, Words),
    findall(Alert, ( member(Term, Alerts), alert_obj(Term, Alert) ), Objs),
    findall(Sentence, ( member(Term, Alerts), alert_words(Term, Sentence) ), Proof),
    Obj = obj([words-Words, alerts-Objs, count-Count, proof-Proof]).

null_for_none(none, null) :- !.
null_for_none(Value, Value).

joined(Texts, Words) :-
    atomic_list_concat(Texts, ' ', Atom),
    atom_string(Atom, Words).

                /*  nodes that there are none of  */

%!  stranger_words(+Kind, +Text, +Near, -Words:string) is det.
%
%   The one sentence for what does not exist; Near is what may have been meant, or none.

stranger_words(Kind, Text, Near, Words) :-
    kind_words(Kind, Name),
    shown(Text, Shown),
    (   Near == none
    ->  format(string(Words), "There is no ~w named '~s'.", [Name, Shown])
    ;   format(string(Words), "There is no ~w named '~s'; the nearest name is '~w'.",
               [Name, Shown, Near])
    ).

kind_words(vlan, 'VLAN') :- !.
kind_words(vm, 'virtual machine') :- !.
kind_words(Kind, Kind).

known_words([], "The site facts know no node.") :- !.
known_words(Known, Words) :-
    nodes_listed_max(Max),
    length(Known, Count),
    (   Count =< Max
    ->  and_list(Known, List),
        format(string(Words), "The nodes are ~s.", [List])
    ;   length(First, Max),
        append(First, _, Known),
        More is Count - Max,
        atomic_list_concat(First, ', ', List),
        format(string(Words), "The nodes are ~w and ~d more.", [List, More])
    ).

                /*  nodes  */

power_words(Node, awake, Words)   => format(string(Words), "~s is awake.", [Node]).
power_words(Node, asleep, Words)  => format(string(Words), "~s was put to sleep.", [Node]).
power_words(Node, down, Words)    =>
    format(string(Words), "~s does not answer: its sources are asked in vain.", [Node]).
power_words(Node, unknown, Words) =>
    format(string(Words), "Whether ~s is awake is unknown: nothing tells it.", [Node]).

readings_words(Node, [], _, _, Words) =>
    format(string(Text), "No reading of ~s is known.", [Node]),
    Words = [Text].
readings_words(Node, Readings, Refused, Cut, Words) =>
    findall(x, ( member(Reading, Readings), arg(6, Reading, true) ), Fresh),
    length(Fresh, FreshCount),
    length(Readings, Count),
    format(string(Text), "~d of ~d readings of ~s are fresh.", [FreshCount, Count, Node]),
    ( Refused > 0
    ->  format(string(Bad), "~d were refused.", [Refused]), Words1 = [Bad]
    ;   Words1 = []
    ),
    ( Cut == true -> append(Words1, ["There are more than were told."], Words2) ; Words2 = Words1 ),
    Words = [Text|Words2].

                /*  reaching  */

reach_words(From, To, Service, [_-yes(Steps)], Words), Service \== none =>
    ruling(Steps, Why),
    format(string(Words), "Yes: ~s reaches ~s on ~s. ~s", [From, To, Service, Why]).
reach_words(From, To, Service, [_-no(Steps)], Words), Service \== none =>
    ruling(Steps, Why),
    format(string(Words), "No: ~s does not reach ~s on ~s. ~s", [From, To, Service, Why]).
reach_words(From, To, _, Outcomes, Words) =>
    findall(Name, ( member(Service-yes(_), Outcomes), named_service(Service, Name) ), Yes),
    (   Outcomes = [_-no([Step])|_],
        \+ memberchk(_-yes(_), Outcomes)
    ->  step_words(Step, Why),
        format(string(Words), "No: ~s does not reach ~s at all. ~s", [From, To, Why])
    ;   Yes == []
    ->  format(string(Words), "No: ~s reaches ~s on nothing that the firewall names.", [From, To])
    ;   and_list(Yes, List),
        (   memberchk(other-yes(_), Outcomes)
        ->  format(string(Words), "~s reaches ~s on ~s.", [From, To, List])
        ;   format(string(Words), "~s reaches ~s on ~s, and on nothing else.", [From, To, List])
        )
    ).

named_service(other, Name)   => Name = "every service that no rule names".
named_service(Service, Name) => service_text(Service, Name).

%   The step that settled it: the last for a no, the firewall's for a yes.
ruling(Steps, Why) :-
    (   member(Step, Steps),
        settles(Step)
    ->  step_words(Step, Why)
    ;   Why = ""
    ).

settles(down(_)).
settles(no_address(_)).
settles(no_common_family(_, _)).
settles(cable_cut(_, _)).
settles(no_cable(_, _)).
settles(no_route(_, _)).
settles(bad_address(_)).
settles(bad_service(_)).
settles(same_node(_)).
settles(rule(_, _, _, _, deny)).
settles(no_rule(between)).
settles(Step) :- memberchk(Step, [no_rule(within)]).
settles(rule(_, _, _, _, allow)).

outcome_obj(Outcomes, obj([service-Name, reachable-Reachable, words-Words])) :-
    member(Service-Outcome, Outcomes),
    ( Service == other -> Name = "other" ; service_text(Service, Name) ),
    ( Outcome = yes(_) -> Reachable = true ; Reachable = false ),
    decision_words(Service, Outcome, Words).

decision_words(Service, Outcome, Words) :-
    named_service(Service, Name),
    arg(1, Outcome, Steps),
    ruling(Steps, Why),
    ( Outcome = yes(_) -> Says = "yes" ; Says = "no" ),
    format(string(Words), "~s: ~s. ~s", [Name, Says, Why]).

%!  step_words(+Step, -Words:string) is det.
%
%   A step of network.pl as a sentence.

step_words(same_node(Node), Words) =>
    format(string(Words), "~s is the same node.", [Node]).
step_words(down(Node), Words) =>
    format(string(Words), "~s is asleep or does not answer.", [Node]).
step_words(no_address(Node), Words) =>
    format(string(Words), "The site facts know no address of ~s.", [Node]).
step_words(no_common_family(From, To), Words) =>
    format(string(Words), "~s and ~s have no addresses of the same kind (IPv4, IPv6).", [From, To]).
step_words(address(Node, Vlan, Ip), Words) =>
    format(string(Words), "~s is ~s in VLAN ~w.", [Node, Ip, Vlan]).
step_words(outside(Ip), Words) =>
    shown(Ip, Shown),
    format(string(Words), "~s lies in no VLAN of the house.", [Shown]).
step_words(bad_address(Text), Words) =>
    shown(Text, Shown),
    format(string(Words), "'~s' is no address.", [Shown]).
step_words(bad_service(Service), Words) =>
    shown(Service, Shown),
    format(string(Words), "'~s' is no service.", [Shown]).
step_words(same_vlan(Vlan), Words) =>
    format(string(Words), "Both are in VLAN ~w.", [Vlan]).
step_words(route(Vlans, Routers), Words) =>
    atomic_list_concat(Vlans, ' to ', Way),
    sort(Routers, Nodes),
    and_list(Nodes, List),
    format(string(Words), "~s forwards from VLAN ~w.", [List, Way]).
step_words(way_out(Vlan, Router), Words) =>
    format(string(Words), "~s is the way out of VLAN ~w.", [Router, Vlan]).
step_words(no_route(From, To), Words) =>
    format(string(Words), "Nothing forwards from ~w to ~w.", [From, To]).
step_words(rule(Number, From, To, Service, Allow), Words) =>
    end_words(From, FromWords),
    end_words(To, ToWords),
    ( Service == any -> What = "everything" ; service_text(Service, What) ),
    ( Allow == allow -> Does = "allows" ; Does = "denies" ),
    format(string(Words), "Firewall rule ~d ~s ~s from ~w to ~w.",
           [Number, Does, What, FromWords, ToWords]).
step_words(no_rule(within), Words) =>
    Words = "No firewall rule fits, and within one VLAN that allows it.".
step_words(no_rule(between), Words) =>
    Words = "No firewall rule fits, and between VLANs that denies it.".
step_words(cable(Nodes, Mbit), Words) =>
    atomic_list_concat(Nodes, ', ', Way),
    format(string(Words), "Cables lead over ~w (~d Mbit/s).", [Way, Mbit]).
step_words(cable_unknown(From, To), Words) =>
    format(string(Words), "No cable is written down for ~s or ~s, so the cables are unknown.",
           [From, To]).
step_words(cable_cut(Nodes, Down), Words) =>
    atomic_list_concat(Nodes, ', ', Way),
    and_list(Down, List),
    format(string(Words), "The cables lead over ~w, and ~s does not answer.", [Way, List]).
step_words(no_cable(From, To), Words) =>
    format(string(Words), "No cables lead from ~s to ~s.", [From, To]).

end_words(any, Words)            => Words = anywhere.
end_words(vlan(Vlan), Words)     => atom_concat('VLAN ', Vlan, Words).
end_words(node(Node), Words)     => Words = Node.
end_words(subnet(Subnet), Words) => Words = Subnet.

path_words(path([Node], _), _, _, Words) =>
    format(string(Words), "~s is the same node.", [Node]).
path_words(path(Nodes, Mbit), From, To, Words) =>
    atomic_list_concat(Nodes, ' - ', Way),
    format(string(Words), "The path from ~s to ~s is ~w, ~d Mbit/s at its narrowest.",
           [From, To, Way, Mbit]).
path_words(cut(Nodes, Down), From, To, Words) =>
    atomic_list_concat(Nodes, ' - ', Way),
    and_list(Down, List),
    format(string(Words), "There is no path from ~s to ~s now: the cables lead over ~w, and ~s is \c
                           asleep or does not answer.", [From, To, Way, List]).
path_words(unlinked(Node), _, _, Words) =>
    format(string(Words), "No cable is written down for ~s, so no path is known.", [Node]).
path_words(none, From, To, Words) =>
    format(string(Words), "No cables lead from ~s to ~s.", [From, To]).

down_words([], "Every node is taken as up: none is known to be asleep or silent.") :- !.
down_words(Down, Words) :-
    and_list(Down, List),
    format(string(Words), "Known to be asleep or silent: ~s.", [List]).

                /*  alerts  */

alerts_words(Status, Node, [], _, Words) =>
    status_word(Status, State),
    of_node(Node, Of),
    format(string(Words), "No alert~s is ~w.", [Of, State]).
alerts_words(Status, Node, Alerts, Count, Words) =>
    status_word(Status, State),
    of_node(Node, Of),
    ( Count =:= 1 -> Start = "One alert" ; format(string(Start), "~d alerts", [Count]) ),
    ( Count =:= 1 -> Be = "is" ; Be = "are" ),
    findall(Text, ( member(Alert, Alerts), alert_words(Alert, Text) ), Texts),
    length(Alerts, Told),
    ( Told < Count -> format(string(More), " (the newest ~d are told)", [Told]) ; More = "" ),
    joined(Texts, List),
    format(string(Words), "~s~s ~s ~w~s. ~s", [Start, Of, Be, State, More, List]).

status_word(all, 'known') :- !.
status_word(Status, Status).

of_node(none, "") :- !.
of_node(Node, Of) :- string_concat(" of ", Node, Of).

alert_words(alert(Id, Status, _, _, _, Severity, _, Words, Seen), Text) :-
    without_severity(Severity, Words, Bare),
    shown_long(Bare, Said),
    (   Seen = seen(By, _),
        Status == acknowledged
    ->  shown(By, Who),
        format(string(How), "~w, seen by ~s", [Severity, Who])
    ;   Status == cleared
    ->  format(string(How), "~w, over", [Severity])
    ;   format(string(How), "~w", [Severity])
    ),
    format(string(Text), "Alert ~d (~s): ~s", [Id, How, Said]).

%   It stands before them already.
without_severity(Severity, Words, Bare) :-
    format(string(Before), "~w: ", [Severity]),
    string_concat(Before, Bare, Words),
    !.
without_severity(_, Words, Words).

alert_obj(Alert, obj([ id-Id, status-Status, condition-Condition, node-Node, part-Part,
                       severity-Severity, raised_ms-RaisedMs, words-Words, acknowledged-Note ])) :-
    Alert = alert(Id, Status, Condition, Node, Part, Severity, RaisedMs, Words, Seen),
    (   Seen = seen(By, Said)
    ->  Note = obj([by-By, words-Said])
    ;   Note = null
    ).

%   A sentence of ours, with a full stop.
shown_long(Words, Said) :-
    (   string_concat(_, ".", Words)
    ->  Said = Words
    ;   string_concat(Words, ".", Said)
    ).

                /*  placement  */

placement_words(Load, [Best|Others], _, Words) =>
    load_words(Load, Need),
    place_words(Best, Text),
    findall(Node, member(place(Node, _, _, _), Others), Nodes),
    (   Nodes == []
    ->  format(string(Words), "~s fits best, and only, on one node: ~s", [Need, Text])
    ;   and_list(Nodes, List),
        format(string(Words), "~s fits best here: ~s Next: ~s.", [Need, Text, List])
    ).
placement_words(Load, [], Refused, Words) =>
    load_words(Load, Need),
    findall(Text, ( member(refused(Node, Reason), Refused), \+ hopeless(Reason),
                    refused_words(Node, Reason, Text) ), Near),
    (   Near == []
    ->  format(string(Words), "~s fits nowhere in this house.", [Need])
    ;   joined(Near, Why),
        format(string(Words), "~s fits on no node that is known to have room now. ~s", [Need, Why])
    ).

%   What no waiting changes.
hopeless(no_gpu).
hopeless(lacks(_)).
hopeless(small(_, _)).

load_words(load(Vram, Memory, Capability, _), Words) :-
    findall(Text, load_part(Vram, Memory, Capability, Text), Texts),
    and_list(Texts, List),
    format(string(Words), "What needs ~s", [List]).

load_part(Vram, _, _, Text) :- Vram > 0, format(string(Text), "~d MiB of GPU memory", [Vram]).
load_part(_, Memory, _, Text) :- Memory > 0, format(string(Text), "~d MiB of memory", [Memory]).
load_part(_, _, Capability, Text) :-
    Capability \== none,
    format(string(Text), "~w", [Capability]).
load_part(0, 0, none, "nothing").

place_words(place(Node, Gpu, Left, Reasons), Words) :-
    Reasons = reasons(Power, Volatility, Idle, Weight, Boot, Watts, _),
    (   Gpu == none
    ->  On = ""
    ;   format(string(On), " on its ~s, with ~d MiB left over", [Gpu, Left])
    ),
    (   Power == asleep
    ->  format(string(Wakes), "asleep (~d s to boot, up to ~d W)", [Boot, Watts])
    ;   format(string(Wakes), "awake (up to ~d W more)", [Watts])
    ),
    (   Volatility == stable
    ->  Stays = "stable"
    ;   Idle == yes
    ->  format(string(Stays), "~w but idle", [Volatility])
    ;   format(string(Stays), "~w and allowed", [Volatility])
    ),
    format(string(Words), "~s~s: ~s, ~s, weight ~d.", [Node, On, Wakes, Stays, Weight]).

refused_words(Node, lacks(Capability), Words) =>
    format(string(Words), "~s has no ~w.", [Node, Capability]).
refused_words(Node, no_gpu, Words) =>
    format(string(Words), "~s has no GPU.", [Node]).
refused_words(Node, small(Need, Of), Words) =>
    Lacking is Need - Of,
    format(string(Words), "~s has at most ~d MiB on one GPU, ~d too few.", [Node, Of, Lacking]).
refused_words(Node, down, Words) =>
    format(string(Words), "~s does not answer.", [Node]).
refused_words(Node, power_unknown, Words) =>
    format(string(Words), "~s is large enough, but whether it is awake is unknown: nothing tells \c
                           it.", [Node]).
refused_words(Node, cannot_wake, Words) =>
    format(string(Words), "~s sleeps, and nothing can wake it.", [Node]).
refused_words(Node, in_use(How, no), Words) =>
    format(string(Words), "~s is ~w and in use.", [Node, How]).
refused_words(Node, in_use(How, person), Words) =>
    format(string(Words), "~s is ~w, and somebody is at it.", [Node, How]).
refused_words(Node, in_use(How, full_screen), Words) =>
    format(string(Words), "~s is ~w, and somebody plays or watches: its whole screen is in use.",
           [Node, How]).
refused_words(Node, in_use(How, _), Words) =>
    format(string(Words), "~s is ~w, and whether it is in use is unknown.", [Node, How]).
refused_words(Node, memory(Need, Free), Words) =>
    Lacking is Need - Free,
    format(string(Words), "~s has ~d MiB of memory free, ~d too few.", [Node, Free, Lacking]).
refused_words(Node, memory_unknown(_), Words) =>
    format(string(Words), "How much memory ~s has free is unknown.", [Node]).
refused_words(Node, vram(Need, Free, Of), Words) =>
    Lacking is Need - Free,
    format(string(Words), "~s has ~d of ~d MiB on a GPU free, ~d too few.",
           [Node, Free, Of, Lacking]).
refused_words(Node, vram_unknown(_, Of), Words) =>
    format(string(Words), "~s has a GPU of ~d MiB, but how much of it is free is unknown.",
           [Node, Of]).
