/* SPDX-License-Identifier: Apache-2.0 */
#include "client/screen.h"

#include "base/buf.h"
#include "base/scoped.h"
#include "client/text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define SCREEN_TEXT_BYTES_MAX (1u << 20)
#define SCREEN_COLUMNS_STANDARD 80
#define SCREEN_COLUMNS_MIN 20
#define LABEL_COLUMNS 14

static const char *const STYLE_CODES[] = {
    [PLAIN] = "",
    [BOLD] = "1",
    [DIM] = "2",
    [RED] = "31",
    [GREEN] = "32",
    [YELLOW] = "33",
    [CYAN] = "36",
};

static size_t terminal_columns(int fd)
{
    struct winsize size;

    if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col < SCREEN_COLUMNS_MIN)
        return SCREEN_COLUMNS_STANDARD;
    return size.ws_col;
}

struct screen screen_of(FILE *out, bool no_color)
{
    const char *asked = getenv("NO_COLOR"), *term = getenv("TERM");
    bool terminal = isatty(fileno(out));
    bool dumb = term && str_eq(str_from(term), S("dumb"));

    return (struct screen){
        .out = out,
        .colour = terminal && !no_color && !dumb && !(asked && *asked),
        .columns = terminal ? terminal_columns(fileno(out)) : 0,
    };
}

/* Bytes that are already visible. */
static void put(const struct screen *screen, enum style style, struct str visible)
{
    bool painted = screen->colour && style != PLAIN && visible.len;

    if (painted)
        fprintf(screen->out, "\033[%sm", STYLE_CODES[style]);
    fwrite(visible.at, 1, visible.len, screen->out);
    if (painted)
        fputs("\033[0m", screen->out);
}

static char *one_line(struct str text)
{
    scoped(buf_done) struct buf visible = buf_of(SCREEN_TEXT_BYTES_MAX);

    text_visible(&visible, text, TEXT_ONE_LINE);
    return str_dup(buf_str(&visible));
}

static void put_spaces(const struct screen *screen, size_t count)
{
    fprintf(screen->out, "%*s", (int)count, "");
}

void screen_text(const struct screen *screen, enum style style, struct str text)
{
    scoped(buf_done) struct buf visible = buf_of(SCREEN_TEXT_BYTES_MAX);

    text_visible(&visible, text, TEXT_MANY_LINES);
    put(screen, style, buf_str(&visible));
    if (visible.overflowed)
        put(screen, YELLOW, S(" [cut: too long to show]"));
}

void screen_print(const struct screen *screen, enum style style, const char *format, ...)
{
    scoped(free_done) char *text = NULL;
    va_list args;

    va_start(args, format);
    int len = vasprintf(&text, format, args);
    va_end(args);
    if (len >= 0)
        screen_text(screen, style, (struct str){text, (size_t)len});
    else
        text = NULL;
}

void screen_line(const struct screen *screen, enum style style, struct str text)
{
    scoped(buf_done) struct buf visible = buf_of(SCREEN_TEXT_BYTES_MAX);

    text_visible(&visible, text, TEXT_ONE_LINE);
    put(screen, style, buf_str(&visible));
    if (visible.overflowed)
        put(screen, YELLOW, S(" [cut: too long to show]"));
    fputc('\n', screen->out);
}

void screen_field(
    const struct screen *screen, const char *label, enum style style, struct str value)
{
    scoped(buf_done) struct buf name = buf_of(SCREEN_TEXT_BYTES_MAX);

    if (!value.len)
        return;
    text_visible(&name, str_from(label), TEXT_ONE_LINE); /* a label may be a member's name */
    size_t width = text_width(buf_str(&name));
    put_spaces(screen, 2);
    put(screen, DIM, buf_str(&name));
    put_spaces(screen, width < LABEL_COLUMNS ? LABEL_COLUMNS - width : 1);
    screen_line(screen, style, value);
}

void screen_paragraph(const struct screen *screen, size_t indent, struct str text)
{
    scoped(buf_done) struct buf visible = buf_of(SCREEN_TEXT_BYTES_MAX);
    size_t columns = screen->columns ? screen->columns : SIZE_MAX, used = 0;

    text_visible(&visible, text, TEXT_MANY_LINES);
    for (struct str lines = buf_str(&visible); lines.len;) {
        struct str words = str_cut(lines, '\n', &lines);
        put_spaces(screen, indent);
        used = indent;
        while (words.len) {
            struct str word = str_cut(words, ' ', &words);
            size_t width = text_width(word);
            if (used > indent && used + 1 + width > columns) {
                fputc('\n', screen->out);
                put_spaces(screen, indent);
                used = indent;
            } else if (used > indent) {
                fputc(' ', screen->out);
                used++;
            }
            put(screen, PLAIN, word);
            used += width;
        }
        fputc('\n', screen->out);
    }
}

