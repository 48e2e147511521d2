/* SPDX-License-Identifier: Apache-2.0
 *
 * core — the judge's inside, for the files of this folder only.
 *     requests.c   what the gateway asks             records.c  what is recorded and read back
 *     live.c       the cases in memory               list.c     cases, shown
 *     flow.c       a case from proposal to outcome   consent.c  signatures
 *     explain.c    a case in words                   brief.c    small questions, the hot way
 *     look.c       how a host is, now                requests.h what a method is given
 *     recover.c    cases and facts after a start     plan.c     the bytes that are signed
 *     judge.c      life, peers, timers
 *     passkey.h    is a signature good               notify.h   who is told outside
 *     leave.h      reload, and this judge's end      read_case.h a case that is not in memory
 *     senses.h     what the sensor sees, alerts     tell.c     how the nodes are; standing.h
 */
#pragma once

#include "case/case.h"
#include "common/role.h"
#include "judge/alert_book.h"
#include "judge/leave.h"
#include "judge/notify.h"
#include "judge/pending.h"
#include "judge/read_case.h"
#include "judge/senses.h"
#include "judge/standing.h"
#include "prolog/prolog.h"

#define JUDGE_BUCKETS 1024
#define BOOT_BYTES_MAX 64
#define QUERY_BYTES_MAX 128 /* the name of a query */

struct settings_of_judge {
#define SETTING(name, min, max, standard, help) int64_t name;
#include "judge/settings.def"
#undef SETTING
};

/* Who waits for an answer, if anybody still does. */
struct client {
    uint64_t gateway; /* which life of the gateway; 0: nobody */
    int64_t id;
    struct bundle *bundle; /* one sentence, several cases */
    int place;
};

/* Answers of several cases that belong to one request. */
struct bundle {
    struct client client;
    json_t *results;
    int missing;
};

struct consent {
    struct judge *judge;
    struct live *live; /* NULL while it is looked for */
    struct client client;
    json_t *body; /* of the request: checked fields */
    char person[64];
    bool enough;
    struct consent *next;
};

/* A case in memory: open, or about to be. */
struct live {
    struct judge *judge;
    struct kase kase;
    struct client client;
    bool busy;             /* a door, a record or hands are under way for it */
    bool stuck;            /* a record failed: tried again on the tick */
    json_t *retry;         /* the entries that must still be recorded */
    json_t *params;        /* as the rules normalised them; before the case has an entry */
    json_t *action, *by;
    json_t *nl, *model;    /* the sentence, the engine that read it; or NULL */
    json_t *question;      /* what the judge door was asked last */
    json_t *verdict;       /* its last answer, with plan and look */
    json_t *answer;        /* its answer with what the record adds to it; or NULL */
    int64_t expires_steady_ms;
    struct consent *consents; /* waiting while busy */
    struct consent *weighed;  /* whose turn it is; NULL when it is recorded */
    struct live *next;
};

struct judge {
    struct role *role;
    struct settings_of_judge settings;
    struct prolog *prolog;
    struct channel *gateway, *actuator, *ledger;
    uint64_t gateway_life;
    int waiting_gateway_fd; /* kept back until all is there that it may ask for; -1 */
    char actuator_boot[BOOT_BYTES_MAX];
    struct pending ledger_calls, actuator_calls;
    struct live *buckets[JUDGE_BUCKETS];
    size_t live_count, under_way; /* doors and records not yet answered */
    bool recovered, open, stopping;
    struct leaving *leaving;
    const char *kb, *site, *state, *rules, *site_hash; /* of the configuration */
    uv_poll_t prolog_poll;
    uv_timer_t tick, snapshot, patience;
    uint64_t cases_by_status[CASE_STATES];
    struct { uint64_t permits, consents, denies; } verdicts; /* recorded */
    uint64_t records_failed; /* appends that the ledger refused */
    int64_t host_looks;                                      /* under way: look.c */
    uint64_t stages_told, stages_dropped; /* progress that went on, that fitted nothing */
    struct buf brief; /* the reply of brief.c */
    struct senses senses;
    struct standing_now standing;
    struct alert_book alerts;
    struct notifier notifier;
};

