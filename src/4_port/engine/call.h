/* SPDX-License-Identifier: Apache-2.0
 *
 * call — one HTTP exchange with an engine, by libcurl on a worker of libuv. Internal to engine/:
 * for health and the one token; what callers ask goes through net/upstream.
 *
 * threads  the loop's; one answer, from the loop, never from inside the call
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#define CALL_REPLY_BYTES_MAX (4u << 20) /* an embedding of a large model is 100 KiB */

struct call;

struct call_order {
    const char *socket; /* NULL: TCP to 127.0.0.1 */
    uint16_t port;
    const char *path;
    const char *body; /* NULL: GET */
    int64_t limit_ms;
};

/* status 0: no reply (refused, silent, torn, too long): `why` says which. */
void call_start(uv_loop_t *loop, const struct call_order *order,
    void (*done)(void *user, int status, struct str body, const char *why), void *user,
    struct call **ret_call);
void call_cancel(struct call **at);

/* Pure. /props: slots and context of one slot. false: it does not say. */
bool call_read_props(struct str body, int64_t *ret_slots, int64_t *ret_context);
/* Pure. Did /v1/completions really generate at least one token? */
bool call_read_token(struct str body);
/* Pure. Is there at least one vector with a number that is not 0? */
bool call_read_embedding(struct str body);
/* Pure. {"status":"ok"} */
bool call_read_health(struct str body);
/* Pure. The message of {"error":{"message"}} or the first printable bytes, for a person. */
#define CALL_WORDS_BYTES 160
void call_words(struct str body, char ret_words[CALL_WORDS_BYTES]);
