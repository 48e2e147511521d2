/* SPDX-License-Identifier: Apache-2.0
 *
 * history — what was sensed, kept in VictoriaMetrics (or what else takes Prometheus remote write),
 * and asked again by PromQL. All of it on the loop.
 *
 *     struct history_options options = {.url = url, .spool = "…/history"};
 *     history_limits_default(&options.limits);
 *     history_open(loop, &options, &history, &err);
 *     history_add(history, samples, count);
 *
 * A sample is series logic_METRIC{node="NODE",part="PART"} (no label `part` where it is ""), with
 * our whole numbers. Samples go out in batches, one request at a time, oldest first. While the
 * server is away, answers 5xx or 429, is slow or talks what is no HTTP, batches stand as files in
 * the spool and are tried again after a wait that doubles, with jitter. A batch that the server
 * refuses (other 4xx) is dropped and counted: it never holds up the rest. A batch whose answer was
 * lost is sent again: the same samples may arrive twice. What was taken and not delivered goes to
 * the spool at history_close(); a crash loses what was not sealed yet (history_batch_ms), a power
 * cut may tear the newest files, which are then dropped and counted.
 *
 * Nothing here ever fails the caller: a full disk, a full spool, a bad sample are counters. Samples
 * that are dropped or lost are also said in the log, once a run of them and once a minute at most.
 * Without a URL (`.url` NULL) nothing is kept, and a question has the plain answer no_history.
 *
 * owner    the folder of the spool belongs to one handle; foreign files in it are left alone
 * threads  only the thread of its loop; files are written there, without fsync
 * limits   history_limits.def
 */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "net/tls.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#define HISTORY_NODE_BYTES_MAX 64          /* UTF-8, no control character, not empty */
#define HISTORY_METRIC_BYTES_MAX 64        /* [a-z][a-z0-9_]* */
#define HISTORY_PART_BYTES_MAX 64          /* [A-Za-z0-9_./:-]* */
#define HISTORY_VALUE_MAX 9007199254740991 /* ±: what a double holds exactly */

struct history;
struct history_query;

struct history_limits {
#define HISTORY_LIMIT(name, min, max, standard, help) int64_t name;
#include "history/history_limits.def"
#undef HISTORY_LIMIT
};

void history_limits_default(struct history_limits *ret_limits);

struct history_options {
    const char *url;   /* http://HOST:PORT or https://; NULL: there is no history */
    const char *spool; /* a folder, made if it is missing */
    struct tls *tls;   /* with https only (upstream.h); must outlive the handle */
    struct history_limits limits;
};

/* Panics on a limit out of bounds. A spool that is there is taken over, its oldest first.
 * errors  ERR_INPUT bad_place the URL; ERR_SYSTEM the folder cannot be made or read, or is in use
 */
bool history_open(uv_loop_t *loop, const struct history_options *options,
    struct history **ret_history, struct err *err);
/* Questions end as history_closed, what is not delivered is spooled; `closed` (may be NULL) comes
 * from the loop when all is freed. */
void history_close(struct history *history, void (*closed)(void *user), void *user);

struct history_sample {
    struct str node, metric, part;
    int64_t value, at_ms;
};

/* Everything is copied. What is out of the bounds above is refused and counted. */
void history_add(struct history *history, const struct history_sample *samples, size_t count);
/* Do not wait for more. */
void history_flush(struct history *history);

/* Ever, since history_open(), but for those `now`. Always
 *     taken + found = delivered + refused + dropped + torn + lost + spool + pending (samples). */
struct history_counts {
    uint64_t samples_taken, samples_bad; /* bad: not taken */
    uint64_t samples_found;              /* in the spool at history_open() */
    uint64_t batches_delivered, samples_delivered;
    uint64_t batches_refused, samples_refused; /* the server said 4xx */
    uint64_t batches_dropped, samples_dropped; /* the spool was full: the oldest */
    uint64_t files_torn, samples_torn;         /* samples as far as the file could tell */
    uint64_t batches_lost, samples_lost;       /* the disk did not take them */
    uint64_t batches_spooled;
    uint64_t attempts, attempts_failed;
    uint64_t queries, queries_failed;
    uint64_t spool_files, spool_bytes, spool_samples; /* now; bytes in blocks of 4 KiB */
    uint64_t pending_samples;                         /* now: taken, not in a file */
    uint64_t queries_open;                            /* now */
    bool configured, away;                            /* now; away: the last attempt failed */
};

struct history_counts history_counts(const struct history *history);
/* Why the last attempt failed; .kind ERR_NONE: it did not, or there was none. */
const struct err *history_last_error(const struct history *history);

struct history_question {
    struct str promql;             /* .at NULL: made from the three below */
    struct str node, metric, part; /* part .at NULL: all parts */
    int64_t from_ms, to_ms;
    int64_t step_s; /* 0: one point for each series, at to_ms */
};

/* {"series":[{"labels":{"__name__":"logic_…",…},"points":[[ms,value],…]}]}: values whole numbers,
 * or else the text of the number ("0.25", "NaN"). `json` dies with the call; with an error it is
 * empty. errors  ERR_INPUT bad_promql: the server does not understand it · ERR_LIMIT
 * history_too_large · ERR_PEER history_away history_timeout history_bad_reply history_closed */
typedef void history_answered(struct str json, const struct err *err, void *user);

/* `answered` comes once, from the loop, unless the question was cancelled; *ret_query (may be NULL)
 * is dead from then on.
 * errors  ERR_INPUT bad_question: times, step, names; ERR_LIMIT history_busy, too_many_points,
 *         promql_too_long; ERR_PEER no_history: none is configured */
bool history_ask(struct history *history, const struct history_question *question,
    history_answered *answered, void *user, struct history_query **ret_query, struct err *err);
/* NULL is fine. */
void history_cancel(struct history_query **at);
