/* SPDX-License-Identifier: Apache-2.0
 *
 * senses — the judge's side of the sensor; for the files of this folder only.
 *
 *     senses.c     readings to door observe, transitions to the ledger; looks of hand `senses`
 *     relay.c      what only the sensor can answer: pushes, history
 *     stats.c      numbers of the roles, for /metrics
 *     alerts.c     entries of alerts: recorded, learned, told, in this order; the requests
 *     runbooks.c   prompts and what became of them
 *
 * One observation at a time: readings are answered with `taken` when what they changed is recorded
 * and learned, and until then the sensor keeps the next ones. So no alert is lost when a role ends
 * in between, and none is made twice: the next judge learns first and then sees the same readings.
 */
#pragma once

#include "judge/alert_book.h"
#include "message/message.h"

#include <uv.h>

#define SENSOR_CALLS_MAX 256

struct judge;
struct channel;
struct asked;

struct relayed {
    int64_t id; /* 0: free */
    int64_t deadline_ms;
    uint64_t gateway;
    int64_t client_id;
    json_t *unit; /* of the metric that is asked; or NULL */
};

struct senses {
    struct channel *sensor;
    int waiting_fd;      /* of a sensor that came before the alerts were rebuilt; -1 */
    json_t *table;       /* the door's answer, sent to the sensor; NULL: not known yet */
    json_t *sources;     /* as the sensor told them last */
    json_t *stats;       /* role -> values */
    json_t *make_way;    /* pools that make way now; NULL: nothing was observed yet */
    json_t *readings;    /* a message that waits for its turn */
    int64_t reading_id;  /* of those that are observed now; 0: a tick */
    json_t *transitions; /* of them, with those from `recorded` still to be recorded */
    size_t recorded;
    json_t *unlearned; /* entries of alerts that the rules must still take */
    bool table_asked;
    bool caught_up; /* the sensor told what it knew when it met us */
    bool observing; /* from the door to `taken` */
    bool stuck;     /* a record failed: tried again on the tick */
    bool tick_due, learning;
    uint64_t observed, ticks, refused, failed,
        told; /* rows, ticks, rows, questions, alerts' entries */
    uv_timer_t tick, again;
    json_t *held_events; /* of entries that must be learned before they are told */
    size_t holds;
    struct relayed calls[SENSOR_CALLS_MAX];
    int64_t last_call, calls_count;
};

/* --- senses.c */
void senses_init(struct judge *j);
void senses_start(struct judge *j);
void senses_recovered(struct judge *j);
void senses_join(struct judge *j, int fd);
/* Is this what hands `look` at without the actuator? Takes nothing. */
bool senses_is_look(const json_t *fields);
/* Takes `fields` as hands_send() does, and answers as hands would. */
bool senses_look(struct judge *j, json_t *fields,
    void (*done)(void *context, const json_t *message), void *context, struct err *err);
/* Begin what waits, if nothing is under way. */
void senses_next(struct judge *j);
bool senses_sources(struct asked *a, struct err *err);
/* A gateway that came knows of no pool that makes way. */
void senses_tell_make_way(struct judge *j);
/* Is there something of the house that we shall hear in a moment and do not know yet? */
bool senses_awaited(const struct judge *j);
/* Did the rules tell the table yet? Else they are asked, if they are not already.
 * errors  ERR_PEER senses_starting */
bool senses_known(struct judge *j, struct err *err);
/* The row of a metric in the table; NULL: there is no such word. */
const json_t *senses_metric(const struct judge *j, struct str name);

/* --- relay.c */
bool relay_push(struct asked *a, struct err *err);
bool relay_history(struct asked *a, struct err *err);
void relay_take(struct judge *j, const json_t *reply);
void relay_tick(struct judge *j);
void relay_lost(struct judge *j);

/* --- stats.c */
/* Numbers of the role at the other end of a channel. */
void stats_take(struct judge *j, const char *role, const json_t *message);
/* It went away. */
void stats_forget(struct judge *j, const char *role);
bool stats_show(struct asked *a, struct err *err);

/* --- alerts.c */
/* Called with the whole entries when they are durable, learned and told; NULL: err says why not. */
typedef void alerts_recorded(void *context, const json_t *entries, const struct err *err);
/* Takes `entries`. False (with err): nothing was sent. */
bool alerts_record(
    struct judge *j, json_t *entries, alerts_recorded *done, void *context, struct err *err);
/* Entries that were recorded or read back: those of alerts go into the book. */
void alerts_see(struct judge *j, const json_t *entry);
void alerts_learn_again(struct judge *j);
bool alerts_list(struct asked *a, struct err *err);
bool alerts_show(struct asked *a, struct err *err);
/* errors  ERR_INPUT "no_such_alert"; false always */
bool alert_unknown(const struct judge *j, int64_t id, struct err *err);

/* --- records.c: from hold to release events wait, in their order */
void records_hold(struct judge *j);
void records_release(struct judge *j);

/* --- runbooks.c */
bool runbook_prompt(struct asked *a, struct err *err);
bool runbook_add(struct asked *a, struct err *err);
