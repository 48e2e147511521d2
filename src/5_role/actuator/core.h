/* SPDX-License-Identifier: Apache-2.0
 *
 * core — the actuator's work, without its process: messages in, jobs on libuv's workers, `done`
 * out.
 *
 *     look      runs if it cannot change anything
 *     warrant   runs plan.job once, if everything is as it must be (warrant.h), never again in this
 *               life
 *     outcome   remembered, awaited, or read from the world: what became of this plan?
 *
 * Jobs that change the same zone run one after the other; so do playbooks, and orders for the same
 * host or pool. Orders to machines and looks at them have places of their own: a host that boots
 * holds up nobody. How far such an order is, is sent as `progress`.
 * Everything that leaves is scrubbed.
 *
 * owner    actuator_close()
 * threads  the loop's thread only
 */
#pragma once

#include "base/err.h"
#include "host/host.h"
#include "message/message.h"

#include <jansson.h>
#include <stdint.h>
#include <uv.h>

struct actuator_settings {
#define SETTING(name, min, max, standard, help) int64_t name;
#include "actuator/settings.def"
#undef SETTING
};

struct actuator_setup {
    uv_loop_t *loop;
    /* folders; stay the caller's and alive */
    const char *secrets, *playbooks, *inventories, *work;
    const struct host_paths *machines; /* the same; NULL: no host is reached */
    struct actuator_settings settings;
    void (*send)(void *owner, json_t *message); /* takes the message */
    void *owner;
};

struct actuator;

/* libuv's workers for all that may run at once. Before the process's first uv work. */
void actuator_widen_threads(const struct actuator_settings *settings);

struct actuator *actuator_open(const struct actuator_setup *setup);
/* No job may be under way (actuator_stop first); the loop must turn once more. NULL is allowed. */
void actuator_close(struct actuator *a);

/* A random name of this life. */
const char *actuator_boot(const struct actuator *a);

/* A judge is there, perhaps a new one: it is greeted; what the one before asked is finished and
 * remembered, but not answered: its ids mean something else by now. */
void actuator_greet(struct actuator *a);

/* A checked message; other types than the three are counted and dropped. */
void actuator_take(struct actuator *a, enum message_type type, const json_t *message);

/* Refuse what waits and what comes; `idle` is called when nothing is under way any more, perhaps at
 * once. Long jobs are let go and not answered: what the agent then does with its order, the next
 * life is asked as `outcome`. */
void actuator_stop(struct actuator *a, void (*idle)(void *owner));

/* Since the start; running and waiting as they are now. */
struct actuator_counts {
    uint64_t ended[3]; /* looks, orders, outcomes */
    uint64_t failed;   /* of them */
    uint64_t refused;  /* orders and messages */
    uint64_t running, waiting;
};
struct actuator_counts actuator_counts(const struct actuator *a);
