/* SPDX-License-Identifier: Apache-2.0
 *
 * readiness_config — what one pool is told at its beginning and whenever the site facts change.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* READINESS_CONFIG_DEFAULT has a value for each. */
struct readiness_config {
    bool has_host; /* its host may sleep: it is wanted first. False: this machine */
    bool manages;  /* false (pool_at): an engine of somebody else; never loaded or unloaded by us */
    int slots;     /* used when LOAD_DONE or SEEN say none */
    int64_t idle_ms, load_limit_ms; /* the latter: the estimate until one is learned */
    int64_t retry_first_ms, retry_max_ms, hold_ms, healthy_ms;
    int64_t ask_ms, look_limit_ms; /* between two looks; a look without an answer is LOST */
    int64_t watch_ms;              /* between two looks at a settled pool without a host */
    int64_t stall_ms;              /* a load without news so long is looked at */
    int64_t case_limit_ms;         /* a proposal without an end has failed */
    int64_t unload_ms;             /* what an unload takes, for the estimate */
};
#define READINESS_CONFIG_DEFAULT                                                                   \
    ((struct readiness_config){.has_host = true, .manages = true, .slots = 1, .idle_ms = 900000,   \
        .load_limit_ms = 60000, .retry_first_ms = 15000, .retry_max_ms = 600000, .hold_ms = 30000, \
        .healthy_ms = 60000, .ask_ms = 5000, .look_limit_ms = 10000, .watch_ms = 15000,            \
        .stall_ms = 30000, .case_limit_ms = 900000, .unload_ms = 5000})
