%   SPDX-License-Identifier: Apache-2.0

:- module(lexicon,
          [ lex/2,                      % +Text, -Meaning
            idiom/3,                    % +First, -Rest, -Meaning
            long_verb/1                 % ?Text
          ]).
:- use_module(library(lists), [member/2]).

/** <module> The words that we know

A closed list: what is not here is a name, a value or not understood. Meanings:

  - main(Do), light(Verb), link(Verb): what shall be done; a verb that says it only with others
    ("make … an alias"); a verb that ties a name to a value ("point", "resolve to")
  - done(Do): "removed", "added"; doing(Do): "adding", understood only where one asks for it
  - p(Role): what the next entity is for; n(Noun); ty(Type); small(N) and unit(S): numbers, times
  - f(Flag): a word that bends the meaning; ask(Word): a word of questions
  - skip: filler without any meaning; halt(Why): a word after which we never act
  - anything else: read in context by items.pl

means/2 and idioms/2 are turned into lex/2 and idiom/3 while loading: one string, one index.
*/

term_expansion(means(Meaning, Text), Facts) :-
    split_string(Text, " \n", " \n", Words),
    findall(lex(Word, Meaning), ( member(Word, Words), Word \== "" ), Facts).
term_expansion(idioms(Meaning, Text), Facts) :-
    split_string(Text, "|", " \n", Idioms),
    findall(idiom(First, Rest, Meaning),
            ( member(Idiom, Idioms),
              split_string(Idiom, " \n", " \n", Words0),
              findall(Word, ( member(Word, Words0), Word \== "" ), [First|Rest]) ),
            Facts).

:- discontiguous lex/2, idiom/3, means/2, idioms/2.

%!  lex(+Text:string, -Meaning) is semidet.
%!  idiom(+First:string, -Rest:list(string), -Meaning) is nondet.
%
%   Longer idioms come before shorter ones with the same beginning.

