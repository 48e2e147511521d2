%   SPDX-License-Identifier: Apache-2.0

:- module(door_query,
          [ query/2                     % +In, -Out
          ]).
:- use_module(library(lists), [append/3]).
:- use_module(library(pairs), [pairs_values/2]).
:- use_module(kb('1_words/wire'), [answered/3, field/3, fields/3, refuse/4, shown/2]).
:- use_module(kb('1_words/dns_name'), [fqdn/3]).
:- use_module(kb('2_seen/site'), []).
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
            among(Newest, change(Case, Seq, Principal, Action, Params, Undo)), Answers).
answers(may, [Principal, ActionText, Params, Via], Answers) =>
    by_term(obj(["principal"-Principal, "via"-Via]), By),
    action_term(ActionText, Params, Action),
    permission(Action, By, judged(Kind, _, _, Tier, _, For, Against, _, _)),
    append(Against, For, Reasons),
    findall(Text, ( among(Reasons, Reason), reason_text(Reason, Text) ), Words),
    Answers = [obj([verdict-Kind, tier-Tier, reasons-Words])].

ordered(Pairs, Values) :-
    sort(Pairs, Sorted),
    pairs_values(Sorted, Values).

first(Count, List, First) :-
    (   Count > 0,
        List = [Item|Items]
    ->  First = [Item|Rest],
        Left is Count - 1,
        first(Left, Items, Rest)
    ;   First = []
    ).

among([Item|_], Item).
among([_|Items], Item) :-
    among(Items, Item).
