%   SPDX-License-Identifier: Apache-2.0

:- module(first,
          [ first/3                     % +Most, +List, -First
          ]).

/** <module> The first of a list, where there may be fewer
*/

%!  first(+Most:integer, +List:list, -First:list) is det.

first(Most, [Item|Items], First), Most > 0 =>
    First = [Item|Rest],
    Left is Most - 1,
    first(Left, Items, Rest).
first(_, _, First) =>
    First = [].
