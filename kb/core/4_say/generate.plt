%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(library(lists), [member/2]).
:- use_module(kb('4_say/generate'), [sentence/3]).
:- use_module(kb('4_say/intent'), [understood/3]).

:- begin_tests(generate).

sample("dns_record_add", obj(["name"-"nas.home.arpa", "type"-"A", "value"-"10.0.0.2"])).
sample("dns_record_add", obj(["name"-"nas.home.arpa", "type"-"A", "value"-"10.0.0.2", "ttl"-300])).
sample("dns_record_add", obj(["name"-"nas.home.arpa", "type"-"AAAA", "value"-"2001:db8::2"])).
sample("dns_record_add", obj(["name"-"www.local", "type"-"CNAME", "value"-"nas.local"])).
sample("dns_record_add", obj(["name"-"www.local", "type"-"CNAME", "value"-"nas.local", "ttl"-60])).
sample("dns_record_add", obj(["name"-"home.arpa", "type"-"MX", "value"-"10 mail.home.arpa"])).
sample("dns_record_add", obj(["name"-"home.arpa", "type"-"TXT", "value"-"v=spf1 mx -all"])).
sample("dns_record_add", obj(["name"-"_sip._tcp.local", "type"-"SRV",
    "value"-"0 5 5060 sip.local"])).
sample("dns_record_add", obj(["name"-"5.0.0.10.in-addr.arpa", "type"-"PTR", "value"-"nas.local"])).
sample("dns_record_add", obj(["name"-"home.arpa", "type"-"CAA", "value"-"0 issue \"ca.example\""])).
sample("dns_record_change", obj(["name"-"nas.local", "type"-"A", "value"-"10.0.0.3"])).
sample("dns_record_change", obj(["name"-"nas.local", "type"-"A", "value"-"10.0.0.3", "ttl"-600])).
sample("dns_record_change", obj(["name"-"nas.local", "type"-"A", "value"-"10.0.0.3",
    "old_value"-"10.0.0.2"])).
sample("dns_record_change", obj(["name"-"www.local", "type"-"CNAME", "value"-"web.local"])).
sample("dns_record_change", obj(["name"-"nas.local", "ttl"-600])).
sample("dns_record_change", obj(["name"-"home.arpa", "type"-"MX", "ttl"-600])).
sample("dns_record_delete", obj(["name"-"nas.local"])).
sample("dns_record_delete", obj(["name"-"nas.local", "type"-"AAAA"])).
sample("dns_record_delete", obj(["name"-"home.arpa", "type"-"MX"])).
sample("dns_record_delete", obj(["name"-"nas.local", "type"-"A", "value"-"10.0.0.2"])).
sample("dns_record_list", obj(["zone"-"home.arpa"])).
sample("dns_record_list", obj(["zone"-"home.arpa", "type"-"TXT"])).
sample("dns_lookup", obj(["name"-"nas.local"])).
sample("dns_lookup", obj(["name"-"home.arpa", "type"-"MX"])).
sample("dns_zone_create", obj(["zone"-"lab.home.arpa"])).
sample("dns_zone_delete", obj(["zone"-"lab.home.arpa"])).
sample("playbook_run", obj(["playbook"-"services/dns/zone.yml"])).
sample("playbook_run", obj(["playbook"-"site.yml", "variables"-obj(["a"-"b", "c"-"1"])])).
sample("case_explain", obj(["case"-"01J9ZC3V5T8Q2M4K6N7P9R0S1T"])).
sample("node_list", obj([])).
sample("host_wake", obj(["host"-"tower"])).
sample("host_wake", obj(["host"-"gaming-pc"])).
sample("host_sleep", obj(["host"-"tower"])).
sample("pool_load", obj(["pool"-"gpu0", "model"-"llama3"])).
sample("pool_unload", obj(["pool"-"gpu0"])).
sample("node_show", obj(["node"-"tower"])).
sample("node_health", obj([])).
sample("node_health", obj(["node"-"tower"])).
sample("node_health", obj(["node"-"zeus"])).
sample("thermal_risk", obj([])).
sample("thermal_risk", obj(["node"-"pve"])).
sample("reach_check", obj(["from"-"laptop1", "to"-"nas"])).
sample("reach_check", obj(["from"-"laptop1", "to"-"nas", "service"-"tcp/443"])).
sample("boot_order_show", obj([])).
sample("boot_order_show", obj(["node"-"nas"])).
sample("path_find", obj(["from"-"laptop1", "to"-"nas"])).
sample("placement_find", obj(["vram_mib"-12288])).
sample("alert_list", obj([])).
sample("alert_list", obj(["node"-"nas"])).
sample("alert_acknowledge", obj(["alert"-17])).

test(every_generated_sentence_means_its_action, Wrong == []) :-
    findall(Sentence-Out,
            ( sample(Action, Params),
              sentence(Action, Params, Sentence),
              understood(Sentence, "someone", Out),
              \+ means(Out, Action, Params) ),
            Wrong).
test(each_sample_can_be_said, Mute == []) :-
    findall(Action-Params, ( sample(Action, Params), \+ sentence(Action, Params, _) ), Mute).
test(there_are_many_ways, true(Count > 800)) :-
    findall(x, ( sample(Action, Params), sentence(Action, Params, _) ), Ways),
    length(Ways, Count).

%   The key of a zone is the catalogue's affair.
means(obj(["status"-"understood", "intents"-[obj(["action"-Action, "params"-obj(Got)])]]),
    Action, obj(Pairs)) :-
    length(Pairs, Count),
    length(Got, Count),
    \+ ( member(Key-Value, Pairs), \+ member(Key-Value, Got), \+ ( Key == "zone",
        member("name"-Value, Got) ) ).

:- end_tests(generate).
