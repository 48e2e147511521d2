/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>

static const struct err_row {
    const char *word;
    int http_status;
    int exit_code;
} ERR_ROWS[] = {
    [ERR_NONE] = {"none", 200, 0},
    [ERR_INPUT] = {"input", 400, 2},
    [ERR_DENIED] = {"denied", 403, 3},
    [ERR_LIMIT] = {"limit", 429, 6},
    [ERR_PEER] = {"peer", 503, 6},
    [ERR_SYSTEM] = {"system", 500, 6},
};

static const struct err_row *row_of(enum err_kind kind)
{
    check((size_t)kind < COUNT(ERR_ROWS));
    return &ERR_ROWS[kind];
}

int err_http_status(enum err_kind kind)
{
    return row_of(kind)->http_status;
}

int err_exit_code(enum err_kind kind)
{
    return row_of(kind)->exit_code;
}

const char *err_word(enum err_kind kind)
{
    return row_of(kind)->word;
}

enum err_kind err_from_word(const char *word)
{
    for (size_t i = 0; i < COUNT(ERR_ROWS); i++)
        if (word && strcmp(ERR_ROWS[i].word, word) == 0)
            return (enum err_kind)i;
    return ERR_SYSTEM;
}

/* snprintf may cut inside a UTF-8 sequence: drop the torn tail. */
static void drop_torn_tail(char *text)
{
    struct str whole = str_utf8_prefix(str_from(text));
    text[whole.len] = '\0';
}

static void fill(struct err *err, enum err_kind kind, const char *format, va_list args)
{
    err->kind = kind;
    err->code[0] = '\0';
    err->param[0] = '\0';
    vsnprintf(err->message, sizeof err->message, format, args);
    drop_torn_tail(err->message);
}

bool err_set(struct err *err, enum err_kind kind, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fill(err, kind, format, args);
    va_end(args);
    return false;
}

bool err_code(struct err *err, enum err_kind kind, const char *code, const char *param,
    const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fill(err, kind, format, args);
    va_end(args);
    snprintf(err->code, sizeof err->code, "%s", code ? code : "");
    snprintf(err->param, sizeof err->param, "%s", param ? param : "");
    drop_torn_tail(err->param);
    return false;
}

bool err_wrap(struct err *err, const char *format, ...)
{
    char inner[ERR_MESSAGE_BYTES_MAX];
    va_list args;

    memcpy(inner, err->message, sizeof inner);
    va_start(args, format);
    vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);

    size_t used = strlen(err->message);
    snprintf(err->message + used, sizeof err->message - used, ": %s", inner);
    drop_torn_tail(err->message);
    return false;
}
