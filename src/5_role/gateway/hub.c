/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/hub.h"

#include "base/buf.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "sse/sse.h"
#include "json/json_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define WHO_WE_ARE "{\"principal\":\"node:gateway\",\"channel\":\"internal\"}"
#define HELLO "retry: 2000\n: events follow\n\n"
#define REPLAY_PAGE_BYTES_MAX (2 * MESSAGE_BYTES_MAX)

struct subscriber {
    struct hub *hub;
    struct exchange *ex;
    struct subscriber *next;
    int64_t last_seq; /* -1: whatever comes next */
    int64_t replayed;
    bool replaying;
    struct link_call *call;
};

static const char *const FIELDS[] = {"seq", "kind", "case", "at", "body"};

/* The same bytes whether the entry came live or out of the ledger. */
static void write_event(const json_t *entry, struct buf *out)
{
    scoped(json_done) json_t *data = json_object();
    scoped(buf_done) struct buf text = buf_of(MESSAGE_BYTES_MAX);
    char id[24];
    struct err err;

    for (size_t i = 0; i < COUNT(FIELDS); i++)
        json_object_set(data, FIELDS[i], json_object_get(entry, FIELDS[i]));
    if (!json_plain(data, &text, &err))
        return; /* longer than a message: there is none */
    snprintf(id, sizeof id, "%" PRId64, message_int(entry, "seq"));
    const struct sse_event event = {
        .id = str_from(id), .event = str_from(message_text(entry, "kind")), .data = buf_str(&text)};
    (void)sse_encode(&event, out, &err);
}

/* --- live -------------------------------------------------------------------------------- */

static void deliver(struct hub *hub, const json_t *entry)
{
    scoped(buf_done) struct buf text = buf_of(REPLAY_PAGE_BYTES_MAX);
    int64_t seq = message_int(entry, "seq");
    struct shared_bytes *bytes = NULL;

    hub->last_seq = seq;
    for (struct subscriber *s = hub->first; s; s = s->next) {
        if (s->replaying || seq <= s->last_seq)
            continue;
        if (!bytes) {
            write_event(entry, &text);
            bytes = shared_bytes_make(buf_str(&text));
        }
        s->last_seq = seq;
        (void)exchange_stream_share(
            s->ex, bytes); /* dropped if it was too far behind: on_gone follows */
    }
    shared_bytes_drop(&bytes);
}

static bool ask_page(struct hub *hub, int64_t after,
    void (*answered)(void *owner, json_t *body, const struct err *why), void *owner,
    struct link_call **ret_call)
{
    char body[96];
    struct err err;

    snprintf(body, sizeof body, "{\"after\":%" PRId64 ",\"limit\":%" PRId64 "}",
        after < 0 ? 0 : after, hub->limits.replay_page);
    const struct link_request request = {.method = S("ledger"),
        .who = S(WHO_WE_ARE),
        .body = str_from(body),
        .pace = LINK_FAST,
        .answered = answered,
        .owner = owner};
    return link_ask(hub->link, &request, ret_call, &err);
}

static void catch_up(struct hub *hub);

static void on_missed(void *owner, json_t *body, const struct err *why)
{
    struct hub *hub = owner;
    const json_t *entries = json_object_get(body, "entries");
    json_t *entry;
    size_t i;

    hub->catching_up = false;
    if (why)
        return; /* the next event shows the gap again */
    json_array_foreach(entries, i, entry) if (message_int(entry, "seq") > hub->last_seq)
        deliver(hub, entry);
    if (json_array_size(entries) == 0 && hub->last_seq < hub->seen_seq)
        hub->last_seq = hub->seen_seq;
    if (message_true(body, "more") || hub->last_seq < hub->seen_seq)
        catch_up(hub);
}

static void catch_up(struct hub *hub)
{
    struct link_call *call;

    if (!hub->count) { /* nobody listens: nobody misses anything */
        hub->last_seq = hub->seen_seq;
        return;
    }
    hub->catching_up = ask_page(hub, hub->last_seq, on_missed, hub, &call);
}

void hub_event(struct hub *hub, json_t *message)
{
    int64_t seq = message_int(message, "seq");

    if (seq > hub->seen_seq)
        hub->seen_seq = seq;
    if (hub->catching_up || seq <= hub->last_seq)
        return;
    if (hub->last_seq >= 0 && seq > hub->last_seq + 1)
        catch_up(hub);
    else
        deliver(hub, message);
}

void hub_joined(struct hub *hub)
{
    if (hub->last_seq >= 0 && !hub->catching_up)
        catch_up(hub);
}

/* --- replay ------------------------------------------------------------------------------- */

static void unlink_subscriber(struct subscriber *s)
{
    struct hub *hub = s->hub;

    for (struct subscriber **at = &hub->first; *at; at = &(*at)->next)
        if (*at == s) {
            *at = s->next;
            break;
        }
    if (s->call)
        link_forget(s->call);
    if (--hub->count == 0)
        uv_timer_stop(hub->heartbeat);
    free(s);
}

