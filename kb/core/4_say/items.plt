%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(kb('4_say/tokens'), [tokens/2]).
:- use_module(kb('4_say/items'), [items/2]).

:- begin_tests(items).

items_of(Text, Items) :-
    tokens(Text, Tokens),
    items(Tokens, Items).

test(filler_is_dropped, Items == [main(delete), ent(host, "x.local")]) :-
    items_of("could you please delete the x.local", Items).
test(times_in_words, Items == [ent(ttl, 5400)]) :-
    items_of("with ttl one hour and thirty minutes", [p(with)|Items]).
test(an_article_is_no_type, Items == [main(delete), n(record)]) :-
    items_of("delete a record", Items).
test(the_a_record_is_one, Items == [main(delete), ty('A'), n(record)]) :-
    items_of("delete the A record", Items).
test(one_letter_wrong_in_a_long_verb, Items == [main(delete), ent(host, "x.local")]) :-
    items_of("delte x.local", Items).
test(remote_is_not_remove, Items == [ent(short, "remote"), ent(host, "x.local")]) :-
    items_of("remote x.local", Items).

:- end_tests(items).
