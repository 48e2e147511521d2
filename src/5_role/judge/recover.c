/* SPDX-License-Identifier: Apache-2.0
 *
 * After a start: open cases are folded again from the ledger, executed ones are learned again, and
 * what was interrupted is closed with a word about it. Only then are the gateway's requests read.
 */
#include "judge/core.h"

#include "base/log.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "message/message.h"
#include "os/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PAGE 500

static void read_learned(struct judge *j, int64_t after);
static void read_open(struct judge *j, int64_t after);

static void stop_here(struct judge *j, const struct err *err)
{
    log_error("cases_not_rebuilt", "message", err->message, NULL);
    role_end(j->role, 1);
}

/* --- outcomes of what was under way -------------------------------------------------------- */

static void on_outcome(void *context, const json_t *message)
{
    flow_hands_done(context, message);
}

void recover_ask_outcomes(struct judge *j)
{
    struct err err = {0};

    if (!j->actuator || !j->actuator_boot[0] || !j->recovered)
        return;
    for (size_t b = 0; b < JUDGE_BUCKETS; b++)
        for (struct live *live = j->buckets[b], *next; live; live = next) {
            next = live->next;
            if (live->kase.state != CASE_ACTING || live->busy || live->stuck)
                continue;
            json_t *fields =
                json_pack("{s:s, s:s}", "case", live->kase.id, "plan", live->kase.plan);
            live->busy = hands_send(j, MESSAGE_outcome, fields, on_outcome, live, &err);
        }
}

/* Nothing had been ordered: the client is gone, nothing was changed, the case ends. */
static void close_interrupted(struct live *live)
{
    struct err err = {0};

    err_code(&err, ERR_PEER, "interrupted", NULL,
        "the judge was restarted before anything was ordered; nothing was changed; propose it "
        "again");
    flow_fail(live, &err, "no");
}

static void resume(struct live *live)
{
    int64_t left_ms = live->kase.expires_at_ms - clock_civil_ms();

    live->expires_steady_ms = clock_steady_ms() + left_ms;
    if (live->kase.state != CASE_AWAITING && live->kase.state != CASE_ACTING)
        close_interrupted(live);
}

static void ready(struct judge *j)
{
    char count[32];

    snprintf(count, sizeof count, "%zu", j->live_count);
    log_event("cases_rebuilt", "open", count, NULL);
    j->recovered = true;
    for (size_t b = 0; b < JUDGE_BUCKETS; b++)
        for (struct live *live = j->buckets[b], *next; live; live = next) {
            next = live->next;
            resume(live);
        }
    recover_ask_outcomes(j);
    judge_schedule_snapshot(j);
    senses_recovered(j);
    notify_recovered(j);
    judge_maybe_open(j);
}

static void on_start_recorded(void *context, const json_t *entries, const struct err *err)
{
    if (entries)
        ready(context);
    else
        stop_here(context, err);
}

static void record_start(struct judge *j)
{
    struct err err = {0};
    json_t *body = json_pack(
        "{s:s, s:s, s:s}", "version", LOGIC_NODE_VERSION, "rules", j->rules, "site", j->site_hash);

    check(body);
    if (!records_append(j, json_pack("[o]", records_entry("kb_loaded", "", body, false)),
            on_start_recorded, j, &err))
        stop_here(j, &err);
}

/* --- open cases --------------------------------------------------------------------------------
 */

static int64_t last_seq(const json_t *entries)
{
    size_t count = json_array_size(entries);
    return count ? message_int(json_array_get(entries, count - 1), "seq") : 0;
}

static void fold(struct judge *j, const json_t *entry)
{
    const char *id = message_text(entry, "case");
    struct live *live = live_find(j, id);
    struct err err = {0};

    if (!live) {
        live = live_add(j);
        snprintf(live->kase.id, sizeof live->kase.id, "%s", id);
        live_index(live);
    }
    if (!case_apply(&live->kase, entry, &err))
        log_error("entry_skipped", "case", id, "message", err.message, NULL);
}

static void on_open_read(void *context, const json_t *reply, const struct err *err)
{
    struct judge *j = context;
    size_t i;
    json_t *entry;

    if (!reply) {
        stop_here(j, err);
        return;
    }
    json_t *entries = json_object_get(reply, "entries");
    json_array_foreach (entries, i, entry)
        fold(j, entry);
    if (message_true(reply, "more"))
        read_open(j, last_seq(entries));
    else
        read_learned(j, 0);
}

static void read_open(struct judge *j, int64_t after)
{
    struct err err = {0};

    if (!records_read(j, "open", after, "", PAGE, on_open_read, j, &err))
        stop_here(j, &err);
}

/* --- facts -------------------------------------------------------------------------------------
 */

static bool learn_again(struct judge *j, const json_t *entry, struct err *err)
{
    struct prolog_answer answer = {0};
    json_t *in = case_learn_question(entry);

    bool good = prolog_ask_now(j->prolog, PROLOG_LEARN, in, j->settings.door_ms, &answer);
    if (!good)
        *err = answer.err;
    prolog_answer_done(&answer);
    return good;
}

static void on_learned_read(void *context, const json_t *reply, const struct err *err)
{
    struct judge *j = context;
    struct err why = {0};
    size_t i;
    json_t *entry;

    if (!reply) {
        stop_here(j, err);
        return;
    }
    json_t *entries = json_object_get(reply, "entries");
    json_array_foreach (entries, i, entry) {
        alerts_see(j, entry);
        if (notify_fold(j, entry))
            continue;
        if (!learn_again(j, entry, &why))
            log_error("fact_not_learned", "case", message_text(entry, "case"), "message",
                why.message, NULL);
    }
    if (message_true(reply, "more"))
        read_learned(j, last_seq(entries));
    else
        record_start(j);
}

static void read_learned(struct judge *j, int64_t after)
{
    struct err err = {0};

    if (!records_read(j, "learned", after, "", PAGE, on_learned_read, j, &err))
        stop_here(j, &err);
}

void recover_start(struct judge *j)
{
    read_open(j, 0);
}
