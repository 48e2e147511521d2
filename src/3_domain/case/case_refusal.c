/* SPDX-License-Identifier: Apache-2.0
 *
 * What a person signs who says no, and may the reason stand there. */
#include "case/case.h"

#define HEAD_WITHOUT_REASON "logic-node/refusal/v1\n"
#define HEAD_WITH_REASON "logic-node/refusal/v2\n"

/* U+0080 to U+009F are control characters too. */
static bool is_control(struct str text, size_t at)
{
    unsigned char c = (unsigned char)text.at[at];

    if (c == 0xc2 && at + 1 < text.len)
        return (unsigned char)text.at[at + 1] < 0xa0;
    return (c < 0x20 && c != '\n') || c == 0x7f;
}

bool case_reason_good(struct str reason, struct err *err)
{
    size_t characters = 0;

    for (size_t i = 0; i < reason.len; i++) {
        characters += ((unsigned char)reason.at[i] & 0xc0) != 0x80;
        if (is_control(reason, i))
            return err_code(err, ERR_INPUT, "bad_value", "reason",
                "the reason holds a control character; write words and line ends only");
    }
    if (str_trim(reason).len == 0 || characters > CASE_REASON_CHARS_MAX)
        return err_code(err, ERR_INPUT, "out_of_range", "reason",
            "the reason has %zu characters; write 1 to %d", str_trim(reason).len ? characters : 0,
            CASE_REASON_CHARS_MAX);
    if (!str_is_utf8(reason))
        return err_code(err, ERR_INPUT, "bad_value", "reason", "the reason is not UTF-8");
    return true;
}

void case_refusal_text(const char *plan_sha256, struct str reason, struct buf *out)
{
    buf_add(out, str_from(reason.len ? HEAD_WITH_REASON : HEAD_WITHOUT_REASON));
    buf_add(out, str_from(plan_sha256));
    buf_add_char(out, '\n');
    if (!reason.len)
        return;
    buf_add(out, reason);
    buf_add_char(out, '\n');
}
