/* SPDX-License-Identifier: Apache-2.0
 *
 * session_inside — the state of sessions; for session*.c only.
 */
#pragma once

#include "base/buf.h"
#include "gateway/session.h"
#include "gateway/session_people.h"
#include "gateway/tries.h"

#include <limits.h>
#include <uv.h>

#define CHALLENGE_BYTES 32

struct challenge {
    uint8_t bytes[CHALLENGE_BYTES];
    int64_t until_ms;                    /* steady */
    char address[SESSION_ADDRESS_BYTES]; /* of who asked */
};

enum sign_in { SIGN_IN_DONE, SIGN_IN_WRONG, SIGN_IN_NOT_ALLOWED, SIGN_IN_LIMITED, SIGN_INS };

struct sessions {
    struct session_book book;
    struct people people;
    struct tries tries;
    struct challenge *challenges; /* the oldest first */
    size_t challenge_count;
    uint64_t sign_ins[SIGN_INS];
    char node[64];
    /* the file */
    char path[PATH_MAX];
    uint64_t kept; /* book.changes that are in it, or on the way */
    bool writing, urgent, closing;
    struct buf text;
    struct err write_err;
    uv_work_t work;
    uv_timer_t *tick;
};

/* Something that must be in the file soon. */
void sessions_keep(struct gateway *gateway);
/* All that are over are ended. */
void sessions_sweep(struct gateway *gateway);
/* It is over: said in the log, its streams end. */
void sessions_end(struct gateway *gateway, struct session *session, const char *why);
/* What it hangs on is still there: the role it gives now. */
enum session_role sessions_source(
    struct gateway *gateway, const struct session *session, struct exchange *ex);
enum session_role sessions_role_of(uint32_t scopes);
/* What a session of a token of the --tokens file hangs on. */
struct token;
void sessions_of_row(const struct token *token, char ret_of[SESSION_OF_BYTES]);

/* 32 random bytes that a passkey signs once, within challenge_ms. Where there are as many as there
 * may be, the oldest of the same address goes first: who asks for many takes nobody else's. */
void sessions_challenge(
    struct gateway *gateway, const char *address, uint8_t ret_bytes[CHALLENGE_BYTES]);
/* Was it one of ours, unused and in time? It is used then. */
bool sessions_challenge_take(struct gateway *gateway, struct str bytes);
