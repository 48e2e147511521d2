%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(library(lists), [last/2, member/2, memberchk/2]).
:- use_module(kb('3_rules/network')).

:- begin_tests(network).

%   Cables of the test house: router, switch1 and switch2 in a ring; the rest hangs on a switch.
test(the_path_with_fewest_cables, Path == path(["laptop1", "switch2", "switch1", "nas"], 1000)) :-
    live_query_path("laptop1", "nas", [], Path).
test(it_is_the_same_one_backwards, Path == path(["nas", "switch1", "switch2", "laptop1"], 1000)) :-
    live_query_path("nas", "laptop1", [], Path).
test(of_equally_short_ones_the_widest, Path == path(["router", "switch1", "pi1"], 1000)) :-
    live_query_path("router", "pi1", [], Path).
test(around_what_is_down, Path == path(["router", "switch2", "pi1"], 100)) :-
    live_query_path("router", "pi1", ["switch1"], Path).
test(no_path_over_a_node_that_is_down, fail) :-
    live_query_path("laptop1", "nas", ["switch1"], _).
test(it_is_said_which_one_is_in_the_way,
     Result == cut(["laptop1", "switch2", "switch1", "nas"], ["switch1"])) :-
    path_between("laptop1", "nas", ["switch1", "camera"], Result).
test(down_elsewhere_does_not_matter, Result == path(["pve", "switch1", "nas"], 1000)) :-
    path_between("pve", "nas", ["tower", "router"], Result).
test(an_end_that_is_down, Result == cut(["pve", "switch1", "nas"], ["nas"])) :-
    path_between("pve", "nas", ["nas"], Result).
test(to_oneself, Result == path(["nas"], 0)) :-
    path_between("nas", "nas", [], Result).
test(a_node_without_cables, Result == unlinked("laptop2")) :-
    path_between("laptop2", "nas", [], Result).
test(a_stranger_is_refused_by_name, throws(refused(unknown_node, to, Message))) :-
    Message = "there is no node named 'zeus'",
    path_between("nas", "zeus", [], _).

packet(From, To, Service, Decision, Steps) :-
    evaluate_packet(packet(From, To, Service), Decision, Steps).

test(the_first_rule_that_fits_decides,
     Steps == [route([clients, servers], ["router"]),
               rule(25, node("laptop1"), node("pve"), tcp(22), deny)]) :-
    packet("192.168.20.31", "192.168.10.10", tcp(22), deny, Steps).
test(for_another_node_a_later_rule_does, Number == 30) :-
    packet("192.168.20.20", "192.168.10.10", tcp(22), allow, Steps),
    memberchk(rule(Number, _, _, _, _), Steps).
test(between_vlans_nothing_passes_without_a_rule, true) :-
    packet("192.168.20.31", "192.168.10.5", tcp(80), deny, Steps),
    memberchk(no_rule(between), Steps).
test(within_a_vlan_it_does, Steps == [same_vlan(servers), no_rule(within)]) :-
    packet("192.168.10.10", "192.168.10.5", tcp(80), allow, Steps).
test(a_rule_counts_within_a_vlan_too, true) :-
    packet("192.168.10.10", "192.168.10.41", tcp(23), deny, Steps),
    memberchk(rule(60, _, _, _, _), Steps).
test(udp_is_not_tcp, true) :-
    packet("192.168.20.31", "192.168.10.5", udp(443), deny, Steps),
    memberchk(no_rule(between), Steps).
test(a_subnet, true) :-
    packet("192.168.30.50", "192.168.10.5", tcp(443), deny, Steps),
    memberchk(rule(50, _, _, _, _), Steps).
test(no_route_is_a_no_whatever_the_firewall_says, true) :-
    packet("192.168.20.31", "192.168.40.41", icmp, deny, Steps),
    memberchk(no_route(clients, island), Steps),
    memberchk(rule(40, _, _, _, allow), Steps).
test(over_two_routed_vlans, true) :-
    packet("192.168.20.31", "192.168.30.50", icmp, allow, Steps),
    memberchk(route([clients, servers, things], ["router", "router"]), Steps).
test(out_of_the_house, Steps == [outside("192.0.2.9"), way_out(clients, "router"),
                                 rule(40, any, any, icmp, allow)]) :-
    packet("192.168.20.31", "192.0.2.9", icmp, allow, Steps).
