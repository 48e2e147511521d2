/* SPDX-License-Identifier: Apache-2.0
 *
 * err — what went wrong, said once, for the one who must act.
 *
 *     bool f(…, ret_x, struct err *err)
 *
 * true: *ret_x is set. false: err is set, ret_x is untouched. The kind says who must
 * act; the message is one sentence with the value and the remedy. Not found is not an error.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>

enum err_kind {
    ERR_NONE,
    ERR_INPUT,  /* the caller: what was sent is wrong */
    ERR_DENIED, /* a person: it is not allowed as asked */
    ERR_LIMIT,  /* the caller: too much, too long, too many; later or less */
    ERR_PEER,   /* another machine or role: it refused, is silent or away */
    ERR_SYSTEM, /* the owner of this machine: disk, memory, files, rights */
};

#define ERR_MESSAGE_BYTES_MAX 512
#define ERR_CODE_BYTES_MAX 48
#define ERR_PARAM_BYTES_MAX 64

struct err {
    enum err_kind kind;
    char message[ERR_MESSAGE_BYTES_MAX]; /* a sentence; cut at the limit, always UTF-8 */
    char code[ERR_CODE_BYTES_MAX]; /* a stable word for programs, e.g. "not_owned"; may be "" */
    char param[ERR_PARAM_BYTES_MAX];     /* the field that is wrong; may be "" */
};

/* Set and return false, so that a function can end with `return err_set(…)`. */
bool err_set(struct err *err, enum err_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same with the stable code and the field (either may be NULL). */
bool err_code(struct err *err, enum err_kind kind, const char *code, const char *param,
    const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Put "context: " in front of the message. Returns false. */
bool err_wrap(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The one table: kind -> HTTP status, exit code of logicctl, word on the wire. */
int err_http_status(enum err_kind kind);
int err_exit_code(enum err_kind kind);
const char *err_word(enum err_kind kind);
/* ERR_SYSTEM for a word that is none of ours. */
enum err_kind err_from_word(const char *word);