static void end_stream(struct subscriber *s)
{
    struct exchange *ex = s->ex;

    unlink_subscriber(s);
    exchange_stream_end(ex);
}

static void on_stream_gone(struct exchange *ex, void *data)
{
    struct subscriber *s = data;

    (void)ex;
    s->hub->left++;
    end_stream(s);
}

static void replay(struct subscriber *s);

/* The last page was read: from here on live. */
static void go_live(struct subscriber *s, bool page_was_empty)
{
    struct hub *hub = s->hub;

    s->replaying = false;
    if (page_was_empty)
        s->last_seq = hub->last_seq; /* also for one that claims to be ahead of the ledger */
}

static void on_page(void *owner, json_t *body, const struct err *why)
{
    struct subscriber *s = owner;
    scoped(buf_done) struct buf text = buf_of(REPLAY_PAGE_BYTES_MAX);
    const json_t *entries = json_object_get(body, "entries");
    json_t *entry;
    size_t i;

    s->call = NULL;
    if (why) {
        end_stream(s); /* the client comes back with what it has */
        return;
    }
    json_array_foreach(entries, i, entry)
    {
        int64_t seq = message_int(entry, "seq");
        if (seq <= s->last_seq)
            continue;
        write_event(entry, &text);
        s->last_seq = seq;
        s->replayed++;
    }
    if (text.len && !exchange_stream_write(s->ex, buf_str(&text)))
        return; /* on_gone follows */
    bool empty = json_array_size(entries) == 0;
    bool behind = message_true(body, "more") || s->last_seq < s->hub->last_seq;
    if (empty || !behind)
        go_live(s, empty);
    else if (s->replayed >= s->hub->limits.replay_max)
        end_stream(s);
    else if (exchange_stream_queued(s->ex) <= (size_t)s->hub->limits.resume_bytes)
        replay(s); /* else on_drained goes on */
}

static void replay(struct subscriber *s)
{
    if (!ask_page(s->hub, s->last_seq, on_page, s, &s->call))
        end_stream(s);
}

static void on_drained(struct exchange *ex, void *data)
{
    struct subscriber *s = data;

    (void)ex;
    if (s->replaying && !s->call)
        replay(s);
}

/* --- coming and going ----------------------------------------------------------------------- */

static void on_heartbeat(uv_timer_t *timer)
{
    struct hub *hub = timer->data;
    scoped(buf_done) struct buf text = buf_of(64);

    sse_encode_comment(S("beat"), &text);
    struct shared_bytes *bytes = shared_bytes_make(buf_str(&text));
    for (struct subscriber *s = hub->first; s; s = s->next)
        (void)exchange_stream_share(s->ex, bytes);
    shared_bytes_drop(&bytes);
}

bool hub_subscribe(struct hub *hub, struct exchange *ex, int64_t after, struct err *err)
{
    static const struct http_field FIELDS_OUT[] = {{S("Cache-Control"), S("no-store")},
        {S("X-Content-Type-Options"), S("nosniff")}, {S("X-Accel-Buffering"), S("no")}};

    if (hub->count >= hub->limits.subscribers_max)
        return err_code(err, ERR_LIMIT, "too_many_streams", NULL,
            "%" PRId64 " event streams are open, which is the limit; close one or try later",
            hub->count);
    struct subscriber *s = calloc(1, sizeof *s);
    check(s);
    *s = (struct subscriber){.hub = hub,
        .ex = ex,
        .next = hub->first,
        .last_seq = after < 0 ? hub->last_seq : after,
        .replaying = after >= 0};
    hub->first = s;
    if (hub->count++ == 0)
        uv_timer_start(hub->heartbeat, on_heartbeat, (uint64_t)hub->limits.heartbeat_ms,
            (uint64_t)hub->limits.heartbeat_ms);
    exchange_set_data(ex, s);
    exchange_on_gone(ex, on_stream_gone);
    exchange_on_drained(ex, on_drained);
    exchange_stream_begin(ex, 200, S("text/event-stream"), FIELDS_OUT, COUNT(FIELDS_OUT));
    (void)exchange_stream_write(ex, S(HELLO));
    if (s->replaying)
        replay(s);
    return true;
}

void hub_init(struct hub *hub, uv_loop_t *loop, struct link *link, const struct hub_limits *limits)
{
    *hub = (struct hub){.loop = loop,
        .link = link,
        .limits = *limits,
        .last_seq = -1,
        .seen_seq = -1,
        .heartbeat = calloc(1, sizeof(uv_timer_t))};
    check(hub->heartbeat && uv_timer_init(loop, hub->heartbeat) == 0);
    hub->heartbeat->data = hub;
}

static void on_timer_closed(uv_handle_t *handle)
{
    free(handle);
}

void hub_end_all(struct hub *hub)
{
    while (hub->first)
        end_stream(hub->first);
}

void hub_done(struct hub *hub)
{
    hub_end_all(hub);
    uv_close((uv_handle_t *)hub->heartbeat, on_timer_closed);
    *hub = (struct hub){0};
}
