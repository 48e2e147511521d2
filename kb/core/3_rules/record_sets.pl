%   SPDX-License-Identifier: Apache-2.0

:- module(record_sets,
          [ record_look/3,              % +Name, +Extra, -Job
            record_plan/4,              % +Action, +After, +Undo, -Plan
            current_sets/2,             % +Name, -Sets
            reverse_owned/2,            % +Address, -ReverseName
            target_owned/2,             % +Name, -Target
            default_ttl/1,              % -Seconds
            inferred_for/3,             % +Name, +Value, -Type
            set_text/2                  % +Set, -Text
          ]).
:- use_module(library(lists), [member/2, memberchk/2, append/3, append/2, subtract/3]).
:- use_module(library(apply), [maplist/3, maplist/4]).
:- use_module(kb('1_words/address'), [private_address/1, reverse_name/2]).
:- use_module(kb('1_words/dns_name'), [host_name/1]).
:- use_module(kb('1_words/dns_value'), [inferred_type/2, value_target/3]).
:- use_module(kb('1_words/vocabulary'), [record_type/1]).
:- use_module(kb('2_seen/seen'), [rrset/4, looked/2]).
:- use_module(kb('2_seen/site'), []).
:- use_module(action, [wording/2]).
:- use_module(policy, []).
:- use_module(zones, [zone_of/2, owned_zone/3, server_of/2, zone_job/4]).

/** <module> Record sets: what holds for them, and a change of them as a job

The invariants are asked in the world as it would be after the effects. The plan is made by
comparing the sets before with the sets after, so that adding, changing and deleting share one
way of saying prerequisites, updates, expectation and difference.
*/

%   Without a word from the owner: five minutes, so that a mistake is short.
default_ttl_fallback(300).

%   More values in one set is no house any more; it would not fit an answer either.
set_values_max(64).

%!  default_ttl(-Seconds) is det.

default_ttl(Seconds) :-
    (   site:default_ttl(Found)
    ->  Seconds = Found
    ;   default_ttl_fallback(Seconds)
    ).

%!  inferred_for(+Name, +Value, -Type) is semidet.
%
%   The type that Value speaks for at Name: a name at a reverse name is a PTR.

inferred_for(Name, Value, Type) :-
    inferred_type(Value, Found),
    (   Found == 'CNAME',
        reverse_space(Name)
    ->  Type = 'PTR'
    ;   Type = Found
    ).

reverse_space(Name) :-
    ( string_concat(_, ".in-addr.arpa", Name) ; string_concat(_, ".ip6.arpa", Name) ),
    !.

%!  current_sets(+Name, -Sets:list) is det.
%
%   The record sets that were seen at Name, in one order.

current_sets(Name, Sets) :-
    findall(rrset(Name, Type, Ttl, Values), rrset(Name, Type, Ttl, Values), Found),
    sort(2, @=<, Found, Sets).

                /*  looking  */

%!  record_look(+Name, +Extra:list, -Job) is semidet.
%
%   Look at Name and at those of Extra that the same server answers for.

record_look(Name, Extra, Job) :-
    zone_of(Name, Zone),
    server_of(Name, Server),
    findall(Other, ( member(Other, Extra), server_of(Other, Server) ), Others0),
    sort(Others0, Others1),
    subtract(Others1, [Name], Others),
    zone_job(look, Zone, [names-[Name|Others]], Job).

%!  reverse_owned(+Address, -Name) is semidet.

reverse_owned(Address, Name) :-
    reverse_name(Address, Name),
    zone_of(Name, _).

%!  target_owned(+Type-Value, -Target) is semidet.
%
%   The name that a value points at, when it is in a zone of ours.

target_owned(Type-Value, Target) :-
    value_target(Type, Value, Target),
    zone_of(Target, _).

                /*  before: what stands against any change of records  */

%!  policy:forbids(+Action, +By, -Reason) is nondet.

policy:forbids(Action, _, not_owned(Name)) :-
    record_name(Action, Name),
    \+ zone_of(Name, _).
