/* SPDX-License-Identifier: Apache-2.0 */
#include "actuator/warrant.h"

#include "base/scoped.h"
#include "message/message.h"
#include "json/json_read.h"
#include "json/json_take.h"
#include "json/json_text.h"

#define PLAN_KIND "logic-node/plan/v1"
#define CASE_BYTES_MAX 64

void warrant_done(struct warrant *warrant)
{
    json_decref(warrant->plan);
    warrant->plan = NULL;
}

bool hand_job_read(const json_t *json, bool effect, struct hand_job *ret_job, struct err *err)
{
    const char *hand = json_string_value(json_object_get(json, "hand"));
    struct hand_job job = {0};
    bool changes;

    if (hand && strcmp(hand, "dns") == 0) {
        job.hand = HAND_DNS;
        if (!dns_job_read(json, &job.dns, err))
            return false;
        changes = job.dns.op == DNS_UPDATE;
    } else if (hand && strcmp(hand, "ansible") == 0) {
        job.hand = HAND_ANSIBLE;
        if (!ansible_job_read(json, &job.ansible, err))
            return false;
        changes = job.ansible.run;
    } else if (hand && (strcmp(hand, "host") == 0 || strcmp(hand, "pool") == 0)) {
        job.hand = HAND_MACHINE;
        if (!host_job_read(json, &job.machine, err))
            return false;
        changes = host_job_changes(&job.machine);
    } else if (hand && strcmp(hand, "cluster") == 0) {
        job.hand = HAND_CLUSTER;
        if (!cluster_job_read(json, &job.cluster, err))
            return false;
        changes = false;
    } else if (hand && strcmp(hand, "record") == 0) {
        job.hand = HAND_RECORD;
        changes = true;
    } else {
        return err_code(
            err, ERR_INPUT, "bad_job", "hand", "'%.40s' is no hand of this node", hand ? hand : "");
    }
    if (changes != effect)
        return err_code(err, ERR_DENIED, "bad_job", "op",
            effect ? "a warrant's job must be one that changes something"
                   : "a look cannot change anything: that needs a warrant");
    *ret_job = job;
    return true;
}

static bool take_plan(
    const json_t *plan, const char *case_id, struct warrant *warrant, struct err *err)
{
    struct str kind, case_is;
    json_t *job, *any;
    const struct json_field fields[] = {
        JSON_TAKE_TEXT("kind", &kind, 1, 64),
        JSON_TAKE_TEXT("case", &case_is, 1, CASE_BYTES_MAX),
        JSON_TAKE_OBJECT("job", &job),
        JSON_TAKE_INTEGER("expires_at_ms", &warrant->expires_at_ms, 0, JSON_INTEGER_MAX),
        JSON_TAKE_ANY("action", &any),
        JSON_TAKE_ANY("by", &any),
        JSON_TAKE_ANY("consent", &any),
        JSON_TAKE_ANY("coverage", &any),
        JSON_TAKE_ANY("current", &any),
        JSON_TAKE_ANY("diff", &any),
        JSON_TAKE_ANY("nonce", &any),
        JSON_TAKE_ANY("params", &any),
        JSON_TAKE_ANY("preconditions", &any),
        JSON_TAKE_ANY("rules", &any),
        JSON_TAKE_ANY("site", &any),
        JSON_TAKE_ANY("summary", &any),
        JSON_TAKE_ANY("targets", &any),
        JSON_TAKE_ANY("tier", &any),
        JSON_TAKE_ANY("undo", &any),
    };

    if (!json_take(plan, fields, COUNT(fields), err))
        return false;
    if (!str_eq(kind, S(PLAN_KIND)))
        return err_code(err, ERR_DENIED, "bad_plan", "kind", "the plan is not of kind " PLAN_KIND);
    if (!str_eq(case_is, str_from(case_id)))
        return err_code(err, ERR_DENIED, "wrong_case", "case",
            "the plan is of case '%.*s', the order of case '%.64s'", STR(case_is), case_id);
    return hand_job_read(job, true, &warrant->job, err);
}

/* Whatever is wrong with an order is a refusal, with the code that says what. */
static bool denied(struct err *err)
{
    err->kind = ERR_DENIED;
    return err_wrap(err, "the warrant is refused, nothing was done");
}

bool warrant_read_plan(
    struct str text, const char *case_id, struct warrant *ret_warrant, struct err *err)
{
    scoped(json_done) json_t *plan = NULL;
    scoped(buf_done) struct buf canonical = buf_of(PLAN_BYTES_MAX);
    struct warrant warrant = {0};

    if (!json_read(text, PLAN_BYTES_MAX, &plan, err) || !json_canonical(plan, &canonical, err))
        return denied(err);
    if (!str_eq(text, buf_str(&canonical))) {
        err_code(
            err, ERR_DENIED, "not_canonical", "plan", "the plan's bytes are not canonical JSON");
        return denied(err);
    }
    if (!take_plan(plan, case_id, &warrant, err))
        return denied(err);
    sha256_hex(text, warrant.plan_sha256);
    warrant.plan = json_incref(plan);
    *ret_warrant = warrant;
    return true;
}

static bool nonce_is_fine(struct str nonce)
{
    for (size_t i = 0; i < nonce.len; i++)
        if (!memchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-", nonce.at[i],
                64))
            return false;
    return nonce.len > 0 && nonce.len <= NONCE_BYTES_MAX;
}

static bool refuse(struct err *err, const char *code, const char *words)
{
    err_code(err, ERR_DENIED, code, code + (strncmp(code, "wrong_", 6) == 0 ? 6 : 0), "%s", words);
    return denied(err);
}

bool warrant_read(const json_t *message, const char *boot, int64_t now_ms,
    struct warrant *ret_warrant, struct err *err)
{
    struct str text = {json_string_value(json_object_get(message, "plan")),
        json_string_length(json_object_get(message, "plan"))};
    struct str nonce = str_from(message_text(message, "nonce"));
    int64_t expires_at_ms = message_int(message, "expires_at_ms");
    scoped(warrant_done) struct warrant warrant = {0};
    char sha256_is[SHA256_HEX_BYTES];

    if (strcmp(message_text(message, "boot"), boot) != 0)
        return refuse(err, "wrong_boot", "it is meant for another life of the actuator");
    sha256_hex(text, sha256_is);
    if (strcmp(message_text(message, "plan_sha256"), sha256_is) != 0)
        return refuse(err, "wrong_hash", "its plan is not the one whose hash it names");
    if (!nonce_is_fine(nonce))
        return refuse(err, "bad_nonce", "its nonce is none");
    if (!warrant_read_plan(text, message_text(message, "case"), &warrant, err))
        return false;
    warrant.expires_at_ms =
        expires_at_ms < warrant.expires_at_ms ? expires_at_ms : warrant.expires_at_ms;
    if (now_ms >= warrant.expires_at_ms)
        return refuse(err, "expired", "its time is over; ask for a new plan");
    warrant.nonce = nonce;
    *ret_warrant = warrant;
    warrant.plan = NULL;
    return true;
}
