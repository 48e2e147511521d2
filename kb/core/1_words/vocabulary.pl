%   SPDX-License-Identifier: Apache-2.0

:- module(vocabulary,
          [ tier/1,                     % ?Tier
            tier_rank/2,                % ?Tier, ?Rank
            stricter_tier/2,            % +Tier, -Next
            via/1,                      % ?Via
            record_type/1,              % ?Type
            record_type_named/2,        % +Text, -Type
            label/1                     % +Atom
          ]).
:- use_module(library(lists), [memberchk/2]).

/** <module> The closed words: tiers, ways in, record types

Each list is closed: what is not in it is refused by name. Order means something only
for tiers (observe < change < risky < destructive).
*/

%!  tier_rank(?Tier, ?Rank) is nondet.

tier_rank(observe,     0).
tier_rank(change,      1).
tier_rank(risky,       2).
tier_rank(destructive, 3).

%!  tier(?Tier) is nondet.

tier(Tier) :-
    tier_rank(Tier, _).

%!  stricter_tier(+Tier, -Next) is semidet.
%
%   The tier above; false for the last.

stricter_tier(Tier, Next) :-
    tier_rank(Tier, Rank),
    Above is Rank + 1,
    tier_rank(Next, Above).

%!  via(?Via) is nondet.
%
%   Who worded the proposal: a sentence that the grammar understood, the API, a model, a rule.

via(grammar).
via(api).
via(model).
via(rule).

%!  record_type(?Type) is nondet.
%
%   What we write. What we only read (SOA, NS, …) stays a string.

record_type('A').
record_type('AAAA').
record_type('CAA').
record_type('CNAME').
record_type('MX').
record_type('PTR').
record_type('SRV').
record_type('TXT').

%!  record_type_named(+Text, -Type) is semidet.
%
%   The type that Text names, in any case. Makes no atom of foreign text.

record_type_named(Text, Type) :-
    string_length(Text, Length),
    Length =< 5,
    string_upper(Text, Upper),
    record_type_text(Upper, Type).

record_type_text("A",     'A').
record_type_text("AAAA",  'AAAA').
record_type_text("CAA",   'CAA').
record_type_text("CNAME", 'CNAME').
record_type_text("MX",    'MX').
record_type_text("PTR",   'PTR').
record_type_text("SRV",   'SRV').
record_type_text("TXT",   'TXT').

%!  label(+Atom) is semidet.
%
%   An atom such as `operator` or `dns-1`: how the owner names roles, people and servers.

label(Atom) :-
    atom(Atom),
    atom_codes(Atom, [First|Rest]),
    memberchk(First, `abcdefghijklmnopqrstuvwxyz`),
    length(Rest, Length),
    Length < 64,
    label_rest(Rest).

label_rest([]).
label_rest([Code|Codes]) :-
    memberchk(Code, `abcdefghijklmnopqrstuvwxyz0123456789_-`),
    label_rest(Codes).
