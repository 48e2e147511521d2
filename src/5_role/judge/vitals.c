/* SPDX-License-Identifier: Apache-2.0 */
#include "judge/vitals.h"

#include "base/panic.h"

#include <string.h>

#define LEFT_OUT_BYTES 40 /* "vitals_left_out":…, */

static size_t size_of(const json_t *value)
{
    return json_dumpb(value, NULL, 0, JSON_COMPACT);
}

void vitals_add(json_t *told, const json_t *found, size_t max)
{
    size_t used = size_of(told) + LEFT_OUT_BYTES, i;
    json_int_t left_out = 0;
    json_t *row;

    json_array_foreach (json_object_get(told, "nodes"), i, row) {
        const char *name = json_string_value(json_object_get(row, "node"));
        json_t *more = name ? json_object_get(found, name) : NULL;
        size_t size = more ? size_of(more) : 0; /* its braces are a comma, and one to spare */
        if (!more || size > max || used > max - size) {
            left_out++;
            continue;
        }
        used += size;
        check(json_object_update_missing(row, more) == 0);
    }
    if (left_out)
        check(json_object_set_new(told, "vitals_left_out", json_integer(left_out)) == 0);
}
