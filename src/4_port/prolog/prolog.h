/* SPDX-License-Identifier: Apache-2.0
 *
 * prolog — the rules: SWI-Prolog inside this process, behind whitelisted doors.
 *
 * A door takes one JSON value and gives one (docs/protocol.md §1). C builds the terms, no goal text
 * ever crosses. Each question runs under an inference limit, a deadline, a stack limit and a table
 * limit; whatever a rule does, the worker is usable afterwards, or, if it cannot be stopped, this
 * process ends and the supervisor starts it again.
 *
 *     prolog_start(&settings, &prolog, err)        loads the rules: 10-200 ms
 *     uv_poll on prolog_fd(prolog) -> prolog_collect(prolog)
 *     prolog_ask(prolog, PROLOG_JUDGE, in, 2000, on_verdict, kase, err)
 *
 * owner    one thread: the one that called prolog_start() makes every call below
 * threads  workers, one watchdog and Prolog's own collector are inside; answers arrive in the
 *          owner's
 * process  one prolog per process life: it can be stopped, but not started again
 * source   shared/reference/prolog-embedding.md (measured)
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "json/json_scan.h"

#include <jansson.h>
#include <stdint.h>

#define PROLOG_WORKERS_MAX 8
#define PROLOG_DEADLINE_MS_MAX 600000
/* The process ends with this when a worker cannot be stopped: threads cannot be killed. */
#define PROLOG_EXIT_STUCK 70

enum prolog_door {
#define DOOR(constant, name, inference_limit, writes) PROLOG_##constant,
#include "prolog/doors.def"
#undef DOOR
    PROLOG_DOORS,
};

struct prolog_settings {
    const char *home;         /* SWI-Prolog's own files; NULL: where the build found them */
    const char *kb_folder;    /* holds main.pl and core/; read only */
    const char *site_folder;  /* the owner's facts; read only */
    const char *state_folder; /* the judge's snapshot; NULL: none */
    int workers;              /* 0: one per core, PROLOG_WORKERS_MAX at most */
    int64_t stack_bytes_max;  /* of one worker; plan 2.4 times as much memory (0: 64 MiB) */
    int64_t table_bytes_max;  /* of one worker (0: 32 MiB) */
    int64_t answer_bytes_max; /* of one answer's JSON text (0: 1 MiB) */
    int64_t questions_max;    /* asked and not yet collected (0: 1024) */
    int64_t stuck_ms;         /* from the kill to the end of the process (0: 2000) */
};

struct prolog;

/* Initialise, load kb_folder/main.pl, start the workers. The rules find their folders as
 * user:ln_folder(core|site|state, Folder). Standard input becomes the null device unless it is a
 * socket; HOME becomes empty, LC_ALL C.UTF-8. Call before sandbox_enter() and before other threads
 * start.
 * errors  ERR_INPUT "bad_rules" the first error or warning of the load with file and line, or a
 *         door that is missing;
 *         ERR_SYSTEM Prolog or a thread does not start */
bool prolog_start(
    const struct prolog_settings *settings, struct prolog **ret_prolog, struct err *err);

/* End: waiting questions are answered with "stopping", running ones are stopped. Accepts NULL. */
void prolog_stop(struct prolog *prolog);

struct prolog_answer {
    bool ok;
    struct buf text; /* ok: the JSON text of Out; to keep it, copy the struct, leave an empty one */
    struct err err;  /* not ok */
    json_t *value;   /* what prolog_answer_json() made */
};

/* The answer as a value, read at the first call; borrowed. NULL when it is not ok. */
json_t *prolog_answer_json(struct prolog_answer *answer);

/* Put a question. prolog_collect() calls `answered`, afterwards the answer is released.
 * The reference to `in` is taken, also on error; what it shares with other values must not change
 * until the answer is there (reference counts are atomic, contents are not).
 * deadline_ms  from now, waiting included: 1…PROLOG_DEADLINE_MS_MAX
 * errors  ERR_LIMIT "judge_busy" questions_max are under way
 * The answer's err:
 *   what the door itself says with {"error":…};
 *   ERR_LIMIT "inference_limit", "deadline", "stack_limit", "table_limit", "answer_too_large",
 *   "too_deep";
 *   ERR_SYSTEM "rule_error" a rule threw, failed, or its answer is no JSON; "stopping" */
bool prolog_ask(struct prolog *prolog, enum prolog_door door, json_t *in, int64_t deadline_ms,
    void (*answered)(void *context, struct prolog_answer *answer), void *context, struct err *err);

/* The same, answered before it returns, on the owner's own engine: for start-up and tools. */
bool prolog_ask_now(struct prolog *prolog, enum prolog_door door, json_t *in, int64_t deadline_ms,
    struct prolog_answer *ret_answer);
void prolog_answer_done(struct prolog_answer *answer);

/* Two thread switches cost more than a small question. So: try it at once on the owner's own
 * engine with a
 * small budget, from a tape without escapes. The answer's text goes behind what `out` holds, to
 * out->bytes_max. */
#define PROLOG_BRIEF_INFERENCES 5000 /* about a millisecond */
#define PROLOG_BRIEF_MS 20

enum prolog_brief {
    PROLOG_BRIEF_YES,   /* answered */
    PROLOG_BRIEF_ERROR, /* *err is the answer: what the door said, or that the rules are wrong */
    PROLOG_BRIEF_NOT, /* a larger question; nothing happened (the door must not write): put it with
                         prolog_ask() */
};

enum prolog_brief prolog_ask_brief(struct prolog *prolog, enum prolog_door door,
    const struct json_tape *tape, size_t token, struct buf *out, struct err *err);

/* Readable when answers wait. One wake serves many. */
int prolog_fd(const struct prolog *prolog);
/* Deliver every answer that waits; returns how many. Callbacks may ask again. */
size_t prolog_collect(struct prolog *prolog);

/* errors  ERR_INPUT "unknown_door" */
bool prolog_door_from_word(struct str word, enum prolog_door *ret_door, struct err *err);
const char *prolog_door_word(enum prolog_door door);

/* For /metrics. */
struct prolog_counts {
    int64_t asked, answered, refused, killed; /* since the start */
    int64_t under_way;                        /* asked, not collected */
    int64_t spent_ns[PROLOG_DOORS];           /* inside the rules, by door, all workers */
    int workers;
};
void prolog_count(const struct prolog *prolog, struct prolog_counts *ret_counts);
