/* SPDX-License-Identifier: Apache-2.0
 *
 * walk — JSON of any length, one event after the other, checked on the way. No allocation, no
 * recursion, no tape: for bodies whose size nobody knows (json_scan has a tape of 128 tokens).
 *
 *     struct walk walk;
 *     walk_init(&walk, text);
 *     while ((event = walk_next(&walk)) > WALK_END) …
 *     if (event == WALK_BAD) …walk.fault, at walk.at…
 *
 * What it accepts is what json_read_any() accepts, but for: OPENAI_DEPTH_MAX instead of
 * JSON_DEPTH_MAX, OPENAI_MEMBERS_MAX, and numbers that overflow (they are only text here).
 * WALK_END comes once, when the whole text was one value; after WALK_BAD nothing else comes.
 *
 * threads  any: no state
 */
#pragma once

#include "base/str.h"
#include "openai/openai_request.h"

enum walk_event {
    WALK_BAD,
    WALK_END,
    WALK_OBJECT, /* opens */
    WALK_ARRAY,
    WALK_CLOSE,
    WALK_KEY, /* token: between the quotes. Its value is the next event */
    WALK_STRING,
    WALK_NUMBER, /* token: as written */
    WALK_TRUE,
    WALK_FALSE,
    WALK_NULL,
};

enum walk_fault { WALK_NO_JSON, WALK_DUPLICATE, WALK_DEEP, WALK_MEMBERS };

struct walk_key {
    const char *at;
    uint32_t len;
    bool escaped;
};

struct walk {
    const unsigned char *begin, *at, *end;
    enum walk_event event; /* the last one */
    enum walk_fault fault;
    size_t token_at; /* where the last value or key begins, its quote or bracket included */
    struct str token;
    bool escaped; /* token holds a backslash: its bytes are not its value */
    bool nul; /* set behind walk_init(): \u0000 is a character like others (a model may say it) */
    uint8_t want;
    uint8_t depth; /* open objects and arrays */
    uint16_t keys;
    bool object[OPENAI_DEPTH_MAX];
    uint16_t first_key[OPENAI_DEPTH_MAX];
    uint32_t hash[OPENAI_MEMBERS_MAX];
    struct walk_key key[OPENAI_MEMBERS_MAX];
};

void walk_init(struct walk *walk, struct str text);
enum walk_event walk_next(struct walk *walk);

/* Behind WALK_OBJECT or WALK_ARRAY: up to and over its end. Else nothing. False: bad. */
bool walk_skip(struct walk *walk);

/* Behind WALK_KEY: over its value. False: bad. */
bool walk_skip_value(struct walk *walk);

/* The last key or string is this text, escapes resolved. */
bool walk_is(const struct walk *walk, struct str text);

/* The last number as an integer; false: it is none, or has more than 18 digits. */
bool walk_integer(const struct walk *walk, int64_t *ret_number);

/* The last key's or string's value; false: longer than max (what is there is cut on a character's
 * border). */
bool walk_text(const struct walk *walk, size_t max, char *ret_text, size_t *ret_len);

static inline size_t walk_place(const struct walk *walk)
{
    return (size_t)(walk->at - walk->begin);
}
