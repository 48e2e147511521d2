/* SPDX-License-Identifier: Apache-2.0
 *
 * core — what the sensor does, without the process around it.
 *
 *     sensor_open(&setup)
 *     sensor_judge(sensor)              a judge is there; its `senses` comes next
 *     sensor_take(sensor, type, message)
 *     sensor_close(sensor, closed, owner)
 *
 * Of each source (docs/senses.md) the table says where it is and how often it is asked: an exporter
 * by HTTP(S), an agent with our certificate, this machine's agent by its socket; the backup of this
 * node by the status that its last run left (backup/status.h); who pushes is not asked. A redirect
 * is not followed, a body is bounded, an answer has a time limit, names are looked up off the loop.
 * What comes is data: its text reaches nobody but sense_read(), and of that only numbers and parts
 * of [A-Za-z0-9_./:-] go on. Words about a source are ours.
 *
 * One message of readings is out until the judge has taken it; it is sent again to a judge that
 * comes after, and then the newest reading of each series that is not stale: a judge begins empty,
 * and the house did not change because the rules did. `caught_up` tells it when it has them all.
 * What waits meanwhile is bounded for each source by itself (sense.h, the outbox). Before a judge
 * has given its table nothing is sent: times in order, metrics by its words.
 *
 * threads  the loop's
 * limits   settings.def, sense.h, net/upstream_limits.def, history/history_limits.def
 */
#pragma once

#include "backup/status.h"
#include "base/err.h"
#include "history/history.h"
#include "message/message.h"
#include "net/tls.h"
#include "net/upstream.h"
#include "standing/standing.h"

#include <jansson.h>
#include <uv.h>

#define SENSOR_BATCH_ROWS 500 /* docs/senses.md §3 */

struct sensor_settings {
#define SETTING(name, min, max, standard, help) int64_t name;
#include "sensor/settings.def"
#undef SETTING
    struct upstream_limits upstream;
    struct history_limits history;
};

struct sensor_setup {
    uv_loop_t *loop;
    struct sensor_settings settings;
    const char *agent_socket, *spool; /* of this machine's agent; of history. Must stay */
    /* The machine below, as it was before the lock; NULL: nobody looked. Must stay. */
    struct standing *standing;
    /* Where the backup leaves its status; NULL: there is none. Must stay. */
    const struct backup_watch *backup;
    struct tls *agent_tls; /* NULL: there are no certificates, agents of others fail */
    /* For https elsewhere, asked for when it is needed; NULL: there is nobody to trust. */
    struct tls *(*public_tls)(void *owner);
    /* `text` is a whole message. false: nobody is there. */
    bool (*send)(void *owner, struct str text);
    void *owner;
};

struct sensor;
struct sensor *sensor_open(const struct sensor_setup *setup);
/* What history has is spooled; the memory goes when `closed` is called, from the loop. */
void sensor_close(struct sensor *sensor, void (*closed)(void *owner), void *owner);
/* A judge came, or went: nothing is told before its `senses`. */
void sensor_judge(struct sensor *sensor);
/* For role_stats(): the names of common/stats.def. */
json_t *sensor_stats(const struct sensor *sensor);
/* senses, taken, request. The message is borrowed. */
void sensor_take(struct sensor *sensor, enum message_type type, const json_t *message);
