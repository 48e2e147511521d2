%   SPDX-License-Identifier: Apache-2.0

:- module(generate,
          [ sentence/3                  % +Action, +Params, -Sentence
          ]).
:- use_module(library(lists), [member/2, memberchk/2]).

/** <module> From an action to the sentences that ask for it

The grammar the other way round, for training data and as a test of itself: every sentence that is
made here is understood as the action that it was made from.
*/

%!  sentence(+Action:string, +Params, -Sentence:string) is nondet.
%
%   Params is obj([Key-Value, …]) as the door parse gives it. Plain, polite and terse forms in turn.

sentence(Action, obj(Pairs), Sentence) :-
    phrase(said(Action, Pairs), Words),
    atomic_list_concat(Words, ' ', Atom),
    atom_string(Atom, Sentence).

said("dns_record_add", Pairs) -->
    { fields(Pairs, Name, Type, Value, Ttl) },
    request(added(Type, Name, Value)),
    lasting(Ttl).
said("dns_record_change", Pairs) -->
    { fields(Pairs, Name, Type, Value, Ttl) },
    request(changed(Type, Name, Value, Pairs, Ttl)).
said("dns_record_delete", Pairs) -->
    { fields(Pairs, Name, Type, Value, _) },
    request(deleted(Type, Name, Value)).
said("dns_record_list", Pairs) -->
    { memberchk("zone"-Zone, Pairs), given("type", Pairs, Type) },
    list(Type, Zone).
said("dns_lookup", Pairs) -->
    { memberchk("name"-Name, Pairs), given("type", Pairs, Type) },
    lookup(Type, Name).
said("dns_zone_create", [_-Zone]) -->
    request(zone_created(Zone)).
said("dns_zone_delete", [_-Zone]) -->
    request(zone_deleted(Zone)).
said("playbook_run", Pairs) -->
    { memberchk("playbook"-Playbook, Pairs), given("variables", Pairs, Variables) },
    request(run(Playbook, Variables)).
said("case_explain", ["case"-Case]) -->
    (   any_of(["explain", "explain case", "why was case", "tell me about case"]), [Case]
    ;   ["why was case", Case, "denied?"]
    ).
said("node_list", []) -->
    any_of(["list nodes", "list all machines", "which nodes do we have?", "show me the servers"]).

said("host_wake", ["host"-Host]) -->
    request(woken(Host)).
said("host_sleep", ["host"-Host]) -->
    request(slept(Host)).
said("pool_load", Pairs) -->
    { memberchk("pool"-Pool, Pairs), memberchk("model"-Model, Pairs) },
    request(loaded(Pool, Model)).
said("pool_unload", ["pool"-Pool]) -->
    request(unloaded(Pool)).

said("node_show", ["node"-Node]) -->
    any_of(["show node", "what do you know about", "please describe", "tell me about the node"]),
    [Node].
said("node_health", []) -->
    any_of(["are all nodes healthy?", "how are the machines?", "which nodes are down?"]).
said("node_health", ["node"-Node]) -->
    (   any_of(["how is", "how is the node", "what is wrong with", "check"]), [Node]
    ;   any_of(["is", "is the machine"]), [Node],
        any_of(["healthy?", "ok?", "down?", "in trouble?"])
    ).
said("thermal_risk", []) -->
    any_of(["which nodes are at risk of thermal throttling?", "is anything overheating?"]).
said("thermal_risk", ["node"-Node]) -->
    (   any_of(["how hot is"]), [Node]
    ;   ["is", Node], any_of(["too hot?", "at risk of overheating?"])
    ).
said("reach_check", Pairs) -->
    { memberchk("from"-From, Pairs), memberchk("to"-To, Pairs), given("service", Pairs, Service) },
    (   any_of(["can", "does the node"]), [From], any_of(["reach", "talk to"]), [To]
    ;   ["is", To, "reachable from", From]
    ),
    over_service(Service).
said("path_find", Pairs) -->
    { memberchk("from"-From, Pairs), memberchk("to"-To, Pairs) },
    (   any_of(["what is the path from", "route from", "please trace the route from"]),
        [From, "to", To]
    ;   ["show me the path between", From, "and", To]
    ).
said("boot_order_show", []) -->
    any_of([ "in which order does the house boot?", "show the boot order",
             "what is the boot order?" ]).
