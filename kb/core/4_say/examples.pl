%   SPDX-License-Identifier: Apache-2.0

:- module(examples,
          [ example/1,                  % ?Sentence
            nearest/2                   % +Tokens, -Three
          ]).
:- use_module(library(lists), [member/2, memberchk/2]).

/** <module> Sentences to learn from, and the three nearest to one that was not understood */

%!  example(?Sentence:string) is nondet.

example(Sentence) :-
    example(_, Sentence).

%   example(Words, Sentence): Words are what the sentence is found by, as meanings of the lexicon.
example([main(add), n(dns), n(record), host, address],
    "Add DNS record test.local to 192.168.1.100").
example([main(delete), n(record), host],               "Delete the record test.local").
example([n(address), ask(what), host, is],             "What is the address of test.local?").
example([link(point), f(instead), main(change), address, host],
    "Point test.local at 192.168.1.101 instead").
example([ty('CNAME'), light(make), host],              "Make www.local an alias of nas.local").
example([ty('MX'), link(point), n(priority), host],
    "Mail for home.arpa goes to mail.home.arpa with priority 10").
example([ty('TXT'), quoted, main(add)],
    "Add a TXT record for home.arpa with \"v=spf1 -all\"").
example([n(ttl), light(set), dur, num],                "Set the ttl of test.local to 10 minutes").
example([main(list), main(show), n(records), n(names), p(in)], "List all records in home.arpa").
example([main(lookup), ty('MX'), link(resolve)],       "Look up the MX of home.arpa").
example([n(zone), main(add), n(domain), f(new)],       "Create the zone lab.home.arpa").
example([n(playbook), main(run), n(ansible), path],
    "Run the playbook services/dns/zone.yml with zone=lab.home.arpa").
example([n(case), main(explain), ask(why), id, denied], "Explain case 01J9ZC3V5T8Q2M4K6N7P9R0S1T").
example([n(nodes), main(list), n(hosts), ask(which)],  "List all nodes").
example([u("wake"), u("sleep"), main(run)],            "Wake tower").
example([u("load"), u("model"), u("unload")],          "Load llama3 on gpu0").
example([u("healthy"), is, u("health"), ask(what)],      "Is tower healthy?").
example([u("hot"), u("thermal"), u("throttling"), u("risk"), u("overheating")],
    "Which nodes are at risk of thermal throttling?").
example([u("reach"), n(port), link(point)],            "Can laptop1 reach nas on port 443?").
example([u("gb"), u("room"), ask(where), u("model")],  "Where can a 12 GB model run?").
example([u("alerts"), u("alert"), u("open")],          "Which alerts are open?").
example([main(undo), that, n(change)],                 "Undo that").

%!  nearest(+Tokens, -Three:list(string)) is det.
%
%   By the number of words in common; of equals, the earlier in the list.

nearest(Tokens, Three) :-
    findall(Score-Sentence,
            ( example(Words, Sentence), score(Tokens, Words, Score) ), Scored),
    sort(1, @>=, Scored, [_-A, _-B, _-C|_]),
    Three = [A, B, C].

score(Tokens, Words, Score) :-
    findall(x, ( member(Token, Tokens), heard(Token, Word), memberchk(Word, Words) ), Common),
    length(Common, Score).

heard(w(_, Meaning), Meaning).
heard(u(Text, _), u(Text)).
heard(host(_), host).
heard(ip4(_), address).
heard(ip6(_), address).
heard(num(_), num).
heard(dur(_), dur).
heard(id(_), id).
heard(path(_), path).
heard(quoted(_, _), quoted).
