%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(library(lists), [memberchk/2, member/2]).
:- use_module(kb('2_seen/senses'), [from_look/2]).
:- use_module(kb('3_rules/vitals')).
:- use_module('../../test/looks').

:- begin_tests(vitals).

of(Node, Rows, Pairs) :-
    look_seen(Rows, obj(["facts"-Facts|_])),
    from_look(Facts, node_vitals(Node, Pairs)).

test(the_numbers_of_a_card, Pairs == [ cpu-30, memory-40, memory_mib-65536, celsius-61,
                                       disk_celsius-40, disk-93, disk_part-"/m", watts-290 ]) :-
    of("tower", [ "tower"/cpu_busy/""/295/4, "tower"/load_1/""/1250/4,
                  "tower"/memory_available_share/""/600/4,
                  "tower"/memory_total/""/68719476736/4,
                  "tower"/cpu_temperature/"a"/52000/4, "tower"/cpu_temperature/"b"/60500/4,
                  "tower"/board_temperature/""/30000/4, "tower"/disk_temperature/"x"/40100/4,
                  "tower"/disk_used_share/"/"/400/4, "tower"/disk_used_share/"/m"/930/4,
                  "tower"/power_draw/"0"/90000/4, "tower"/power_draw/"1"/200400/4 ], Pairs).
test(load_where_no_share_is_known, Pairs == [load-1300, cores-8]) :-
    of("tower", ["tower"/load_1/""/1250/4, "tower"/cpu_cores/""/8/4], Pairs).
test(gpus_with_the_names_of_the_site, Gpus == [ obj([ part-"0", name-"RTX 4080 SUPER", busy-50,
                                                       celsius-70, vram_used_mib-1024,
                                                       vram_mib-16376, watts-200 ]) ]) :-
    of("tower", [ "tower"/gpu_busy/"0"/500/4, "tower"/gpu_temperature/"0"/70200/4,
                  "tower"/gpu_memory_used/"0"/1080000000/4,
                  "tower"/gpu_memory_total/"0"/17171480576/4,
                  "tower"/gpu_power/"0"/200000/4 ], Pairs),
    memberchk(gpus-Gpus, Pairs).
test(eight_gpus_and_no_more, Count == 8) :-
    findall("tower"/gpu_busy/Part/500/4,
            ( between(10, 30, I), number_codes(I, Codes), string_codes(Part, Codes) ), Rows),
    of("tower", Rows, Pairs),
    memberchk(gpus-Gpus, Pairs),
    length(Gpus, Count).
test(what_is_stale_is_absent, Pairs == [memory-40]) :-
    of("tower", [ "tower"/cpu_busy/""/295/stale(900),
                  "tower"/memory_available_share/""/600/4 ], Pairs).
test(other_numbers_alone_are_no_vitals_but_it_tells, Pairs == []) :-
    of("tower", ["tower"/uptime/""/900/4], Pairs).
test(who_tells_nothing_of_itself_has_none, fail) :-
    of("tower", ["tower"/source_ok/""/1/4, "tower"/cpu_busy/""/295/stale(900)], _).
test(of_another_node_nothing, fail) :-
    of("nas", ["tower"/cpu_busy/""/295/4], _).
test(noise_below_what_is_shown_changes_nothing, One == Two) :-
    of("tower", ["tower"/cpu_busy/""/295/4, "tower"/power_draw/""/90100/4], One),
    of("tower", ["tower"/cpu_busy/""/304/4, "tower"/power_draw/""/89900/4], Two).
test(what_the_site_says_of_it, Words-Range == "Windows, plays games"-[60, 520]) :-
    from_look([], node_look("tower", Pairs)),
    memberchk(words-Words, Pairs),
    memberchk(watts_range-Range, Pairs),
    \+ memberchk(vitals-_, Pairs).
test(a_stranger_has_no_look, Pairs == []) :-
    from_look([], node_look("zeus", Pairs)).

:- end_tests(vitals).
