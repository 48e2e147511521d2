/* SPDX-License-Identifier: Apache-2.0 */
#include "judge/core.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "crypto/crypto.h"
#include "os/clock.h"
#include "os/random.h"
#include "json/json_text.h"

#define PLAN_BYTES_MAX (96 * 1024)

/* What the rules wrote of the plan goes in as it is; a missing part is a bug of a rule. */
static bool take_parts(json_t *plan, const json_t *parts, struct err *err)
{
    static const char *const PARTS[] = {
        "summary", "targets", "current", "diff", "preconditions", "coverage", "job", "undo"};

    for (size_t i = 0; i < COUNT(PARTS); i++) {
        json_t *part = json_object_get(parts, PARTS[i]);
        if (!part)
            return err_code(err, ERR_SYSTEM, "rule_error", NULL,
                "the rules made a plan without its '%s'; the change is not made", PARTS[i]);
        json_object_set(plan, PARTS[i], part);
    }
    return true;
}

bool plan_make(const struct live *live, const char *case_id, int64_t expires_at_ms, char **ret_plan,
    char ret_sha256[65], struct err *err)
{
    const json_t *v = live->verdict;
    char nonce[ID_BYTES];
    scoped(buf_done) struct buf text = buf_of(PLAN_BYTES_MAX);

    id_make(clock_civil_ms(), nonce);
    scoped(json_done) json_t *plan =
        json_pack("{s:s, s:s, s:O, s:O, s:O, s:O?, s:O, s:I, s:s, s:s, s:s}", "kind",
            "logic-node/plan/v1", "case", case_id, "action", json_object_get(v, "action"), "params",
            json_object_get(v, "params"), "by", live->by, "consent", json_object_get(v, "consent"),
            "tier", json_object_get(v, "tier"), "expires_at_ms", (json_int_t)expires_at_ms, "nonce",
            nonce, "rules", live->judge->rules, "site", live->judge->site_hash);
    if (!plan)
        return err_code(err, ERR_SYSTEM, "rule_error", NULL,
            "the rules gave a verdict without action, params or tier; the change is not made");
    if (!take_parts(plan, json_object_get(v, "plan"), err) || !json_canonical(plan, &text, err))
        return err_wrap(err, "writing the plan");
    sha256_hex(buf_str(&text), ret_sha256);
    *ret_plan = str_dup(buf_str(&text));
    return true;
}
