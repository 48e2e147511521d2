%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(library(lists), [member/2]).
:- use_module(kb('4_say/mentions')).

:- begin_tests(mentions).

strangers(Text, Names) :-
    mentions([Text], mentioned(_, _, _, Strangers)),
    findall(Kind-Name, member(stranger(Kind, Name, _), Strangers), Names).

test(who_is_spoken_of, Nodes == ["laptop1", "nas", "tower"]) :-
    mentions(["Is Tower's GPU hot?", "compare (nas) and 'laptop1'."], mentioned(Nodes, _, _, [])).
test(things, Things == [pool(gpu0), vlan(servers)]) :-
    mentions(["which vlan is servers and how is gpu0"], mentioned(_, Things, _, _)).
test(topics, Topics == [gpu, heat]) :-
    mentions(["how HOT is the gpu?"], mentioned(_, _, Topics, _)).
test(who_does_not_exist,
     [forall(member(Text-Names,
         [ "is zeus healthy?"-[node-"zeus"], "can zeus reach hera?"-[node-"hera", node-"zeus"],
           "tell me about the node zeus please"-[node-"zeus"],
           "what runs on the vm web1 and in pool gpu7?"-[pool-"gpu7", vm-"web1"],
           "is VM 4711 running?"-[vm-"4711"], "and is zeus hot, too?"-[node-"zeus"],
           "how is the NAS? And is zeus hot? words 5"-[node-"zeus"],
           "is zeus hot? words 3"-[node-"zeus"],
           "a server called hera is slow"-[node-"hera"], "how is zeus's temperature"-[node-"zeus"],
           "the db-7 server is slow"-[node-"db-7"], "why is server42 slow?"-[node-"server42"],
           "please restart towr, I beg you"-[node-"towr"], "which vlan guests has"-[vlan-"guests"],
           "is the virtual machine thing ok"-[] ])), Found == Names]) :-
    strangers(Text, Found).
test(what_is_meant, Near == "tower") :-
    mentions(["please restart towr"], mentioned(_, _, _, [stranger(node, "towr", Near)])).
test(no_names_in_plain_words,
     [forall(member(Text,
         [ "machine learning on a server is fun", "does the node exporter work?",
           "the mail server and the web server are slow", "which machine has the most memory?",
           "write a haiku about computers", "how do I install a host agent on a gaming pc?",
           "is everything ok", "what is the weather today?", "my wife's laptop is broken",
           "which model shall I use for coding?", "the server was rebooted yesterday",
           "explain raid levels and zfs pools", "is my house warm?", "", "???",
           "summarise: the node needs more memory" ])), Names == []]) :-
    strangers(Text, Names).
test(hostile_names_are_none,
     [forall(member(Text, [ "node \u0000evil", "node ../../etc/passwd7", "node <script7>",
                            "node {{x7}}", "node \"; drop7 table\"" ])), true]) :-
    strangers(Text, Names),
    \+ ( member(_-Name, Names), \+ house_words:node_name(Name) ).
test(the_last_texts_count, Nodes == ["nas"]) :-
    mention_limit(characters, Most),
    format(string(Filler), "nas ~`xt~*|", [Most]),
    mentions(["tower", Filler], mentioned(Nodes, _, _, _)).
test(of_many_texts_the_last, Nodes == ["nas"]) :-
    findall("hello", between(1, 15, _), Hello),
    mentions(["tower", "nas"|Hello], mentioned(Nodes, _, _, _)).

:- end_tests(mentions).
