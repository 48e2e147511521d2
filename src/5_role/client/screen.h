/* SPDX-License-Identifier: Apache-2.0
 *
 * screen — where results are printed: styles, lines and tables.
 *
 * Everything printed here goes through text_visible(): there is no function that writes bytes
 * of the server to the terminal unchecked. Colour only on a terminal, and not with NO_COLOR.
 */
#pragma once

#include "base/str.h"
#include "json/json_take.h" /* json_str() */

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

enum style { PLAIN, BOLD, DIM, RED, GREEN, YELLOW, CYAN };

struct screen {
    FILE *out;
    bool colour;
    size_t columns; /* of the terminal; 0: not a terminal, nothing is cut */
};

/* Look at the descriptor behind `out` and at the environment. */
struct screen screen_of(FILE *out, bool no_color);

void screen_text(const struct screen *screen, enum style style, struct str text);
/* printf; the result, not the format, is made visible. Newlines stay. */
void screen_print(const struct screen *screen, enum style style, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* One line and its end: a newline in `text` is written as \n, so it cannot start a line of its own.
 */
void screen_line(const struct screen *screen, enum style style, struct str text);

/* "  label    value": one line of a sheet; an empty value prints nothing. */
void screen_field(
    const struct screen *screen, const char *label, enum style style, struct str value);

/* A paragraph, broken at spaces to the terminal's width, `indent` columns in. */
void screen_paragraph(const struct screen *screen, size_t indent, struct str text);

#define TABLE_COLUMNS_MAX 12
#define TABLE_ROWS_MAX                                                                             \
    10000 /* the server's pages are smaller; more rows are counted, not shown                      \
           */

struct table {
    char *titles[TABLE_COLUMNS_MAX]; /* visible text */
    size_t columns;
    char **cells; /* rows x columns, visible text */
    enum style *styles;
    size_t rows;
    size_t rows_left_out;
};

void table_init(struct table *table, const char *const *titles, size_t columns);
void table_done(struct table *table);
/* `texts` and `styles` have one member a column; styles may be NULL. */
void table_add(struct table *table, const struct str *texts, const enum style *styles);
/* Aligned by display width; on a terminal the widest columns give way first. */
void table_print(const struct table *table, const struct screen *screen);

/* The string member `name` of `object`; numbers and booleans as text in `scratch`; else "". */
#define SCRATCH_BYTES 32
struct str json_text(const json_t *object, const char *name, char scratch[SCRATCH_BYTES]);
