%   SPDX-License-Identifier: Apache-2.0

:- use_module('../../../test/asking').

:- begin_tests(dns_record_list).

me("loopback"/api).

test(listing_looks_and_answers, Op-Zone-Sets == list-"home.arpa"-[]) :-
    me(By),
    judge(dns_record_list, [zone="x.home.arpa"], By, null, V0),
    at(V0, look/op, Op),
    judge(dns_record_list, [zone="home.arpa"], By, obj(["rrsets"-[]]), V),
    at(V, answer/zone, Zone), at(V, answer/rrsets, Sets).

test(filters_go_to_the_hand_and_into_the_words, Found == ['MX', "nas.home.arpa", true]) :-
    me(By),
    Params = [zone="home.arpa", type="mx", name="nas.home.arpa"],
    judge(dns_record_list, Params, By, null, V),
    at(V, look/type, Type), at(V, look/name, Name), at(V, words, Words),
    (   sub_string(Words, _, _, _, "list the MX records of nas.home.arpa in zone home.arpa")
    ->  Said = true
    ;   Said = Words
    ),
    Found = [Type, Name, Said].
test(without_filters_the_job_has_none, Keys == []) :-
    me(By),
    judge(dns_record_list, [zone="home.arpa"], By, null, V),
    at(V, look, obj(Pairs)),
    findall(Key, ( member(Key-_, Pairs), memberchk(Key, [type, name]) ), Keys).
test(a_name_of_another_zone_is_refused, Code == not_in_zone) :-
    me(By),
    judge(dns_record_list, [zone="home.arpa", name="a.local"], By, null, Out),
    at(Out, error/code, Code).

:- end_tests(dns_record_list).
