/* SPDX-License-Identifier: Apache-2.0
 * Plans and orders for tests. */
#pragma once

#include "base/panic.h"
#include "base/scoped.h"
#include "crypto/crypto.h"
#include "message/message.h"
#include "json/json_text.h"

/* Takes the job. */
static inline json_t *plan_for_test(const char *case_id, json_t *job, int64_t expires_at_ms)
{
    json_t *plan = json_pack("{s:s, s:{}, s:s, s:n, s:{}, s:[], s:[], s:I, s:o, s:s, s:s, s:{}, "
                             "s:[], s:s, s:s, s:s, s:[], s:s, s:n}",
        "action", "dns_record_add", "by", "case", case_id, "consent", "coverage", "current", "diff",
        "expires_at_ms", (json_int_t)expires_at_ms, "job", job, "kind", "logic-node/plan/v1",
        "nonce", "n", "params", "preconditions", "rules", "r", "site", "s", "summary", "add",
        "targets", "tier", "change", "undo");
    check(plan);
    return plan;
}

/* Takes the plan; its canonical bytes from malloc. */
static inline char *plan_text_for_test(json_t *plan)
{
    scoped(buf_done) struct buf text = buf_of(96 * 1024);
    struct err err;

    check(json_canonical(plan, &text, &err));
    json_decref(plan);
    return str_dup(buf_str(&text));
}

static inline json_t *warrant_for_test(const char *case_id, const char *plan_text,
    const char *nonce, const char *boot, int64_t expires_at_ms, int64_t id)
{
    char sha256_is[SHA256_HEX_BYTES];

    sha256_hex(str_from(plan_text), sha256_is);
    return message_make(MESSAGE_warrant, "{s:I, s:s, s:s, s:s, s:s, s:s, s:I}", "id",
        (json_int_t)id, "case", case_id, "plan", plan_text, "plan_sha256", sha256_is, "nonce",
        nonce, "boot", boot, "expires_at_ms", (json_int_t)expires_at_ms);
}

static inline json_t *add_job_for_test(
    const char *name, const char *address, int port, const char *secret)
{
    json_t *job = json_pack("{s:s, s:s, s:s, s:i, s:s, s:{s:s, s:s, s:s}, s:[{s:s, s:s}], s:[{s:s, "
                            "s:s, s:s, s:i, s:s}], s:[{s:s, s:s, s:[s]}]}",
        "hand", "dns", "op", "update", "server", "127.0.0.1", "port", port, "zone", "local", "key",
        "name", "logic-node", "algorithm", "hmac-sha256", "secret", secret, "prerequisites", "is",
        "name_absent", "name", name, "updates", "op", "add", "name", name, "type", "A", "ttl", 60,
        "value", address, "expect", "name", name, "type", "A", "values", address);
    check(job);
    return job;
}
