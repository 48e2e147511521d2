%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(library(lists), [member/2]).
:- use_module(kb('1_words/house_words')).
:- use_module(kb('1_words/fact_words'), [fact_word/3, fact_fault/3]).

:- begin_tests(house_words).

test(good_facts,
     [forall(member(Fact, [ node_role("pve", hypervisor), node_can("pve", cuda),
                            node_gpu("pve", "RTX 5080", 16303, 16), node_memory("pve", 65536),
                            node_cores("pve", 16), node_power("pve", 45, 480), node_boot("pve", 90),
                            node_volatility("tower", volatile), node_weight("pve", 100),
                            node_host("tower", tower), vlan(servers, 10, "192.168.10.0/24"),
                            node_address("nas", servers, "192.168.10.5"),
                            node_link("nas", "switch", 1000), node_routes("router", servers,
                            clients),
                            firewall(10, vlan(clients), node("nas"), tcp(443), allow),
                            firewall(20, any, subnet("10.0.0.0/8"), udp(53), deny),
                            firewall(30, any, any, icmp, allow) ])), fail]) :-
    fact_fault(site, Fact, _).
test(bad_facts,
     [forall(member(Fact, [ node_role("pve", king), node_role(pve, hypervisor), node_can("pve",
      fly),
                            node_gpu("pve", "RTX", 0, 16), node_gpu("pve", "RTX", 16303, 3),
                            node_gpu("pve", "a\nb", 16303, 16), node_memory("pve", -1),
                            node_cores("pve", 0), node_power("pve", 45, 1.5), node_boot("pve",
                            3601),
                            node_volatility("tower", sometimes), node_weight("pve", 101),
                            node_weight("pve", 0), node_host("tower", "tower"),
                            vlan(servers, 4095, "192.168.10.0/24"), vlan(any, 1, "10.0.0.0/8"),
                            vlan(servers, 10, "192.168.10.1/24"), vlan("servers", 10, "10.0.0.0/8"),
                            node_address("nas", servers, "192.168.10.500"),
                            node_address("nas", servers, "FD00::1"), node_link("nas", "nas2", 0),
                            node_link("Nas", "switch", 1000), node_link("a.b", "switch", 1000),
                            firewall(0, any, any, any, allow), firewall(1, any, any, tcp(0), allow),
                            firewall(1, any, any, tcp(65536), allow), firewall(1, any, any, any,
                            maybe),
                            firewall(1, vlan("x"), any, any, deny), firewall(1, node(nas), any,
                            any, deny),
                            firewall(1, subnet("10.0.0.1/8"), any, any, deny),
                            node_role("pve") ]))]) :-
    fact_fault(site, Fact, Words),
    string(Words),
    !.
test(each_column_says_what_it_expects, [forall(( house_fact(_, Columns), member(_:Type,
                                        Columns) ))]) :-
    house_expected(Type, Words),
    atom(Words),
    !.
test(each_fact_is_of_the_site, [forall(house_fact(Name, Columns))]) :-
    fact_word(site, Name, Columns),
    !.
test(services, [forall(member(Text-Service, [ "tcp/443"-tcp(443), "udp/53"-udp(53), "icmp"-icmp,
                                              "tcp/65535"-tcp(65535) ]))]) :-
    service_named(Text, Found),
    Found == Service,
    service_text(Service, Text),
    !.
test(no_services, [forall(member(Text, [ "", "tcp", "tcp/0", "tcp/65536", "tcp/044", "tcp/4a",
                   "sctp/1",
                                         "TCP/443", "tcp/-1", "tcp/999999" ])), fail]) :-
    service_named(Text, _).
test(names, [forall(member(Text, ["a", "pve", "gaming-pc", "pi_4", "x2"]))]) :-
    node_name(Text).
test(no_names, [forall(member(Text, ["", "2x", "A", "a.b", "a b", "-a", "ä", pve, "a\n"])),
                fail]) :-
    node_name(Text).

:- end_tests(house_words).
