%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(plunit)).
:- use_module(library(lists), [member/2, memberchk/2]).
:- use_module(kb('2_seen/seen'), []).
:- use_module(kb('2_seen/state'), []).
:- use_module(kb('4_say/intent'), [understood/3]).

:- begin_tests(intent).

status(Text, Status) :-
    understood(Text, "anna", obj(["status"-Status|_])).

intents(Text, Intents) :-
    understood(Text, "anna", obj(["status"-"understood", "intents"-Intents])).

missing(Text, Missing) :-
    understood(Text, "anna", obj(["status"-"question", "question"-obj(Question)])),
    memberchk("missing"-Missing, Question).

undo(obj(["action"-"dns_record_delete", "params"-obj(["name"-"x.local"])])).

%   As if these changes had been made, the newest last.
with_changes(Goal) :-
    undo(Undo),
    snapshot(( assertz(state:change("C1", 4, "anna", "dns_record_add", obj([]), Undo)),
               assertz(state:change("C2", 5, "anna", "dns_zone_create", obj([]), null)),
               assertz(state:change("C3", 6, "bert", "dns_record_add", obj([]),
                                    obj(["action"-"dns_record_delete",
                                        "params"-obj(["name"-"bert.local"])]))),
               call(Goal) )).

test(a_request_is_understood, Intents == [obj(["action"-"dns_record_add",
        "params"-obj(["name"-"test.local", "type"-"A", "value"-"192.168.1.100"])])]) :-
    intents("Add DNS record test.local to 192.168.1.100", Intents).
test(what_is_missing_is_named, Missing == ["value"]) :-
    missing("add test.local", Missing).
test(nonsense_gives_three_examples, Count == 3) :-
    understood("sing a song", "anna", obj(["status"-"not_understood", "text"-_,
        "examples"-Examples])),
    length(Examples, Count).

test(undo_takes_the_newest_of_this_person, Intents == [obj(["action"-"dns_record_delete",
        "params"-obj(["name"-"x.local"])])]) :-
    with_changes(intents("undo that", Intents)).
test(undo_of_a_case, Intents == [obj(["action"-"dns_record_delete",
    "params"-obj(["name"-"bert.local"])])]) :-
    with_changes(intents("undo case C3", Intents)).
test(undo_without_a_change_is_a_question, Status == "question") :-
    status("undo that", Status).
test(a_stranger_has_nothing_to_undo, Status == "question") :-
    with_changes(understood("undo that", "carla", obj(["status"-Status|_]))).

test(too_long_is_refused, throws(refused(too_long, "nl", _))) :-
    length(Codes, 2001),
    maplist(=(0'a), Codes),
    string_codes(Text, Codes),
    understood(Text, "anna", _).
test(two_thousand_characters_are_read, Status == "not_understood") :-
    length(Codes, 2000),
    maplist(=(0'a), Codes),
    string_codes(Text, Codes),
    status(Text, Status).
test(too_many_words_are_refused, throws(refused(too_long, "nl", _))) :-
    length(Words, 201),
    maplist(=(a), Words),
    atomic_list_concat(Words, ' ', Atom),
    atom_string(Atom, Text),
    understood(Text, "anna", _).
test(control_characters_are_refused, throws(refused(control_character, "nl", _))) :-
    understood("add test.local\u0007 to 1.2.3.4", "anna", _).
test(a_new_line_is_a_space, Status == "understood") :-
    status("add test.local\nto 1.2.3.4", Status).
test(seventeen_changes_are_too_many, Status == "question") :-
    findall(Name, ( between(1, 17, N), format(string(Name), "n~d.local", [N]) ), Names),
    atomic_list_concat(Names, ', ', List),
    format(string(Text), "delete ~w", [List]),
    status(Text, Status).

%   Whatever stands in a name's or a value's place: nothing is done with a bad one.
test(hostile_names_do_nothing, forall(member(Name, [
        "te;st.local", "$(rm).local", "`id`.local", "te|st.local", "te&st.local", "a'b.local",
            "x\"y.local",
        "te\\st.local", "foo(bar).local", "[x|y].local", "X=1.local", "t\u0435st.local",
            "te\u200Bst.local",
        "nas\u20131.local", "-a.local", "a-.local", "a..local", ".local.", "a%b.local",
            "a/b.local", "~a.local"]))) :-
    format(string(Text), "add ~s to 1.2.3.4", [Name]),
    \+ status(Text, "understood").
test(hostile_values_do_nothing, forall(member(Value, [
        "1.2.3.4;ls", "1.2.3.4|x", "256.1.1.1", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.4/24",
            "1.2.3.4:80",
        "fe80::1%eth0", "1::2::3", "12345::1", "::g", "\uFF11.2.3.4", "0x7f.1.1.1", "1,2,3,4"]))) :-
    format(string(Text), "add test.local to ~s", [Value]),
    \+ status(Text, "understood").
test(a_word_of_doubt_stops_everything, forall(member(Word, [
        "don't", "never", "if", "unless", "maybe", "except", "or", "tomorrow", "until", "not",
            "how", "all but"]))) :-
    format(string(Text), "~s delete x.local", [Word]),
    \+ status(Text, "understood").
test(an_unknown_word_stops_everything, forall(member(Word, [
        "flurb", "experimentally", "sarcastically", "formerly", "pretend", "fake", "undelete"]))) :-
    format(string(Before), "~s delete x.local", [Word]),
    \+ status(Before, "understood"),
    format(string(After), "delete x.local ~s", [Word]),
    \+ status(After, "understood").

test(the_longest_sentences_end_soon, [forall(member(Part, [
        "add a.local 1.2.3.4 and ", "a.local ", "a.b=a.b=", "'", "a,", "->", "a->",
            "i would like to ",
        "one hundred and ", "alias a.local to b.local and ", ";", "\"a\" ", "ttl 5 "])),
            true(Cost < 200000)]) :-
    string_length(Part, Length),
    Times is 2000 // Length,
    length(Parts, Times),
    maplist(=(Part), Parts),
    atomic_list_concat(Parts, Atom),
    atom_string(Atom, Text),
    statistics(inferences, Before),
    catch(understood(Text, "anna", _), refused(_, _, _), true),
    statistics(inferences, After),
    Cost is After - Before.

test(same_sentence_same_answer, One == Two) :-
    understood("which one is it?", "anna", One),
    understood("which one is it?", "anna", Two).

:- end_tests(intent).
