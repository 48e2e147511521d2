%   SPDX-License-Identifier: Apache-2.0

:- module(observe_storms,
          [ tell_what_waits/3           % +NowMs, -Transitions, ?Rest
          ]).
:- use_module(library(lists), [member/2, memberchk/2, subtract/3]).
:- use_module(library(ordsets), [list_to_ord_set/2, ord_memberchk/2]).
:- use_module(kb('1_words/condition_words'), [severity/2]).
:- use_module(kb('1_words/first'), [first/3]).
:- use_module(kb('2_seen/senses'), [last_round/2]).
:- use_module(kb('2_seen/standings'), [crossed/4, stand/5, standing/5]).
:- use_module(kb('4_say/alert_answer'),
              [alert_answer/2, answer_asked/4, condition_question/7, storm_key_text/2,
               storm_question/6]).

/** <module> What crossed becomes an alert of its own, or part of a storm

A crossing waits three seconds. When by then more than `storm_members` nodes crossed one condition
within a minute, they are one storm; so with more than that many nodes no person gets more than one
alert a condition. Storms of more than `storms` conditions at once are one of `others`. A storm that
is full has a second one beside it, so every node that crossed is named by an entry.
*/

storm_members_max(5).                   % more make a storm
storms_max(5).                          % more conditions make the storm `others`
storm_nodes_max(300).                   % of one storm, so that an entry fits a message
joined_max(100).                        % of one entry
group_ms(3000).
window_ms(60000).
joins_ms(10000).                        % a storm tells who joined at most so often
leaves_ms(60000).                       % and who left
worse_ms(3000).

%!  tell_what_waits(+NowMs, -Transitions, ?Rest) is det.

tell_what_waits(NowMs, Transitions, Rest) :-
    findall(Condition-held(AtMs, Node, Part, State, Asked),
            standing(Condition, Node, Part, State, held(AtMs, Asked)), Pairs),
    (   Pairs == []
    ->  Transitions = Transitions1
    ;   sort(0, @=<, Pairs, Sorted),
        by_condition(Sorted, NowMs, Transitions, Transitions1)
    ),
    (   last_round(look, NowMs)
    ->  findall(storm(Id, Text, Storm), standing(storm, "", Text, Storm, alert(Id)), Storms),
        storms_told(Storms, NowMs, Transitions1, Rest)
    ;   Transitions1 = Rest
    ),
    !.

by_condition([], _, Rest, Rest).
by_condition([Condition-Held|Pairs], NowMs, Transitions, Rest) :-
    same_condition(Pairs, Condition, More, Others),
    place_held(Condition, [Held|More], NowMs, Transitions, Transitions1),
    by_condition(Others, NowMs, Transitions1, Rest).

same_condition([Condition-Held|Pairs], Condition, [Held|More], Others) :-
    !,
    same_condition(Pairs, Condition, More, Others).
same_condition(Others, _, [], Others).

place_held(Condition, Held, NowMs, Transitions, Rest) :-
    (   open_storm(Condition, Key)
    ->  join_all(Held, Condition, Key),
        Transitions = Rest
    ;   nodes_crossed(Condition, NowMs, Count),
        storm_members_max(Max),
        Count > Max
    ->  storm_key_for(Condition, Key, New),
        (   New == false
        ->  join_all(Held, Condition, Key),
            Transitions = Rest
        ;   begin_storm(Key, Condition, Held, NowMs, Transition),
            Transitions = [Transition|Rest]
        )
    ;   alone(Held, Condition, NowMs, Transitions, Rest)
    ).

%   A storm of this condition, or of others if that has members with this condition, with room.
open_storm(Condition, Condition-Number) :-
    standing(storm, "", Text, State, _),
    State \== over,
    storm_key_text(Condition-Number, Text),
    has_room(Condition-Number),
    !.
open_storm(Condition, others-Number) :-
    standing(storm, "", Text, State, _),
    State \== over,
    storm_key_text(others-Number, Text),
    has_room(others-Number),
    once(standing(Condition, _, _, _, storm(others-Number, _))),
    !.

has_room(Key) :-
    members_now(Key, Members),
    length(Members, Count),
    storm_nodes_max(Max),
    Count < Max.

members_now(Key, Members) :-
    findall(Node, standing(_, Node, _, _, storm(Key, _)), Nodes),
    sort(Nodes, Members).

