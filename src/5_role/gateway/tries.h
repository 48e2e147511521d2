/* SPDX-License-Identifier: Apache-2.0
 *
 * tries — wrong tries to sign in or to enrol, by the address they come from: who guesses shuts out
 * nobody but themselves.
 *
 *     if (!tries_may(&t, &limits, address, now_ms, &wait_ms))     429, try again in wait_ms
 *     … it was wrong: tries_wrong(&t, &limits, address, now_ms)
 *
 * Of an IPv6 address the first 64 bits count: a stranger has all the others. Of everybody together
 * there is a limit, too, so large that it only bounds the work: nothing that is tried here is found
 * within it (a token has 256 bits, a code 60 and some minutes).
 *
 * owner    a struct of zeros begins; nothing to free
 * threads  one; no clock of its own
 * limits   TRIES_ADDRESSES_MAX addresses, the one unused for longest is forgotten: its tries are
 *          full again, and those of everybody together are what is left
 */
#pragma once

#include "base/str.h"
#include "identity/bucket.h"

#define TRIES_ADDRESSES_MAX 256
#define TRIES_ADDRESS_BYTES 64

struct tries_limits {
    int64_t of_one, of_all; /* a minute */
};

struct tries_row {
    char address[TRIES_ADDRESS_BYTES]; /* "": free */
    struct bucket bucket;
    int64_t used_ms;
};

struct tries {
    struct tries_row rows[TRIES_ADDRESSES_MAX];
    struct bucket all;
};

/* What an address counts as: IPv6 by its first 64 bits, an IPv4 address in it as that; what is no
 * address as it is, cut. */
void tries_address(struct str address, char ret_text[TRIES_ADDRESS_BYTES]);

/* The last of an X-Forwarded-For: what the proxy that we hear wrote, all before may be the
 * client's. .at is NULL if that is no address. */
struct str tries_forwarded(struct str header);

/* Nothing is taken. false: *ret_wait_ms says when there is a try again, *ret_all whether it is that
 * everybody together has none. */
bool tries_may(const struct tries *tries, const struct tries_limits *limits, struct str address,
    int64_t now_ms, int64_t *ret_wait_ms, bool *ret_all);
void tries_wrong(
    struct tries *tries, const struct tries_limits *limits, struct str address, int64_t now_ms);