policy:forbids(Action, _, server_unknown(Zone, Server)) :-
    record_name(Action, Name),
    zone_of(Name, Zone),
    owned_zone(Zone, Server, _),
    \+ site:dns_server(Server, _, _, _, _).

record_name(dns_record_add(Name, _, _, _), Name).
record_name(dns_record_change(Name, _, _, _, _), Name).
record_name(dns_record_delete(Name, _, _), Name).

                /*  after: what must hold in the world that would be  */

writes(dns_record_add).
writes(dns_record_change).

%!  policy:invariant(?Action, ?Invariant) is nondet.

policy:invariant(Action, Invariant) :-
    writes(Action),
    record_invariant(Invariant).

record_invariant(alias_stands_alone).
record_invariant(one_alias_per_name).
record_invariant(no_alias_at_the_apex).
record_invariant(aliases_lead_somewhere).
record_invariant(private_stays_private).
record_invariant(services_point_at_no_alias).
record_invariant(hosts_have_host_names).
record_invariant(sets_stay_small).

%!  policy:breaks(+Action, ?Invariant, -Reason) is nondet.

policy:breaks(Action, alias_stands_alone, alias_beside(Name, Types)) :-
    written_name(Action, Name),
    rrset(Name, 'CNAME', _, _),
    findall(Type, ( rrset(Name, Type, _, _), beside_alias(Type) ), Types0),
    sort(Types0, Types),
    Types = [_|_].
policy:breaks(Action, one_alias_per_name, second_alias(Name, Values)) :-
    written_name(Action, Name),
    rrset(Name, 'CNAME', _, Values),
    Values = [_, _|_].
policy:breaks(Action, no_alias_at_the_apex, alias_at_apex(Name)) :-
    written_name(Action, Name),
    rrset(Name, 'CNAME', _, _),
    zone_of(Name, Name).
policy:breaks(Action, aliases_lead_somewhere, alias_loop(Name, Target)) :-
    written_name(Action, Name),
    alias_target(Name, Target),
    (   Target == Name
    ;   alias_target(Target, Name)          % longer loops were not seen
    ),
    !.
policy:breaks(Action, private_stays_private, private_in_public(Address, Zone)) :-
    written_name(Action, Name),
    zone_of(Name, Zone),
    owned_zone(Zone, _, public),
    \+ site:allow_private(Zone),
    address_type(Type),
    rrset(Name, Type, _, Values),
    member(Address, Values),
    private_address(Address).
policy:breaks(Action, services_point_at_no_alias, points_at_alias(Name, Type, Target)) :-
    written_name(Action, Name),
    service_type(Type),
    rrset(Name, Type, _, Values),
    member(Value, Values),
    value_target(Type, Value, Target),
    rrset(Target, 'CNAME', _, _).
policy:breaks(Action, hosts_have_host_names, no_host_name(Name, Type)) :-
    written_name(Action, Name),
    host_type(Type),
    rrset(Name, Type, _, _),
    \+ may_be_host(Name).
policy:breaks(Action, sets_stay_small, too_many_values(Name, Type, Count, Max)) :-
    written_name(Action, Name),
    rrset(Name, Type, _, Values),
    length(Values, Count),
    set_values_max(Max),
    Count > Max.

alias_target(Name, Target) :-
    rrset(Name, 'CNAME', _, Values),
    member(Value, Values),
    value_target('CNAME', Value, Target).

written_name(dns_record_add(Name, _, _, _), Name).
written_name(dns_record_change(Name, _, _, _, _), Name).

%   DNSSEC's own records may stand beside a CNAME (RFC 4034, RFC 4035 section 2.5).
beside_alias(Type) :-
    \+ memberchk(Type, ['CNAME', "RRSIG", "NSEC", "NSEC3", "KEY"]).

address_type('A').
address_type('AAAA').

service_type('MX').
service_type('SRV').

host_type('A').
host_type('AAAA').
host_type('MX').

