/* SPDX-License-Identifier: Apache-2.0
 *
 * json_scan — JSON text checked in one pass, its values as places in the text. Nothing is copied
 * and
 * nothing allocated: for hot paths, where a document is looked at and its bytes go on.
 *
 *     struct json_tape tape;
 *     size_t found[2];
 *     if (json_scan(text, &tape) == JSON_SCAN_GOOD && json_tape_members(&tape, 0, NAMES, 2, found))
 *         …json_tape_text(&tape, found[0])…
 *
 * GOOD is what json_read_any() accepts, and only that. BAD is what it refuses. BEYOND is what the
 * scanner leaves to it: more than JSON_SCAN_TOKENS values and keys, deeper than JSON_DEPTH_MAX, a
 * key
 * with an escape, whole numbers of more than JSON_SCAN_DIGITS digits, reals with long exponents.
 * So a
 * caller keeps the usual way for everything that is not GOOD, and takes its error messages from
 * there.
 *
 * threads  any: no state
 * source   RFC 8259, RFC 3629; fuzzed against jansson (json_scan_fuzz.c)
 */
#pragma once

#include "base/str.h"
#include "json/json_read.h"

#define JSON_SCAN_TOKENS 128
#define JSON_SCAN_DIGITS 18

enum json_scanned { JSON_SCAN_GOOD, JSON_SCAN_BAD, JSON_SCAN_BEYOND };

enum json_token_kind {
    JSON_TOKEN_OBJECT, /* its tokens follow: key, value, key, value … up to `after` */
    JSON_TOKEN_ARRAY,  /* its values follow */
    JSON_TOKEN_STRING, /* also a key; the place lies between the quotes */
    JSON_TOKEN_INTEGER,
    JSON_TOKEN_REAL,
    JSON_TOKEN_TRUE,
    JSON_TOKEN_FALSE,
    JSON_TOKEN_NULL,
};

struct json_token {
    uint32_t at, len;
    uint32_t after; /* the token behind this value and all within it */
    enum json_token_kind kind;
};

struct json_tape {
    struct str text;
    size_t count;
    bool escaped; /* some string holds a backslash: its place is not its value */
    struct json_token tokens[JSON_SCAN_TOKENS];
};

/* The outermost value is token 0. Unless GOOD, the tape holds nothing of use.
 * The tape borrows `text`, which is at most UINT32_MAX bytes long (longer: BEYOND). */
enum json_scanned json_scan(struct str text, struct json_tape *ret_tape);

/* The bytes of a token as they were written. */
struct str json_tape_text(const struct json_tape *tape, size_t token);

/* The value of an INTEGER. */
int64_t json_tape_integer(const struct json_tape *tape, size_t token);

/* The members of an object by name: ret_values[i] is the token of names[i]'s value, 0 if it is not
 * there
 * (no value within an object is token 0). False if the object has a member that is none of them. */
bool json_tape_members(const struct json_tape *tape, size_t object, const struct str *names,
    size_t count, size_t *ret_values);
