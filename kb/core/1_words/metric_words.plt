%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(library(lists)).
:- use_module(kb('1_words/metric_words')).

:- begin_tests(metric_words).

test(each_once, Names == Sorted) :-
    findall(Metric, metric(Metric, _, _, _, _), Names0),
    msort(Names0, Names),
    sort(Names0, Sorted).
test(ranges_and_times, [forall(metric(_, Unit, Min, Max, StaleS)), nondet]) :-
    atom(Unit),
    integer(Min),
    integer(Max),
    Min < Max,
    Max =< 9007199254740991,
    between(1, 3600, StaleS).
test(each_but_the_sensors_own_comes_from_somewhere, Without == [source_ok]) :-
    findall(Metric, ( metric(Metric, _, _, _, _), \+ metric_from(Metric, _, _) ), Without).
test(rows_are_of_the_form, [forall(metric_from(Metric, Name, Options)), nondet]) :-
    metric(Metric, _, _, _, _),
    string(Name),
    \+ ( member(Option, Options), \+ known(Option) ),
    ( member(how(How), Options) -> true ; How = value ),
    ( memberchk(How, [ratio, rest, less, ratio_rate]) -> memberchk(of([_|_]), Options) ; true ).
test(patterns_have_a_star_at_the_end_only,
     [forall(( metric_from(_, _, Options), member(labels(Labels), Options),
               member(_=Patterns, Labels), member(Pattern, Patterns) )), nondet]) :-
    (   sub_string(Pattern, Before, 1, 0, "*")
    ->  true
    ;   string_length(Pattern, Before)
    ),
    sub_string(Pattern, 0, Before, _, Head),
    \+ sub_string(Head, _, _, _, "*").
test(named, Metric == cpu_busy) :-
    metric_named("cpu_busy", Metric).
test(no_stranger_is_named, [forall(member(Text, ["", "cpu", cpu_busy, 7])), fail]) :-
    metric_named(Text, _).
test(trends_are_of_metrics, [forall(trend_metric(Metric, WindowS, Points)), nondet]) :-
    metric(Metric, _, _, _, _),
    WindowS // Points >= 30.
test(parts, [forall(member(Part, ["", "eth0", "/srv/a-b_c", "chip:0/temp.1"]))]) :-
    part_text(Part).
test(no_parts, [forall(member(Part, ["a b", "é", "a\n", a, 7, "a\"b", Long])), fail]) :-
    format(string(Long), "~`at~65|", []),
    part_text(Part).
test(words, Words == 'disk free') :-
    metric_words(disk_free, Words).

known(how(How)) :-
    memberchk(How, [value, rate, delta, ratio, rest, less, ratio_rate, ahead, ago]).
known(scale(N)) :- integer(N), N >= 1.
known(divide(N)) :- integer(N), N >= 1.
known(part(Labels)) :- is_list(Labels).
known(labels(Labels)) :- is_list(Labels).
known(many(How)) :- memberchk(How, [sum, max, min, count]).
known(of([_|_])).
known(join(Name, _, _)) :- string(Name).
known(keep(nonzero)).
known(untaken(true)).

:- end_tests(metric_words).
