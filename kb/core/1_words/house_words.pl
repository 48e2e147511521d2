%   SPDX-License-Identifier: Apache-2.0

:- module(house_words,
          [ house_fact/2,               % ?Name, ?Columns
            house_column/2,             % ?Type, +Value
            house_expected/2,           % ?Type, -Words
            node_name/1,                % +Text
            node_role_word/1,           % ?Role
            node_flag_word/1,           % ?Flag
            service_named/2,            % +Text, -Service
            service_text/2              % +Service, -Text
          ]).
:- use_module(library(lists), [member/2, memberchk/2]).
:- use_module(subnet, [ip_text/1, subnet_text/1]).
:- use_module(vocabulary, [label/1]).

/** <module> The words of the inventory: nodes, networks, firewall (docs/senses.md §2)

What a node is and can, what it draws, where it is connected, and what may pass between networks.
Each fact is declared once, with the type of each column; lists of words are closed.
*/

%!  house_fact(?Name, ?Columns:list) is nondet.

house_fact(node_role,       [node:node_name, role:node_role_word]).
house_fact(node_can,        [node:node_name, flag:node_flag_word]).
house_fact(node_gpu,        [node:node_name, gpu:device_name, vram_mib:vram_mib, lanes:lanes]).
house_fact(node_memory,     [node:node_name, mib:memory_mib]).
house_fact(node_cores,      [node:node_name, cores:cores]).
house_fact(node_power,      [node:node_name, idle_watts:watts, peak_watts:watts]).
house_fact(node_boot,       [node:node_name, seconds:boot_seconds]).
house_fact(node_volatility, [node:node_name, how:volatility]).
house_fact(node_weight,     [node:node_name, weight:weight]).
house_fact(node_host,       [node:node_name, host:host_label]).
house_fact(node_pool,       [node:node_name, pool:pool_label]).
house_fact(vlan,            [vlan:vlan_label, id:vlan_id, subnet:subnet]).
house_fact(node_address,    [node:node_name, vlan:vlan_label, ip:ip]).
house_fact(node_link,       [node:node_name, other:node_name, mbit:mbit]).
house_fact(node_routes,     [node:node_name, from:vlan_label, to:vlan_label]).
house_fact(firewall,        [number:rule_number, from:endpoint, to:endpoint, service:service,
                             allow:allow_deny]).

%!  house_column(?Type, +Value) is nondet.
%
%   Value may stand in a column of Type.

house_column(node_name, Value)      :- node_name(Value).
house_column(node_role_word, Value) :- atom(Value), node_role_word(Value), !.
house_column(node_flag_word, Value) :- atom(Value), node_flag_word(Value), !.
house_column(device_name, Value)    :- device_name(Value).
house_column(vram_mib, Value)       :- within(1, 4194304, Value).
house_column(lanes, Value)          :- memberchk(Value, [0, 1, 2, 4, 8, 16, 32]).
house_column(memory_mib, Value)     :- within(1, 1073741824, Value).
house_column(cores, Value)          :- within(1, 4096, Value).
house_column(watts, Value)          :- within(0, 100000, Value).
house_column(boot_seconds, Value)   :- within(0, 3600, Value).
house_column(volatility, Value)     :- memberchk(Value, [stable, volatile, ephemeral]).
house_column(weight, Value)         :- within(1, 100, Value).
house_column(host_label, Value)     :- label(Value).
house_column(pool_label, Value)     :- label(Value).
house_column(vlan_label, Value)     :- label(Value), Value \== any.
house_column(vlan_id, Value)        :- within(1, 4094, Value).
house_column(subnet, Value)         :- subnet_text(Value).
house_column(ip, Value)             :- ip_text(Value).
house_column(mbit, Value)           :- within(1, 1000000, Value).
house_column(rule_number, Value)    :- within(1, 1000000, Value).
house_column(endpoint, Value)       :- endpoint(Value).
house_column(service, Value)        :- service(Value).
house_column(allow_deny, Value)     :- memberchk(Value, [allow, deny]).

%!  house_expected(?Type, -Words) is nondet.

house_expected(node_name,
    'the name of a node: "tower"; a lower-case letter, then letters, digits, - and _').
