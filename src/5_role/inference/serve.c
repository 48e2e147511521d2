/* SPDX-License-Identifier: Apache-2.0
 *
 * The engine's reply on its way to the caller. Streams go through frame by frame without being
 * kept; a whole reply is sent when it is whole; what ends too early looks broken, never like an
 * end. */
#include "inference/turn.h"

#include "base/scoped.h"

#include <stdio.h>
#include <stdlib.h>

#define ENGINE_WORDS_BYTES 400
#define QUEUED_BYTES_MAX 65536 /* a caller that is further behind makes the engine wait */

static void end_turn(struct turn *turn)
{
    turn->call = NULL;
    turn->status = 200;
    turn_end(turn);
}

/* --- streams ------------------------------------------------------------------------------------
 */

static struct ollama_moment moment_of(const struct turn *turn)
{
    int64_t now = inference_now(turn->inf);

    return (struct ollama_moment){.now_ms = identity_clock().civil_ms,
        .load_ns = (turn->started_ms - turn->begun_ms) * 1000000,
        .total_ns = (now - turn->begun_ms) * 1000000};
}

static void trouble_of_engine(struct turn *turn, enum openai_code code, const char *message)
{
    tell_trouble(turn, &(struct trouble){.code = code, .message = str_from(message)});
}

static bool write_ollama(struct turn *turn, struct str frames)
{
    struct buf *out = &turn->inf->scratch;
    struct ollama_moment moment = moment_of(turn);
    struct err err;

    buf_clear(out);
    if (!ollama_stream_read(&turn->ollama->stream, frames, &moment, out, &err)) {
        trouble_of_engine(turn, OPENAI_ENGINE_FAILED, err.message);
        return false;
    }
    exchange_stream_write(turn->ex, buf_str(out));
    return true;
}

bool serve_write(struct turn *turn, struct str frames)
{
    if (turn->ollama)
        return write_ollama(turn, frames);
    exchange_stream_write(turn->ex, frames);
    return true;
}

/* false: the turn is over. */
static bool write_frames(struct turn *turn, struct str frames)
{
    if (!frames.len)
        return true;
    turn->last_ms = inference_now(turn->inf);
    return turn->ground ? ground_write(turn, frames) : serve_write(turn, frames);
}

static bool feed(struct turn *turn, struct str bytes)
{
    struct str frames;
    struct err err;
    size_t taken;

    while (bytes.len) {
        if (!openai_stream_read(&turn->filter, bytes, &taken, &frames, &err)) {
            enum openai_code code = OPENAI_ENGINE_FAILED;
            (void)openai_code_from(str_from(err.code), &code);
            trouble_of_engine(turn, code, err.message);
            return false;
        }
        if (!write_frames(turn, frames))
            return false;
        bytes = (struct str){bytes.at + taken, bytes.len - taken};
    }
    if (!turn->filter.failed)
        return true;
    trouble_of_engine(turn, OPENAI_ENGINE_FAILED,
        *turn->filter.failure ? turn->filter.failure
                              : "the engine reported an error without words");
    return false;
}

static void end_stream(struct turn *turn)
{
    struct str frames;

    openai_stream_end(&turn->filter, &frames);
    if (!write_frames(turn, frames))
        return;
    if (!turn->filter.done) {
        trouble_of_engine(turn, OPENAI_UPSTREAM_ENDED,
            "the engine's stream ended before it was complete; what came until here is a part");
        return;
    }
    exchange_stream_end(turn->ex);
    end_turn(turn);
}

static void begin_stream(struct turn *turn)
{
    if (!turn->begun)
        tell_begin(turn, false);
    free(turn->own_body); /* the engine has it */
    turn->own_body = NULL;
    exchange_holds(turn->ex, 0);
    turn->reply = REPLY_STREAM;
    openai_stream_init(&turn->filter, turn->include_usage || turn->ollama, OPENAI_EVENT_BYTES_MAX);
    if (turn->ollama && !turn->ollama->streaming) {
        turn->ollama->streaming = true;
        ollama_stream_init(&turn->ollama->stream, &turn->ollama->request);
    }
    if (turn->ground)
        ground_begin(turn);
}

/* --- whole replies
 * -------------------------------------------------------------------------------- */

static void whole_ollama(struct turn *turn, struct str body)
{
    struct buf out = buf_of((size_t)turn->inf->config.settings.reply_bytes_max);
    struct ollama_moment moment = moment_of(turn);
    struct err err;

    if (ollama_reply_write(&turn->ollama->request, body, &moment, &out, &turn->usage, &err))
        tell_whole(turn, buf_str(&out));
    else
        trouble_of_engine(turn, OPENAI_ENGINE_FAILED, err.message);
    buf_done(&out);
}

