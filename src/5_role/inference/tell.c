/* SPDX-License-Identifier: Apache-2.0
 *
 * What a caller is told: heads, whole replies, errors, in its own language and whatever was said
 * before. */
#include "inference/turn.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>

#define FIELDS_MAX 10
#define NUMBER_BYTES 24
#define ERROR_BYTES_MAX 4096

struct fields {
    struct http_field list[FIELDS_MAX];
    size_t count;
    char text[4][NUMBER_BYTES];
};

static void add(struct fields *f, struct str name, struct str value)
{
    if (value.len && f->count < FIELDS_MAX)
        f->list[f->count++] = (struct http_field){name, value};
}

static void add_number(struct fields *f, size_t slot, struct str name, int64_t number)
{
    int len = snprintf(f->text[slot], NUMBER_BYTES, "%lld", (long long)number);

    add(f, name, (struct str){f->text[slot], (size_t)len});
}

static void add_where(const struct turn *turn, struct fields *f)
{
    add(f, S("X-Request-Id"), str_from(turn->request_id));
    if (turn->pool >= 0)
        add(f, S("X-Logic-Pool"), str_from(turn->inf->pools[turn->pool].name));
}

/* Common clients wait as Retry-After says, or as retry-after-ms says more exactly. */
static void add_retry(struct fields *f, const struct trouble *trouble)
{
    bool retry =
        !trouble->hopeless && (openai_code_heals(trouble->code) || trouble->retry_after_ms);

    add(f, S("x-should-retry"), retry ? S("true") : S("false"));
    if (!retry)
        return;
    int64_t ms = trouble->retry_after_ms ? trouble->retry_after_ms : 1000;
    add_number(f, 0, S("Retry-After"), (ms + 999) / 1000);
    add_number(f, 1, S("retry-after-ms"), ms);
}

static int status_of(const struct trouble *trouble)
{
    return trouble->status ? trouble->status : openai_code_status(trouble->code);
}

static void write_error(const struct trouble *trouble, bool ollama, bool frame, struct buf *out)
{
    const struct openai_error error = {.code = trouble->code,
        .message = trouble->message,
        .param = trouble->param,
        .code_word = trouble->code_word,
        .retry_after_ms = trouble->hopeless ? 0 : trouble->retry_after_ms};

    if (ollama)
        ollama_error_write(trouble->message, out);
    else if (frame)
        openai_error_frame(&error, out);
    else
        openai_error_write(&error, out);
}

void tell_refused(
    struct exchange *ex, bool ollama, const struct trouble *trouble, const char *request_id)
{
    scoped(buf_done) struct buf body = buf_of(ERROR_BYTES_MAX);
    struct fields f = {0};
    int status = status_of(trouble);

    add(&f, S("X-Request-Id"), str_from(request_id));
    add_retry(&f, trouble);
    if (status == 401)
        add(&f, S("WWW-Authenticate"), S("Bearer"));
    write_error(trouble, ollama, false, &body);
    exchange_reply(ex, status, S("application/json"), f.list, f.count, buf_str(&body));
}

void tell_trouble(struct turn *turn, const struct trouble *trouble)
{
    bool ollama = ask_is_ollama(turn->route), frame = turn->stream;

    turn->status = status_of(trouble);
    if (!turn->begun) {
        tell_refused(turn->ex, ollama, trouble, turn->request_id);
    } else {
        scoped(buf_done) struct buf out = buf_of(ERROR_BYTES_MAX);
        write_error(trouble, ollama, frame, &out);
        exchange_stream_write(turn->ex, buf_str(&out));
        /* an error in a stream is a frame that clients raise on; a whole answer whose 200 went out
         * early has no such frame: only a torn connection raises there */
        if (frame)
            exchange_stream_end(turn->ex);
        else
            exchange_stream_abort(turn->ex);
    }
    turn_end(turn);
}

static struct str content_type(const struct turn *turn)
{
    if (!turn->stream)
        return S("application/json");
    return turn->ollama ? S("application/x-ndjson") : S("text/event-stream");
}

void tell_begin(struct turn *turn, bool held)
{
    struct fields f = {0};
    int position = 0;
    int64_t eta_ms = -1;

    add_where(turn, &f);
    add(&f, S("Cache-Control"), S("no-cache"));
    add(&f, S("X-Accel-Buffering"), S("no"));
    if (held) {
        add(&f, S("X-Logic-Stage"), str_from(hold_stage(turn, &eta_ms, &position)));
        if (eta_ms >= 0)
            add_number(&f, 0, S("X-Logic-Eta-Ms"), eta_ms);
        if (position > 0)
            add_number(&f, 1, S("X-Queue-Position"), position);
    }
    turn->begun = true;
    turn->held = held;
    exchange_stream_begin(turn->ex, 200, content_type(turn), f.list, f.count);
    exchange_on_drained(turn->ex, serve_drained);
}

void tell_whole(struct turn *turn, struct str body)
{
    struct fields f = {0};

    turn->status = 200;
    if (turn->begun) {
        exchange_stream_write(turn->ex, body);
        exchange_stream_end(turn->ex);
    } else {
        add_where(turn, &f);
        exchange_reply(turn->ex, 200,
            turn->ollama && turn->stream ? S("application/x-ndjson") : S("application/json"),
            f.list, f.count, body);
    }
    turn_end(turn);
}
