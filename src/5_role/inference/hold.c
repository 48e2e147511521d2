/* SPDX-License-Identifier: Apache-2.0
 *
 * Signs of life. Nothing is said for grace_ms, so that what fails early fails with its own status;
 * then the head goes out and a sign each keepalive_ms in which nothing else flowed. One entry of
 * the wheel per request carries all its deadlines. */
#include "inference/turn.h"

#include "base/log.h"
#include "base/panic.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#define REASON_BYTES 64

static int64_t next_due(const struct turn *turn)
{
    const struct inference_settings *s = &turn->inf->config.settings;
    int64_t due =
        turn->phase == TURN_WAITING ? turn->begun_ms + s->wait_ms : turn->started_ms + s->run_ms;
    int64_t sign = turn->begun ? turn->last_ms + s->keepalive_ms : turn->begun_ms + s->grace_ms;

    return turn->dialect != OPENAI_OFF && sign < due ? sign : due;
}

void hold_arm(struct turn *turn)
{
    wheel_arm(&turn->inf->wheel, &turn->timer, (uint64_t)next_due(turn));
}

const char *hold_stage(struct turn *turn, int64_t *ret_eta_ms, int *ret_position)
{
    struct inference *inf = turn->inf;
    struct queue_place place = {.start_ms = -1, .pool = -1};
    int64_t now = inference_now(inf);

    *ret_eta_ms = -1;
    *ret_position = 0;
    if (turn->phase == TURN_RUNNING)
        return "prompt"; /* the engine reads it */
    if (!queue_place(inf->queue, turn->id, now, &place))
        return "queued";
    *ret_position = place.position;
    *ret_eta_ms = place.start_ms;
    int at = place.pool >= 0 ? place.pool
                             : (int)__builtin_ctz(inf->models[turn->model].pools | 1u << 31);
    if (at >= inf->pool_count)
        return "queued";
    const struct pool *pool = &inf->pools[at];
    const struct power *host = pool->host >= 0 ? &inf->hosts[pool->host].power : NULL;
    if (pool->readiness.state == READINESS_READY && pool->readiness.model == turn->model)
        return "queued";
    int64_t eta = readiness_eta_ms(&pool->readiness, host, turn->model, now);
    if (eta > *ret_eta_ms)
        *ret_eta_ms = eta;
    return readiness_stage(&pool->readiness, host);
}

/* The request's own bytes die when the reply begins; the engine's connection may still be sending
 * them, so they must not move. */
static void keep_body(struct turn *turn)
{
    if (turn->own_body || turn->reply != REPLY_NONE)
        return;
    turn->own_body = exchange_take_body(turn->ex);
    check(turn->own_body == turn->body.at);
    exchange_holds(turn->ex, turn->body.len);
}

static void beat_ollama(struct turn *turn, const char *stage, int64_t eta_ms, struct buf *out)
{
    char words[REASON_BYTES] = "";
    int len = 0;

    if (turn->dialect == OPENAI_REASONING)
        len = eta_ms < 0 ? snprintf(words, sizeof words, "[%s]\n", stage)
                         : snprintf(words, sizeof words, "[%s, %lld s]\n", stage,
                               (long long)(eta_ms + 999) / 1000);
    ollama_beat_write(
        &turn->ollama->request, (struct str){words, (size_t)len}, identity_clock().civil_ms, out);
}

static void beat(struct turn *turn)
{
    struct buf *out = &turn->inf->scratch;
    int position;
    int64_t eta_ms;
    const char *stage = hold_stage(turn, &eta_ms, &position);

    buf_clear(out);
    if (!turn->stream)
        buf_add(out, OPENAI_BEAT_WHOLE);
    else if (turn->ollama)
        beat_ollama(turn, stage, eta_ms, out);
    else
        openai_beat_write(
            &(struct openai_beat){.route = turn->engine_route,
                /* once the engine speaks only a comment cannot disturb */
                .dialect = turn->reply == REPLY_STREAM ? OPENAI_COMMENT : turn->dialect,
                .stage = str_from(stage),
                .eta_ms = eta_ms,
                .id = str_from(turn->request_id),
                .model = str_from(turn->inf->models[turn->model].name),
                .created_s = identity_clock().civil_ms / 1000},
            out);
    turn->last_ms = inference_now(turn->inf);
    exchange_stream_write(turn->ex, buf_str(out));
}

static bool too_late(struct turn *turn, int64_t now)
{
    const struct inference_settings *s = &turn->inf->config.settings;
    char words[128];

    if (turn->phase == TURN_WAITING && now - turn->begun_ms >= s->wait_ms) {
        snprintf(words, sizeof words, "it waited %lld s and could not be started",
            (long long)(now - turn->begun_ms) / 1000);
        turn_fail(turn, 504, "wait_too_long", words, 0, true);
        return true;
    }
    if (turn->phase == TURN_RUNNING && now - turn->started_ms >= s->run_ms) {
        turn_fail(turn, 503, "engine_failed", "it ran longer than this node allows", 0, false);
        return true;
    }
    return false;
}

void hold_fire(struct wheel_entry *entry)
{
    struct turn *turn = (struct turn *)((char *)entry - offsetof(struct turn, timer));
    const struct inference_settings *s = &turn->inf->config.settings;
    int64_t now = inference_now(turn->inf);

    if (ground_late(turn) || too_late(turn, now))
        return;
    if (turn->dialect != OPENAI_OFF) {
        if (!turn->begun && now - turn->begun_ms >= s->grace_ms) {
            turn->inf->counts.held++;
            keep_body(turn);
            tell_begin(turn, true);
            beat(turn);
        } else if (turn->begun && now - turn->last_ms >= s->keepalive_ms) {
            beat(turn);
        }
    }
    hold_arm(turn);
}