static void whole(struct turn *turn, struct str body)
{
    scoped(buf_done) struct buf grounded =
        buf_of((size_t)turn->inf->config.settings.reply_bytes_max);
    struct err err;
    size_t at = 0;

    while (at < body.len && (body.at[at] == ' ' || body.at[at] == '\n' || body.at[at] == '\r'))
        at++;
    if (at == body.len || body.at[at] != '{') { /* a proxy's page, say */
        trouble_of_engine(
            turn, OPENAI_ENGINE_FAILED, "the engine answered something that is no JSON object");
        return;
    }
    if (turn->ground && !ground_whole(turn, body, &grounded, &err)) {
        trouble_of_engine(turn, OPENAI_ENGINE_FAILED, err.message);
        return;
    }
    if (turn->ground)
        body = buf_str(&grounded);
    if (turn->ollama) {
        whole_ollama(turn, body);
        return;
    }
    (void)openai_usage_read(body, &turn->usage);
    tell_whole(turn, body);
}

/* --- refusals of the engine
 * -------------------------------------------------------------------------- */

static bool says(struct str body, const char *word)
{
    return memmem(body.at, body.len, word, strlen(word));
}

/* Not ready, another model: not this request's fault. */
static bool not_there(int status, struct str body)
{
    return status == 502 || (status == 409 && says(body, "other_model")) ||
           (status == 503 && (says(body, "pool_not_ready") || says(body, "Loading model")));
}

static void engine_refused(struct turn *turn, int status, struct str body)
{
    char words[ENGINE_WORDS_BYTES], message[ENGINE_WORDS_BYTES + 64];
    size_t len = 0;
    struct trouble trouble = {.code = OPENAI_ENGINE_FAILED};

    if (!openai_failure_read(body, sizeof words - 1, words, &len))
        len = (size_t)snprintf(words, sizeof words, "it answered %d without saying why", status);
    words[len] = '\0';
    if (not_there(status, body)) {
        turn_again(turn, words);
        return;
    }
    if (says(body, "exceed_context_size_error"))
        trouble.code = OPENAI_CONTEXT_LENGTH_EXCEEDED;
    else if (status == 400 || status == 404 || status == 413 || status == 422 || status == 501) {
        trouble.code = OPENAI_INVALID_REQUEST;
        trouble.status = status;
    }
    snprintf(message, sizeof message, "%s%s",
        trouble.code == OPENAI_ENGINE_FAILED ? "the engine failed: " : "", words);
    trouble.message = str_from(message);
    tell_trouble(turn, &trouble);
}

/* --- hooks
 * ------------------------------------------------------------------------------------------------
 */

static bool is_stream(const struct http_reply *reply)
{
    return str_starts(http_reply_field(reply, S("Content-Type")), S("text/event-stream"));
}

static void on_whole(
    struct upstream_call *call, const struct http_reply *reply, struct str body, void *user)
{
    struct turn *turn = user;

    (void)call;
    turn->call = NULL;
    if (reply->status != 200)
        engine_refused(turn, reply->status, body);
    else if (turn->stream && is_stream(reply)) {
        begin_stream(turn);
        if (feed(turn, body))
            end_stream(turn);
    } else {
        whole(turn, body);
    }
}

static void on_head(struct upstream_call *call, const struct http_reply *reply, void *user)
{
    struct turn *turn = user;

    (void)call;
    turn->status = reply->status;
    if (reply->status != 200)
        turn->reply = REPLY_ERROR;
    else if (turn->stream && is_stream(reply))
        begin_stream(turn);
    else
        turn->reply = REPLY_WHOLE;
}

static void on_body(struct upstream_call *call, struct str bytes, void *user)
{
    struct turn *turn = user;

    if (turn->reply == REPLY_STREAM) {
        if (!feed(turn, bytes))
            return;
        if (exchange_stream_queued(turn->ex) > QUEUED_BYTES_MAX) {
            turn->paused = true;
            upstream_pause(call);
        }
        return;
    }
    buf_add(&turn->whole, bytes);
    if (turn->whole.overflowed)
        trouble_of_engine(
            turn, OPENAI_ENGINE_FAILED, "the engine's answer is longer than this node takes");
}

static void on_end(struct upstream_call *call, const struct upstream_end *end, void *user)
{
    struct turn *turn = user;

    (void)call;
    turn->call = NULL;
    if (end->how != UPSTREAM_WHOLE) {
        if (!end->began && (end->how == UPSTREAM_REFUSED || !end->sent))
            turn_again(turn, end->err->message);
        else
            trouble_of_engine(turn,
                turn->reply == REPLY_STREAM ? OPENAI_UPSTREAM_ENDED : OPENAI_ENGINE_FAILED,
                end->err->message);
        return;
    }
    if (turn->reply == REPLY_STREAM)
        end_stream(turn);
    else if (turn->reply == REPLY_ERROR)
        engine_refused(turn, turn->status, buf_str(&turn->whole));
    else
        whole(turn, buf_str(&turn->whole));
}

const struct upstream_hooks SERVE_HOOKS = {on_whole, on_head, on_body, on_end};

void serve_drained(struct exchange *ex, void *data)
{
    struct turn *turn = data;

    (void)ex;
    if (turn->paused && turn->call)
        upstream_resume(turn->call);
    turn->paused = false;
}