test(out_of_the_house_is_between, true) :-
    packet("192.168.20.31", "192.0.2.9", tcp(443), deny, Steps),
    memberchk(no_rule(between), Steps).
test(an_island_has_no_way_out, true) :-
    packet("192.168.40.41", "192.0.2.9", icmp, deny, Steps),
    memberchk(no_route(island, outside), Steps).
test(ipv6, Steps == [same_vlan(servers), no_rule(within)]) :-
    packet("fd00:10::10", "fd00:10::5", tcp(80), allow, Steps).
test(ipv6_is_not_the_ipv4_subnet, true) :-
    packet("fd00:30::1", "fd00:10::5", tcp(80), deny, Steps),
    \+ memberchk(rule(50, _, _, _, _), Steps).
test(ipv4_in_ipv6_clothes_meets_the_same_rule, true) :-
    packet("::ffff:192.168.30.50", "192.168.10.5", tcp(443), deny, Steps),
    memberchk(rule(50, _, _, _, _), Steps).
test(what_is_no_address_does_not_pass,
     [forall(member(Text, ["192.168.20.031", "192.168.20", "nas", "", "fd00::10::1", 7, x])),
      Steps == [bad_address(Text)]]) :-
    packet(Text, "192.168.10.5", icmp, deny, Steps).
test(what_is_no_service_does_not_pass,
     [forall(member(Service, [tcp(0), tcp(65536), tcp("443"), sctp(1), any, tcp(_), _])),
      true]) :-
    packet("192.168.10.10", "192.168.10.5", Service, deny, Steps),
    Steps = [bad_service(_)],
    !.

test(a_node_reaches_another, Proof == [ address("laptop1", clients, "192.168.20.31"),
                                        address("nas", servers, "192.168.10.5"),
                                        route([clients, servers], ["router"]),
                                        rule(10, vlan(clients), node("nas"), tcp(443), allow),
                                        cable(["laptop1", "switch2", "router"], 100),
                                        cable(["router", "switch1", "nas"], 1000) ]) :-
    can_reach("laptop1", "nas", tcp(443), Proof).
test(and_not_on_another_port, fail) :-
    can_reach("laptop1", "nas", tcp(80), _).
test(a_stranger_is_refused, [forall(member(From-To, ["zeus"-"nas", "nas"-"zeus", "nas"-"NAS"])),
                             throws(refused(unknown_node, _, _))]) :-
    can_reach(From, To, icmp, _).
test(who_is_down_is_not_reached, Outcome == no([down("nas")])) :-
    reach("laptop1", "nas", tcp(443), ["nas"], Outcome).
test(who_is_down_reaches_nobody, Outcome == no([down("laptop1")])) :-
    reach("laptop1", "nas", tcp(443), ["laptop1"], Outcome).
test(a_switch_that_is_down_is_named, Last == cable_cut(["router", "switch1", "nas"],
                                                        ["switch1"])) :-
    reach("laptop1", "nas", tcp(443), ["switch1"], no(Steps)),
    last(Steps, Last).
test(a_router_that_is_down_is_named, true) :-
    reach("laptop1", "nas", tcp(443), ["router"], no(Steps)),
    last(Steps, cable_cut(_, ["router"])).
test(unknown_cables_are_said_to_be_unknown, true) :-
    reach("laptop2", "nas", tcp(443), [], yes(Steps)),
    memberchk(cable_unknown("laptop2", "router"), Steps).
test(a_node_without_address, Outcome == no([no_address("switch1")])) :-
    reach("laptop1", "switch1", icmp, [], Outcome).
test(oneself, Outcome == yes([same_node("nas")])) :-
    reach("nas", "nas", icmp, [], Outcome).
test(of_two_ways_the_one_that_works, true) :-
    reach("pi1", "nas", tcp(80), [], yes(Steps)),
    memberchk(same_vlan(servers), Steps).
test(all_services_at_once, Yes == [icmp, tcp(22), tcp(443), tcp(445)]) :-
    reach_services("laptop1", "nas", [], Outcomes),
    findall(Service, member(Service-yes(_), Outcomes), Yes),
    memberchk(other-no(_), Outcomes),
    memberchk(tcp(23)-no(_), Outcomes).

:- end_tests(network).
