%   SPDX-License-Identifier: Apache-2.0

:- module(ground_answer,
          [ rules_answer/4              % +Texts, +NowMs, -Id, -Words
          ]).
:- use_module(library(lists), [last/2, member/2, memberchk/2]).
:- use_module(library(aggregate), [aggregate_all/3]).
:- use_module(kb('2_seen/seen'), [asking_at/2, in_sight/2]).
:- use_module(kb('2_seen/site'), []).
:- use_module(kb('3_rules/action'), [action_term/3, look/2, answer/2]).
:- use_module(kb('4_say/house_answers'), [answer_obj/2]).
:- use_module(kb('4_say/intent'), [understood/3]).
:- use_module(sensed, [sensed/2]).

/** <module> What the rules answer to the last text of a chat

Where the grammar of questions reads it whole, as `logicctl ask` would, the answer is computed by
the same rules from the same look, and a model may only phrase it. Only questions about the house:
nothing here is proposed, judged or recorded, and nobody learns more than the facts beside it tell.
*/

%   A longer text is talk.
characters_max(200).

nodes_max(40).

house_question("thermal_risk").
house_question("node_health").
house_question("reach_check").
house_question("path_find").
house_question("placement_find").
house_question("alert_list").

%!  rules_answer(+Texts:list, +NowMs, -Id:string, -Words:string) is semidet.

rules_answer(Texts, NowMs, Id, Words) :-
    last(Texts, Text),
    characters_max(Max),
    string_length(Text, Length),
    Length =< Max,
    catch(one_question(Text, Name, Params), refused(_, _, _), fail),
    catch(action_term(Name, Params, Action), refused(_, _, _), fail),
    told(Action, NowMs, Told),
    answer_obj(Told, obj(Members)),
    memberchk(words-Words, Members),
    string_concat("answer.", Name, Id).

one_question(Text, Name, Params) :-
    understood(Text, "node:gateway", obj(Read)),
    memberchk("status"-"understood", Read),
    memberchk("intents"-[obj(Intent)], Read),
    memberchk("action"-Name, Intent),
    house_question(Name),
    memberchk("params"-Params, Intent),
    small_enough(Name, Params).

%   A question about every node of a large house is not for the few ms before a prompt.
small_enough(Name, obj(Params)) :-
    (   memberchk(Name, ["thermal_risk", "node_health", "placement_find"]),
        \+ memberchk("node"-_, Params)
    ->  nodes_max(Max),
        aggregate_all(count, site:node(_, _, _), Count),
        Count =< Max
    ;   true
    ).

told(Action, NowMs, Told) :-
    (   look(Action, Job)
    ->  wire(Job, JobSaid),
        sensed(obj(["job"-JobSaid, "now_ms"-NowMs]), Found),
        wire(Found, Seen),
        asking_at(NowMs, in_sight([looked(senses, Seen)], answer(Action, Told)))
    ;   asking_at(NowMs, answer(Action, Told))
    ).

%   As it would have come over the wire: keys and words are strings.
wire(obj(Pairs), Wire) =>
    findall(Text-Value, ( member(Key-Value0, Pairs), wire(Value0, Value), wire_key(Key, Text) ),
            Said),
    Wire = obj(Said).
wire(List, Wire), is_list(List) =>
    findall(Said, ( member(Item, List), wire(Item, Said) ), Wire).
wire(Atom, Wire), atom(Atom), \+ memberchk(Atom, [true, false, null]) =>
    atom_string(Atom, Wire).
wire(Same, Wire) =>
    Wire = Same.

wire_key(Key, Text) :-
    (   atom(Key)
    ->  atom_string(Key, Text)
    ;   Text = Key
    ).
