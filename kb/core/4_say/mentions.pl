%   SPDX-License-Identifier: Apache-2.0

:- module(mentions,
          [ mentions/2,                 % +Texts, -Mentioned
            topic_metrics/2,            % ?Topic, ?Metrics
            default_metrics/1,          % -Metrics
            mention_limit/2             % ?What, ?Most
          ]).
:- use_module(library(lists), [append/3, member/2, memberchk/2]).
:- use_module(kb('1_words/first'), [first/3]).
:- use_module(kb('1_words/house_words'), [node_name/1]).
:- use_module(kb('2_seen/site'), []).
:- use_module(kb('2_seen/state'), []).
:- use_module(kb('3_rules/house'), [nodes_known/1, near_name/3, one_letter_off/3]).
:- use_module(houses, [house_request/2]).
:- use_module(lexicon, [lex/2]).
:- use_module(plain_words, [plain_word/1]).
:- use_module(tokens, [tokens/2]).

/** <module> Whom and what a text speaks of

    mentioned(Nodes, Things, Topics, Strangers)     Things: pool(Pool), vlan(Vlan)

Strangers are stranger(Kind, Name, NearOrNone): names that nothing has, where only a name can stand:

- where the grammar of questions reads a node: "is zeus healthy?"
- behind a noun: "the node zeus", "vm web1", "pool gpu7", "a server called hera"
- before "'s" and what a node has: "zeus's temperature"
- before a noun, if no plain word has that form: "the db-7 server"
- one letter off a node's name: "towr"

A word that the lexicon knows, or a plain word of English, is no name there.
*/

%!  mention_limit(?What, ?Most) is nondet.
%
%   Of texts the last are read, of a text its beginning.

mention_limit(texts,        16).
mention_limit(characters, 3000).        % of all texts together
mention_limit(words,       500).
mention_limit(questions,     3).        % texts, the last ones, that the grammar reads
mention_limit(sentences,     4).        % of each of them, the last ones
mention_limit(sentence,    200).        % characters of one that is read
mention_limit(near_words,   12).        % that are compared with all names

%!  mentions(+Texts:list, -Mentioned) is det.

mentions(Texts0, mentioned(Nodes, Things, Topics, Strangers)) :-
    last_texts(Texts0, Texts),
    findall(Text-Words, ( member(Text, Texts), words_of(Text, Words) ), Read),
    findall(Word, ( member(_-Words, Read), member(Word, Words) ), All0),
    mention_limit(words, WordsMax),
    first(WordsMax, All0, All),
    sort(All, Once),
    findall(Bare, ( member(Word, Once), bare(Word, Bare) ), Bares),
    sort(Bares, Set),
    findall(Bare, ( member(Bare, Set), site:node(Bare, _, _) ), Nodes1),
    findall(Node, two_words(Read, Set, Node), Nodes2),
    findall(Node, ( member(Word, Set), of_host(Word, Node) ), Nodes3),
    append(Nodes2, Nodes3, Nodes23),
    append(Nodes1, Nodes23, Nodes0),
    sort(Nodes0, Nodes),
    findall(Thing, thing(Set, Thing), Things0),
    sort(Things0, Things),
    findall(Topic, ( member(Word, Set), topic_word(Word, Topic) ), Topics0),
    sort(Topics0, Topics),
    findall(stranger(Kind, Name), stranger_in(Read, Set, Kind, Name), Found0),
    near_words(Set, Near),
    findall(stranger(node, Name), member(Name, Near), Found1),
    append(Found0, Found1, Found),
    sort(Found, Named),
    findall(stranger(Kind, Name, Meant), ( member(stranger(Kind, Name), Named),
                                           \+ known(Kind, Name), meant(Kind, Name, Meant) ),
            Strangers0),
    once_each(Strangers0, Strangers).

%   A name that was said twice, as a node and as something else, is told of once.
once_each([], []).
once_each([stranger(Kind, Name, Near)|Strangers], [stranger(Kind, Name, Near)|Once]) :-
    findall(Other, ( member(Other, Strangers), arg(2, Other, Same), Same \== Name ), Others),
    once_each(Others, Once).

%   What a person said last counts most.
last_texts(Texts, Last) :-
    length(Texts, Count),
    mention_limit(texts, Most),
    Skip is max(0, Count - Most),
    length(Old, Skip),
    append(Old, Kept, Texts),
    mention_limit(characters, Characters),
    from_the_end(Kept, Characters, _, Last).