%   BIND's check-names refuses addresses at other names; a wildcard is a host name to it.
may_be_host(Name) :-
    (   string_concat("*.", Rest, Name)
    ->  host_name(Rest)
    ;   host_name(Name)
    ).

                /*  the plan  */

%!  record_plan(+Action, +After:list, +Undo, -Plan) is det.
%
%   After are the sets of the world that would be; the sets before are those that were seen. Undo
%   is undo(Action, Params) or null.

record_plan(Action, After, Undo, Plan) :-
    Action =.. [_, Name|_],
    zone_of(Name, Zone),
    current_sets(Name, Before),
    findall(rrset(Name, Type, Ttl, Values),
            ( member(rrset(Name, Type, Ttl, Values0), After), sort(Values0, Values) ), After0),
    sort(2, @=<, After0, Then),
    touched_types(Before, Then, Types),
    prerequisites(Types, Name, Before, Then, Prerequisites),
    updates(Types, Name, Before, Then, Updates),
    expectations(Types, Name, Then, Expect),
    differences(Types, Name, Before, Then, Diff),
    touched_sets(Types, Before, Current0),
    maplist(set_obj, Current0, Current),
    zone_job(update, Zone,
             [prerequisites-Prerequisites, updates-Updates, expect-Expect], Job),
    length(Updates, Changed),
    wording(Action, Summary),
    maplist(condition_words, Prerequisites, Conditions),
    undo_obj(Undo, UndoObj),
    format(string(Target), "~s in zone ~s", [Name, Zone]),
    format(string(Verify), "the server of ~s is asked for ~s and must answer exactly so",
           [Zone, Name]),
    Plan = obj([ summary-Summary, targets-[Target], current-Current, diff-Diff,
                 preconditions-Conditions,
                 coverage-obj([ok-0, changed-Changed, skipped-0, unsupported-0]),
                 job-Job, undo-UndoObj, verify-Verify ]).

undo_obj(null, null).
undo_obj(undo(Action, Params), obj([action-Action, params-obj(Params)])).

touched_types(Before, Then, Types) :-
    findall(Type,
            ( ( member(rrset(_, Type, _, _), Before) ; member(rrset(_, Type, _, _), Then) ),
              set_of(Type, Before, Old),
              set_of(Type, Then, New),
              Old \== New ),
            Types0),
    sort(Types0, Types).

touched_sets(Types, Sets, Touched) :-
    findall(rrset(Name, Type, Ttl, Values),
            ( member(rrset(Name, Type, Ttl, Values), Sets), memberchk(Type, Types) ), Touched).

%   set_of(+Type, +Sets, -Set): set(Ttl, Values), or none.
set_of(Type, Sets, Set) :-
    (   memberchk(rrset(_, Type, Ttl, Values), Sets)
    ->  Set = set(Ttl, Values)
    ;   Set = none
    ).

%   Approved = executed: every set that the plan rests on must still be as it was seen.
prerequisites(Types, Name, Before, Then, Prerequisites) :-
    maplist(prerequisite(Name, Before), Types, Own),
    (   Before == []
    ->  (   memberchk(rrset(_, 'CNAME', _, _), Then)
        ->  Prerequisites = [obj([is-name_absent, name-Name])]
        ;   append(Own, [obj([is-rrset_absent, name-Name, type-'CNAME'])], Prerequisites)
        )
    ;   memberchk('CNAME', Types)
    ->  Prerequisites = Own
    ;   append(Own, [obj([is-rrset_absent, name-Name, type-'CNAME'])], Prerequisites)
    ).

prerequisite(Name, Before, Type, Prerequisite) :-
    set_of(Type, Before, Set),
    (   Set = set(_, Values)
    ->  Prerequisite = obj([is-rrset_equals, name-Name, type-Type, values-Values])
    ;   Prerequisite = obj([is-rrset_absent, name-Name, type-Type])
    ).

%   What goes is taken away before what comes is added; the server does all of it or nothing.
updates(Types, Name, Before, Then, Updates) :-
    maplist(update(Name, Before, Then), Types, Pairs),
    findall(Delete, ( member(Deletes-_, Pairs), member(Delete, Deletes) ), Deletes),
    findall(Add, ( member(_-Adds, Pairs), member(Add, Adds) ), Adds),
    append(Deletes, Adds, Updates).

