%   SPDX-License-Identifier: Apache-2.0

:- module(runbook_markdown,
          [ runbook_sections/3,         % ++Answer, +Truncated, -Sections
            runbook_markdown/4          % +AlertId, +Truncated, +Sections, -Markdown
          ]).
:- use_module(library(lists), [append/3, member/2, memberchk/2, nth1/3]).
:- use_module(library(apply), [maplist/3]).
:- use_module(kb('1_words/wire'), [fields/3, refuse/4]).
:- use_module(runbook, [runbook_limit/2]).

/** <module> What a model answered, checked and made harmless

The answer is data of a stranger. It is read strictly, every text becomes one line without control,
direction or invisible characters, and the Markdown is ours: what the model wrote stands either in
prose, where everything that means something to Markdown or HTML is escaped and no address stays an
address, or as a command in a code span that it cannot leave. Nothing of it is ever run.
*/

%!  runbook_sections(++Answer, +Truncated, -Sections) is det.
%
%   Sections are sections(Cause, [action(Text, Command), …], [Criterion, …]); Command "" where
%   there is none. Of an answer that was cut (Truncated: true) the lists may be short or missing.
%
%   @throws refused(Code, Param, Message)

:- det(runbook_sections/3).
runbook_sections(Answer, Truncated, sections(Cause, Actions, Criteria)) :-
    specs(Truncated, Specs),
    fields(Answer, Specs, [Cause0, Actions0, Criteria0]),
    text(probable_cause, cause_characters, Cause0, Cause),
    counted(immediate_actions, actions, Truncated, Actions0),
    maplist(action, Actions0, Actions),
    counted(escalation_criteria, criteria, Truncated, Criteria0),
    maplist(criterion, Criteria0, Criteria).

specs(true, [ required(probable_cause, string), optional(immediate_actions, list, []),
              optional(escalation_criteria, list, []) ]).
specs(false, [ required(probable_cause, string), required(immediate_actions, list),
               required(escalation_criteria, list) ]).

counted(Field, What, Truncated, List) :-
    length(List, Length),
    runbook_limit(What, Most),
    (   Length > Most
    ->  refuse(too_many, Field, "'~w' has ~d entries; ~d are the most", [Field, Length, Most])
    ;   Length =:= 0,
        Truncated == false
    ->  refuse(too_few, Field, "'~w' is empty; one entry is the least", [Field])
    ;   true
    ).

action(Object, action(Text, Command)) :-
    fields(Object, [required(text, string), optional(command, nullable(string), "")],
           [Text0, Command0]),
    text(text, action_characters, Text0, Text),
    (   memberchk(Command0, ["", null])
    ->  Command = ""
    ;   text(command, command_characters, Command0, Command)
    ).

criterion(Text0, Text) :-
    (   string(Text0)
    ->  text(escalation_criteria, criterion_characters, Text0, Text)
    ;   refuse(wrong_type, escalation_criteria, "'escalation_criteria' must be a list of strings",
               [])
    ).

%   One line that can be seen; what is too long for the schema was not written by it.
text(Field, What, Raw, Text) :-
    runbook_limit(What, Most),
    string_length(Raw, Length),
    (   Length > Most
    ->  refuse(too_long, Field, "'~w' has ~d characters; ~d are the most", [Field, Length, Most])
    ;   true
    ),
    string_codes(Raw, Codes),
    maplist(seen, Codes, Seen),
    string_codes(Line, Seen),
    split_string(Line, "", " ", [Text]),
    (   Text == ""
    ->  refuse(too_few, Field, "'~w' is empty", [Field])
    ;   true
    ).

%   seen(+Code, -Shown): a control character becomes its picture, so that a line stays a line;
%   what directs, hides or joins without being seen becomes the sign for the unreadable.
seen(Code, Shown) :-
    (   Code =:= 0'\t
    ->  Shown = 0'\s
    ;   Code < 32
    ->  Shown is 0x2400 + Code
    ;   Code =:= 127
    ->  Shown = 0x2421
    ;   hidden(Code)
    ->  Shown = 0xFFFD
    ;   code_type(Code, white)
    ->  Shown = 0'\s
    ;   Shown = Code
    ).

hidden(Code) :-
    hidden_range(From, To),
    Code >= From,
    Code =< To,
    !.

hidden_range(0x0080, 0x009F).           % C1 controls
hidden_range(0x00AD, 0x00AD).           % soft hyphen
hidden_range(0x034F, 0x034F).           % grapheme joiner
hidden_range(0x061C, 0x061C).           % Arabic letter mark
hidden_range(0x115F, 0x1160).           % Hangul fillers
hidden_range(0x17B4, 0x17B5).
hidden_range(0x180B, 0x180F).
hidden_range(0x200B, 0x200F).           % zero width, marks of direction
hidden_range(0x2028, 0x202E).           % separators, embeddings, overrides
hidden_range(0x2060, 0x206F).           % invisible operators, isolates
hidden_range(0x3164, 0x3164).
hidden_range(0xD800, 0xDFFF).           % halves of characters
hidden_range(0xE000, 0xF8FF).           % private use
hidden_range(0xFE00, 0xFE0F).           % variation selectors
hidden_range(0xFEFF, 0xFEFF).
hidden_range(0xFFA0, 0xFFA0).
hidden_range(0xFFF0, 0xFFFB).
hidden_range(0xE0000, 0xE0FFF).         % tags and more selectors
hidden_range(0xF0000, 0x10FFFF).        % private use