from_the_end([], Left, Left, []).
from_the_end([Text|Texts], Left0, Left, Last) :-
    from_the_end(Texts, Left0, Left1, Last1),
    string_length(Text, Length),
    (   Left1 =< 0
    ->  Last = Last1,
        Left = 0
    ;   Length =< Left1
    ->  Last = [Text|Last1],
        Left is Left1 - Length
    ;   sub_string(Text, 0, Left1, _, Head),
        Last = [Head|Last1],
        Left = 0
    ).

%   Lower case; an apostrophe stays, for 's.
words_of(Text, Words) :-
    string_lower(Text, Lower),
    split_string(Lower, " \t\n\r,;:!?()[]{}\"`<>|=*#/\\.", " ", Split),
    findall(Word, ( member(Word, Split), Word \== "" ), Words).

bare(Word, Bare) :-
    (   possessive(Word, Owner)
    ->  Bare = Owner
    ;   sub_string(Word, 0, 1, _, "'"),
        string_concat("'", Rest, Word),
        string_concat(Inner, "'", Rest)
    ->  Bare = Inner
    ;   Bare = Word
    ).

possessive(Word, Owner) :-
    string_length(Word, Length),
    Length > 2,
    sub_string(Word, Before, 2, 0, Tail),
    ( Tail == "'s" ; Tail == "\u2019s" ),
    !,
    sub_string(Word, 0, Before, _, Owner).

%   "gaming pc" is gaming-pc.
two_words(Read, Set, Node) :-
    site:node(Node, _, _),
    split_string(Node, "-_", "", [One, Two]),
    memberchk(One, Set),
    memberchk(Two, Set),
    once(( member(_-Words, Read), append(_, [One, Two|_], Words) )).

of_host(Word, Node) :-
    site:node_host(Node, Host),
    atom_string(Host, Word).

thing(Set, pool(Pool)) :-
    site:pool(Pool, _, _, _, _, _),
    atom_string(Pool, Name),
    memberchk(Name, Set).
thing(Set, vlan(Vlan)) :-
    memberchk_any(["vlan", "vlans", "network", "subnet"], Set),
    site:vlan(Vlan, _, _),
    atom_string(Vlan, Name),
    memberchk(Name, Set).

memberchk_any(Words, Set) :-
    member(Word, Words),
    memberchk(Word, Set),
    !.

                /*  topics  */

topic_word(Word, Topic) :-
    topic_of(Word, Topic).

topic_of("temperature", heat).   topic_of("temperatures", heat).   topic_of("hot", heat).
topic_of("hottest", heat).       topic_of("heat", heat).           topic_of("thermal", heat).
topic_of("overheating", heat).   topic_of("throttling", heat).     topic_of("cooling", heat).
topic_of("fan", heat).           topic_of("fans", heat).           topic_of("warm", heat).
topic_of("memory", memory).      topic_of("ram", memory).          topic_of("swap", memory).
topic_of("disk", disk).          topic_of("disks", disk).          topic_of("storage", disk).
topic_of("space", disk).         topic_of("filesystem", disk).     topic_of("zfs", disk).
topic_of("raid", disk).          topic_of("network", network).     topic_of("bandwidth", network).
topic_of("address", network).    topic_of("ip", network).          topic_of("cable", network).
topic_of("vlan", network).       topic_of("firewall", network).    topic_of("path", network).
topic_of("gpu", gpu).            topic_of("gpus", gpu).            topic_of("vram", gpu).
topic_of("cuda", gpu).           topic_of("graphics", gpu).        topic_of("power", power).
topic_of("watts", power).        topic_of("watt", power).          topic_of("electricity", power).
topic_of("cpu", cpu).            topic_of("load", cpu).            topic_of("busy", cpu).
topic_of("processor", cpu).      topic_of("cores", cpu).           topic_of("uptime", time).
topic_of("clock", time).         topic_of("rebooted", time).       topic_of("model", engine).
topic_of("models", engine).      topic_of("queue", engine).        topic_of("inference", engine).
topic_of("alert", alerts).       topic_of("alerts", alerts).       topic_of("alarm", alerts).
topic_of("problem", alerts).     topic_of("problems", alerts).     topic_of("wrong", alerts).

%!  topic_metrics(?Topic, ?Metrics) is nondet.

topic_metrics(heat,    [ cpu_temperature, gpu_temperature, disk_temperature, board_temperature,
                         fan_speed, cpu_throttles, gpu_throttled ]).
topic_metrics(memory,  [ memory_available, memory_total, memory_available_share, swap_used_share,
                         oom_kills ]).
topic_metrics(disk,    [ disk_free, disk_used_share, disk_size, inodes_used_share, disk_healthy,
                         filesystem_readonly, raid_missing, zpool_online, disk_temperature ]).