said("boot_order_show", ["node"-Node]) -->
    any_of(["what must be up before", "what has to boot before"]), [Node].
said("placement_find", ["vram_mib"-Mib]) -->
    (   any_of(["where can a", "where could a"]), [Mib, "MiB model run?"]
    ;   any_of(["which node has room for a model of", "where can I run a model with"]), [Mib, "MiB"]
    ).
said("alert_list", []) -->
    any_of(["which alerts are open?", "list the alerts", "are there any alerts?"]).
said("alert_list", ["node"-Node]) -->
    any_of(["show the alerts of", "list alerts for"]), [Node].
said("alert_acknowledge", ["alert"-Alert]) -->
    any_of(["acknowledge alert", "ack alert", "please acknowledge the alert"]), [Alert].

over_service(none) --> [].
over_service(Service) -->
    { Service \== none },
    any_of(["on", "over"]), [Service].

fields(Pairs, Name, Type, Value, Ttl) :-
    memberchk("name"-Name, Pairs),
    given("type", Pairs, Type),
    given("value", Pairs, Value),
    given("ttl", Pairs, Ttl).

given(Key, Pairs, Value) :-
    (   memberchk(Key-Found, Pairs)
    ->  Value = Found
    ;   Value = none
    ).

any_of(Words) -->
    { member(Word, Words) },
    [Word].

request(What) --> do(What).
request(What) --> any_of(["please", "could you please", "hi, can you", "I'd like to",
    "we need to"]), do(What).
request(What) --> do(What), ["please"].

do(added(Type, Name, Value))     --> added(Type, Name, Value).
do(changed(T, N, V, Pairs, Ttl)) --> changed(T, N, V, Pairs, Ttl).
do(deleted(Type, Name, Value))   --> deleted(Type, Name, Value).
do(zone_created(Zone)) -->
    any_of(["create the zone", "set up a new zone", "add a DNS zone called", "make a zone named"]),
    [Zone].
do(zone_deleted(Zone)) -->
    (   any_of(["delete the zone", "remove zone", "get rid of the zone"]), [Zone]
    ;   any_of(["delete the", "drop the"]), [Zone, "zone"]
    ).
do(woken(Host)) -->
    any_of(["wake", "wake up", "start", "boot", "power on", "turn on the host"]), [Host].
do(slept(Host)) -->
    (   any_of(["suspend", "shut down", "power off"]), [Host]
    ;   any_of(["put", "send"]), [Host, "to sleep"]
    ).
do(loaded(Pool, Model)) -->
    any_of(["load", "load the model", "run"]), [Model], any_of(["on", "into", "onto the pool"]),
    [Pool].
do(unloaded(Pool)) -->
    any_of(["unload", "free the pool", "empty"]), [Pool].
do(run(Playbook, Variables)) -->
    any_of(["run the playbook", "execute playbook", "run", "launch the ansible playbook"]),
    [Playbook],
    with_variables(Variables).

with_variables(none) -->
    [].
with_variables(obj([Key-Value|Pairs])) -->
    { format(string(Text), "~w=~w", [Key, Value]) },
    any_of(["with", "using"]), [Text],
    more_variables(Pairs).

more_variables([]) -->
    [].
more_variables([Key-Value|Pairs]) -->
    { format(string(Text), "~w=~w", [Key, Value]) },
    ["and", Text],
    more_variables(Pairs).

add_verb --> any_of(["add", "create", "register", "make", "set up", "insert", "define"]).

%   One more record.
added(Type, Name, Value) -->
    { memberchk(Type, ["A", "AAAA"]) },
    (   add_verb, [Name], any_of(["to", "with", "at", "as", "->", "=", "pointing to"]), [Value]
    ;   add_verb, any_of(["an", "a new"]), [Type, "record for", Name], any_of(["with",
        "pointing at", "to"]), [Value]
    ;   add_verb, any_of(["the host", "a DNS entry for", "the name"]), [Name],
        any_of(["with the address", "at"]), [Value]
    ;   any_of(["point", "map"]), [Name], any_of(["to", "at"]), [Value]
    ;   ["assign", Value, "to", Name]
    ;   ["give", Name, "the address", Value]
    ).