house_expected(node_role_word, Words) :- one_of(node_role_word, Words).
house_expected(node_flag_word, Words) :- one_of(node_flag_word, Words).
house_expected(device_name,    'the name of a device: up to 64 printable ASCII characters').
house_expected(vram_mib,       'a number of MiB, at least 1').
house_expected(lanes,          '0 (not on PCIe), 1, 2, 4, 8, 16 or 32').
house_expected(memory_mib,     'a number of MiB, at least 1').
house_expected(cores,          'a number of cores, 1 to 4096').
house_expected(watts,          'whole watts, 0 to 100000').
house_expected(boot_seconds,   'seconds, 0 to 3600').
house_expected(volatility,     'stable, volatile or ephemeral').
house_expected(weight,         'a weight, 1 to 100').
house_expected(host_label,     'the name of a host(…)').
house_expected(pool_label,     'the name of a pool(…)').
house_expected(vlan_label,     'the name of a vlan(…), and not any').
house_expected(vlan_id,        'a VLAN id, 1 to 4094').
house_expected(subnet,
    'a subnet such as "192.168.10.0/24" or "fd00:10::/64", no bit set behind its length').
house_expected(ip,             'an address such as "192.168.10.5" or "fd00:10::5"').
house_expected(mbit,           'Mbit/s, 1 to 1000000').
house_expected(rule_number,    'the number of a rule, 1 to 1000000').
house_expected(endpoint,       'any, vlan(servers), node("nas") or subnet("10.0.0.0/8")').
house_expected(service,        'any, tcp(443), udp(53) or icmp').
house_expected(allow_deny,     'allow or deny').

one_of(Word, Words) :-
    findall(Known, call(Word, Known), All),
    atomic_list_concat(All, ', ', Words).

within(Min, Max, Value) :-
    integer(Value),
    Value >= Min,
    Value =< Max.

%!  node_name(+Text) is semidet.
%
%   A name that can stand in the id of a fact: no dot, at most 63 characters.

node_name(Text) :-
    string(Text),
    string_length(Text, Length),
    Length =< 63,
    string_codes(Text, [First|Codes]),
    First >= 0'a, First =< 0'z,
    \+ ( member(Code, Codes), \+ name_code(Code) ).

name_code(Code) :- Code >= 0'a, Code =< 0'z, !.
name_code(Code) :- Code >= 0'0, Code =< 0'9, !.
name_code(0'-).
name_code(0'_).

%!  node_role_word(?Role) is nondet.

node_role_word(hypervisor).
node_role_word(gpu_server).
node_role_word(desktop).
node_role_word(server).
node_role_word(storage).
node_role_word(gateway).
node_role_word(sensor).
node_role_word(voter).
node_role_word(worker).
node_role_word(client).

%!  node_flag_word(?Flag) is nondet.

node_flag_word(cuda).
node_flag_word(rocm).
node_flag_word(vulkan).
node_flag_word(cpu_inference).
node_flag_word(containers).
node_flag_word(zfs).
node_flag_word(wake_on_lan).
node_flag_word(ecc).

device_name(Text) :-
    string(Text),
    string_length(Text, Length),
    Length >= 1,
    Length =< 64,
    string_codes(Text, Codes),
    \+ ( member(Code, Codes), ( Code < 32 ; Code >= 127 ) ).

endpoint(any).
endpoint(vlan(Vlan))      :- label(Vlan), Vlan \== any.
endpoint(node(Node))      :- node_name(Node).
endpoint(subnet(Subnet))  :- subnet_text(Subnet).

service(any).
service(icmp).
service(tcp(Port)) :- within(1, 65535, Port).
service(udp(Port)) :- within(1, 65535, Port).

%!  service_named(+Text:string, -Service) is semidet.
%
%   "tcp/443", "udp/53", "icmp".

service_named("icmp", icmp) :- !.
service_named(Text, Service) :-
    (   string_concat("tcp/", PortText, Text)
    ->  Service = tcp(Port)
    ;   string_concat("udp/", PortText, Text),
        Service = udp(Port)
    ),
    string_length(PortText, Length),
    Length =< 5,
    string_codes(PortText, Codes),
    Codes = [First|_],
    First =\= 0'0,
    \+ ( member(Code, Codes), \+ ( Code >= 0'0, Code =< 0'9 ) ),
    number_codes(Port, Codes),
    Port =< 65535.

%!  service_text(+Service, -Text:string) is semidet.

service_text(icmp, "icmp").
service_text(tcp(Port), Text) :- format(string(Text), "tcp/~d", [Port]).
service_text(udp(Port), Text) :- format(string(Text), "udp/~d", [Port]).