topic_metrics(network, [ network_received, network_sent, network_errors, network_carrier,
                         network_speed ]).
topic_metrics(gpu,     [ gpu_busy, gpu_memory_used, gpu_memory_total, gpu_temperature, gpu_power,
                         gpu_throttled ]).
topic_metrics(power,   [ power_draw, gpu_power ]).
topic_metrics(cpu,     [ cpu_busy, load_1, cpu_cores, cpu_iowait, cpu_temperature ]).
topic_metrics(engine,  [ engine_busy_slots, engine_waiting, engine_kv_share, engine_tokens ]).
topic_metrics(time,    [ uptime, clock_ahead, clock_synchronised ]).
topic_metrics(alerts,  []).

%!  default_metrics(-Metrics) is det.

default_metrics([ source_ok, cpu_temperature, gpu_temperature, cpu_busy, load_1, memory_available,
                  disk_used_share, gpu_busy, gpu_memory_used, power_draw, uptime ]).

                /*  strangers  */

stranger_in(Read, _, node, Name) :-
    mention_limit(questions, Most),
    length(Read, Count),
    Skip is max(0, Count - Most),
    length(Old, Skip),
    append(Old, Last, Read),
    member(Text-_, Last),
    sentence_of(Text, Sentence),
    asked_of(Sentence, Name).
stranger_in(_, Set, Kind, Name) :-
    member(Name, Set),
    stem(Name, Stem),
    noun(Stem, Kind),
    node_name(Name).
stranger_in(Read, _, Kind, Name) :-
    member(_-Words, Read),
    named_in(Words, Kind, Name),
    name_of(Kind, Name).

%   Guests go by numbers: "VM 4711".
name_of(_, Name)  :- node_name(Name), !.
name_of(vm, Name) :- guest_number(Name), !.
name_of(container, Name) :- guest_number(Name).

guest_number(Name) :-
    string_codes(Name, [First|Codes]),
    length(Codes, Length),
    Length >= 2,
    Length =< 8,
    between(0'1, 0'9, First),
    \+ ( member(Code, Codes), \+ between(0'0, 0'9, Code) ).

%   What stands between two ends of sentences; the last ones of a long text.
sentence_of(Text, Sentence) :-
    split_string(Text, ".?!;\n", " \t,", Parts0),
    findall(Part, ( member(Part, Parts0), Part \== "" ), Parts),
    length(Parts, Count),
    mention_limit(sentences, Most),
    Skip is max(0, Count - Most),
    length(Old, Skip),
    append(Old, Last, Parts),
    member(Part, Last),
    string_length(Part, Length),
    mention_limit(sentence, Longest),
    Length =< Longest,
    bare_sentence(Part, Sentence).

%   "and is zeus hot, too" asks what "is zeus hot" asks.
bare_sentence(Part, Sentence) :-
    (   member(Head, ["and ", "but ", "also ", "so ", "ok ", "then "]),
        string_length(Head, HeadLength),
        sub_string(Part, 0, HeadLength, _, Start),
        string_lower(Start, Head)
    ->  sub_string(Part, HeadLength, _, 0, Rest0),
        split_string(Rest0, "", " ,", [Rest])
    ;   Rest = Part
    ),
    (   member(Tail, ["too", "as well", "please", "now"]),
        string_length(Tail, TailLength),
        sub_string(Rest, Before, TailLength, 0, End),
        string_lower(End, Tail),
        Before > 0
    ->  sub_string(Rest, 0, Before, _, Whole0),
        split_string(Whole0, "", " ,", [Sentence])
    ;   Sentence = Rest
    ).

%   The grammar of questions.
asked_of(Text, Name) :-
    catch(tokens(Text, Tokens), refused(_, _, _), fail),
    house_request(Tokens, act(Intents)),
    member(_-obj(Params), Intents),
    member(Key-Name, Params),
    memberchk(Key, ["node", "from", "to"]).

%   named_in(+Words, -Kind, -Name)
named_in([One|Words], Kind, Name) :-
    (   noun(One, Kind),
        behind(Words, Name),
        \+ ordinary(Name)
    ;   Words = [Two|_],
        (   noun(Two, Kind),
            numbered(One),
            Name = One
        ;   possession(Two),
            possessive(One, Name),
            Kind = node
        ),
        \+ ordinary(Name)
    ).
named_in([_|Words], Kind, Name) :-
    named_in(Words, Kind, Name).

possession(Thing) :- topic_of(Thing, _), !.
possession(Thing) :- memberchk(Thing, ["health", "status", "state", "readings"]).

