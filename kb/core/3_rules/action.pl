%   SPDX-License-Identifier: Apache-2.0

:- module(action,
          [ action/3,                   % ?Name, ?Tier, ?Title
            summary/2,                  % ?Name, ?Text
            parameter/5,                % ?Name, ?Param, ?Type, ?Need, ?Doc
            example/2,                  % ?Name, ?Sentence
            completed/2,                % +Action0, -Action
            zone_touched/2,             % +Action, -Zone
            playbook_touched/2,         % +Action, -Playbook
            look/2,                     % +Action, -Job
            looks_with/2,               % ?Name, ?Hand
            settled/2,                  % +Action0, -Action
            effects/2,                  % +Action, -Effects
            plan/3,                     % +Action, +After, -Plan
            answer/2,                   % +Action, -Answer
            wording/2,                   % +Action, -Text
            remark/2,                   % +Action, -Text
            action_named/2,             % +Text, -Name
            action_term/3,              % +Text, ++Params, -Action
            action_params/2,            % +Action, -Params
            action_tier/2               % +Action, -Tier
          ]).
:- use_module(library(apply), [maplist/3, maplist/4]).
:- use_module(kb('1_words/wire'), [fields/3, refuse/4, shown/2]).
:- use_module(kb('1_words/types'), [typed/4]).

/** <module> Actions: what an action file says, and the typed term of a proposal

One file per action in actions/; adding an action is adding a file. A file declares

    action(Name, Tier, Title)  summary(Name, Text)  example(Name, Sentence)
    parameter(Name, Param, Type, required|optional, Doc)          in the order of the term

and says what the action is in this house, by the hooks below. A proposal is the term
Name(Value, …) with one argument per declared parameter, `none` for one that was not given.

| hook | says |
|---|---|
| completed/2 | what words alone decide: an inferred type (may refuse the input) |
| zone_touched/2, playbook_touched/2 | what a grant's scope is compared with |
| look/2 | the job that must look before there can be a plan or an answer |
| looks_with/2 | whose answer that is, where its form does not tell: agent |
| settled/2 | what only the look decides: the type meant, the TTL kept |
| effects/2 | what would change, as facts of 2_seen/seen.pl: the hypothesis |
| plan/3 | the plan; After are the record sets as they would be |
| answer/2 | the answer of an action that changes nothing |
| wording/2, remark/2 | the action in words; what else a person should know |
*/

:- multifile
    action/3, summary/2, parameter/5, example/2, completed/2, zone_touched/2, playbook_touched/2,
    look/2, looks_with/2, settled/2, effects/2, plan/3, answer/2, wording/2, remark/2.

%!  action_named(+Text:string, -Name) is det.
%
%   @throws refused(unknown_action, action, Message)

action_named(Text, Name) :-
    (   action(Known, _, _),
        atom_string(Known, Text)
    ->  Name = Known
    ;   findall(Known, action(Known, _, _), All),
        atomic_list_concat(All, ', ', List),
        shown(Text, Shown),
        refuse(unknown_action, action, "'~s' is not an action; known are: ~w", [Shown, List])
    ).

%!  action_term(+Text:string, ++Params, -Action) is det.
%
%   The typed and completed term for an action's name and its parameters as they were sent.

action_term(Text, Params, Action) :-
    action_named(Text, Name),
    findall(Param-parameter(Type, Need), parameter(Name, Param, Type, Need, _), Declared),
    maplist(spec, Declared, Specs),
    fields(Params, Specs, Raws),
    maplist(value, Declared, Raws, Values),
    Action0 =.. [Name|Values],
    (   completed(Action0, Completed)
    ->  Action = Completed
    ;   Action = Action0
    ).

spec(Param-parameter(_, required), Spec) => Spec = required(Param, any).
spec(Param-parameter(_, optional), Spec) => Spec = optional(Param, any, none).

value(_, none, Value) =>
    Value = none.
value(Param-parameter(Type, _), Raw, Value) =>
    typed(Type, Param, Raw, Value).

%!  action_params(+Action, -Params) is det.
%
%   The parameters as they go over the wire, those that are `none` left out.

action_params(Action, obj(Pairs)) :-
    Action =.. [Name|Values],
    findall(Param, parameter(Name, Param, _, _, _), Params),
    given(Params, Values, Pairs).

given([], [], []).
given([_|Params], [none|Values], Pairs) :-
    !,
    given(Params, Values, Pairs).
given([Param|Params], [Value|Values], [Param-Value|Pairs]) :-
    given(Params, Values, Pairs).

%!  action_tier(+Action, -Tier) is det.

action_tier(Action, Tier) :-
    functor(Action, Name, _),
    action(Name, Tier, _),
    !.
