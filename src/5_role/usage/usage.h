/* SPDX-License-Identifier: Apache-2.0
 *
 * usage — what each caller used of each model, per UTC day: requests, tokens, seconds, waste.
 *
 *     usage_add(usage, S("laptop"), S("qwen3-8b"), &(struct usage_work){.requests = 1, …}, now_ms);
 *     usage_ask(usage, &(struct usage_question){.since_ms = …}, on_answer, visit);
 *
 * Sums are kept in memory and written once in flush_ms by a worker, in one SQLite transaction: a
 * killed process loses at most what came since the last one. When writing fails (disk full) the
 * sums stay and are written later; beyond `rows_max` different rows further ones are added to the
 * model "(other)" and then to the caller "(other)", so nothing is ever lost from the sums.
 *
 * owner    whoever opened it, until usage_close()
 * threads  the loop's thread; SQLite is touched only by libuv's worker, one job at a time
 * errors   ERR_SYSTEM "usage_broken" the file is no usage database
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#define USAGE_FLUSH_MS 1000
#define USAGE_ROWS_MAX 4096 /* (day, caller, model) between two flushes */
#define USAGE_CALLER_BYTES_MAX 64
#define USAGE_MODEL_BYTES_MAX 128
#define USAGE_QUESTIONS_MAX 16 /* that wait for the worker */
#define USAGE_ANSWER_ROWS_MAX 2000
#define USAGE_OTHER "(other)"
#define USAGE_DAY_ROWS_MAX 8192 /* of one day in the file; beyond, a new one becomes "(other)" */
#define USAGE_DAYS_KEPT 800
#define USAGE_ONCE_MAX 1000000000000 /* more at once is no number of tokens or ms */

/* All are added up. */
struct usage_work {
    int64_t requests, failed, cancelled;
    int64_t prompt_tokens, completion_tokens;
    int64_t wasted_tokens; /* completion tokens of work that was cancelled or failed */
    int64_t busy_ms;       /* on an engine */
    int64_t held_ms;       /* waiting: queue, wake, load */
};

struct usage;

/* Makes the file (0600) if there is none. A full disk is no error: it is tried again at each flush.
 * `path` NULL: in memory alone. errors  ERR_SYSTEM "usage_broken" */
bool usage_open(const char *path, struct usage **ret_usage, struct err *err);
/* Begin to write every flush_ms on this loop. */
void usage_start(struct usage *usage, uv_loop_t *loop, int64_t flush_ms);

void usage_add(struct usage *usage, struct str caller, struct str model,
    const struct usage_work *work, int64_t civil_ms);

enum usage_by { USAGE_BY_CALLER_MODEL, USAGE_BY_CALLER, USAGE_BY_MODEL, USAGE_BY_DAY };

struct usage_question {
    int64_t since_ms;         /* civil; whole UTC days from this one on */
    int64_t until_ms;         /* 0: to the end */
    struct str caller, model; /* empty: all; copied */
    enum usage_by by;
};
bool usage_by_from(struct str word, enum usage_by *ret_by); /* "caller", "model", "day", "both" */

/* {"since":"2026-11-01","until":null,"by","rows":[{"day"|"caller","model","requests",…}],
 * "total":{…},"truncated":bool}, with what is not yet written. `answer` is called once from the
 * loop, never from inside; value is NULL and err "usage_io" or "usage_broken" when the file cannot
 * be read. Both are borrowed for the call. Only after usage_start().
 * errors (`answer` is not called)  ERR_LIMIT "usage_busy" too many questions wait; ERR_INPUT
 * "out_of_range" a name is too long; ERR_SYSTEM "usage_closing" */
bool usage_ask(struct usage *usage, const struct usage_question *question,
    void (*answer)(void *owner, const json_t *value, const struct err *err), void *owner,
    struct err *err);
/* Whoever asked left: `answer` is not called any more for this owner. */
void usage_forget(struct usage *usage, const void *owner);

struct usage_counts {
    uint64_t flushes, failed_flushes, rows_written, folded; /* folded: added to "(other)" */
    uint64_t pending_rows;
    bool writable; /* the last flush went well */
};
struct usage_counts usage_counts(const struct usage *usage);

/* Writes what is left (on a full disk it is lost, and logged as usage_lost), then `closed` (may be
 * NULL) from the loop, and the struct is freed. Without usage_start() it is done when the call
 * returns. */
void usage_close(struct usage *usage, void (*closed)(void *user), void *user);
