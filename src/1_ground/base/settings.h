/* SPDX-License-Identifier: Apache-2.0
 *
 * settings — tuning numbers, one table per role: name, bounds, default, help.
 *
 * A role writes its table once as an X-macro file (gateway_settings.h):
 *
 *     SETTING(request_bytes_max, 1024, 1048576, 131072, "a longer request gets 413")
 *
 * and makes from it a struct of int64_t and the row table (see settings_test.c). House
 * facts are Prolog, tuning numbers are settings, neither is ever in the other.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

#include <jansson.h>
#include <stdint.h>

struct setting {
    const char *name;
    int64_t min, max, standard;
    const char *help;
    size_t offset; /* of the int64_t in the role's struct */
};

/* Every setting at its default. */
void settings_default(const struct setting *rows, size_t count, void *ret_struct);

/* Take the members of `object` (may be NULL: nothing) over what stands in the struct.
 * All or nothing. errors  ERR_INPUT unknown name, not an integer, out of bounds (named with the
 * bounds) */
bool settings_apply(const struct setting *rows, size_t count, const json_t *object,
    void *settings, struct err *err);