void table_init(struct table *table, const char *const *titles, size_t columns)
{
    *table = (struct table){.columns = columns < TABLE_COLUMNS_MAX ? columns : TABLE_COLUMNS_MAX};
    for (size_t i = 0; i < table->columns; i++)
        table->titles[i] = one_line(str_from(titles[i]));
}

void table_done(struct table *table)
{
    for (size_t i = 0; i < table->columns; i++)
        free(table->titles[i]);
    for (size_t i = 0; i < table->rows * table->columns; i++)
        free(table->cells[i]);
    free(table->cells);
    free(table->styles);
    *table = (struct table){0};
}

static void *grown(void *at, size_t count, size_t size)
{
    void *bigger = reallocarray(at, count, size);

    if (!bigger)
        abort(); /* as in base/: without memory nothing is left to say */
    return bigger;
}

void table_add(struct table *table, const struct str *texts, const enum style *styles)
{
    if (table->rows == TABLE_ROWS_MAX) {
        table->rows_left_out++;
        return;
    }
    size_t base = table->rows * table->columns;
    table->cells = grown(table->cells, base + table->columns, sizeof *table->cells);
    table->styles = grown(table->styles, base + table->columns, sizeof *table->styles);
    for (size_t i = 0; i < table->columns; i++) {
        table->cells[base + i] = one_line(texts[i]);
        table->styles[base + i] = styles ? styles[i] : PLAIN;
    }
    table->rows++;
}

/* The widest column gives one place at a time until the line fits. */
static void shrink(size_t *widths, size_t columns, size_t room)
{
    for (;;) {
        size_t total = 2 * (columns - 1), widest = 0;
        for (size_t i = 0; i < columns; i++) {
            total += widths[i];
            widest = widths[i] > widths[widest] ? i : widest;
        }
        if (total <= room || widths[widest] <= 4)
            return;
        widths[widest]--;
    }
}

static void put_cell(
    const struct screen *screen, enum style style, struct str text, size_t width, bool last)
{
    size_t columns = text_width(text);

    if (columns > width) {
        put(screen, style, text_head(text, width - 1));
        columns = text_width(text_head(text, width - 1)) + 1;
        put(screen, style, S("…"));
    } else {
        put(screen, style, text);
    }
    if (!last)
        put_spaces(screen, width - columns + 2);
}

void table_print(const struct table *table, const struct screen *screen)
{
    size_t widths[TABLE_COLUMNS_MAX] = {0};

    if (table->columns == 0)
        return;
    for (size_t i = 0; i < table->columns; i++) {
        widths[i] = text_width(str_from(table->titles[i]));
        for (size_t row = 0; row < table->rows; row++) {
            size_t width = text_width(str_from(table->cells[row * table->columns + i]));
            widths[i] = width > widths[i] ? width : widths[i];
        }
    }
    if (screen->columns)
        shrink(widths, table->columns, screen->columns);
    for (size_t i = 0; i < table->columns; i++)
        put_cell(screen, BOLD, str_from(table->titles[i]), widths[i], i + 1 == table->columns);
    fputc('\n', screen->out);
    for (size_t row = 0; row < table->rows; row++) {
        for (size_t i = 0; i < table->columns; i++) {
            size_t at = row * table->columns + i;
            put_cell(screen, table->styles[at], str_from(table->cells[at]), widths[i],
                i + 1 == table->columns);
        }
        fputc('\n', screen->out);
    }
    if (table->rows_left_out)
        screen_print(screen, YELLOW, "… and %zu more\n", table->rows_left_out);
}

struct str json_text(const json_t *object, const char *name, char scratch[SCRATCH_BYTES])
{
    const json_t *member = json_object_get(object, name);

    if (json_is_integer(member))
        snprintf(scratch, SCRATCH_BYTES, "%" JSON_INTEGER_FORMAT, json_integer_value(member));
    else if (json_is_real(member))
        snprintf(scratch, SCRATCH_BYTES, "%g", json_real_value(member));
    else if (json_is_boolean(member))
        snprintf(scratch, SCRATCH_BYTES, "%s", json_is_true(member) ? "yes" : "no");
    else
        return json_str(object, name);
    return str_from(scratch);
}
