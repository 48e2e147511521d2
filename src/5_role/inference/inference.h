/* SPDX-License-Identifier: Apache-2.0
 *
 * inference — the always-on address of models that sleep: requests of /v1 and of Ollama's /api are
 * checked, wait fairly, are held while their host wakes and their model loads, and are streamed.
 *
 *     struct inference_config config = {…};
 *     inference_open(loop, &config, &inference, &err);
 *     inference_table(inference, table)          what the judge publishes, at each judge and change
 *     inference_take(inference, ex, INFERENCE_chat, caller, now)        takes the exchange for good
 *
 * Nothing here changes the world: what should change is proposed to the judge through config.ask,
 * and its outcome is believed only until an agent's status says otherwise. The decisions are those
 * of 3_domain/queue, power and readiness; view.c and drive.c only carry their effects out.
 *
 * owner    inference_open() … inference_close()
 * threads  the loop's only
 * limits   inference_settings.def
 */
#pragma once

#include "base/err.h"
#include "identity/identity.h"
#include "net/exchange.h"
#include "net/tls.h"
#include "net/upstream.h"
#include "usage/usage.h"

#include <jansson.h>
#include <stdint.h>
#include <uv.h>

enum inference_route {
#define INFERENCE_ROUTE(name, scope, error) INFERENCE_##name,
#include "inference/inference_routes.def"
#undef INFERENCE_ROUTE
    INFERENCE_ROUTES
};

struct inference_settings {
#define SETTING(name, min, max, standard, help) int64_t name;
#include "inference/inference_settings.def"
#undef SETTING
};

/* A question to the judge. Exactly one of body and why is not NULL, both live for the call. */
typedef void inference_answered(void *owner, json_t *body, const struct err *why);

struct inference_config {
    struct inference_settings settings;
    struct upstream_limits upstream;
    const char *catalogue;   /* models.json; may be missing */
    const char *agent_place; /* of agent "local": "unix:/…/agent.sock" */
    const char *agent_pki;   /* folder of ca.crt, gateway.crt, gateway.key; looked at again */
    struct tls **agent_tls;  /* the owner's: from there, for agents on other machines; NULL in it:
                                none can be reached yet */
    struct usage *usage;
    /* Asks the judge in the node's own name; `slow` for what may take minutes. false: refused at
     * once, `answered` is not called. */
    bool (*ask)(void *owner, const char *method, json_t *body, bool slow,
        inference_answered *answered, void *asker, struct err *err);
    /* One request ended. */
    void (*finished)(void *owner, enum inference_route route, int status, int64_t spent_ns);
    void *owner;
};

struct inference;

/* errors  ERR_INPUT a catalogue that is there and bad */
bool inference_open(uv_loop_t *loop, const struct inference_config *config,
    struct inference **ret_inference, struct err *err);
/* Everybody who waits is answered 503; then nothing is called any more. Memory goes from the loop:
 * what was asked of the judge and is still out is answered before that, for it to be freed. */
void inference_close(struct inference *inference);
/* No new requests (503 stopping); those that run may end. */
void inference_stop(struct inference *inference);
int64_t inference_open_requests(const struct inference *inference);

/* The judge's answer to `inference` (docs/inference.md §3), borrowed. Pools and hosts of the same
 * name keep their state. errors  ERR_INPUT what cannot be understood is left out and named in the
 * log */
void inference_table(struct inference *inference, const json_t *table);
/* Pools that make way for somebody at their machine, all of them: rows {pool, words} (message
 * `make_way`). What runs there ends, nothing is loaded, ours are unloaded. */
void inference_make_way(struct inference *inference, json_t *pools);
/* The judge went or came: proposals that were out are forgotten, the truth is asked for. */
void inference_judge(struct inference *inference, bool there);
/* An `event` (a ledger entry) and a `stage` of the judge: progress of cases we proposed. */
void inference_event(struct inference *inference, const json_t *event);
void inference_stage(struct inference *inference, const json_t *stage);

/* Takes the exchange. `caller` is checked for scope, model, rate and places here. */
void inference_take(struct inference *inference, struct exchange *ex, enum inference_route route,
    struct caller *caller, struct identity_now now);
/* For a caller who was refused: the error in the form of that route (OpenAI's or Ollama's). */
void inference_refuse(
    struct exchange *ex, enum inference_route route, const struct identity_refusal *refusal);

/* A path of /v1 or of /api that nobody answers: 404 in the form that its clients read. */
void inference_unknown(struct exchange *ex, struct str path);

/* One page each, new references: /api/v1/queue, /v1/capabilities, and numbers for /metrics. */
json_t *inference_queue(struct inference *inference, const struct caller *caller);
json_t *inference_capabilities(struct inference *inference);

/* For who looks on, the event `queue` of docs/dashboard.md §5: a new reference. */
json_t *inference_overview(struct inference *inference, int64_t civil_ms);
/* May it be another one than at *mark, which is set anew? Cheap; true also while engines write. */
bool inference_moved(const struct inference *inference, uint64_t *mark);

struct inference_wait {
    const char *host;    /* of the pool; NULL: none. Lives until the next table */
    int64_t since_ms;    /* civil: when what is under way began, else in this state */
    int64_t expected_ms; /* how long it takes from then; -1: nothing is under way, or not known */
};
/* Of a pool, or else of a host (either may be NULL). False: neither is known. */
bool inference_wait(struct inference *inference, const char *host, const char *pool,
    int64_t civil_ms, struct inference_wait *ret_wait);

/* Of a model of the catalogue, in hex with a terminator. False: it is in none, or not hashed. */
#define INFERENCE_SHA256_BYTES 65
bool inference_model_sha256(
    const struct inference *inference, struct str name, char ret_hex[INFERENCE_SHA256_BYTES]);

struct inference_counts {
    uint64_t requests, held, cancelled, failed, refused, retried, proposals;
    uint64_t prompt_tokens, completion_tokens;
    int64_t waiting, running;
};
struct inference_counts inference_counts(const struct inference *inference);