update(Name, Before, Then, Type, Deletes-Adds) :-
    set_of(Type, Before, Old),
    set_of(Type, Then, New),
    set_update(Old, New, Name, Type, Deletes, Adds).

set_update(set(_, _), none, Name, Type, Deletes, Adds) =>
    Deletes = [obj([op-delete_rrset, name-Name, type-Type])],
    Adds = [].
set_update(none, set(Ttl, Values), Name, Type, Deletes, Adds) =>
    Deletes = [],
    maplist(add_obj(Name, Type, Ttl), Values, Adds).
set_update(set(Ttl, Old), set(Ttl, New), Name, Type, Deletes, Adds) =>
    subtract(Old, New, Gone),
    subtract(New, Old, Come),
    maplist(delete_obj(Name, Type), Gone, Deletes),
    maplist(add_obj(Name, Type, Ttl), Come, Adds).
set_update(set(_, _), set(Ttl, New), Name, Type, Deletes, Adds) =>
    Deletes = [obj([op-delete_rrset, name-Name, type-Type])],
    maplist(add_obj(Name, Type, Ttl), New, Adds).

add_obj(Name, Type, Ttl, Value, obj([op-add, name-Name, type-Type, ttl-Ttl, value-Value])).
delete_obj(Name, Type, Value, obj([op-delete_value, name-Name, type-Type, value-Value])).
set_obj(rrset(Name, Type, Ttl, Values), obj([name-Name, type-Type, ttl-Ttl, values-Values])).

expectations(Types, Name, Then, Expect) :-
    findall(obj([name-Name, type-Type, values-Values]),
            ( member(Type, Types),
              set_of(Type, Then, Set),
              ( Set = set(_, Values) -> true ; Values = [] ) ),
            Expect).

differences(Types, Name, Before, Then, Diff) :-
    findall(obj([op-Op, text-Text]),
            ( member(Type, Types),
              set_of(Type, Before, Old),
              set_of(Type, Then, New),
              difference(Old, New, Name, Type, Op, Text) ),
            Diff).

difference(Old, New, Name, Type, Op, Text) :-
    values_of(Old, OldTtl, OldValues),
    values_of(New, NewTtl, NewValues),
    (   member(Value, OldValues),
        \+ memberchk(Value, NewValues),
        Op = remove,
        line(Name, OldTtl, Type, Value, Text)
    ;   member(Value, NewValues),
        \+ memberchk(Value, OldValues),
        Op = add,
        line(Name, NewTtl, Type, Value, Text)
    ;   Old = set(_, _),
        New = set(_, _),
        OldTtl =\= NewTtl,
        member(Value, NewValues),
        memberchk(Value, OldValues),
        Op = change,
        format(string(Text), "~s ~d -> ~d IN ~w ~s", [Name, OldTtl, NewTtl, Type, Value])
    ).

values_of(none, none, []).
values_of(set(Ttl, Values), Ttl, Values).

line(Name, Ttl, Type, Value, Text) :-
    format(string(Text), "~s ~d IN ~w ~s", [Name, Ttl, Type, Value]).

%!  set_text(+Set, -Text:string) is det.

set_text(rrset(_, Type, _, Values), Text) :-
    atomic_list_concat(Values, ', ', List),
    format(string(Text), "~w ~w", [Type, List]).

condition_words(obj([is-rrset_equals, name-Name, type-Type, values-Values]), Words) :-
    atomic_list_concat(Values, ', ', List),
    format(string(Words), "~s still has exactly ~w ~w", [Name, Type, List]).
condition_words(obj([is-rrset_absent, name-Name, type-Type]), Words) :-
    format(string(Words), "~s still has no ~w", [Name, Type]).
condition_words(obj([is-name_absent, name-Name]), Words) :-
    format(string(Words), "~s still has no record at all", [Name]).
