%   SPDX-License-Identifier: Apache-2.0

:- module(ask,
          [ halted/4,                   % +Why, +Word, -Text, -Missing
            misread/3,                  % +Kind, +Raw, -Text
            unsaid/2,                   % +Clause, -Text
            problem/4,                  % +Problem, +Do, -Text, -Missing
            ask_for/5                   % +Missing, +Do, +Rec, +Params, -Text
          ]).
:- use_module(library(lists), [member/2, memberchk/2]).
:- use_module(kb('1_words/wire'), [shown/2]).

/** <module> Questions in words */

%!  halted(+Why, +Word, -Text, -Missing) is det.

halted(negation, Word, Text, Missing) =>
    Missing = [],
    format(string(Text), "I read '~s' and shall do nothing for it. What shall I do?", [Word]).
halted(condition, Word, Text, Missing) =>
    Missing = [],
    format(string(Text), "I cannot wait for a condition ('~s'). Shall I do it, yes or no? Say it \c
        without.", [Word]).
halted(choice, Word, Text, Missing) =>
    Missing = [],
    format(string(Text), "I read '~s'. Which of the two do you want?", [Word]).
halted(exception, Word, Text, Missing) =>
    Missing = [],
    format(string(Text), "I do not work with exceptions ('~s'). Which records exactly do you \c
        mean?", [Word]).
halted(time, Word, Text, Missing) =>
    Missing = [],
    format(string(Text), "I act at once and keep no times ('~s'). Shall I do it now? Say it \c
        without.", [Word]).
halted(question, _, Text, Missing) =>
    Missing = [],
    Text = "Do you ask, or shall I do it? To have it done, say it as a request.".
halted(other, Word, Text, Missing) =>
    Missing = [],
    format(string(Text), "I do not know what '~s' shall cover here. Which records exactly do you \c
        mean?", [Word]).

%!  misread(+Kind, +Raw, -Text) is det.

misread(ipv4, Raw, Text) =>
    said("'~s' is not an IPv4 address: four numbers from 0 to 255 make one. Which address do you \c
        mean?", Raw, Text).
misread(ipv6, Raw, Text) =>
    said("'~s' is not an IPv6 address. Which address do you mean?", Raw, Text).
misread(port, Raw, Text) =>
    said("'~s' has a port, and an address record has none. Which address do you mean?", Raw, Text).
misread(network, Raw, Text) =>
    said("'~s' is a network, and a record holds single addresses. Which address do you mean?",
        Raw, Text).
misread(foreign, Raw, Text) =>
    said("'~s' has letters outside ASCII, some of which look like others. Which name do you \c
        mean? Write it in its xn-- form.",
         Raw, Text).
misread(quote, Raw, Text) =>
    said("A quote is not closed, or holds nothing: ~s. What stands between the quotes?", Raw, Text).
misread(number, Raw, Text) =>
    said("'~s' is too large a number. Which number do you mean?", Raw, Text).
misread(path, Raw, Text) =>
    said("'~s' is not the name of a playbook: letters, digits, '-', '_', '.' and '/' only. Which \c
        do you mean?", Raw, Text).
misread(name, Raw, Text) =>
    said("'~s' is not a name: letters, digits, hyphens and dots only. Which name do you mean?",
        Raw, Text).

said(Format, Raw, Text) :-
    shown(Raw, Shown),
    format(string(Text), Format, [Shown]).

%!  unsaid(+Clause, -Text) is semidet.
%
%   There are names or values, but it is open what shall become of them.

unsaid(cl(_, _, _, _, _, Ents), Text) :-
    (   member(e(_, Kind, Value), Ents),
        memberchk(Kind, [host, ip4, ip6])
    ->  shown(Value, Shown),
        format(string(Text), "What shall I do with ~s: add, change, delete or look it up?", [Shown])
    ).

%!  problem(+Problem, +Do, -Text, -Missing) is det.
%
%   What records.pl could not settle.

problem(crowded, _, Text, Missing) =>
    Text = "There are several names or values without 'and' between them. Which belong together?",
    Missing = [].
problem(crossed, _, Text, Missing) =>
    Text = "There are several names and several values. Shall each name have all of them, or the \c
        first the first, and so on? Say 'respectively', or one after the other.",
    Missing = ["value"].
problem(uneven, _, Text, Missing) =>
    Text = "I cannot tell which value belongs to which name. Say one record after the other.",
    Missing = ["value"].
problem(valueless(Name), _, Text, Missing) =>
    shown(Name, Shown),
    format(string(Text), "Which value should ~s have?", [Shown]),
    Missing = ["value"].
problem(misfit(_), _, Text, Missing) =>
    Text = "The record type and the value do not fit: A wants an IPv4 address, AAAA an IPv6 \c
        address. Which do you mean?",
    Missing = ["value"].
problem(no_address(Target, _), _, Text, Missing) =>
    shown(Target, Shown),
    format(string(Text), "'~s' is no IP address, but this record type wants one. Which address, \c
        or do you mean an alias (CNAME)?",
           [Shown]),
    Missing = ["value"].
problem(only_old, _, Text, Missing) =>
    Text = "I know the old value. Which is the new one?",
    Missing = ["value"].
problem(two_names(One, Two), _, Text, Missing) =>
    shown(One, A),
    shown(Two, B),
    format(string(Text), "Shall ~s be an alias (CNAME) of ~s, or something else? Say which.", [A,
        B]),
    Missing = ["type"].
problem(direction(One, Two, _), _, Text, Missing) =>
    shown(One, A),
    shown(Two, B),
    format(string(Text), "Shall ~s be an alias of ~s, or ~s an alias of ~s?", [A, B, B, A]),
    Missing = ["name"].
problem(no_preference(Domain, Host), _, Text, Missing) =>
    shown(Domain, A),
    shown(Host, B),
    format(string(Text), "Which priority should the mail server ~s have for ~s? 10 is usual.",
        [B, A]),
    Missing = ["priority"].
problem(several(Type), _, Text, Missing) =>
    format(string(Text), "Say one ~s record after the other.", [Type]),
    Missing = [].
problem(service_lacks(_, Lacking), _, Text, Missing) =>
    atomic_list_concat(Lacking, ', ', Words),
    format(string(Text), "A service record (SRV) needs priority, weight, port and target. \c
        Missing: ~w.", [Words]),
    Missing = Lacking.
problem(text_unquoted, _, Text, Missing) =>
    Text = "Which text should the record hold? Put it between quotes.",
    Missing = ["value"].
problem(outside(Name, Zone), _, Text, Missing) =>
    shown(Name, A),
    shown(Zone, B),
    format(string(Text), "~s does not lie in the zone ~s. Which name do you mean?", [A, B]),
    Missing = ["name"].
problem(left(_, Value), _, Text, Missing) =>
    left(Value, Shown),
    format(string(Text), "What is '~s' for? I have no use for it in this record.", [Shown]),
    Missing = [].
problem(role(_, Value), _, Text, Missing) =>
    left(Value, Shown),
    format(string(Text), "I am not sure what ~s is here: the name or the value?", [Shown]),
    Missing = [].
problem(unclear, _, Text, Missing) =>
    Text = "I see what kind of record you mean, but not which part is the name and which the \c
        value. Say it like: add NAME TYPE VALUE.",
    Missing = [].

left(Text-_, Shown) => shown(Text, Shown).
left(Value, Shown)  => shown(Value, Shown).

%!  ask_for(+Missing, +Do, +Rec, +Params, -Text) is det.

ask_for(["name"], Do, rec(_, _, Value, _), Params, Text) =>
    ask_for(["name"], Do, rec(none, none, Value), Params, Text).
ask_for(["name"], Do, rec(none, _, none), _, Text) =>
    verb(Do, Verb),
    format(string(Text), "Which name shall I ~s? Write it in full, such as nas.home.arpa.", [Verb]).
ask_for(["name"], _, rec(_, _, Value), _, Text), Value \== none =>
    shown(Value, Shown),
    format(string(Text), "Which name should have ~s? Write it in full, such as nas.home.arpa.",
        [Shown]).
ask_for(["name"], Do, _, _, Text) =>
    verb(Do, Verb),
    format(string(Text), "Which name shall I ~s? Write it in full, such as nas.home.arpa.", [Verb]).
ask_for(["value"], _, rec(Name, Type, _), _, Text) =>
    shown(Name, Shown),
    wanted(Type, Wanted),
    format(string(Text), "Which ~s should ~s have?", [Wanted, Shown]).
ask_for(["name", "value"], Do, _, _, Text) =>
    verb(Do, Verb),
    format(string(Text), "Which name shall I ~s, and with which value? For example: test.local \c
        to 192.168.1.100.", [Verb]).
ask_for(_, _, _, _, Text) =>
    Text = "What exactly do you mean?".

verb(add, "add").
verb(change, "change").
verb(delete, "delete").

wanted("CNAME", Text) => Text = "target".
wanted("PTR", Text)   => Text = "name".
wanted("MX", Text)    => Text = "mail server and priority".
wanted("SRV", Text)   => Text = "priority, weight, port and target".
wanted("TXT", Text)   => Text = "text".
wanted("CAA", Text)   => Text = "certificate authority".
wanted("AAAA", Text)  => Text = "IPv6 address".
wanted(_, Text)       => Text = "address".
