%   SPDX-License-Identifier: Apache-2.0

:- module(say_notices,
          [ notice_words/5,             % +What, ++Entry, ++Case, +Link, -Words
            notice_link/4,              % +What, ++Entry, ++Case, -Hash
            test_words/3                % +Channel, +Link, -Words
          ]).
:- use_module(library(apply), [exclude/3]).
:- use_module(kb('1_words/wire'), [field/3]).
:- use_module(kb('2_seen/site'), []).
:- use_module(inert, [inert/3, inert_sentence/3, cut_to/3]).

/** <module> Notifications in words

A title and a few lines, bounded, for a phone or a chat. The words are ours; what people, models,
machines said stands in them as inert text (inert.pl). The only address in a notification is its
link, which is no part of the text: it opens the page, where one looks and decides; nothing in a
notification decides anything.
*/

title_max(120).
text_max(1000).
summary_max(300).
sentence_max(200).
error_max(400).
name_max(64).

%!  notice_link(+What, ++Entry, ++Case, -Hash:string) is det.
%
%   Where the page shows it.

notice_link(consent, _, Case, Hash)     => of_case(Case, Hash).
notice_link(case_failed, _, Case, Hash) => of_case(Case, Hash).
notice_link(node, Entry, _, Hash) =>
    field(Entry, seq, Seq),
    format(string(Hash), "#/ledger/~d", [Seq]).
notice_link(_, Entry, _, Hash) =>
    alert_id(Entry, Id),
    format(string(Hash), "#/alerts/~d", [Id]).

of_case(Case, Hash) :-
    text(Case, id, name, Id),
    format(string(Hash), "#/cases/~s", [Id]).

alert_id(Entry, Id) :-
    (   field(Entry, kind, "alert_raised")
    ->  field(Entry, seq, Id)
    ;   field(Entry, body, Body),
        field(Body, alert, Id)
    ).

%!  notice_words(+What, ++Entry, ++Case, +Link, -Words) is det.
%
%   Words is words(Title, Text, Urgency). Link null: the text says how to look without a page.

notice_words(consent, _, Case, Link, Words) =>
    summary(Case, Summary),
    asked_by(Case, Asked),
    tier(Case, Tier),
    until(Case, Until),
    text(Case, id, name, Id),
    format(string(Show), "To look at it: logicctl case ~s", [Id]),
    shown_how(Link, Show, How),
    with_title("Signature wanted: ~s", [Summary], Title),
    in_lines([Summary, Asked, Tier, Until, How], Text),
    urgency(Case, Urgency),
    Words = words(Title, Text, Urgency).
notice_words(case_failed, Entry, Case, Link, Words) =>
    summary(Case, Summary),
    asked_by(Case, Asked),
    failure(Entry, Failure),
    text(Case, id, name, Id),
    format(string(Show), "To look at it: logicctl case ~s", [Id]),
    shown_how(Link, Show, How),
    with_title("Failed: ~s", [Summary], Title),
    in_lines([Summary, Failure, Asked, How], Text),
    Words = words(Title, Text, normal).
notice_words(node, Entry, _, Link, Words) =>
    node_name(Node),
    field(Entry, kind, Kind),
    field(Entry, body, Body),
    node_words(Kind, Node, Body, Title, Said, Urgency),
    field(Entry, seq, Seq),
    Before is max(0, Seq - 1),
    format(string(Show), "To look at it: logicctl ledger list, entry ~d (after ~d)",
           [Seq, Before]),
    shown_how(Link, Show, How),
    in_lines([Said, How], Text),
    Words = words(Title, Text, Urgency).
notice_words(What, Entry, _, Link, Words) =>
    field(Entry, body, Body),
    text(Body, words, summary, Said),
    alert_id(Entry, Id),
    format(string(Show), "To look at it: logicctl alert show ~d", [Id]),
    shown_how(Link, Show, How),
    node_name(Node),
    format(string(From), "Alert ~d of ~s.", [Id, Node]),
    with_title("~s", [Said], Title),
    in_lines([Said, From, How], Text),
    ( What == alert_critical -> Urgency = high ; Urgency = normal ),
    Words = words(Title, Text, Urgency).

%!  test_words(+Channel:atom, +Link, -Words) is det.

test_words(Channel, Link, words(Title, Text, low)) :-
    node_name(Node),
    with_title("Test from ~s", [Node], Title),
    format(string(Said), "Somebody asked for this test of the channel ~w. Nothing happened.",
           [Channel]),
    shown_how(Link, "", How),
    in_lines([Said, How], Text).

