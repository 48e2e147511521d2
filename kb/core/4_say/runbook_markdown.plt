%   SPDX-License-Identifier: Apache-2.0

:- use_module(library(lists), [member/2, numlist/3]).
:- use_module(kb('4_say/runbook_markdown')).

:- begin_tests(runbook_markdown).

answer(Cause, Actions, Criteria,
       obj([ "probable_cause"-Cause, "immediate_actions"-Actions,
             "escalation_criteria"-Criteria ])).

good(Answer) :-
    answer("The fan stands still (F4).",
           [ obj(["text"-"Look at the fans.", "command"-"sensors"]), obj(["text"-"Clean them."]) ],
           ["It gets hotter than 95 C."], Answer).

markdown(Answer, Markdown) :-
    runbook_sections(Answer, false, Sections),
    runbook_markdown(412, false, Sections, Markdown).

test(a_good_answer, Markdown ==
"# Runbook for alert 412\n\n\c
> Written by a language model from the facts of this alert. Nothing executes it. Read and \c
check every command before you run it.\n\n\c
## Probable cause\n\nThe fan stands still (F4).\n\n\c
## Immediate actions\n\n1. Look at the fans.\n   `sensors`\n2. Clean them.\n\n\c
## Escalate when\n\n- It gets hotter than 95 C.\n") :-
    good(Answer),
    markdown(Answer, Markdown).

test(a_command_that_is_null_or_empty_is_none, [forall(member(Command, [null, ""]))]) :-
    answer("x", [obj(["text"-"y", "command"-Command])], ["z"], Answer),
    runbook_sections(Answer, false, sections("x", [action("y", "")], ["z"])).

with_text(Text, Markdown) :-
    answer(Text, [obj(["text"-Text])], [Text], Answer),
    markdown(Answer, Markdown).

%   invariant_2: what a model wrote stays a text: as written, and what stands there.
inert("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;").
inert("[here](javascript:alert(1))", "\\[here\\](javascript:alert(1))").
inert("![x](http://evil.example/p.png)", "!\\[x\\](http\\[:\\]//evil.example/p.png)").
inert("see https://evil.example or www.evil.example",
      "see https\\[:\\]//evil.example or www\\[.\\]evil.example").
inert("<https://evil.example>", "&lt;https\\[:\\]//evil.example&gt;").
inert("mail me@evil.example", "mail me\\[at\\]evil.example").
inert("a `code` **b** _c_ ~~d~~ a|b $x$",
      "a \\`code\\` \\*\\*b\\*\\* \\_c\\_ \\~\\~d\\~\\~ a\\|b \\$x\\$").
inert("# heading", "\\# heading").
inert("- item", "\\- item").
inert("1. item", "1\\. item").
inert("12) item", "12\\) item").
inert("&lt;b&gt;", "&amp;lt;b&amp;gt;").
inert("a\\*b", "a\\\\\\*b").
inert("> quote", "&gt; quote").
inert("a\nb", "a\u240Ab").
inert("a\r\n# b\n\n<b>", "a\u240D\u240A# b\u240A\u240A&lt;b&gt;").
inert("a\u202Eb\u200Bc\uFEFFd\u2066e", "a\uFFFDb\uFFFDc\uFFFDd\uFFFDe").
inert("a\e[31mb", "a\u241B\\[31mb").
inert("a\tb\x7F\c\x85\d", "a b\u2421c\uFFFDd").
inert("\u2028a", "\uFFFDa").

test(prose_stays_prose, [forall(inert(Text, Shown))]) :-
    with_text(Text, Markdown),
    format(string(Cause), "## Probable cause\n\n~s\n\n", [Shown]),
    format(string(Step), "## Immediate actions\n\n1. ~s\n\n", [Shown]),
    format(string(Sign), "## Escalate when\n\n- ~s\n", [Shown]),
    forall(member(Part, [Cause, Step, Sign]),
           ( sub_string(Markdown, _, _, _, Part) -> true ; throw(not(Part, Markdown)) )).

command("ls `reboot`", "ls \u2035reboot\u2035").
command("a\nb\n```\n# free", "a\u240Ab\u240A\u2035\u2035\u2035\u240A# free").
command("``", "\u2035\u2035").
command("echo \u202E x", "echo \uFFFD x").
command("<b>&[x](y)", "<b>&[x](y)").
command("  df -h  ", "df -h").

test(a_command_cannot_leave_its_span, [forall(command(Command, Shown))]) :-
    answer("x", [obj(["text"-"y", "command"-Command])], ["z"], Answer),
    markdown(Answer, Markdown),
    format(string(Line), "\n   `~s`\n", [Shown]),
    once(sub_string(Markdown, _, _, _, Line)).

%   Whatever is in it: as many lines as there are parts, and in a span no backtick but its own.
test(every_character_keeps_the_form, 
     [forall(member(From, [1, 0x80, 0x2000, 0xFE00, 0x1F600, 0xE0000]))]) :-
    To is From + 200,
    numlist(From, To, Codes0),
    findall(Code, ( member(Code, Codes0), \+ ( Code >= 0xD800, Code =< 0xDFFF ) ), Codes),
    forall(member(Code, Codes),
           ( string_codes(Text, [0'a, Code, 0'b]),
             answer(Text, [obj(["text"-Text, "command"-Text])], [Text], Answer),
             markdown(Answer, Markdown),
             split_string(Markdown, "\n", "", Lines),
             length(Lines, 17),
             lists:nth1(12, Lines, Span),
             split_string(Span, "`", "", ["   ", _, ""]) )).

bad(obj([]), missing_field).
bad(obj(["probable_cause"-"x", "immediate_actions"-[obj(["text"-"y"])]]), missing_field).
bad(Answer, wrong_type) :- answer(7, [obj(["text"-"y"])], ["z"], Answer).
bad(Answer, wrong_type) :- answer("x", "y", ["z"], Answer).
bad(Answer, wrong_type) :- answer("x", ["y"], ["z"], Answer).
bad(Answer, wrong_type) :- answer("x", [obj(["text"-"y", "command"-["z"]])], ["z"], Answer).
bad(Answer, wrong_type) :- answer("x", [obj(["text"-"y"])], [7], Answer).
bad(Answer, too_few)    :- answer("x", [], ["z"], Answer).
bad(Answer, too_few)    :- answer("x", [obj(["text"-"y"])], [], Answer).
bad(Answer, too_few)    :- answer("  ", [obj(["text"-"y"])], ["z"], Answer).
bad(Answer, too_many)   :- steps(9, Steps), answer("x", Steps, ["z"], Answer).
bad(Answer, too_many)   :- answer("x", [obj(["text"-"y"])], ["1", "2", "3", "4", "5", "6"], Answer).
bad(Answer, too_long)   :- long(401, Text), answer(Text, [obj(["text"-"y"])], ["z"], Answer).
bad(Answer, too_long)   :- long(201, Text), answer("x", [obj(["text"-Text])], ["z"], Answer).
bad(Answer, too_long)   :-
    long(161, Text), answer("x", [obj(["text"-"y", "command"-Text])], ["z"], Answer).
bad(Answer, too_long)   :- long(161, Text), answer("x", [obj(["text"-"y"])], [Text], Answer).
bad(Answer, unknown_field) :-
    answer("x", [obj(["text"-"y", "run"-"z"])], ["z"], Answer).
bad(obj([ "probable_cause"-"x", "immediate_actions"-[obj(["text"-"y"])],
          "escalation_criteria"-["z"], "approved"-true ]), unknown_field).

long(Count, Text) :-
    format(string(Text), "~`xt~*|", [Count]).

steps(Count, Steps) :-
    numlist(1, Count, Numbers),
    findall(obj(["text"-"y"]), member(_, Numbers), Steps).

test(another_form_is_refused_by_name, [forall(bad(Answer, Code)), Found == Code]) :-
    catch(runbook_sections(Answer, false, _), refused(Found, _, _), true).

test(an_answer_that_was_cut_may_be_short) :-
    runbook_sections(obj(["probable_cause"-"x"]), true, Sections),
    Sections == sections("x", [], []),
    runbook_markdown(1, true, Sections, Markdown),
    once(sub_string(Markdown, _, _, _, "**cut off**")),
    once(sub_string(Markdown, _, _, _, "## Immediate actions\n\n(none: the answer was cut off)\n")).

:- end_tests(runbook_markdown).
