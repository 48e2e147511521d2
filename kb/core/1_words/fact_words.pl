%   SPDX-License-Identifier: Apache-2.0

:- module(fact_words,
          [ fact_word/3,                % ?Module, ?Name, ?Columns
            fact_fault/3,               % +Module, +Term, -Words
            public_key_bytes/2          % +Text, -Codes
          ]).
:- use_module(library(lists), [nth1/3, member/2]).
:- use_module(library(apply), [maplist/2]).
:- use_module(library(base64), [base64/2]).
:- use_module(vocabulary, [tier/1, label/1, record_type/1]).
:- use_module(dns_name, [zone_name/3, fqdn/3]).
:- use_module(types, [ttl_seconds_max/1]).
:- use_module(wire, [json_value/1]).
:- use_module(machine_words, [machine_column/2, machine_expected/2]).
:- use_module(house_words, [house_fact/2, house_column/2, house_expected/2]).
:- use_module(sense_words, [sense_fact/3, sense_column/2, sense_expected/2]).
:- use_module(passkey_words, [passkey_fact/2, passkey_column/2, passkey_expected/2]).
:- use_module(standing_words, [standing_fact/3, standing_column/2, standing_expected/2]).
:- use_module(notify_words, [notify_fact/2, notify_column/2, notify_expected/2]).

/** <module> The words that site and state files may use

Each fact is declared once: module, name, and for each column its name and type. Loading refuses
everything else, so a misspelt fact is an error with file and line and not a silent no.
*/

%!  fact_word(?Module, ?Name, ?Columns:list) is nondet.
%
%   Columns are Name:Type.

fact_word(site, this_node,        [name:text]).
fact_word(site, node,             [name:text, host:text, words:text]).
fact_word(site, zone,             [name:zone, server:label, visibility:visibility]).
fact_word(site, dns_server,       [server:label, host:text, port:port, key:text, secret:secret]).
fact_word(site, zone_playbook,    [server:label, playbook:path, inventory:path]).
fact_word(site, zone_variable,    [server:label, variable:text, value:text]).
fact_word(site, zone_secret,      [server:label, variable:text, secret:secret]).
fact_word(site, default_ttl,      [seconds:ttl]).
fact_word(site, allow_private,    [zone:zone]).
fact_word(site, playbook,         [playbook:path, inventory:path, words:text]).
fact_word(site, playbook_variable,[playbook:path, variable:text]).
fact_word(site, playbook_secret,  [playbook:path, variable:text, secret:secret]).
fact_word(site, person,           [person:label, name:text]).
fact_word(site, person_role,      [person:label, role:label]).
fact_word(site, channel_role,     [channel:label, role:label]).
fact_word(site, unix_person,      [uid:uid, person:label]).
fact_word(site, token_person,     [token:text, person:label]).
fact_word(site, token_role,       [token:text, role:label]).
fact_word(site, operator_key,     [person:label, key:public_key]).
fact_word(site, may_approve,      [person:label, tier:tier]).
fact_word(site, tier_signatures,  [tier:tier, signatures:signatures]).
fact_word(site, grant,            [role:label, action:label, scope:scope, terms:terms]).
fact_word(site, host,             [host:label, agent:agent, words:text]).
fact_word(site, host_wake,        [host:label, mac:mac, broadcast:broadcast,
                                   secure_on:secure_on]).
fact_word(site, host_limits,      [host:label, boot_s:limit_s, min_on_s:seconds,
                                   min_off_s:seconds, wakes_per_hour:wakes]).
fact_word(site, host_sleep,       [host:label, how:sleep_how]).
fact_word(site, quiet_hours,      [host:label, from:clock, to:clock]).
fact_word(site, utc_offset,       [minutes:utc_minutes]).
fact_word(site, pool,             [pool:label, host:label, kind:pool_kind, mask:mask,
                                   vram_mib:mib, words:text]).
fact_word(site, pool_serves,      [pool:label, model:model_or_any]).
fact_word(site, pool_engine,      [pool:label, engine:engine_name, slots:slots,
                                   context:context, kv:kv_type]).
fact_word(site, pool_at,          [pool:label, url:http_url]).
fact_word(state, change,          [case:text, seq:seq, principal:text, action:text,
                                   params:json, undo:json]).
fact_word(state, zone,            [name:zone, server:label]).
fact_word(state, host_power,      [host:label, power:power, at_ms:at_ms]).
fact_word(state, host_woken,      [host:label, at_ms:at_ms]).
fact_word(state, host_tried,      [host:label, seq:seq, at_ms:at_ms]).
fact_word(state, boot_time,       [host:label, at_ms:at_ms, took_ms:took_ms]).
fact_word(state, load_time,       [pool:label, model:model_name, at_ms:at_ms, took_ms:took_ms]).
fact_word(state, loaded,          [pool:label, model:model_name, sha256:sha256,
                                   engine_version:text, at_ms:at_ms]).
fact_word(state, measured,        [sha256:sha256, engine_version:text, device_kind:pool_kind,
                                   context:context, slots:slots, kv:kv_type,
                                   weights_bytes:bytes, kv_bytes:bytes, compute_bytes:bytes,
                                   other_bytes:bytes, at_ms:at_ms]).

fact_word(site, Name, Columns) :-
    house_fact(Name, Columns).
fact_word(Module, Name, Columns) :-
    sense_fact(Module, Name, Columns).
fact_word(Module, Name, Columns) :-
    standing_fact(Module, Name, Columns).
fact_word(site, Name, Columns) :-
    notify_fact(Name, Columns).
fact_word(site, Name, Columns) :-
    passkey_fact(Name, Columns).

%!  fact_fault(+Module, +Term, -Words:string) is semidet.
%
%   What is wrong with Term as a fact of Module; false if nothing is.

