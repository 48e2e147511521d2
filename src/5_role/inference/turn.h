/* SPDX-License-Identifier: Apache-2.0
 *
 * turn — one request of a caller from its arrival to its end; private to inference.
 *
 *     WAITING  in the queue           ──turn_start()──►  RUNNING  with an engine
 *     RUNNING  ──refused, not ready──►  WAITING (put back, retries_max times)
 *
 * The reply may have begun in either: hold.c sends signs of life after grace_ms.
 */
#pragma once

#include "inference/inside.h"
#include "ollama/ollama_reply.h"
#include "openai/openai_reply.h"
#include "openai/openai_stream.h"

#define REQUEST_ID_BYTES 32
#define USER_BYTES 64

enum turn_phase { TURN_WAITING, TURN_RUNNING };
enum turn_reply { REPLY_NONE, REPLY_WHOLE, REPLY_STREAM, REPLY_ERROR };

/* Only for callers that speak Ollama's language. */
struct ollama_side {
    struct ollama_request request;
    struct ollama_stream stream;
    bool streaming; /* stream is to be released */
};

struct turn {
    struct inference *inf;
    struct exchange *ex;
    struct caller *caller;
    struct turn *prev, *next;
    struct wheel_entry timer;
    struct upstream_call *call;
    struct ollama_side *ollama;
    struct ground *ground; /* NULL: no facts were asked for */
    uint64_t id;           /* the queue's; 0: not admitted */
    int64_t begun_ms, started_ms, last_ms, begun_ns;
    int64_t prompt_estimate;
    int model, pool;
    enum inference_route route;
    enum openai_route engine_route;
    enum openai_dialect dialect;
    enum turn_phase phase;
    enum turn_reply reply;
    int status; /* of the engine's reply, then of ours */
    uint8_t retries;
    bool stream;        /* the caller asked for one */
    bool include_usage; /* and for the usage chunk */
    bool begun;         /* the head of our reply is out */
    bool held;          /* it went out before the engine's */
    bool paused;        /* the engine, for a slow caller */
    struct str body;    /* to send; in the exchange's request or in own_body */
    char *own_body;
    struct openai_stream filter; /* reply REPLY_STREAM */
    struct buf whole;            /* reply REPLY_WHOLE, REPLY_ERROR */
    struct openai_usage usage;
    char request_id[REQUEST_ID_BYTES];
    char label[CALLER_LABEL_BYTES]; /* for logs: "token:1a2b3c" */
    char user[USER_BYTES];          /* for whom the caller speaks; "" for itself */
};

/* --- ask.c ---------------------------------------------------------------------------- */

/* Does this route speak its language? Also of a request that was refused before it was read. */
bool ask_is_ollama(enum inference_route route);

/* The body has its facts: from here as any other. */
void ask_grounded(struct turn *turn);

/* --- ground.c ------------------------------------------------------------------------- */

bool ground_wanted(const struct openai_request *request);
/* Ask the judge; then ask_grounded(), or the turn is refused. */
void ground_take(struct turn *turn, const struct openai_request *request);
/* The timer fired: true if it was for this, and the turn is over. */
bool ground_late(struct turn *turn);
void ground_done(struct turn *turn);
/* Before the first frame; frames with the facts before [DONE] (false: the turn is over); a whole
 * reply. */
void ground_begin(struct turn *turn);
bool ground_write(struct turn *turn, struct str frames);
bool ground_whole(struct turn *turn, struct str body, struct buf *out, struct err *err);

/* --- turn.c ---------------------------------------------------------------------------- */

struct turn *turn_make(struct inference *inf, struct exchange *ex, enum inference_route route);
/* Everything is accounted for and given back; the exchange is finished already. */
void turn_end(struct turn *turn);
/* The engine is not there after all: wait again, or fail after retries_max. */
void turn_again(struct turn *turn, const char *words);

/* --- serve.c ---------------------------------------------------------------------------- */

extern const struct upstream_hooks SERVE_HOOKS;
/* Frames to the caller in its language; false: the turn is over. */
bool serve_write(struct turn *turn, struct str frames);
void serve_drained(struct exchange *ex, void *data);

/* --- hold.c ----------------------------------------------------------------------------- */

void hold_arm(struct turn *turn);
void hold_fire(struct wheel_entry *entry);
/* What a waiter is told: the stage word and how long it may take, -1 unknown. */
const char *hold_stage(struct turn *turn, int64_t *ret_eta_ms, int *ret_position);

/* --- tell.c ------------------------------------------------------------------------------ */

struct trouble {
    enum openai_code code;
    int status;         /* 0: the code's own */
    struct str message; /* UTF-8 */
    struct str param, code_word;
    int64_t retry_after_ms; /* 0: not said */
    bool hopeless;          /* x-should-retry: false, whatever the code's own */
};

/* Whatever was said before, in the caller's language; ends the exchange and the turn. */
void tell_trouble(struct turn *turn, const struct trouble *trouble);
/* For a request that never became a turn. */
void tell_refused(
    struct exchange *ex, bool ollama, const struct trouble *trouble, const char *request_id);
/* Head of a reply that streams, `held` before the engine's. */
void tell_begin(struct turn *turn, bool held);
void tell_whole(struct turn *turn, struct str body);