node_words("kb_refused", Node, Body, Title, Said, normal) :-
    !,
    with_title("~s: new rules were refused", [Node], Title),
    text(Body, words, error, Why),
    format(string(Said), "The rules in force stay. ~s", [Why]).
node_words(_, Node, Body, Title, Said, low) :-
    with_title("~s: started", [Node], Title),
    text(Body, version, name, Version),
    text(Body, rules, name, Rules0),
    text(Body, site, name, Site0),
    cut16(Rules0, Rules),
    cut16(Site0, Site),
    format(string(Said), "Version ~s, rules ~s, site ~s.", [Version, Rules, Site]).

cut16(Text, Head) :-
    (   sub_string(Text, 0, 16, _, Cut)
    ->  Head = Cut
    ;   Head = Text
    ).

                /*  parts  */

summary(Case, Summary) :-
    (   text(Case, summary, summary, Said),
        Said \== ""
    ->  Summary = Said
    ;   text(Case, action, name, Action)
    ->  Summary = Action
    ).

asked_by(Case, Asked) :-
    (   field(Case, by, By)
    ->  text(By, principal, name, Who),
        text(By, via, name, Via)
    ;   Who = "",
        Via = ""
    ),
    ( Via == "model" -> How = ", as a model understood it" ; How = "" ),
    (   field(Case, nl, Sentence),
        inert_sentence_of(Sentence, Said),
        Said \== ""
    ->  format(string(Asked), "Asked by ~s~s: \"~s\"", [Who, How, Said])
    ;   Who == ""
    ->  Asked = ""
    ;   format(string(Asked), "Asked by ~s~s.", [Who, How])
    ).

inert_sentence_of(Sentence, Said) :-
    sentence_max(Max),
    inert_sentence(Sentence, Max, Said).

tier(Case, Line) :-
    (   field(Case, verdict, Verdict),
        text(Verdict, tier, name, Tier),
        Tier \== ""
    ->  format(string(Line), "Tier: ~s.", [Tier])
    ;   Line = ""
    ).

urgency(Case, Urgency) :-
    (   field(Case, verdict, Verdict),
        field(Verdict, tier, Tier),
        strict(Tier)
    ->  Urgency = high
    ;   Urgency = normal
    ).

strict("risky").
strict("destructive").

%   "2026-11-22T08:00:00.000Z": to the minute.
until(Case, Line) :-
    (   text(Case, expires_at, name, At),
        sub_string(At, 0, 10, _, Day),
        sub_string(At, 11, 5, _, Minute)
    ->  format(string(Line), "It waits until ~s ~s UTC; unsigned is no.", [Day, Minute])
    ;   Line = ""
    ).

failure(Entry, Line) :-
    (   field(Entry, body, Body),
        field(Body, error, Error)
    ->  text(Error, message, error, Message),
        text(Body, changed, name, Changed),
        changed_words(Changed, Said),
        format(string(Line), "~s ~s", [Message, Said])
    ;   Line = ""
    ).

changed_words("no", "Nothing was changed.")           :- !.
changed_words("yes", "Something was changed.")        :- !.
changed_words(_, "Whether it changed anything is unknown.").

node_name(Node) :-
    (   site:this_node(Name)
    ->  name_max(Max),
        inert(Name, Max, Node)
    ;   Node = "this node"
    ).

%   A member as inert text of at most so many characters; "" if there is none.
text(Obj, Name, Size, Text) :-
    (   field(Obj, Name, Value),
        string(Value)
    ->  size(Size, Max),
        inert(Value, Max, Text)
    ;   Text = ""
    ).

size(name, Max)    :- name_max(Max).
size(summary, Max) :- summary_max(Max).
size(error, Max)   :- error_max(Max).

shown_how(null, Show, How) => How = Show.
shown_how(_, _, How)       => How = "Look at it on the page; nothing is decided from here.".

with_title(Format, Arguments, Title) :-
    format(string(Whole), Format, Arguments),
    title_max(Max),
    cut_to(Whole, Max, Title).

in_lines(Lines0, Text) :-
    exclude(==(""), Lines0, Lines),
    atomic_list_concat(Lines, '\n', Atom),
    atom_string(Atom, Whole),
    text_max(Max),
    cut_to(Whole, Max, Text).