/* --- judge.c */
/* Let the gateway in, if all is there that it may ask for. */
void judge_maybe_open(struct judge *j);
void judge_schedule_snapshot(struct judge *j);

/* --- brief.c */
/* A message's text; false: it must go the careful way, nothing was done. */
bool brief_take(struct judge *j, struct str text);

/* --- requests.c */
void requests_take(struct judge *j, json_t *message);
void client_reply(struct judge *j, struct client *client, json_t *body); /* takes `body` */
void client_reply_text(struct judge *j, struct client *client, struct str body);
void client_refuse(struct judge *j, struct client *client, const struct err *err);

/* --- records.c: the ledger */
/* Called with the reply, or with NULL when it was `failed`; then err says why. */
typedef void records_done(void *context, const json_t *reply, const struct err *err);
/* One entry, before it has a number. Takes `body`. */
json_t *records_entry(const char *kind, const char *case_id, json_t *body, bool open);
json_t *records_opened(const struct live *live);
/* Takes `entries`. False (with err): nothing was sent. */
bool records_append(
    struct judge *j, json_t *entries, records_done *done, void *context, struct err *err);
bool records_read(struct judge *j, const char *what, int64_t after, const char *case_id,
    int64_t limit, records_done *done, void *context, struct err *err);
void records_take(struct judge *j, enum message_type type, json_t *message);
/* Tell the gateway of an entry as it stands in the ledger. */
void records_publish(struct judge *j, const json_t *entry);
/* The whole entry out of what was sent and what the ledger gave it. */
json_t *records_whole(const json_t *sent, const json_t *given);

/* --- live.c */
struct live *live_find(struct judge *j, const char *case_id);
struct live *live_add(struct judge *j);
void live_index(struct live *live); /* when it has an id */
void live_drop(struct live *live);

/* --- flow.c */
struct proposal {
    json_t *action, *params, *by; /* params as said */
    json_t *nl, *model;           /* or NULL */
};
/* Put one proposal. Takes references of its own. */
void flow_open(struct judge *j, const struct client *client, const struct proposal *proposal);
/* Entries for the verdict that was just given, behind what stands in `entries` (taken). */
void flow_record_verdict(struct live *live, json_t *entries, bool seen);
/* Record entries (taken) for the case, then go on from its new state. */
void flow_record(struct live *live, json_t *entries);
/* From the state as it is: look, act, answer. */
void flow_advance(struct live *live);
void flow_fail(struct live *live, const struct err *why, const char *changed);
/* What hands answered to a warrant or to `outcome`. */
void flow_hands_done(struct live *live, const json_t *message);
void flow_tick(struct judge *j);
/* The entry that orders the hands; NULL with err when they are away. */
json_t *flow_warrant(
    struct live *live, const char *plan_sha256, int64_t expires_at_ms, struct err *err);
typedef void prolog_answered(void *context, struct prolog_answer *answer);
bool ask_door(struct judge *j, enum prolog_door door, json_t *in, prolog_answered *answered,
    void *context, struct err *err);
void door_answered(struct judge *j);

/* --- explain.c: the answer to case_explain: case `asked` in the rules' words */
void explain_case(struct live *live, const char *asked);

/* --- hands.c: the actuator */
typedef void hands_done(void *context, const json_t *message); /* NULL: the actuator is gone */
bool hands_send(struct judge *j, enum message_type type, json_t *fields, hands_done *done,
    void *context, struct err *err);
void hands_take(struct judge *j, enum message_type type, json_t *message);
void hands_lost(struct judge *j);

/* --- plan.c */
/* The canonical bytes and their hash. errors  ERR_SYSTEM the rules gave a plan without its parts */
bool plan_make(const struct live *live, const char *case_id, int64_t expires_at_ms, char **ret_plan,
    char ret_sha256[65], struct err *err);

/* --- consent.c */
void consent_take(struct judge *j, const struct client *client, json_t *body);
void consent_next(struct live *live); /* the case is idle again */
void consent_drop_all(struct live *live);

/* --- recover.c */
void recover_start(struct judge *j);
void recover_ask_outcomes(struct judge *j);
