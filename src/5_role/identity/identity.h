/* SPDX-License-Identifier: Apache-2.0
 *
 * identity — who speaks: a bearer token, an API key or a client certificate becomes a caller with
 * its rights and limits, or a refusal that can be sent as it is.
 *
 *     struct identity_shown shown = {.authorization = …, .api_key = …, .local = loopback};
 *     struct caller *caller = identity_find(identity, &shown, now, &refusal);
 *     if (!caller || !identity_may(caller, CALLER_CHAT, model, &refusal) ||
 *         !identity_enter(caller, now, &refusal))
 *         …send refusal.status, .code, .message, .retry_after_ms…
 *     …
 *     identity_leave(caller, tokens_used, now);
 *
 * Callers are the rows of HOME/tokens/tokens.json (docs/inference.md §6). A JWT must be signed by a
 * key of the file and name the id of a row; rights and limits are the row's, so that they can be
 * changed or revoked without another token. A `local` request (loopback, the unix socket) is the
 * caller "local", who may everything, when there are no tokens, or when it shows none, or a word
 * too short to be one (clients insist on some key); any other needs a token. A row with
 * `certificate` needs a client certificate with that CN: kind "certificate" needs nothing else, the
 * others the token too.
 *
 * The file is looked at every poll_ms; a bad new one changes nothing, is counted and logged.
 *
 * owner    whoever opened it; callers live until identity_close(), but one who left the file is
 *          freed at the next poll when nobody is inside (identity_enter … identity_leave)
 * threads  the loop's thread only
 * secrets  no token text is kept, logged or repeated: only fp6, the first 6 hex digits of its hash
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#define IDENTITY_CALLERS_MAX 1024 /* rows of the file */
#define IDENTITY_KEYS_MAX 16
#define IDENTITY_FILE_BYTES_MAX (1024 * 1024)
#define IDENTITY_TOKEN_BYTES_MIN 32
#define IDENTITY_TOKEN_BYTES_MAX 4096 /* JWT_BYTES_MAX */
#define CALLER_NAME_BYTES 33          /* a-z 0-9 _ - . */
#define CALLER_ID_BYTES 65
#define CALLER_LABEL_BYTES 16 /* "token:1a2b3c", "cert:1a2b3c", "local" */
#define CALLER_MODELS_MAX 64
#define CALLER_MODEL_BYTES_MAX 128

enum caller_scope {
    CALLER_CHAT = 1 << 0,
    CALLER_COMPLETIONS = 1 << 1,
    CALLER_EMBEDDINGS = 1 << 2,
    CALLER_MODELS = 1 << 3,
    CALLER_QUEUE = 1 << 4,
    CALLER_USAGE = 1 << 5,
    CALLER_API = 1 << 6,     /* the node's own API, /api/v1 */
    CALLER_SENSE = 1 << 7,   /* push numbers of its own source */
    CALLER_METRICS = 1 << 8, /* read /metrics and nothing else of that API */
    CALLER_VIEW = 1 << 9,    /* look at everything of that API, change nothing */
    CALLER_ALL = (1 << 10) - 1,
};
#define CALLER_SCOPES 10

enum caller_priority { CALLER_INTERACTIVE, CALLER_BACKGROUND };
enum caller_dialect { DIALECT_COMMENT, DIALECT_CHUNK, DIALECT_REASONING, DIALECT_OFF };

/* Read by everybody, written by this module alone. */
struct caller {
    char name[CALLER_NAME_BYTES];
    char id[CALLER_ID_BYTES];
    char label[CALLER_LABEL_BYTES]; /* for logs: identity=LABEL; of the token shown last */
    uint32_t number;                /* small, fixed for its life, used again after it: an index */
    uint32_t scopes;                /* enum caller_scope */
    enum caller_priority priority;
    enum caller_dialect dialect;
    int64_t weight;                             /* 1 … 1000 */
    int64_t rate_per_minute, tokens_per_minute; /* 0: no limit */
    int64_t concurrent_max;                     /* 0: no limit */
    int64_t expires_at_ms;                      /* civil; 0: never */
    int64_t inside;                             /* requests between enter and leave */
    bool speaks_for_users, is_local, revoked;   /* revoked: also when its row is gone */
    struct caller_state *state;                 /* identity's own */
};

struct identity_now {
    int64_t civil_ms, steady_ms;
};
struct identity_now identity_clock(void);

/* What a request shows; .at NULL: not there. `certificate` is the verified CN of the peer. */
struct identity_shown {
    struct str authorization; /* the header's value */
    struct str api_key;       /* of X-Api-Key */
    struct str certificate;
    bool local;
};

