/* SPDX-License-Identifier: Apache-2.0
 * Property: of any body, under any kind, a brief is made in which no text is long, and the body is
 * as before. The first byte chooses the kind. */
#include "base/panic.h"
#include "base/scoped.h"
#include "gateway/brief.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t chars_of(const char *text)
{
    size_t chars = 0;

    for (; *text; text++)
        chars += (*text & 0xc0) != 0x80;
    return chars;
}

static void check_short(json_t *value)
{
    const char *name;
    json_t *part;
    size_t i;

    if (json_is_string(value))
        check(chars_of(json_string_value(value)) <= BRIEF_CHARS_MAX + 1);
    json_array_foreach (value, i, part)
        check_short(part);
    json_object_foreach (value, name, part)
        check_short(part);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const KINDS[] = {"case_opened", "case_judged", "case_answered",
        "case_planned", "case_executed", "case_failed", "alert_raised", "runbook_generated", "new"};

    if (!size)
        return 0;
    scoped(json_done) json_t *body = json_loadb((const char *)data + 1, size - 1, 0, NULL);
    if (!json_is_object(body))
        return 0;
    scoped(json_done) json_t *before = json_deep_copy(body);
    scoped(json_done) json_t *brief = brief_body(KINDS[data[0] % COUNT(KINDS)], body);
    check(json_is_object(brief) && json_equal(body, before));
    check_short(brief);
    return 0;
}