%!  runbook_markdown(+AlertId:integer, +Truncated, +Sections, -Markdown:string) is det.

:- det(runbook_markdown/4).
runbook_markdown(AlertId, Truncated, sections(Cause, Actions, Criteria), Markdown) :-
    format(string(Title), "# Runbook for alert ~d", [AlertId]),
    notice(Truncated, Notice),
    prose(Cause, CauseText),
    findall(Line, action_line(Actions, Line), ActionLines),
    findall(Line, criterion_line(Criteria, Line), CriterionLines),
    append([Title, "", Notice, "", "## Probable cause", "", CauseText, "",
            "## Immediate actions", "" | ActionLines],
           ["", "## Escalate when", "" | CriterionLines], Lines),
    atomic_list_concat(Lines, '\n', Atom),
    format(string(Markdown), "~w~n", [Atom]).

notice(false,
       "> Written by a language model from the facts of this alert. Nothing executes it. Read and \c
        check every command before you run it.").
notice(true,
       "> Written by a language model from the facts of this alert, and **cut off** before its \c
        end. Nothing executes it. Read and check every command before you run it.").

action_line([], "(none: the answer was cut off)").
action_line(Actions, Line) :-
    nth1(At, Actions, action(Text, Command)),
    prose(Text, Shown),
    (   format(string(Line), "~d. ~s", [At, Shown])
    ;   Command \== "",
        code(Command, Code),
        format(string(Line), "   ~s", [Code])
    ).

criterion_line([], "(none: the answer was cut off)").
criterion_line(Criteria, Line) :-
    member(Text, Criteria),
    prose(Text, Shown),
    string_concat("- ", Shown, Line).

%   A code span of its own line, behind the text of its step. No backtick is left in it, so nothing
%   ends it early; "  \" at the end of the step's line is not needed, a span needs no block.
code(Command, Code) :-
    string_codes(Command, Codes),
    maplist(unticked, Codes, Plain),
    format(string(Code), "`~s`", [Plain]).

unticked(0'`, 0x2035) :- !.
unticked(Code, Code).

%   prose(+Text, -Shown): for a place in a paragraph or a list item.
prose(Text, Shown) :-
    string_codes(Text, Codes),
    phrase(shown(start, Codes), Out),
    string_codes(Shown, Out).

shown(_, []) -->
    !,
    [].
shown(_, Codes) -->
    { disarmed(Codes, Text, Rest) },
    !,
    { string_codes(Text, Out) },
    listed(Out),
    shown(inside, Rest).
shown(start, [Code|Codes]) -->
    { opens_block(Code) },
    !,
    [0'\\, Code],
    shown(inside, Codes).
shown(start, Codes) -->
    { numeral(Codes, Digits, Mark, Rest) },
    !,
    listed(Digits),
    [0'\\, Mark],
    shown(inside, Rest).
shown(_, [Code|Codes]) -->
    { entity(Code, Text) },
    !,
    { string_codes(Text, Out) },
    listed(Out),
    shown(inside, Codes).
shown(_, [Code|Codes]) -->
    { memberchk(Code, `\\\`*_[]|~$`) },
    !,
    [0'\\, Code],
    shown(inside, Codes).
shown(_, [Code|Codes]) -->
    [Code],
    shown(inside, Codes).

listed([]) --> [].
listed([Code|Codes]) --> [Code], listed(Codes).

%   What a reader of Markdown, or a page that looks for addresses, would make a link of.
disarmed(Codes, Text, Rest) :-
    armed(Pattern, Text),
    starts(Pattern, Codes, Rest),
    !.

armed(`://`,  "\\[:\\]//").
armed(`www.`, "www\\[.\\]").
armed(`WWW.`, "WWW\\[.\\]").
armed(`Www.`, "Www\\[.\\]").
armed(`@`,    "\\[at\\]").

starts([], Rest, Rest).
starts([Code|Pattern], [Code|Codes], Rest) :-
    starts(Pattern, Codes, Rest).

opens_block(Code) :-
    memberchk(Code, `#+-=:`).

%   "1." or "1)" at the beginning would be a list in the list.
numeral(Codes, [Digit|Digits], Mark, Rest) :-
    Codes = [Digit|More],
    code_type(Digit, digit),
    Digit < 128,
    digits(More, Digits, [Mark|Rest]),
    memberchk(Mark, `.)`).

digits([Code|Codes], [Code|Digits], Rest) :-
    Code < 128,
    code_type(Code, digit),
    !,
    digits(Codes, Digits, Rest).
digits(Rest, [], Rest).

entity(0'<, "&lt;").
entity(0'>, "&gt;").
entity(0'&, "&amp;").