#define IDENTITY_MESSAGE_BYTES 192
struct identity_refusal {
    int status;         /* 401, 403, 429 */
    const char *type;   /* "authentication_error", "permission_error", "rate_limit_error" */
    const char *code;   /* docs/inference.md §7: invalid_api_key, model_not_allowed, … */
    const char *reason; /* a word of identity_reasons.def, for logs and counters */
    const char *param;  /* "model" or NULL */
    char message[IDENTITY_MESSAGE_BYTES];
    char fp6[7];            /* of what was shown, "" if nothing was */
    int64_t retry_after_ms; /* 0: trying again does not help */
};

struct identity_limits {
#define IDENTITY_LIMIT(name, min, max, standard, help) int64_t name;
#include "identity/identity_limits.def"
#undef IDENTITY_LIMIT
};
void identity_limits_default(struct identity_limits *ret_limits);

struct identity_config {
    const char *path; /* of tokens.json; NULL: there is none and never will be; copied */
    struct identity_limits limits;
};

struct identity;

/* A missing file is an empty one. errors  as identity_check(), and ERR_SYSTEM, for a file that is
 * there and bad or unreadable */
bool identity_open(
    const struct identity_config *config, struct identity **ret_identity, struct err *err);
/* For scoped(). Nobody may be inside. */
void identity_close(struct identity **at);
/* From now on identity_poll() every poll_ms of the loop; undone by identity_unwatch(), whose handle
 * closes on the loop's next turn. */
void identity_watch(struct identity *identity, uv_loop_t *loop);
void identity_unwatch(struct identity *identity);
/* Look whether the file changed, and take it if it is good. True: it was taken. */
bool identity_poll(struct identity *identity, struct identity_now now);

/* NULL: *ret_refusal is set. The caller is good until the loop turns; beyond that after enter. */
struct caller *identity_find(struct identity *identity, const struct identity_shown *shown,
    struct identity_now now, struct identity_refusal *ret_refusal);

/* The node itself as a caller of its own front door, so that what it asks a model waits, wakes and
 * is counted like anybody's: "node", scopes chat and embeddings, one caller for each priority. Its
 * token is made at start, stands in no file and is good only from this machine. */
#define IDENTITY_OWN_TOKEN_BYTES 72
const char *identity_own_token(const struct identity *identity, enum caller_priority priority);
/* NULL: it shows no such token. Asked before identity_find(). */
struct caller *identity_own_find(
    const struct identity *identity, const struct identity_shown *shown);

/* The row of this id, if a token of it would be let in now: for who showed one before and comes
 * with a session instead. `shown` NULL: a certificate is not looked at. NULL and *ret_refusal. */
struct caller *identity_row(struct identity *identity, const char *id,
    const struct identity_shown *shown, struct identity_now now,
    struct identity_refusal *ret_refusal);
/* A browser's session as a caller of its own, without limits: all models, these scopes;
 * `sees_all`: as `local` does. Good until the loop turns; beyond that after enter. NULL: there are
 * as many callers as there can be. */
struct caller *identity_session(
    struct identity *identity, const char *principal, uint32_t scopes, bool sees_all);

/* Scope and model (an empty one: none is named). Refused with 403. */
bool identity_may(const struct caller *caller, enum caller_scope scope, struct str model,
    struct identity_refusal *ret_refusal);
/* For lists: would this model be allowed? */
bool caller_may_model(const struct caller *caller, struct str model);

/* One request of its rate and one place; refused with 429 and retry_after_ms. Nothing is taken
 * then. */
bool identity_enter(
    struct caller *caller, struct identity_now now, struct identity_refusal *ret_refusal);
/* The place back; `tokens` (prompt and completion) are charged, also beyond what was left: the
 * next request then waits. */
void identity_leave(struct caller *caller, int64_t tokens, struct identity_now now);

struct identity_counts {
    uint64_t found, cached, verified, refused, refused_by_flood, reloads, bad_reloads, evicted;
    uint64_t callers, cache;
};
struct identity_counts identity_counts(const struct identity *identity);
/* For pages and /metrics: [{"name","id","label","scopes","inside",…}], no secret. New reference. */
json_t *identity_json(const struct identity *identity);

const char *caller_scope_word(enum caller_scope scope);
const char *caller_dialect_word(enum caller_dialect dialect);
const char *caller_priority_word(enum caller_priority priority);
bool caller_scope_from(struct str word, enum caller_scope *ret_scope);
bool caller_dialect_from(struct str word, enum caller_dialect *ret_dialect);
bool caller_priority_from(struct str word, enum caller_priority *ret_priority);

/* Is this text a good tokens.json? For logicctl. errors  ERR_INPUT "bad_tokens" with the row */
bool identity_check(struct str text, struct err *err);
