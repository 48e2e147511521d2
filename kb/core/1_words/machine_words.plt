%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(library(lists), [member/2]).
:- use_module(kb('1_words/machine_words')).
:- use_module(kb('1_words/fact_words'), [fact_word/3, fact_fault/3]).

:- begin_tests(machine_words).

good(agent, "local").
good(agent, "https://192.168.1.20:30443").
good(agent, "https://[fd00::1]:443").
good(mac, "52:54:00:aa:bb:01").
good(broadcast, "").
good(broadcast, "192.168.1.255").
good(broadcast, "255.255.255.255").
good(secure_on, "").
good(secure_on, "secret:wake/tower").
good(limit_s, 1).
good(limit_s, 3600).
good(clock, "00:00").
good(clock, "23:59").
good(utc_minutes, -720).
good(pool_kind, external).
good(mask, "").
good(mask, "GPU-1f2a").
good(model_or_any, any).
good(model_or_any, "llama3:8b").
good(engine_name, 'llama.cpp').
good(slots, 64).
good(context, 4194304).
good(kv_type, q8_0).
good(http_url, "http://127.0.0.1:8080").
good(power, asleep).

bad(agent, local).
bad(agent, "http://192.168.1.20:30443").
bad(agent, "https://192.168.1.20").
bad(agent, "https://h:0").
bad(agent, "https://h:65536").
bad(agent, "https://h:1/x").
bad(agent, "https://a b:1").
bad(agent, "https://u@h:1").
bad(agent, "https://h\u00001:1").
bad(mac, "53:54:00:aa:bb:01").
bad(mac, "00:00:00:00:00:00").
bad(mac, "52:54:00:AA:bb:01").
bad(mac, "52-54-00-aa-bb-01").
bad(mac, "52\u000054:00:aa:bb:01").
bad(mac, "52:54:00:aa:bb:0g").
bad(broadcast, "224.0.0.1").
bad(broadcast, "0.0.0.0").
bad(broadcast, "192.168.1").
bad(secure_on, "aa:bb:cc:dd:ee:ff").
bad(secure_on, "secret:../x").
bad(limit_s, 0).
bad(limit_s, 3601).
bad(limit_s, 1.5).
bad(wakes, 0).
bad(wakes, 61).
bad(sleep_how, hibernate).
bad(clock, "24:00").
bad(clock, "9:00").
bad(clock, "09:60").
bad(clock, "-1:00").
bad(utc_minutes, 900).
bad(pool_kind, tpu).
bad(mask, "0,1").
bad(mask, "$(id)").
bad(mib, -1).
bad(model_or_any, llama3).
bad(model_or_any, "").
bad(model_or_any, "a b").
bad(model_or_any, "ü").
bad(engine_name, 'Llama').
bad(engine_name, '../x').
bad(slots, 0).
bad(slots, 65).
bad(context, 4194305).
bad(kv_type, f8).
bad(http_url, "ftp://h:1").
bad(http_url, "http://h:1/path").
bad(power, unknown).
bad(sha256, "AB").

test(good_values, [forall(good(Type, Value))]) :-
    machine_column(Type, Value),
    !.
test(bad_values, [forall(bad(Type, Value)), fail]) :-
    machine_column(Type, Value).
test(each_type_of_a_fact_has_words,
     [forall(( fact_word(_, _, Columns), member(_:Type, Columns), good(Type, _) ))]) :-
    machine_expected(Type, Words),
    atom(Words).
test(a_wrong_fact_is_told_what_is_expected, true(sub_string(Words, _, _, _, "one network card"))) :-
    fact_fault(site, host_wake(tower, "x", "", ""), Words),
    !.
test(minutes_of_a_clock, Minutes == 1020) :-
    clock_minutes("17:00", Minutes).
test(a_name_of_129_characters_is_none, fail) :-
    length(Codes, 129),
    maplist(=(0'a), Codes),
    string_codes(Text, Codes),
    model_name(Text).

test(a_version_with_blanks_is_one) :-
    machine_column(engine_version, "0.7.0 (build 11669, commit Debian)").
test(a_version_of_two_lines_is_none, fail) :-
    machine_column(engine_version, "0.7.0\nx").
test(a_stranger_is_no_version, fail) :-
    machine_column(engine_version, 7).

:- end_tests(machine_words).
