%   SPDX-License-Identifier: Apache-2.0

:- module(say_inert,
          [ inert/3,                    % +Text, +Max, -Inert
            inert_sentence/3,           % +Text, +Max, -Inert
            cut_to/3                    % +Text, +Max, -Cut
          ]).

/** <module> Words of people and models, fit for somebody else's screen

What is shown on a phone or in a chat is read by programs that make links, mentions and markup of
text. Here it becomes text that is nothing but text: one line; control, hidden and direction
characters, and piles of combining ones, are written as \u{…}; no scheme, no address of mail, no
mention, no link of Markdown survives as such. Markup of one receiver is its form's affair
(4_port/notify).
*/

%!  inert(+Text:string, +Max:integer, -Inert:string) is det.
%
%   At most Max characters.

inert(Text, Max, Inert) :-
    made_inert(Text, Max, names, Inert).

%!  inert_sentence(+Text:string, +Max:integer, -Inert:string) is det.
%
%   The same for a whole sentence of somebody: names of the net in it are no links either.

inert_sentence(Text, Max, Inert) :-
    made_inert(Text, Max, no_names, Inert).

made_inert(Text, Max, Names, Inert) :-
    string(Text),
    !,
    cut_to(Text, Max, Cut0),              %   before the work, and after: it may have grown
    string_codes(Cut0, Codes0),
    phrase(visible(Codes0, 0), Codes1),
    phrase(harmless(Codes1, 0'\s, Names), Codes),
    string_codes(Grown, Codes),
    cut_to(Grown, Max, Inert).
made_inert(_, _, _, "").

%!  cut_to(+Text:string, +Max:integer, -Cut:string) is det.

cut_to(Text, Max, Cut) :-
    string_length(Text, Length),
    (   Length =< Max
    ->  Cut = Text
    ;   Keep is Max - 1,
        sub_string(Text, 0, Keep, _, Head),
        string_concat(Head, "…", Cut)
    ).

                /*  what one cannot see is shown  */

%   Piled counts the combining characters on the one before.
visible([], _) --> [].
visible([Code|Codes], Piled) -->
    (   { hidden(Code) }
    ->  escaped(Code),
        { Next = 0 }
    ;   { combining(Code) }
    ->  { Next is Piled + 1 },
        ( { Next > 1 } -> escaped(Code) ; [Code] )
    ;   [Code],
        { Next = 0 }
    ),
    visible(Codes, Next).

escaped(Code) -->
    { format(codes(Shown), "\\u{~16r}", [Code]) },
    Shown.

hidden(Code) :-
    hidden(From, To),
    Code >= From,
    Code =< To,
    !.

hidden(0x00, 0x1F).
hidden(0x7F, 0x9F).
hidden(0xAD, 0xAD).
hidden(0x034F, 0x034F).
hidden(0x061C, 0x061C).
hidden(0x115F, 0x1160).
hidden(0x17B4, 0x17B5).
hidden(0x180B, 0x180F).
hidden(0x200B, 0x200F).
hidden(0x2028, 0x202E).
hidden(0x2060, 0x206F).
hidden(0x3164, 0x3164).
hidden(0xD800, 0xF8FF).
hidden(0xFE00, 0xFE0F).
hidden(0xFEFF, 0xFEFF).
hidden(0xFFA0, 0xFFA0).
hidden(0xFFF0, 0xFFFF).
hidden(0x1D173, 0x1D17A).
hidden(0xE0000, 0x10FFFF).

combining(Code) :-
    combining(From, To),
    Code >= From,
    Code =< To,
    !.

combining(0x0300, 0x036F).
combining(0x0483, 0x0489).
combining(0x0E31, 0x0E4E).
combining(0x1AB0, 0x1AFF).
combining(0x1DC0, 0x1DFF).
combining(0x20D0, 0x20FF).
combining(0xFE20, 0xFE2F).

                /*  what programs make something of is broken up  */

harmless([], _, _) --> [].
harmless([Code|Codes], Before, Names) -->
    (   { broken(Code, Codes, Before, Names, Instead, Rest) }
    ->  Instead,
        harmless(Rest, 0'\s, Names)
    ;   [Code],
        harmless(Codes, Code, Names)
    ).

broken(0'@, Rest, _, _, `(at)`, Rest).
broken(0':, [0'/,0'/|Rest], _, _, `[:]//`, Rest).
broken(0'], [0'(|Rest], _, _, `] (`, Rest).
broken(0'<, [0'!|Rest], _, _, `< !`, Rest).
broken(0'., [Next|Rest], Before, no_names, `[.]`, [Next|Rest]) :-
    code_type(Before, alnum),
    code_type(Next, alpha).
broken(Code, Codes, Before, _, Instead, Rest) :-
    \+ code_type(Before, alnum),
    scheme(Word, Mark, Instead),
    spelt(Word, [Code|Codes], [Mark|Rest]),
    !.

spelt([], Rest, Rest).
spelt([Letter|Letters], [Code|Codes], Rest) :-
    code_type(Letter, to_lower(Lower)),
    code_type(Code, to_lower(Lower)),
    spelt(Letters, Codes, Rest).

%   Schemes that need no slashes, and the name that programs take for one.
scheme(`www`, 0'., `www[.]`).
scheme(`mailto`, 0':, `mailto[:]`).
scheme(`javascript`, 0':, `javascript[:]`).
scheme(`data`, 0':, `data[:]`).
scheme(`tel`, 0':, `tel[:]`).
scheme(`sms`, 0':, `sms[:]`).