fact_fault(_, Term, Words) :-
    \+ callable(Term),
    !,
    format(string(Words), "~p is not a fact", [Term]).
fact_fault(_, Term, Words) :-
    Term = (:- _),
    !,
    Words = "a directive; this file is data and is never run".
fact_fault(_, Term, Words) :-
    Term = (_ :- _),
    !,
    Words = "a rule; only facts may stand here".
fact_fault(Module, Term, Words) :-
    functor(Term, Name, Arity),
    \+ ( fact_word(Module, Name, Columns), length(Columns, Arity) ),
    !,
    (   fact_word(Module, Name, Known)
    ->  format(string(Words), "~w/~d is unknown; write ~w with the columns ~w",
               [Name, Arity, Name, Known])
    ;   findall(Word, fact_word(Module, Word, _), All),
        atomic_list_concat(All, ', ', List),
        format(string(Words), "~w/~d is no fact of ~w; known are: ~w",
               [Name, Arity, Module, List])
    ).
fact_fault(_, Term, "it holds a variable; facts are ground (a name in capitals needs quotes)") :-
    \+ ground(Term),
    !.
fact_fault(Module, Term, Words) :-
    functor(Term, Name, Arity),
    fact_word(Module, Name, Columns),
    length(Columns, Arity),
    nth1(At, Columns, Column:Type),
    arg(At, Term, Value),
    \+ column(Type, Value),
    !,
    expected(Type, Expected),
    format(string(Words), "column ~w of ~w/~d is ~q; expected is ~w",
           [Column, Name, Arity, Value, Expected]).

column(text, Value)       => string(Value), string_length(Value, Length), Length =< 1024.
column(label, Value)      => label(Value).
column(zone, Value)       => string(Value), same_name(Value).
column(visibility, Value) => memberchk(Value, [public, private]).
column(port, Value)       => integer(Value), Value >= 1, Value =< 65535.
column(secret, Value)     => string(Value), string_concat("secret:", Rest, Value), path(Rest).
column(path, Value)       => string(Value), path(Value).
column(ttl, Value)        => ttl_seconds_max(Max), integer(Value), Value >= 0, Value =< Max.
column(uid, Value)        => integer(Value), Value >= 0.
column(public_key, Value) => string(Value), public_key_bytes(Value, _).
column(tier, Value)       => atom(Value), tier(Value).
column(signatures, Value) => integer(Value), Value >= 1, Value =< 9.
column(scope, Value)      => scope(Value).
column(terms, Value)      => terms(Value).
column(seq, Value)        => integer(Value), Value >= 0.
column(json, Value)       => json_value(Value).
column(Type, Value), sense_expected(Type, _) => sense_column(Type, Value).
column(Type, Value), standing_expected(Type, _) => standing_column(Type, Value).
column(Type, Value), house_expected(Type, _) => once(house_column(Type, Value)).
column(Type, Value), passkey_expected(Type, _) => once(passkey_column(Type, Value)).
column(Type, Value), notify_expected(Type, _) => once(notify_column(Type, Value)).
column(Type, Value)       => machine_column(Type, Value).

expected(text, 'a "string" of at most 1024 characters').
expected(label, 'a lower-case word such as operator').
expected(zone, 'a zone such as "home.arpa": lower case, no final dot').
expected(visibility, 'public or private').
expected(port, 'a port, 1 to 65535').
expected(secret, 'a handle such as "secret:tsig/home"').
expected(path, 'a relative path such as "services/dns/zone.yml"').
expected(ttl, 'seconds, at most a week').
expected(uid, 'a user id').
expected(public_key, '"ed25519:…" with 32 bytes in base64').
expected(tier, 'observe, change, risky or destructive').
expected(signatures, 'a number of signatures, 1 to 9').
expected(scope, 'any, zone("home.arpa") or playbook("services/x.yml")').
expected(terms, 'freely or signatures(1), up to 9').
expected(seq, 'a ledger number').
expected(json, 'a value as it came over the wire').
expected(Type, Words) :- sense_expected(Type, Words), !.
expected(Type, Words) :- standing_expected(Type, Words), !.
expected(Type, Words) :- house_expected(Type, Words), !.
expected(Type, Words) :- passkey_expected(Type, Words), !.
expected(Type, Words) :- notify_expected(Type, Words), !.
expected(Type, Words) :- machine_expected(Type, Words).

same_name(Value) :-
    catch(zone_name(zone, Value, Name), refused(_, _, _), fail),
    Name == Value.

path(Text) :-
    string_length(Text, Length),
    Length > 0,
    Length =< 256,
    string_codes(Text, Codes),
    Codes = [First|_],
    First =\= 0'/,
    First =\= 0'-,
    maplist(path_code, Codes),
    \+ sub_string(Text, _, _, _, "..").

path_code(Code) :- Code < 128, code_type(Code, alnum), !.
path_code(Code) :- memberchk(Code, `-_./`).

scope(any).
scope(zone(Zone)) :-
    string(Zone),
    same_name(Zone).
scope(playbook(Playbook)) :-
    string(Playbook),
    path(Playbook).

terms(freely).
terms(signatures(Count)) :-
    integer(Count),
    Count >= 1,
    Count =< 9.

%!  public_key_bytes(+Text:string, -Codes) is semidet.
%
%   The 32 bytes of a public key on the wire.

public_key_bytes(Text, Codes) :-
    string_concat("ed25519:", Base64, Text),
    string_length(Base64, 44),
    string_codes(Base64, In),
    catch(phrase_base64(In, Codes), _, fail),
    length(Codes, 32).

phrase_base64(In, Codes) :-
    atom_codes(Atom, In),
    base64(Plain, Atom),
    atom_codes(Plain, Codes).