nodes_crossed(Condition, NowMs, Count) :-
    window_ms(WindowMs),
    findall(Node, ( crossed(Condition, Node, _, AtMs), NowMs - AtMs < WindowMs ), Nodes0),
    sort(Nodes0, Nodes),
    length(Nodes, Count).

%   A key that is free; where too many conditions storm, that of the others.
storm_key_for(Condition, Key, New) :-
    findall(Text-State, standing(storm, "", Text, State, _), Storms),
    findall(Of, ( member(Text-State, Storms), State \== over, storm_key_text(Of-_, Text) ), Ofs0),
    sort(Ofs0, Ofs),
    length(Ofs, Count),
    storms_max(Max),
    (   Count < Max
    ->  Of = Condition
    ;   memberchk(Condition, Ofs)
    ->  Of = Condition
    ;   Of = others
    ),
    (   member(Text-State, Storms),
        State \== over,
        storm_key_text(Of-Number, Text),
        has_room(Of-Number)
    ->  Key = Of-Number,
        New = false
    ;   free_number(Of, 1, Storms, Number),
        Key = Of-Number,
        New = true
    ).

free_number(Of, Number0, Storms, Number) :-
    storm_key_text(Of-Number0, Text),
    (   memberchk(Text-_, Storms)
    ->  Number1 is Number0 + 1,
        free_number(Of, Number1, Storms, Number)
    ;   Number = Number0
    ).

%   Members at once; told with the storm's next word.
join_all([], _, _).
join_all([held(AtMs, Node, Part, State, _)|Held], Condition, Key) :-
    arg(2, State, Severity),
    stand(Condition, Node, Part, State, storm(Key, new(Severity, AtMs))),
    join_all(Held, Condition, Key).

begin_storm(Key, Condition, Held, NowMs, Transition) :-
    findall(news(Condition, Node, Part, State, Severity, AtMs),
            ( member(held(AtMs, Node, Part, State, _), Held), arg(2, State, Severity) ), News),
    join_all(Held, Condition, Key),
    one_a_node(News, [], Now),
    joined(Now, Joined),
    are_told(News, Now, Key),
    storm_question(Key, none, Joined, [], NowMs, Question),
    storm_key_text(Key, Text),
    alert_answer(Question, Answer),
    Answer = obj(Said),
    memberchk(severity-Severity, Said),
    memberchk(words-Words, Said),
    memberchk(members-Members, Said),
    memberchk(count-Count, Said),
    stand(storm, "", Text, storm(Severity, NowMs, NowMs, Members), pending),
    Transition = obj([ kind-alert_raised,
                       body-obj([ condition-storm, node-"", part-Text, severity-Severity,
                                  words-Words, count-Count, members-Members, question-Question,
                                  answer-Answer ]) ]).

%   An alert of its own, when it has waited long enough; a clock that went back waits no longer.
alone([], _, _, Rest, Rest).
alone([held(AtMs, Node, Part, State, Asked)|Held], Condition, NowMs, Transitions, Rest) :-
    group_ms(GroupMs),
    (   NowMs - AtMs < GroupMs,
        NowMs >= AtMs
    ->  Transitions = Transitions1
    ;   raised(Condition, Node, Part, State, Asked, Transition),
        stand(Condition, Node, Part, State, pending),
        Transitions = [Transition|Transitions1]
    ),
    alone(Held, Condition, NowMs, Transitions1, Rest).

raised(Condition, Node, Part, _, Asked, Transition) :-
    Asked = asked(Key, Levels, Used, State0, AtMs),
    condition_question(Key, Levels, Used, State0, AtMs, Question, _),
    answer_asked(Asked, _, _, Answer),
    Answer = obj(Said),
    memberchk(severity-Severity, Said),
    memberchk(words-Words, Said),
    Transition = obj([ kind-alert_raised,
                       body-obj([ condition-Condition, node-Node, part-Part, severity-Severity,
                                  words-Words, count-1, question-Question, answer-Answer ]) ]).

                /*  what a storm tells of itself  */

storms_told([], _, Rest, Rest).
storms_told([storm(Id, Text, Storm)|Storms], NowMs, Transitions, Rest) :-
    (   storm_told(Id, Text, Storm, NowMs, Transition)
    ->  Transitions = [Transition|Transitions1]
    ;   Transitions = Transitions1
    ),
    storms_told(Storms, NowMs, Transitions1, Rest).