%   What shall be done.
means(main(add), "add create register insert define publish enter introduce provision
    establish build append assign allocate declare install setup generate write").
means(main(repoint), "repoint re-point redirect retarget remap").
means(main(change), "change update modify edit alter replace adjust
    reassign re-assign correct fix amend migrate overwrite switch move shift flip relocate
    reconfigure readdress swap bump raise lower increase decrease reduce extend shorten").
means(main(delete), "delete remove drop kill erase unregister purge wipe nuke destroy eliminate
    discard deregister del rm scrap retire trash ditch decommission zap prune unpublish clear
    obliterate").
means(main(list), "list enumerate ls").
means(main(show), "show display print dump view tell").
means(main(lookup), "lookup dig query nslookup ping").
means(main(run), "run execute launch start trigger invoke play apply").
means(main(explain), "explain justify").
means(main(undo), "undo revert rollback unmake").
means(reverse, "reverse").
means(light(make), "make").
means(light(give), "give grant").
means(light(put), "put place stick throw").
means(light(have), "have has").
means(light(want), "want need needs wants require requires").
means(light(let), "let lets").
means(light(get), "get gets fetch grab").
means(light(use), "use uses").
means(light(set), "set sets").
means(light(take), "take").
means(light(look), "look").
means(light(roll), "roll").
means(light(find), "find search check see").
means(light(know), "know").
means(link(point), "point points map maps aim direct associate bind link connect tie attach wire
    pointing mapped linked route goes go sends send deliver pointed bound assigned
    forward lead leads belongs belong answers answer translate translates lives live sits").
means(link(resolve), "resolve resolves resolving resolved").
means(link(handle), "handle handled handles accept accepts receive receives serve serves serving
    runs
    running hosted").
means(link(exist), "exist exists").
means(link(be), "be become").
means(is, "is are").
means(aux, "does do did").
means(modal, "should must shall ought").
means(done(delete), "removed deleted dropped gone erased purged wiped").
means(done(add), "added created registered defined inserted published").
means(done(change), "updated modified repointed").
means(doing(add), "adding creating registering making inserting setting defining").
means(doing(change), "changing updating moving switching repointing modifying").
means(doing(delete), "deleting removing dropping erasing").
means(doing(lookup), "checking").
means(doing(show), "listing showing telling").
means(doing(run), "executing").

idioms(main(delete), "get rid of | get shot of | do away with | take down | take away | take out |
    throw away
    | throw out | take off | clean up | clean out").
idioms(main(add), "set me up with | set me up | set up | put in | put up | spin up | sign up |
    bring up | write down").
idioms(light(give), "set us up with").
idioms(main(run), "kick off | fire off | fire up | ansible-playbook").
idioms(main(lookup), "look up | look-up | do a lookup on | do a lookup of | do a lookup for
    | reverse lookup | reverse lookup of | reverse lookup for").
idioms(main(undo), "put it back | put that back | take it back | roll it back | change it back |
    set it back | bring it back | roll back | take back | put back | back out").
idioms(main(list), "give me a list of | get me a list of | show me a list of | give me an overview
    of
    | show a list of | get a list of | i need a list of").
idioms(main(give_me), "give me | give us | get me | get us | fetch me").
idioms(main(show), "find me | show me | show us | tell me | tell us | let me see
    | let me know | read me | i would like to know | i'd like to know | i want to know | i need to
    know
    | i would like to see | i'd like to see | i want to see | i need to see | find out").
idioms(link(point), "so it points | so that it points | so it resolves | so that it resolves |
    such that it points | which points | that points
    | which should point | that should point | which resolves | that resolves | so it goes | so
    that it goes | which goes | that goes | which is | so it is").
idioms(link(point), "hook up | is pointing | are pointing | is pointed | be pointed | be pointing
    | be mapped | be assigned | be bound | be linked | be set | be reachable | be available | be
    found | be hosted | be located
    | be reached | be at home").
idioms(link(be), "end up | come up | show up").

%   Who ties what to what.
means(p(to), "to onto into towards toward").
means(p(at), "at @").
means(p(arrow), "-> => --> ==> >").
means(p(eq), "= == := equals equal").
means(p(with), "with having using via").
means(p(as), "as").
means(p(for), "for").
means(p(of), "of belonging about regarding concerning").
means(p(in), "in within inside under below").
means(p(on), "on").
means(p(from), "from").
means(p(by), "by").
means(p(called), "called named labeled labelled titled").
means(p(allow), "allow allows allowing permit permitting authorize authorise authorizing authorising
    issue issuer issues issuing").
means(p(old), "replacing").
idioms(p(old), "instead of | rather than | in place of | in lieu of | and not").
idioms(p(called), "by the name of | with the name of | with the name | with name | under the name
    of | under the name | with the hostname | with hostname").
idioms(p(allow), "is allowed to issue | may issue | can issue | to issue").
means(p(value), "value content data rdata target payload destination").
means(colon, ": ::=").
means(skip, "- -- – — + * | |- ...").
means(back_arrow, "<- <= <-- ←").

%   What it is about.
means(n(record), "record entry mapping recrod reocrd entery rr resource-record resource").
means(n(records), "records entries rrs rrset rrsets mappings everything contents resources").
means(n(dns), "dns nameserver").
means(n(name), "name hostname fqdn domainname hostnames").
means(n(names), "names subdomains").
means(n(host), "host subdomain").
means(n(address), "address ip adress addres ips addresses adresses ip-address").
means(n(zone), "zone").
means(n(zones), "zones").
means(n(domain), "domain").
means(n(server), "server machine node box computer device").
means(n(nodes), "nodes machines servers computers boxes devices inventory cluster fleet").
means(n(hosts), "hosts").
means(n(playbook), "playbook playbooks job").
means(n(ansible), "ansible").
means(n(case), "case cases").
means(n(decision), "decision verdict outcome reason reasons reasoning result request proposal").
means(n(ttl), "ttl").
means(n(priority), "priority prio preference pref priorities distance").
means(n(weight), "weight").
means(n(port), "port").
means(n(flag), "flags flag").
means(n(type), "type").
means(n(variable), "variable variables vars var parameter parameters option options extra-vars -e").
means(n(lookup_of), "lookup_of").
idioms(n(ttl), "time to live | time-to-live | cache time | caching time | cache lifetime").
idioms(n(name), "domain name | host name | dns name | full name | domain names").
idioms(n(dns), "name server | dns server | the dns | domain name system | name service").
idioms(n(change), "last change | latest change | most recent change | previous change | last
    modification | last edit
    | last action | last operation | last step | last thing | last command | last request | recent
    change").

%   Record types.
means(ty_a, "a-record a-records").
means(ty('AAAA'), "aaaa quad-a quada ipv6 aaaa-record v6 ip6").
means(ty('A4'), "ipv4 v4 ip4").
means(ty('CNAME'), "cname cnames alias aliases aliased nickname cname-record c-name").
means(ty('MX'), "mx mxs mailserver mail-server mailexchanger mx-record").
means(ty('TXT'), "txt txts text spf dmarc dkim txt-record").
means(ty('SRV'), "srv srvs service services srv-record").
means(ty('PTR'), "ptr ptrs pointer pointers rdns ptr-record").
means(ty('CAA'), "caa caas caa-record").
means(ty(other), "ns soa svcb https tlsa ds dnskey naptr dname sshfp loc hinfo spf-record").
means(ty('MX'), "mail email e-mail mails emails").
idioms(ty('AAAA'), "quad a | ip version 6 | ip v6").
idioms(ty('CNAME'), "canonical name").
idioms(ty('MX'), "mail exchanger | mail exchange | mail server | mail servers | mail host | mail
    record | mail records | email server
    | mail handler | mail relay | e-mail server | mail exchangers").
idioms(ty('PTR'), "reverse dns | reverse record | reverse pointer | reverse mapping | reverse
    entry | reverse name").
idioms(ty('CAA'), "certificate authority | certificate authorization | certification authority").
means(skip_cert, "certificates certificate certs cert").

%   Flags.
means(f(instead), "instead").
means(f(now), "now").
means(f(new), "new another additional extra fresh brand-new").
means(f(old), "existing current old").
means(f(all), "all every each").
means(f(both), "both").
means(f(wildcard), "wildcard catch-all catchall").
means(f(respectively), "respectively").
idioms(f(respectively), "in that order | in this order").
means(f(last), "last latest previous recent").
means(f(back), "back").
means(f(up), "up").
means(f(out), "out off down away").
means(pronoun, "it them its").
means(f(person), "you i we they he she u everyone's").
means(that, "that this").
idioms(f(out), "out of dns | out of the dns | out of our dns").
idioms(f(now), "from now on | as of now").
idioms(f(moved), "has moved to | have moved to | has changed to | moved over to | is moving to |
    moves to | has been moved to
    | changed to | moved to | now lives at | now points to | now points at | now resolves to |
    changes to").
idioms(f(new_value), "new address | new ip | new ip address | new value | new target | new ipv4 |
    new ipv6 | new ttl").

%   Numbers and times.
means(small(0), "zero").   means(small(1), "one").       means(small(2), "two").
means(small(3), "three").  means(small(4), "four").      means(small(5), "five").
means(small(6), "six").    means(small(7), "seven").     means(small(8), "eight").
means(small(9), "nine").   means(small(10), "ten").      means(small(11), "eleven").
means(small(12), "twelve").     means(small(13), "thirteen").   means(small(14), "fourteen").
means(small(15), "fifteen").    means(small(16), "sixteen").    means(small(17), "seventeen").
means(small(18), "eighteen").   means(small(19), "nineteen").   means(small(20), "twenty").
means(small(30), "thirty").     means(small(40), "forty fourty").  means(small(50), "fifty").
means(small(60), "sixty").      means(small(70), "seventy").    means(small(80), "eighty").
means(small(90), "ninety").     means(small(24), "twenty-four"). means(small(45), "forty-five").
means(times(100), "hundred").   means(times(1000), "thousand").
means(half, "half").
means(unit(1), "s sec secs seconds").
means(second, "second").
means(unit(60), "m min mins minute minutes").
means(unit(3600), "h hr hrs hour hours").
means(unit(86400), "d day days").
means(unit(604800), "w wk week weeks").
means(cached, "cached cache caching cacheable").

%   Joints between the parts of a sentence.
means(sep(and), "and & plus").
means(sep(then), "then").
means(sep(also), "also additionally").
idioms(sep(and), "and then also | and then | and also | as well as | after that | plus also").

%   Questions.
means(ask(what), "what what's whats").
means(ask(which), "which").
means(ask(where), "where where's wheres").
means(ask(who), "who who's").
means(ask(why), "why how-come").
idioms(ask(why), "how come | what is the reason | what was the reason | on what grounds | for what
    reason").
idioms(ask(there), "is there | are there | do we have | do i have | do you have | have we got | do
    you know
    | is there any | are there any | have we").
means(skip, "there").
means(f(any), "any some").
means(was, "was were been being").
means(denied, "denied refused rejected blocked forbidden declined disallowed turned stopped
    waiting pending held permitted
    approved allowed accepted").
idioms(denied, "turned down | waiting for | on hold | need consent | need approval | needs consent
    | need a signature
    | awaiting consent | need to be approved | need to be signed | needs approval | not allowed |
    not permitted | fail | failed").
means(happened, "happened happen happening").

%   Never act after one of these.
means(halt(negation), "not don't dont never no isn't doesn't didn't won't cannot can't shouldn't
    wouldn't aren't
    neither nor mustn't stop avoid refrain cant wont nobody nothing none haven't hasn't wasn't").
means(halt(condition), "if unless whether when once whenever provided assuming maybe perhaps might
    suppose
    supposing hypothetically would-be otherwise possibly probably theoretically could've
    eventually would've because").
means(halt(choice), "or either").
means(halt(exception), "except excluding but besides without only apart unlike however").
means(halt(time), "tomorrow tonight later until till before after during today yesterday soon
    temporarily
    monday tuesday wednesday thursday friday saturday sunday midnight noon weekend month months
    year years
    again while schedule permanently january february march april june july august september
    october november december
    morning evening afternoon next daily weekly hourly").
means(halt(question), "how").
means(halt(other), "stuff thing things other others one's ones nonsense similar same like matching
    containing contains starting ending anything
    anybody whatever something somewhere
    random whichever").

%   Filler: courtesy and articles.
means(skip, "please pls plz kindly thanks thx ty cheers hi hey hello ok okay just quickly yo howdy
    immediately asap right the an our my your their me us there's dear sir simply really pretty
    kindest actually alright so well go-ahead logic-node folks team everyone mate buddy friend
    +short straightaway
    presto too currently following full proper entire whole particular given specific mentioned
    completely entirely
    properly directly via-dns tia pleaaase pleasee please-and-thank-you greetings here these those
    oops ah oh um uh static such available reachable accessible").
means(a, "a").
idioms(skip, "thank you very much | thank you so much | thank you | thanks a lot | thanks a bunch
    | thanks so much | thanks in advance | many thanks | much appreciated
    | with thanks | good morning | good evening | good afternoon | good day | hey there | hi there
    | hello there | dear logic node | logic node | hey logic | hi logic
    | could you please | can you please | would you please | will you please | could you | can you
    | would you | will you | can u | could u
    | please could you | i want you to | i would like you to | i'd like you to | i need you to |
    we need you to | we want you to | i would like to | i'd like to | we would like to
    | we'd like to | i want to | i need to | we need to | we want to | i have to | we have to |
    you need to | let's | let us | go ahead and | be so kind as to | be so kind and
    | be a dear and | right away | right now | at once | straight away | as soon as possible | for
    me | for us | do me a favor and | do me a favour and | in the dns | in our dns | in dns
    | to the dns | to dns | to our dns | into dns | into the dns | from dns | from the dns | from
    our dns | as well | in bind | on the dns server | on the name server
    | on our dns server | on the nameserver | from the dns server | to the dns server | in the dns
    server | i guess | time to | it is time to | i think we should | we should | you should | make
    sure that | make sure to | make sure | ensure that | ensure
    | see to it that | be sure to | you may | i was wondering | i am trying to | i'm trying to |
    i'm going to need | i will need you to | for the network | on the network | on our network |
    in our network | on my network
    | the following | if you please | if you would be so kind | i wonder | over to | quick
    question | one more thing | one thing | no worries | in total | my friend | at the moment | by
    the way
    | any chance you could | is it possible to | it would be great to | how about | why don't you
    | go and").
idioms(asking, "would you mind | do you mind | could i ask you to start | mind").
idioms(want, "i would like | i'd like | i want | i need | we need | we want | we would like | we'd
    like | i'll need | we'll need | i would love | i'd love | i wish | can we get | can i get
    | could i get | could we get | can i have | could i have | can we have | could we have | may i
    have | may we have | i'm looking for | looking for | i am looking for | i am after | i request
    | requesting | request for | i require | we require").
idioms(want, "there should be | there must be | there needs to be | there has to be | there shall
    be | there ought to be").
idioms(should, "is supposed to | are supposed to | needs to | need to | has to | have to | ought
    to | is to | are to | is meant to | will have to").
idioms(skip, "can we | could we | we can | you can | we could").
idioms(ask_leave, "can i | may i | could i | am i allowed to | may we | should i | should we |
    shall i | shall we | is it ok to | is it safe to | do i need to | do we need to").

%!  long_verb(?Text:string) is nondet.
%
%   Verbs that we recognise with one letter wrong, if nothing else in the sentence is a verb.

long_verb("create").   long_verb("register"). long_verb("insert").   long_verb("delete").
long_verb("remove").   long_verb("change").   long_verb("update").   long_verb("modify").
long_verb("replace").  long_verb("resolve").  long_verb("lookup").   long_verb("explain").
long_verb("execute").  long_verb("repoint").  long_verb("redirect"). long_verb("publish").
long_verb("display").  long_verb("revert").   long_verb("define").   long_verb("assign").
