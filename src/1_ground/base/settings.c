/* SPDX-License-Identifier: Apache-2.0 */
#include "base/settings.h"

#include <inttypes.h>
#include <string.h>

static int64_t *slot(const struct setting *row, void *settings)
{
    return (int64_t *)(void *)((char *)settings + row->offset);
}

void settings_default(const struct setting *rows, size_t count, void *ret_struct)
{
    for (size_t i = 0; i < count; i++)
        *slot(&rows[i], ret_struct) = rows[i].standard;
}

static const struct setting *row_named(const struct setting *rows, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

static bool value_fits(const struct setting *rows, size_t count, const char *name,
    const json_t *value, struct err *err)
{
    const struct setting *row = row_named(rows, count, name);

    if (!row)
        return err_code(err, ERR_INPUT, "unknown_setting", name, "there is no setting '%s'", name);
    if (!json_is_integer(value) || json_integer_value(value) < row->min ||
        json_integer_value(value) > row->max)
        return err_code(err, ERR_INPUT, "bad_setting", name,
            "setting '%s' must be a whole number from %" PRId64 " to %" PRId64 " (%s)", name,
            row->min, row->max, row->help);
    return true;
}

bool settings_apply(const struct setting *rows, size_t count, const json_t *object,
    void *settings, struct err *err)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)object, name, value)
        if (!value_fits(rows, count, name, value, err))
            return false;
    json_object_foreach((json_t *)object, name, value)
        *slot(row_named(rows, count, name), settings) = json_integer_value(value);
    return true;
}
