%   SPDX-License-Identifier: Apache-2.0

:- use_module(kb('1_words/fact_words'), [fact_word/3]).
:- use_module(kb('2_seen/site'), []).

:- begin_tests(site).

test(each_declared_fact_can_be_asked, [forall(fact_word(site, Name, Columns))]) :-
    length(Columns, Arity),
    functor(Head, Name, Arity),
    catch(( call(site:Head) ; true ), _, fail),
    !.
test(a_stranger_cannot, throws(error(existence_error(procedure, _), _))) :-
    site:never_declared(_).
test(none_can_be_changed, [forall(fact_word(site, Name, Columns)), fail]) :-
    length(Columns, Arity),
    functor(Head, Name, Arity),
    predicate_property(site:Head, dynamic).

:- end_tests(site).