storm_told(Id, Text, storm(Severity0, Since, Told0, Were), NowMs, Transition) :-
    storm_key_text(Key, Text),
    Told is min(Told0, NowMs),
    news_of(Key, Were, Severity0, News),
    members_now(Key, Members),
    subtract(Were, Members, Left),
    Age is NowMs - Told,
    worth_telling(Members, News, Left, Severity0, Age),
    !,
    one_a_node(News, [], Now),
    joined(Now, Joined),
    findall(Node, member(joined(_, Node, _, _, _), Joined), Come),
    subtract(Left, Come, Gone),
    storm_question(Key, storm(Severity0, Since, Told, Were), Joined, Gone, NowMs, Question),
    alert_answer(Question, Answer),
    Answer = obj(Said),
    memberchk(severity-Severity1, Said),
    memberchk(words-Words, Said),
    memberchk(members-Named, Said),
    memberchk(count-Count, Said),
    memberchk(move-Move, Said),
    are_told(News, Now, Key),
    (   Move == clear
    ->  stand(storm, "", Text, over, pending),
        Transition = obj([ kind-alert_cleared,
                           body-obj([ alert-Id, severity-Severity1, words-Words, why-clear,
                                      question-Question, answer-Answer ]) ])
    ;   stand(storm, "", Text, storm(Severity1, Since, NowMs, Named), alert(Id)),
        Transition = obj([ kind-alert_changed,
                           body-obj([ alert-Id, severity-Severity1, words-Words, count-Count,
                                      members-Named, question-Question, answer-Answer ]) ])
    ).

%   What the storm has not told: nodes that are new to it, or worse than it says. Another part of a
%   member is no news.
news_of(Key, Were, Severity, News) :-
    findall(AtMs-news(Condition, Node, Part, State, How, AtMs),
            standing(Condition, Node, Part, State, storm(Key, new(How, AtMs))), All0),
    (   All0 == []
    ->  News = []
    ;   keysort(All0, All),
        severity(Severity, Rank),
        list_to_ord_set(Were, Known),
        findall(Item,
                ( member(_-Item, All), Item = news(Condition, Node, Part, State, How, _),
                  (   severity(How, More),
                      More =< Rank,
                      ord_memberchk(Node, Known)
                  ->  stand(Condition, Node, Part, State, storm(Key, told)),
                      fail
                  ;   true
                  ) ),
                News)
    ).

%   The first of each node, the worst where the storm gets worse by it; at most joined_max/1.
one_a_node(News, Before, Now) :-
    findall(Node-(Less-Item),
            ( member(Item, News), Item = news(_, Node, _, _, How, _), severity(How, Rank),
              Less is -Rank ),
            Pairs0),
    sort(0, @=<, Pairs0, Pairs),
    first_each(Pairs, Before, Firsts),
    findall(Key-Item, ( member(Item, Firsts), order_key(Item, Key) ), Keyed0),
    keysort(Keyed0, Keyed),
    findall(Item, member(_-Item, Keyed), All),
    joined_max(Max),
    first(Max, All, Now).

first_each([], _, []).
first_each([Node-(_-Item)|Pairs], Last, Firsts) :-
    (   Node == Last
    ->  first_each(Pairs, Last, Firsts)
    ;   Firsts = [Item|More],
        first_each(Pairs, Node, More)
    ).

order_key(news(_, _, _, _, How, AtMs), Less-AtMs) :-
    severity(How, Rank),
    Less is -Rank.

joined(Now, Joined) :-
    findall(joined(Condition, Node, Part, Severity, AtMs),
            member(news(Condition, Node, Part, _, Severity, AtMs), Now), Joined).

%   With a node all of its parts are told.
are_told(News, Now, Key) :-
    findall(Node, member(news(_, Node, _, _, _, _), Now), Nodes0),
    sort(Nodes0, Nodes),
    forall(( member(news(Condition, Node, Part, State, _, _), News), ord_memberchk(Node, Nodes) ),
           stand(Condition, Node, Part, State, storm(Key, told))).

worth_telling([], _, _, _, _) :- !.
worth_telling(_, News, _, Severity, Age) :-
    worse_ms(Ms),
    Age >= Ms,
    severity(Severity, Rank),
    member(news(_, _, _, _, How, _), News),
    severity(How, More),
    More > Rank,
    !.
worth_telling(_, [_|_], _, _, Age) :-
    joins_ms(Ms),
    Age >= Ms,
    !.
worth_telling(_, _, [_|_], _, Age) :-
    leaves_ms(Ms),
    Age >= Ms.