behind([Called, Word|_], Name) :-
    memberchk(Called, ["named", "called"]),
    !,
    bare(Word, Name).
behind([Word|_], Name) :-
    bare(Word, Name).

noun("node", node).          noun("machine", node).       noun("host", node).
noun("server", node).        noun("computer", node).      noun("laptop", node).
noun("desktop", node).       noun("workstation", node).   noun("pc", node).
noun("box", node).           noun("pool", pool).          noun("vm", vm).
noun("vms", vm).             noun("container", container). noun("vlan", vlan).
noun("hypervisor", node).    noun("model", model).

%   server42 and node-7 are of the nouns server and node.
stem(Name, Stem) :-
    sub_string(Name, _, 1, 0, Final),
    Final @>= "0",
    Final @=< "9",
    string_codes(Name, Codes),
    append(Letters, [Digit|Digits], Codes),
    Digit >= 0'0, Digit =< 0'9,
    !,
    \+ ( member(Other, Digits), \+ ( Other >= 0'0, Other =< 0'9 ) ),
    ( append(Bare, `-`, Letters) -> true ; Bare = Letters ),
    string_codes(Stem, Bare).

%   A letter and a digit, or a hyphen within: no plain word.
numbered(Name) :-
    string_codes(Name, Codes),
    (   member(Digit, Codes), Digit >= 0'0, Digit =< 0'9
    ;   sub_string(Name, Before, 1, After, "-"), Before > 1, After > 0
    ),
    !,
    member(Letter, Codes),
    Letter >= 0'a,
    !.

ordinary(Word) :- lex(Word, _), !.
ordinary(Word) :- plain_word(Word), !.
ordinary(Word) :- topic_of(Word, _), !.
ordinary(Word) :- noun(Word, _), !.
ordinary(Word) :- string_length(Word, Length), Length < 2, !.

known(node, Name) :- site:node(Name, _, _), !.
known(node, Name) :- label_of(Name), !.
known(Kind, Name) :-
    findall(Known, known_name(Kind, Known), Names),
    memberchk(Name, Names).
known(model, _) :- site:pool_serves(_, any), !.     % then the catalogue knows, not we
known(model, Name) :- site:pool_serves(_, Name), !.
known(model, Name) :- state:loaded(_, Name, _, _, _), !.
known(model, Name) :- \+ numbered(Name).

%   A host or pool is no node, but there is something of that name.
label_of(Name) :- site:host(Host, _, _), atom_string(Host, Name).
label_of(Name) :- site:pool(Pool, _, _, _, _, _), atom_string(Pool, Name).

known_name(pool, Name) :- site:pool(Pool, _, _, _, _, _), atom_string(Pool, Name).
known_name(vlan, Name) :- site:vlan(Vlan, _, _), atom_string(Vlan, Name).

meant(Kind, Name, Near) :-
    (   candidates(Kind, Names),
        near_name(Name, Names, Found)
    ->  Near = Found
    ;   Near = none
    ).

candidates(node, Names) :- nodes_known(Names).
candidates(Kind, Names) :-
    memberchk(Kind, [pool, vlan]),
    findall(Name, known_name(Kind, Name), Names).

%   Words of at least four letters with one letter wrong, and the first one right. Only words that
%   begin and are as long as a name are compared with names.
near_words(Set, Near) :-
    findall(Letter-Length,
            ( site:node(Node, _, _), string_length(Node, Length), Length >= 4,
              sub_string(Node, 0, 1, _, Letter) ), Forms0),
    sort(Forms0, Forms),
    findall(Word, ( member(Word, Set), formed(Word, Forms) ), Words),
    mention_limit(near_words, Most),
    first(Most, Words, Few),
    findall(Word, ( member(Word, Few), one_off(Word) ), Near).

formed(Word, Forms) :-
    string_length(Word, Length),
    Length >= 4,
    sub_string(Word, 0, 1, _, Letter),
    Shorter is Length - 1,
    Longer is Length + 1,
    once(( member(Near, [Length, Shorter, Longer]), memberchk(Letter-Near, Forms) )),
    \+ ordinary(Word),
    \+ site:node(Word, _, _),
    \+ label_of(Word),
    node_name(Word).

one_off(Word) :-
    string_length(Word, Length),
    sub_string(Word, 0, 1, _, Letter),
    findall(Node,
            ( site:node(Node, _, _), string_length(Node, NodeLength), NodeLength >= 4,
              abs(NodeLength - Length) =< 1, sub_string(Node, 0, 1, _, Letter) ), Nodes),
    one_letter_off(Word, Nodes, _).
