%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(kb('4_say/clause'), [clauses/2]).

:- begin_tests(clause).

test(one_verb_one_clause, Count == 1) :-
    clauses([main(add), ent(host, "a.local"), p(to), ent(ip4, "1.2.3.4")], Clauses),
    length(Clauses, Count).
test(a_new_verb_behind_a_joint_begins_another, Count == 2) :-
    clauses([main(add), ent(host, "a.local"), ent(ip4, "1.2.3.4"), sep(and), main(delete),
             ent(host, "b.local")], Clauses),
    length(Clauses, Count).
test(the_role_goes_with_the_entity, Ents == [e(none, host, "a.local"), e(to, ip4, "1.2.3.4")]) :-
    clauses([main(add), ent(host, "a.local"), p(to), ent(ip4, "1.2.3.4")], [cl(_, _, _, _, _,
        Ents)]).
test(nothing_is_no_clause, Clauses == []) :-
    clauses([], Clauses).

:- end_tests(clause).
