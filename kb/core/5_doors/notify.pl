%   SPDX-License-Identifier: Apache-2.0

:- module(door_notify,
          [ notify/2                    % +In, -Out
          ]).
:- use_module(library(apply), [maplist/3]).
:- use_module(kb('1_words/notify_words'), [place_shown/2]).
:- use_module(kb('1_words/wire'), [answered/3, fields/3, field/3]).
:- use_module(kb('2_seen/site'), []).
:- use_module(kb('3_rules/notify'),
              [ notice_topic/5, notice_targets/2, notice_channel/2, notice_channels/1,
                page_link/2 ]).
:- use_module(kb('4_say/notices'), [notice_words/5, notice_link/4, test_words/3]).

/** <module> Door notify: who is told what of an entry, in which words

`entry` with `case` (as it is now, or null); or `test`, the name of a channel; or neither. The
answer always says which channels there are. Pure; what it gives is all that is ever sent.
*/

%!  notify(+In, -Out) is det.

:- det(notify/2).
notify(In, Out) :-
    answered(notices, In, Out).

notices(In, obj([messages-Messages, channels-Channels])) :-
    fields(In,
           [ optional(entry, nullable(obj), null), optional(case, nullable(obj), null),
             optional(test, nullable(string), null), required(now_ms, integer) ],
           [Entry, Case, Test, NowMs]),
    messages(Test, Entry, Case, NowMs, Messages),
    notice_channels(Known),
    maplist(channel_shown, Known, Channels).

messages(null, null, _, _, Messages) =>
    Messages = [].
messages(null, Entry, Case, NowMs, Messages) =>
    (   notice_topic(Entry, Case, NowMs, What, About),
        notice_targets(What, Targets),
        Targets \== []
    ->  notice_link(What, Entry, Case, Hash),
        page_link(Hash, Link),
        notice_words(What, Entry, Case, Link, Words),
        ( field(Entry, at, At), string(At) -> true ; At = "" ),
        maplist(message(Words-Link-At, About), Targets, Messages)
    ;   Messages = []
    ).
messages(Test, _, _, NowMs, Messages) =>
    notice_channel(Test, Target),
    Target = target(Channel, _, _),
    page_link("#/people", Link),
    test_words(Channel, Link, Words),
    message(Words-Link-"", obj([what-test, at_ms-NowMs]), Target, Message),
    Messages = [Message].

message(words(Title, Text, Urgency)-Link-At, About, target(Channel, Kind, Where), Message) :-
    ( site:this_node(Node) -> true ; Node = "" ),
    Message = obj([ channel-Channel, kind-Kind, where-Where, title-Title, text-Text, link-Link,
                    urgency-Urgency, about-About, node-Node, at-At ]).

channel_shown(channel(Channel, Kind, Where, Abouts),
              obj([channel-Channel, kind-Kind, place-Place, about-Abouts])) :-
    place_shown(Where, Place).
