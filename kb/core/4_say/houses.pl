%   SPDX-License-Identifier: Apache-2.0

:- module(houses,
          [ house_request/2             % +Tokens, -Reading
          ]).
:- use_module(library(lists), [append/3, member/2, memberchk/2]).
:- use_module(kb('1_words/house_words'), [node_flag_word/1, node_name/1, service_named/2]).
:- use_module(kb('2_seen/site'), []).
:- use_module(kb('3_rules/house'), [nodes_known/1, near_name/3]).
:- use_module(house_answers, [stranger_words/4]).
:- use_module(phrases, [fill//0, text/2, word//1, words//1, worth_reading/2]).

:- discontiguous question/4.

/** <module> Questions about the house: "is tower healthy?", "where can a 12 GB model run?"

A grammar of its own, as machines.pl: it reads the whole sentence or nothing of it, so a word of
doubt or of a condition leaves the sentence to the others, who stop at it. Where a node belongs, any
word in the form of a name is taken for one: whether there is such a node is for the rules, which
answer "There is no node named 'zeus'". What is not a node at all (a pool, a virtual machine) is
answered here, by name.
*/

%!  house_request(+Tokens, -Reading) is semidet.
%
%   act(Intents) or ask(Text, Missing, Action, Params); false if the sentence is about other things.

house_request(Tokens, Reading) :-
    spoken(Words),
    worth_reading(Tokens, Words),
    phrase(sentence(Reading), Tokens),
    !.

%   One of these is in each sentence that is read here.
spoken([ "is", "are", "how", "health", "status", "state", "condition", "wrong", "check", "show",
         "describe", "tell", "what", "which", "hot", "throttling", "overheating", "throttle",
         "overheat", "temperature", "thermal", "reach", "access", "ping", "talk", "connect", "get",
         "ssh", "reachable", "path", "route", "trace", "where", "room", "fits", "fit", "alerts",
         "alert", "alarms", "acknowledge", "ack", "how's", "problem", "problems", "issues",
         "place", "boot", "boots", "order", "before" ]).

sentence(act(Intents)) --> fill, asked(Intents), fill.
sentence(ask(Text, [Missing], Action, obj([]))) -->
    fill, lacking(Action, Missing, Text), fill.

%   asked(-Intents)
asked([Action-obj(Params)]) --> question(Action, Params).
asked(Intents)              --> acknowledged(Intents).

                /*  health  */

question("node_health", ["node"-Node]) -->
    be, the_node(Node), fits_state.
question("node_health", ["node"-Node]) -->
    word(["how"]), be, the_node(Node), opt(["doing", "feeling", "going", "looking"]).
question("node_health", ["node"-Node]) -->
    ( word(["how"]), [poss] ; word(["hows"]) ), the_node(Node), opt(["doing", "feeling"]).
question("node_health", ["node"-Node]) -->
    ( opening ; [] ), opt(["the"]), health_noun, word(["of", "for"]), the_node(Node).
question("node_health", ["node"-Node]) -->
    ( words(["check", "on"]) ; word(["check"]) ), ( health_of ; [] ), the_node(Node).
question("node_health", ["node"-Node]) -->
    opening, the_node(Node), ( [poss] ; [] ), health_noun.
question("node_health", ["node"-Node]) -->
    trouble, word(["with", "on", "at"]), the_node(Node).
question("node_health", ["node"-Node]) -->
    word(["does", "has"]), the_node(Node), opt(["have", "got"]), opt(["any", "a"]),
    word(["problems", "problem", "trouble", "issues", "issue", "faults"]).
question("node_health", []) -->
    word(["which", "what"]), nodes_noun, be, bad_state.
question("node_health", []) -->
    ( be ; opening ), opt(["all", "any", "some"]), opt(["of", "the", "my", "our"]), opt(["the",
    "my", "our"]), nodes_noun, state.
question("node_health", []) -->
    be, word(["everything", "everybody", "all"]), opt(["well"]), state.
question("node_health", []) -->
    word(["how"]), be, all_nodes, opt(["doing", "feeling"]).
question("node_health", []) -->
    ( opening ; [] ), opt(["the"]), health_noun, word(["of", "for"]), all_nodes.
question("node_health", []) -->
    ( trouble, word(["with", "in", "at"]), all_nodes ; be, word(["anything", "something"]),
    wrong ).
question("node_health", []) -->
    trouble, opt(["here", "now"]).
question("node_health", []) -->
    word(["check"]), ( health_of ; [] ), all_nodes.

fits_state --> state.
fits_state --> state, word(["and"]), state.

state --> opt(["still", "really", "now", "currently"]), good_state.
state --> opt(["still", "really", "now", "currently"]), bad_state.

good_state -->
    word([ "healthy", "ok", "okay", "fine", "alright", "well", "up", "alive", "online", "good",
           "responding", "working", "awake", "happy", "running" ]).
good_state --> words(["in", "good"]), word(["health", "shape", "condition"]).
good_state --> words(["all", "right"]).
good_state --> words(["in", "order"]).

bad_state -->
    word([ "unhealthy", "down", "dead", "offline", "sick", "broken", "degraded", "critical", "ill",
           "silent", "unwell", "failing", "unreachable", "unresponsive", "asleep", "ailing" ]).
bad_state --> word(["in"]), opt(["bad"]), word(["trouble", "health", "shape"]).
bad_state --> words(["having"]), word(["problems", "trouble", "issues"]).

wrong --> word(["wrong", "broken", "down", "amiss"]).

trouble --> opt(["what", "what's", "whats"]), ( be ; [] ), word(["wrong", "up"]).
trouble -->
    be, word(["anything", "something", "there"]), opt(["something", "anything", "a"]),
    word(["wrong", "problem", "trouble", "issue"]).
trouble --> be, word(["there"]), word(["any"]), word(["problem", "problems", "trouble", "issues"]).
trouble --> word(["any"]), word(["problems", "trouble", "issues"]).

health_noun --> word(["health", "status", "state", "condition"]).
health_of   --> opt(["the"]), health_noun, word(["of", "for"]).

                /*  heat  */

question("thermal_risk", []) -->
    ( word(["which", "what"]), nodes_noun ; ( word(["show", "list", "tell"]) ), opt(["me"]),
    word(["which"]), nodes_noun ; word(["who", "what"]) ), be, hot_state.
question("thermal_risk", []) -->
    be, opt(["any", "some", "all"]), opt(["of"]), opt(["the", "my", "our"]), ( nodes_noun ;
    node_noun ; word(["anything", "something", "anybody"]) ), hot_state.
question("thermal_risk", []) -->
    word(["will"]), opt(["any"]), ( nodes_noun ; node_noun ; word(["anything"]) ), hot_verb,
    opt(["soon"]).
question("thermal_risk", []) -->
    ( opening ; [] ), opt(["the", "all"]), word(["thermal", "heat"]), word(["risk", "risks",
    "problems", "status", "state"]).
question("thermal_risk", ["node"-Node]) -->
    be, the_node(Node), hot_state.
question("thermal_risk", ["node"-Node]) -->
    word(["will", "does"]), the_node(Node), hot_verb, opt(["soon"]).
question("thermal_risk", ["node"-Node]) -->
    word(["how"]), word(["hot", "warm", "cool"]), be, the_node(Node).
question("thermal_risk", ["node"-Node]) -->
    ( opening ; [] ), opt(["the"]), opt(["cpu", "gpu"]), word(["temperature", "temperatures",
    "temp"]), word(["of", "on", "for", "in"]), the_node(Node).

hot_state --> opt(["still", "now", "currently"]), hotly.
hotly -->
    word(["at", "in"]), opt(["a", "the"]), word(["risk", "danger"]), word(["of", "from"]),
    heat_noun.
hotly -->
    opt(["too", "very", "so", "running", "getting", "becoming"]), opt(["too", "very"]),
    word(["hot", "warm"]).
hotly --> word(["overheating", "throttling", "overheated", "throttled"]).
hotly --> ( word(["going", "about", "likely"]), word(["to"]) ), hot_verb.
hotly --> word(["close", "near"]), opt(["to"]), heat_noun.

heat_noun -->
    opt(["thermal", "heat"]), word(["throttling", "overheating", "throttle", "overheat",
    "shutdown", "heat", "overheat"]).
hot_verb --> opt(["thermally"]), word(["throttle", "overheat"]).
hot_verb --> word(["get", "become", "run"]), opt(["too"]), word(["hot"]).

                /*  a node  */

question("node_show", ["node"-Node]) -->
    opening, opt(["the"]), node_noun, name(Node).
question("node_show", ["node"-Node]) -->
    ( words(["tell", "me"]) ; word(["tell", "show"]) ), opt(["everything", "more", "all"]),
    word(["about"]), the_node(Node).
question("node_show", ["node"-Node]) -->
    word(["what"]), word(["do"]), word(["you", "we"]), word(["know"]), word(["about", "of"]),
    the_node(Node).
question("node_show", ["node"-Node]) -->
    word(["describe"]), the_node(Node).
question("node_show", ["node"-Node]) -->
    opening, opt(["the"]), word(["details", "facts", "inventory", "readings", "specs",
    "hardware"]), word(["of", "for", "about"]), the_node(Node).
question("node_show", ["node"-Node]) -->
    opening, known(Node).

                /*  the network  */

question("reach_check", Params) -->
    ( word(["can", "could", "does", "may", "will"]), the_node(From), reach_verb(Service0) ; be,
    the_node(From), word(["able", "allowed", "permitted"]), word(["to"]),
    reach_verb(Service0) ), the_node(To), on_service(Service0, Service), { reach_params(From,
    To, Service, Params) }.
question("reach_check", Params) -->
    be, the_node(To), word(["reachable", "accessible", "available"]), on_service(none,
    Service1), word(["from", "for", "by"]), the_node(From), on_service(Service1, Service),
    { reach_params(From, To, Service, Params) }.
question("reach_check", Params) -->
    ( opening ; [] ), word(["what", "which"]), opt(["ports", "services", "service"]),
    word(["can", "does"]), the_node(From), word(["reach", "access", "use"]), word(["on", "of",
    "at"]), the_node(To), { reach_params(From, To, none, Params) }.

reach_verb(none)     --> word(["reach", "access", "see", "contact"]).
reach_verb(none)     --> word(["talk", "connect", "get", "speak", "go"]),
    opt(["through"]), word(["to", "with"]).
reach_verb("icmp")   --> word(["ping"]).
reach_verb("tcp/22") --> word(["ssh"]), opt(["to", "into", "onto"]).

on_service(Service0, Service) -->
    opt(["on", "over", "via", "at", "by", "through", "with", "using"]),
    service(Service),
    { Service0 == none ; Service0 == Service }.
on_service(Service, Service) --> [].

service(Service) --> opt(["tcp"]), word(["port"]), port(tcp, Service).
service(Service) --> word(["udp"]), opt(["port"]), port(udp, Service).
service(Service) --> word(["tcp"]), port(tcp, Service).
service(Service) --> opt(["port"]), [path(Raw)], { service_path(Raw, Service) }.
service(Service) --> word([Name]), { service_name(Name, Service) }.

port(Kind, Service) -->
    [num(Port)],
    { Port >= 1, Port =< 65535, format(string(Service), "~w/~d", [Kind, Port]) }.

%   tcp/443 and 443/tcp
service_path(Raw, Service) :-
    string_lower(Raw, Lower),
    split_string(Lower, "/", "", [A, B]),
    (   Service = Lower
    ;   string_concat(B, "/", Head),
        string_concat(Head, A, Service)
    ),
    service_named(Service, _),
    !.

service_name("https", "tcp/443").     service_name("http", "tcp/80").
service_name("ssh", "tcp/22").        service_name("dns", "udp/53").
service_name("smb", "tcp/445").       service_name("samba", "tcp/445").
service_name("rdp", "tcp/3389").      service_name("nfs", "tcp/2049").
service_name("ntp", "udp/123").       service_name("smtp", "tcp/25").
service_name("mqtt", "tcp/1883").     service_name("icmp", "icmp").
service_name("ping", "icmp").

reach_params(From, To, none, Params)    => Params = ["from"-From, "to"-To].
reach_params(From, To, Service, Params) => Params = ["from"-From, "to"-To, "service"-Service].

question("path_find", ["from"-From, "to"-To]) -->
    ( opening ; word(["find", "trace", "query"]) ; [] ), opt(["the", "a", "me"]), opt(["the",
    "a"]), opt(["live", "network", "shortest", "best"]), word(["path", "route", "way",
    "cables"]), ends(From, To).
question("path_find", ["from"-From, "to"-To]) -->
    word(["trace"]), ends(From, To).
question("path_find", ["from"-From, "to"-To]) -->
    word(["how"]), word(["does", "do"]), the_node(From), word(["get", "connect", "reach",
    "go"]), opt(["to"]), the_node(To).
question("path_find", ["from"-From, "to"-To]) -->
    word(["how"]), word(["does", "do"]), opt(["a"]), word(["packet", "packets", "traffic",
    "data", "one", "i", "we"]), word(["get", "go", "travel", "flow"]), ends(From, To).
question("path_find", ["from"-From, "to"-To]) -->
    word(["how"]), be, the_node(From), word(["connected", "linked", "wired"]), word(["to",
    "with"]), the_node(To).
question("path_find", ["from"-From, "to"-To]) -->
    opt(["over", "through", "via"]), word(["which", "what"]), word(["path", "route", "way",
    "cables", "switches"]), word(["leads", "lead", "goes", "go", "is", "are"]), opt(["there"]),
    ends(From, To).

ends(From, To) --> word(["from"]), the_node(From), word(["to", "towards"]), the_node(To).
ends(From, To) --> word(["between"]), the_node(From), word(["and"]), the_node(To).

                /*  the boot order  */

question("boot_order_show", []) -->
    opt(["in"]), word(["which", "what"]), word(["order", "sequence"]), word(["does", "do", "must",
    "should", "will"]), all_booting, word(["boot", "start"]), opt(["up", "in"]).
question("boot_order_show", []) -->
    ( opening ; [] ), opt(["the"]), word(["boot", "start", "startup"]), word(["order", "sequence"]).
question("boot_order_show", ["node"-Node]) -->
    word(["what", "which"]), opt(["nodes", "machines", "else"]), word(["must", "has", "have",
    "should", "needs"]), opt(["to"]), word(["be", "boot", "start"]), opt(["up", "running",
    "there"]), opt(["first"]), word(["before", "for"]), the_node(Node),
    opt(["boots", "starts", "comes"]), opt(["up"]).

all_booting --> opt(["the", "my", "our"]), ( word(["house", "home", "everything", "cluster",
    "nodes", "machines"]) ; [] ).

                /*  placement  */

question("placement_find", Params) -->
    word(["where"]), ( word(["can", "could", "should", "would", "does", "do"]) ), subject,
    run_verb, load(Params), where_end.
question("placement_find", Params) -->
    word(["where"]), word(["can", "could", "should", "would", "does"]), load(Params), run_verb.
question("placement_find", Params) -->
    word(["which", "what"]), ( nodes_noun ; node_noun ; word(["gpu", "gpus"]) ; [] ), room_verb,
    load(Params), where_end.
question("placement_find", Params) -->
    ( be, word(["there"]) ; word(["do"]), word(["we", "you", "i"]), word(["have"]) ;
    word(["have"]), word(["we"]), opt(["got"]) ), opt(["any"]), word(["room", "space",
    "place"]), word(["anywhere"]) , word(["for"]), load(Params).
question("placement_find", Params) -->
    ( be, word(["there"]) ; word(["do"]), word(["we", "you", "i"]), word(["have"]) ;
    word(["have"]), word(["we"]), opt(["got"]) ), opt(["any", "a"]), ( word(["node", "gpu",
    "machine"]), word(["with"]) ; [] ), word(["room", "space", "place"]), word(["for"]),
    load(Params).
question("placement_find", Params) -->
    word(["find"]), opt(["me"]), opt(["a", "the"]), opt(["best"]), word(["place", "room",
    "home", "node", "machine", "gpu", "spot"]), word(["for"]), load(Params).

subject --> word(["i", "we", "you", "one"]).
subject --> [].

run_verb --> word(["run", "fit", "go", "put", "place", "load", "start", "live", "host", "be",
    "serve"]),
    opt(["placed", "run", "loaded", "started"]).

room_verb --> word(["can", "could", "would"]), word(["run", "hold", "take", "fit", "host", "load",
    "serve"]).
room_verb --> word(["has", "have"]), opt(["enough"]), word(["room", "space"]),
    word(["for"]).
room_verb --> word(["has", "have"]), ( word(["at"]), word(["least"]) ; [] ).
room_verb --> word(["fits", "holds", "runs", "takes"]).

where_end --> word(["now", "best", "free"]).
where_end --> [].

%   "a 12 GB model", "a model of 12 GB", "12 GB of vram", "8 GB of memory with cuda"
load(Params) -->
    opt(["a", "an", "the"]), amount(Mib), opt(["of"]), load_noun(Kind),
    needs(More), { load_params(Kind, Mib, More, Params) }.
load(Params) -->
    opt(["a", "an", "the"]), load_noun(Kind0),
    ( word(["of", "with", "needing"]) ; word(["that", "which"]), word(["needs", "takes", "wants",
    "has"]) ),
    amount(Mib), ( opt(["of"]), load_noun(Kind) ; { Kind = Kind0 } ),
    needs(More), { load_params(Kind, Mib, More, Params) }.

load_noun(vram_mib) -->
    word(["model", "llm", "vram", "network", "checkpoint"]), opt(["free"]).
load_noun(vram_mib) --> word(["gpu", "video"]), word(["memory", "ram"]), opt(["free"]).
load_noun(memory_mib) -->
    opt(["main"]), word(["memory", "ram", "vm", "container", "job", "process", "workload"]),
    opt(["free"]).

needs(["capability"-Flag]) -->
    ( word(["with", "using", "on"]) ; word(["that", "and"]), word(["needs", "wants"]) ),
    word([Flag]), { can_flag(Flag) }.
needs([]) --> [].

can_flag(Flag) :-
    node_flag_word(Atom),
    atom_string(Atom, Flag),
    !.

load_params(Kind, Mib, More, [Key-Mib|More]) :-
    atom_string(Kind, Key).

amount(Mib) --> number(Tenths), word([Unit]), { unit(Unit, Per), Mib is (Tenths * Per + 9) // 10 }.
amount(Mib) -->
    [u(Lower, _)],
    { string_codes(Lower, Codes),
      append(Digits, Letters, Codes), Digits = [_|_], Letters = [First|_], First >= 0'a,
      \+ ( member(Digit, Digits), \+ ( Digit >= 0'0, Digit =< 0'9 ) ),
      length(Digits, Count), Count =< 7,
      string_codes(Unit, Letters), unit(Unit, Per), !,
      number_codes(Number, Digits), Number >= 1, Mib is Number * Per, Mib =< 4194304 }.

number(Tenths) --> [num(Number)], { Number >= 1, Number =< 4194304, Tenths is Number * 10 }.
number(Tenths) -->
    [bad(ipv4, Raw)],
    { split_string(Raw, ".", "", [Whole, Part]), string_length(Part, 1), string_length(Whole,
      Length),
      Length >= 1, Length =< 6, number_string(W, Whole), number_string(P, Part), integer(W),
      integer(P),
      W >= 0, P >= 0, Tenths is W * 10 + P, Tenths >= 1 }.

%   A GB is taken as a GiB: rather too much room than too little.
unit("gb", 1024).         unit("gib", 1024).      unit("g", 1024).
unit("gigabyte", 1024).   unit("gigabytes", 1024).   unit("gigs", 1024).   unit("gig", 1024).
unit("mb", 1).            unit("mib", 1).         unit("megabytes", 1).   unit("megabyte", 1).
unit("tb", 1048576).      unit("tib", 1048576).

                /*  alerts  */

question("alert_list", Params) -->
    ( opening ; word(["list", "ls"]) ; words(["are", "there"]) ; words(["do", "we", "have"]) ;
    [] ), opt(["me"]), opt(["all", "any", "the", "my", "our"]), opt(["the"]), status(Status),
    alerts_noun, opt(["there"]), ( be ; [] ), opt(["there"]), status(Later), of_node(Node),
    { one_status(Status, Later, Found), alert_params(Found, Node, Params) }.
question("alert_list", Params) -->
    word(["which", "what"]), status(Status), alerts_noun, ( be, status(Later), opt(["there",
    "now"]), of_node(Node) ; word(["does", "do", "has"]), the_node(Node0), word(["have",
    "raise"]), { Node = Node0, Later = none } ; words(["do", "we", "have"]), { Node = none,
    Later = none } ), { one_status(Status, Later, Found), alert_params(Found, Node, Params) }.
question("alert_list", Params) -->
    ( be ; [] ), opt(["there"]), opt(["any"]), status(Status), alerts_noun, of_node(Node),
    { alert_params(Status, Node, Params) }.

alerts_noun --> word(["alerts", "alarms"]).

status(open)         --> word(["open", "active", "current", "unresolved", "firing", "pending"]).
status(raised)       --> word(["raised", "new", "unacknowledged", "unseen"]).
status(acknowledged) --> word(["acknowledged", "acked", "seen"]).
status(cleared)      --> word(["cleared", "resolved", "closed", "past", "old"]).
status(none)         --> [].

one_status(Status, none, Status) :- !.
one_status(none, Status, Status) :- !.
one_status(Status, Status, Status).

of_node(Node) --> word(["of", "on", "for", "about", "from"]), the_node(Node).
of_node(none) --> [].

alert_params(Status, Node, Params) :-
    ( memberchk(Status, [none, open]) -> Text = none ; atom_string(Status, Text) ),
    findall(Key-Value,
            ( member(Key-Value, ["status"-Text, "node"-Node]), Value \== none ), Params).

acknowledged(Intents) -->
    ( word(["acknowledge", "ack", "confirm"]) ; words(["take", "note", "of"]) ), opt(["the"]),
    word(["alert", "alerts", "alarm", "alarms"]), opt(["number", "no"]), alert_numbers(Numbers),
    said_words(Words), { acks(Numbers, Words, Intents) }.
acknowledged(Intents) -->
    word(["mark", "set"]), opt(["the"]), word(["alert", "alerts", "alarm"]), opt(["number"]),
    alert_numbers(Numbers), word(["as", "to"]), word(["acknowledged", "seen", "acked"]),
    said_words(Words), { acks(Numbers, Words, Intents) }.
acknowledged(Intents) -->
    word(["i", "we"]), opt(["have"]), word(["saw", "seen", "acknowledge"]), opt(["the"]),
    word(["alert"]), alert_numbers(Numbers), said_words(Words), { acks(Numbers, Words,
    Intents) }.

alert_numbers([Number|Numbers]) -->
    [num(Number)], { Number >= 1 },
    (   ( [comma] ; [] ), opt(["and"]), alert_numbers(Numbers), { length(Numbers, Count),
      Count < 16 }
    ;   { Numbers = [] }
    ).

%   What a person says about it is between quotes.
said_words(Words) --> ( [colon] ; [comma] ; word(["with", "saying", "because"]) ; [] ),
    [quoted(Words, _)].
said_words(none)  --> [].

acks([], _, []).
acks([Number|Numbers], Words, ["alert_acknowledge"-obj(Params)|Intents]) :-
    ( Words == none -> Params = ["alert"-Number] ; Params = ["alert"-Number, "words"-Words] ),
    acks(Numbers, Words, Intents).

                /*  what is lacking, and what is no node  */

lacking("alert_acknowledge", "alert", "Which alert? Give its number, as `alerts` lists it.") -->
    word(["acknowledge", "ack"]), opt(["the", "it", "that", "this", "an", "all"]), opt(["alert",
    "alerts", "alarm"]).
lacking("node_health", "node", Text) -->
    ( be ; word(["how"]), be ), word(["the", "my", "our", "a", "it", "that", "this"]),
    ( node_noun ; [] ), ( state ; [] ), { which_node(Text) }.
lacking("node_health", "node", Text) -->
    ( be ; word(["how"]), be ; opening ), thing(Text), ( state ; hot_state ; [] ).

%   A pool, a virtual machine, a VLAN: known or not, none of them is a node.
thing(Text) -->
    article, thing_noun(Kind), name(Name), { thing_text(Kind, Name, Text) }.

thing_noun(pool)      --> word(["pool"]).
thing_noun(vm)        --> word(["vm"]).
thing_noun(vm)        --> words(["virtual", "machine"]).
thing_noun(container) --> word(["container"]).
thing_noun(vlan)      --> word(["vlan"]).

thing_text(Kind, Name, Text) :-
    findall(Known, known_thing(Kind, Known), Names),
    (   memberchk(Name, Names)
    ->  nodes_text(Nodes),
        format(string(Text), "'~s' is a ~w; I tell the health of nodes. ~s", [Name, Kind, Nodes])
    ;   ( near_name(Name, Names, Near) -> true ; Near = none ),
        stranger_words(Kind, Name, Near, Stranger),
        nodes_text(Nodes),
        format(string(Text), "~s ~s", [Stranger, Nodes])
    ).

known_thing(pool, Name) :- site:pool(Pool, _, _, _, _, _), atom_string(Pool, Name).
known_thing(vlan, Name) :- site:vlan(Vlan, _, _), atom_string(Vlan, Name).

which_node(Text) :-
    nodes_text(Nodes),
    format(string(Text), "Which node do you mean? ~s", [Nodes]).

nodes_text(Text) :-
    nodes_known(Nodes),
    (   Nodes == []
    ->  Text = "The site facts know no node."
    ;   length(Nodes, Count),
        ( Count =< 24 -> First = Nodes ; length(First, 24), append(First, _, Nodes) ),
        atomic_list_concat(First, ', ', List),
        ( Count =< 24 -> Tail = "" ; Tail = ", …" ),
        format(string(Text), "The nodes are ~w~s.", [List, Tail])
    ).

                /*  names  */

%   A node where one belongs: one that we know, by its words; or any word in the form of a name.
the_node(Node) --> article, ( node_noun ; [] ), name(Node), ( node_noun ; [] ).

known(Node) --> article, spelt(Node).

name(Node) --> spelt(Node).
name(Name) -->
    [u(Name, _)],
    { node_name(Name), \+ never_a_name(Name) }.

%   As one word, or its parts as words: gaming-pc, gaming pc. Looked up by what was said, so that a
%   large house costs no more than a small one.
spelt(Node) -->
    [Token],
    { text(Token, Node), site:node(Node, _, _) }.
spelt(Node) -->
    [First, Second],
    { text(First, One), text(Second, Two), joint(One, Two, Node), site:node(Node, _, _) }.
spelt(Node) -->
    [First, Second, Third],
    { text(First, One), text(Second, Two), text(Third, Three), joint(One, Two, Head),
      joint(Head, Three, Node), site:node(Node, _, _) }.

joint(One, Two, Joined) :-
    member(Joint, ["-", "_"]),
    string_concat(One, Joint, Head),
    string_concat(Head, Two, Joined).

%   Words of these sentences that the lexicon does not know.
never_a_name(Name) :-
    memberchk(Name,
              [ "healthy", "okay", "fine", "hot", "warm", "throttling", "overheating", "health",
                "status", "thermal", "risk", "danger", "path", "route", "reach", "alerts", "alert",
                "wrong", "problem", "problems", "trouble", "everybody", "house", "home", "able",
                "temperature", "online", "offline", "vm", "pool", "container", "vlan", "degraded",
                "critical", "node", "nodes", "gpu", "cpu", "model", "network", "firewall" ]).

article --> word(["the", "my", "our", "a"]).
article --> [].

node_noun  --> word(["node", "machine", "host", "server", "box", "computer", "pc", "system"]).
nodes_noun --> word(["nodes", "machines", "hosts", "servers", "boxes", "computers", "systems"]).

all_nodes -->
    opt(["all", "every"]), opt(["of"]), opt(["the", "my", "our"]), ( nodes_noun ; word(["house",
    "cluster", "fleet", "everything", "lab", "homelab"]) ).
all_nodes --> words(["every"]), node_noun.

be --> word(["is", "are", "was"]).

opening --> word(["show", "list", "display"]), opt(["me", "us"]).
opening --> word(["what", "what's", "whats"]), ( be ; [] ), opt(["the"]).
opening --> [w("what", _), poss], opt(["the"]).
opening --> words(["tell", "me"]).
opening --> words(["give", "me"]), opt(["the", "a"]).

                /*  words  */

opt(Words) --> word(Words).
opt(_)     --> [].
