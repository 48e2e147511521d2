/* SPDX-License-Identifier: Apache-2.0
 *
 * message — the one form of everything that roles say to each other.
 *
 * A message is a JSON object with "v":1 and "type"; its fields are checked against
 * message.def, both when it is made and when it is received: a message with an unknown type,
 * a missing or an extra field is refused whole.
 *
 * threads  any: no state
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

#include <jansson.h>

#define MESSAGE_VERSION 1
#define MESSAGE_BYTES_MAX (192 * 1024)

enum message_type {
#define MESSAGE(name, fields) MESSAGE_##name,
#include "message/message.def"
#undef MESSAGE
    MESSAGE_TYPES
};

const char *message_type_name(enum message_type type);

/* Make a message of `type` out of json_pack() arguments: `format` is an object's, e.g.
 * message_make(MESSAGE_done, "{s:I, s:b, s:s}", "id", id, "ok", 1, "changed", "no").
 * Panics if it does not fit message.def: that is our own bug. Owned by the caller. */
json_t *message_make(enum message_type type, const char *format, ...);

/* Is this a message, and which? errors  ERR_INPUT with the reason */
bool message_check(const json_t *message, enum message_type *ret_type, struct err *err);

/* Text to message. errors  ERR_INPUT not JSON, or as message_check; ERR_LIMIT too long */
bool message_read(
    struct str text, json_t **ret_message, enum message_type *ret_type, struct err *err);

/* Fields of a checked message. */
int64_t message_int(const json_t *message, const char *field);      /* 0 if it is missing */
const char *message_text(const json_t *message, const char *field); /* "" if it is missing */
bool message_true(const json_t *message, const char *field);

/* {"kind","code","param","message"} and back; an unknown kind becomes ERR_SYSTEM. */
json_t *message_from_err(const struct err *err);
void message_to_err(const json_t *error, struct err *ret_err);