added("CNAME", Name, Value) -->
    (   ["alias", Name, "to", Value]
    ;   ["alias", Value, "as", Name]
    ;   ["make", Name], any_of(["an alias of", "an alias for", "a CNAME of"]), [Value]
    ;   add_verb, ["a CNAME from", Name, "to", Value]
    ;   add_verb, ["an alias for", Value, "called", Name]
    ;   add_verb, ["a CNAME record for", Name, "pointing to", Value]
    ).
added("MX", Name, Value) -->
    { split_string(Value, " ", "", [Preference, Host]) },
    (   add_verb, ["an MX record for", Name, "with", Preference, Host]
    ;   add_verb, ["MX", Preference, Host, "for", Name]
    ;   ["send mail for", Name, "to", Host, "with priority", Preference]
    ;   ["make", Host, "the mail server for", Name, "with priority", Preference]
    ).
added("TXT", Name, Value) -->
    { format(string(Text), "\"~w\"", [Value]) },
    (   add_verb, ["a TXT record for", Name, "with", Text]
    ;   add_verb, ["the text", Text, "to", Name]
    ).
added("SRV", Name, Value) -->
    { split_string(Value, " ", "", [P, W, O, Host]) },
    (   add_verb, ["SRV", Name, Value]
    ;   add_verb, ["a service record for", Name, "with priority", P, "weight", W, "port", O,
        "and target", Host]
    ).
added("PTR", Name, Value) -->
    (   add_verb, ["a PTR record for", Name], any_of(["to", "pointing to"]), [Value]
    ;   add_verb, ["pointer", Name, "->", Value]
    ).
added("CAA", Name, Value) -->
    add_verb, ["CAA", Name, Value].

lasting(none) --> [].
lasting(Seconds) -->
    { integer(Seconds) },
    (   any_of(["ttl", "with a ttl of", "with ttl"]), [Seconds]
    ;   ["with a TTL of", Seconds, "seconds"]
    ).

%   Another value, another time to live.
changed(Type, Name, none, _, Ttl) -->
    { integer(Ttl) },
    any_of(["set the ttl of", "change the TTL for"]),
    typed(Type),
    [Name, "to", Ttl],
    any_of(["", "seconds"]).
changed(Type, Name, Value, Pairs, Ttl) -->
    { memberchk(Type, ["A", "AAAA"]), given("old_value", Pairs, Old) },
    (   { Old == none },
        (   any_of(["change", "update", "move", "repoint", "set"]), [Name, "to", Value]
        ;   any_of(["point", "map"]), [Name], any_of(["to", "at"]), [Value, "instead"]
        ;   ["change the", Type, "record of", Name, "to", Value]
        )
    ;   { Old \== none },
        (   any_of(["change", "update", "move"]), [Name, "from", Old, "to", Value]
        ;   ["replace", Old, "with", Value, "for", Name]
        )
    ),
    lasting(Ttl).
changed("CNAME", Name, Value, Pairs, Ttl) -->
    { given("old_value", Pairs, none) },
    any_of(["repoint", "change the CNAME of", "switch the alias"]), [Name, "to", Value],
    lasting(Ttl).

typed(none) --> [].
typed(Type) --> { Type \== none }, ["the", Type, "record of"].

%   A record less.
deleted(none, Name, none) -->
    any_of(["delete", "remove", "drop", "get rid of", "delete the record for", "erase",
        "take down"]), [Name].
deleted(Type, Name, none) -->
    { Type \== none },
    any_of(["delete the", "remove the"]), [Type], any_of(["record for", "record of"]), [Name].
deleted(Type, Name, Value) -->
    { memberchk(Type, ["A", "AAAA"]), Value \== none },
    (   any_of(["delete", "remove"]), [Name, "->", Value]
    ;   ["remove", Value, "from", Name]
    ;   ["delete the", Type, "record", Name, "with address", Value]
    ).

%   Questions.
list(none, Zone) -->
    (   any_of(["list all records in", "what records are in", "show the records of zone"]), [Zone]
    ;   ["what is in the", Zone, "zone?"]
    ).
list(Type, Zone) -->
    { Type \== none },
    any_of(["list the", "show all"]), [Type, "records in", Zone].

lookup(none, Name) -->
    (   any_of(["look up", "resolve", "what is the address of", "dig", "find the IP of"]), [Name]
    ;   ["where does", Name, "point?"]
    ;   ["does", Name, "exist?"]
    ).
lookup(Type, Name) -->
    { Type \== none },
    any_of(["look up the", "what is the"]), [Type, "of", Name].
