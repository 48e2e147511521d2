/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/hub.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "gateway/brief.h"
#include "sse/sse.h"
#include "json/json_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define WHO_WE_ARE "{\"principal\":\"node:gateway\",\"channel\":\"internal\"}"
#define HELLO "retry: 2000\n: events follow\n\n"
#define REPLAY_PAGE_BYTES_MAX (2 * MESSAGE_BYTES_MAX)
#define REMARK_BYTES_MAX 1024
#define LEDGER HUB_KINDS /* the kind of an entry */
#define WISHES (1 << HUB_KINDS)

static const char *const NAMES[HUB_KINDS] = {
    [HUB_STAGE] = "stage", [HUB_QUEUE] = "queue", [HUB_HOUSE] = "house"};

struct subscriber {
    struct hub *hub;
    struct exchange *ex;
    struct subscriber *next, *before;
    int64_t last_seq; /* -1: whatever comes next */
    int64_t replayed;
    bool replaying;
    enum hub_form form;
    unsigned kinds;            /* HUB_BIT()s */
    uint64_t since[HUB_KINDS]; /* items of a kind before this serial are not for it */
    const struct hub_hooks *hooks;
    void *owner;
    struct link_call *call;
    char session[SESSION_NAME_BYTES]; /* "": none */
    char *token;                      /* NULL: none */
    bool sees_queue;
};

/* One entry or live event; its bytes begin where those of the item before it end. */
struct hub_item {
    uint64_t serial;
    int64_t seq; /* 0: live */
    unsigned kind;
    size_t end[HUB_FORMS];
};

static const char *const FIELDS[] = {"seq", "kind", "case", "at", "body"};

/* The same bytes whether the entry came live or out of the ledger. */
static void write_event(const json_t *entry, enum hub_form form, struct buf *out)
{
    scoped(json_done) json_t *data = json_object();
    scoped(buf_done) struct buf text = buf_of(MESSAGE_BYTES_MAX);
    const char *kind = message_text(entry, "kind");
    char id[24];
    struct err err;

    for (size_t i = 0; i < COUNT(FIELDS); i++)
        json_object_set(data, FIELDS[i], json_object_get(entry, FIELDS[i]));
    if (form == HUB_BRIEF)
        json_object_set_new(data, "body", brief_body(kind, json_object_get(entry, "body")));
    if (!json_plain(data, &text, &err))
        return; /* longer than a message: there is none */
    snprintf(id, sizeof id, "%" PRId64, message_int(entry, "seq"));
    const struct sse_event event = {
        .id = str_from(id), .event = str_from(kind), .data = buf_str(&text)};
    (void)sse_encode(&event, out, &err);
}

static void write_live(enum hub_kind kind, struct str data, struct buf *out)
{
    const struct sse_event event = {.event = str_from(NAMES[kind]), .data = data};
    struct err err;

    (void)sse_encode(&event, out, &err);
}

/* --- gathered, and written together ------------------------------------------------------- */

static bool is_for(const struct subscriber *s, const struct hub_item *item)
{
    if (item->kind == LEDGER)
        return item->seq > s->last_seq;
    return s->kinds & HUB_BIT(item->kind) && item->serial >= s->since[item->kind];
}

/* Would all that is gathered be for it, but for kinds that it does not get? */
static bool has_all_to_come(const struct hub *hub, const struct subscriber *s)
{
    for (size_t i = 0; i < hub->item_count; i++) {
        const struct hub_item *item = &hub->items[i];
        bool wished = item->kind == LEDGER || s->kinds & HUB_BIT(item->kind);
        if (wished && !is_for(s, item))
            return false;
    }
    return true;
}

/* What of the gathered is for `s`; NULL: for whoever gets `kinds`. */
static void collect(const struct hub *hub, enum hub_form form, unsigned kinds,
    const struct subscriber *s, struct buf *out)
{
    const struct buf *text = &hub->gathered[form];
    size_t from = 0;

    buf_clear(out);
    for (size_t i = 0; i < hub->item_count; from = hub->items[i++].end[form]) {
        const struct hub_item *item = &hub->items[i];
        bool fits = s ? is_for(s, item) : item->kind == LEDGER || kinds & HUB_BIT(item->kind);
        if (fits && item->end[form] > from)
            buf_add(out, (struct str){text->at + from, item->end[form] - from});
    }
}

/* Bytes that are the same for all who wish the same. */
struct together {
    struct shared_bytes *bytes[HUB_FORMS][WISHES];
    bool made[HUB_FORMS][WISHES];
    struct buf text;
};

static void write_gathered(struct hub *hub, struct subscriber *s, struct together *all)
{
    if (!has_all_to_come(hub, s)) { /* it came in the pause */
        collect(hub, s->form, s->kinds, s, &all->text);
        hub->written += all->text.len > 0;
        if (all->text.len)
            (void)exchange_stream_write(s->ex, buf_str(&all->text));
        return;
    }
    struct shared_bytes **bytes = &all->bytes[s->form][s->kinds];
    if (!all->made[s->form][s->kinds]) {
        all->made[s->form][s->kinds] = true;
        collect(hub, s->form, s->kinds, NULL, &all->text);
        *bytes = all->text.len ? shared_bytes_make(buf_str(&all->text)) : NULL;
    }
    hub->written += *bytes != NULL;
    if (*bytes) /* dropped if it was too far behind: on_gone follows */
        (void)exchange_stream_share(s->ex, *bytes);
}

static void write_together(struct hub *hub)
{
    struct together all = {.text = buf_of(SIZE_MAX)};

    for (struct subscriber *s = hub->first; hub->item_count && s; s = s->next) {
        if (s->replaying)
            continue;
        write_gathered(hub, s, &all);
        if (s->last_seq < hub->last_seq)
            s->last_seq = hub->last_seq;
    }
    for (size_t i = 0; i < HUB_FORMS; i++) {
        buf_clear(&hub->gathered[i]);
        for (size_t k = 0; k < WISHES; k++)
            shared_bytes_drop(&all.bytes[i][k]);
    }
    buf_done(&all.text);
    hub->item_count = 0;
}

static void on_pause(uv_timer_t *timer)
{
    struct hub *hub = timer->data;

    hub->pausing = hub->item_count > 0;
    write_together(hub);
    if (hub->pausing)
        uv_timer_start(timer, on_pause, (uint64_t)hub->limits.pause_ms, 0);
}

/* What comes in one turn of the loop, such as the entries of one case, goes out in one write. */
static void gathered(struct hub *hub)
{
    size_t bytes = hub->gathered[HUB_FULL].len + hub->gathered[HUB_BRIEF].len;

    if (hub->item_count == HUB_ITEMS_MAX || bytes >= (size_t)hub->limits.gather_bytes_max)
        write_together(hub);
    if (hub->pausing)
        return;
    hub->pausing = true;
    uv_timer_start(hub->pause, on_pause, 0, 0);
}

static struct hub_item *add_item(struct hub *hub, unsigned kind, int64_t seq)
{
    struct hub_item *item = &hub->items[hub->item_count++];

    *item = (struct hub_item){.serial = hub->serial++, .seq = seq, .kind = kind};
    return item;
}

static void deliver(struct hub *hub, const json_t *entry)
{
    hub->last_seq = message_int(entry, "seq");
    if (!hub->forms[HUB_FULL] && !hub->forms[HUB_BRIEF])
        return;
    struct hub_item *item = add_item(hub, LEDGER, hub->last_seq);
    for (size_t i = 0; i < HUB_FORMS; i++) {
        if (hub->forms[i])
            write_event(entry, (enum hub_form)i, &hub->gathered[i]);
        item->end[i] = hub->gathered[i].len;
    }
    gathered(hub);
}

/* --- the ledger ---------------------------------------------------------------------------- */

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
    json_array_foreach (entries, i, entry)
        if (message_int(entry, "seq") > hub->last_seq)
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

    if (s->before)
        s->before->next = s->next;
    else
        hub->first = s->next;
    if (s->next)
        s->next->before = s->before;
    if (s->call)
        link_forget(s->call);
    if (!s->replaying)
        hub->forms[s->form]--;
    if (--hub->count == 0)
        uv_timer_stop(hub->heartbeat);
    if (s->hooks && s->hooks->left)
        s->hooks->left(s->owner);
    free(s->token);
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

/* From here on live; what is gathered already it has from its pages, by the number of each entry.
 */
static void go_live(struct subscriber *s)
{
    s->replaying = false;
    s->hub->forms[s->form]++;
    if (s->hooks && s->hooks->live)
        s->hooks->live(s->owner, s);
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
    json_array_foreach (entries, i, entry) {
        int64_t seq = message_int(entry, "seq");
        if (seq <= s->last_seq)
            continue;
        write_event(entry, s->form, &text);
        s->last_seq = seq;
        s->replayed++;
    }
    if (text.len && !exchange_stream_write(s->ex, buf_str(&text)))
        return; /* on_gone follows */
    bool empty = json_array_size(entries) == 0;
    bool behind = message_true(body, "more") || s->last_seq < s->hub->last_seq;
    if (empty) /* also for one that claims to be ahead of the ledger */
        s->last_seq = s->hub->last_seq;
    if (empty || !behind)
        go_live(s);
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

void hub_end_session(struct hub *hub, const char *session)
{
    for (struct subscriber *next, *s = hub->first; s; s = next) {
        next = s->next;
        if (strcmp(s->session, session) == 0)
            end_stream(s);
    }
}

static bool may_stay(const struct hub *hub, const struct subscriber *s)
{
    return (!*s->session || !hub->session_lives ||
               hub->session_lives(hub->owner, s->session, s->sees_queue)) &&
           (!s->token || !hub->token_lives ||
               hub->token_lives(hub->token_owner, s->token, s->sees_queue));
}

static void end_dead_ones(struct hub *hub)
{
    for (struct subscriber *next, *s = hub->first; s; s = next) {
        next = s->next;
        if (!may_stay(hub, s))
            end_stream(s);
    }
}

static void on_heartbeat(uv_timer_t *timer)
{
    struct hub *hub = timer->data;
    scoped(buf_done) struct buf text = buf_of(64);

    end_dead_ones(hub);
    sse_encode_comment(S("beat"), &text);
    struct shared_bytes *bytes = shared_bytes_make(buf_str(&text));
    for (struct subscriber *s = hub->first; s; s = s->next)
        (void)exchange_stream_share(s->ex, bytes);
    shared_bytes_drop(&bytes);
}

bool hub_subscribe(
    struct hub *hub, struct exchange *ex, const struct hub_client *client, struct err *err)
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
        .last_seq = client->after < 0 ? hub->last_seq : client->after,
        .replaying = true,
        .form = client->form,
        .hooks = client->hooks,
        .owner = client->owner,
        .sees_queue = client->sees_queue};
    snprintf(s->session, sizeof s->session, "%s", client->session ? client->session : "");
    s->token = client->token && *client->token ? str_dup(str_from(client->token)) : NULL;
    if (hub->first)
        hub->first->before = s;
    hub->first = s;
    if (hub->count++ == 0)
        uv_timer_start(hub->heartbeat, on_heartbeat, (uint64_t)hub->limits.heartbeat_ms,
            (uint64_t)hub->limits.heartbeat_ms);
    exchange_set_data(ex, s);
    exchange_on_gone(ex, on_stream_gone);
    exchange_on_drained(ex, on_drained);
    exchange_stream_begin(ex, 200, S("text/event-stream"), FIELDS_OUT, COUNT(FIELDS_OUT));
    (void)exchange_stream_write(ex, S(HELLO));
    if (client->after >= 0)
        replay(s);
    else
        go_live(s);
    return true;
}

static uv_timer_t *make_timer(struct hub *hub)
{
    uv_timer_t *timer = calloc(1, sizeof *timer);

    check(timer && uv_timer_init(hub->loop, timer) == 0);
    timer->data = hub;
    return timer;
}

void hub_init(struct hub *hub, uv_loop_t *loop, struct link *link, const struct hub_limits *limits)
{
    *hub = (struct hub){.loop = loop,
        .link = link,
        .limits = *limits,
        .last_seq = -1,
        .seen_seq = -1,
        .items = calloc(HUB_ITEMS_MAX, sizeof(struct hub_item))};
    check(hub->items);
    hub->heartbeat = make_timer(hub);
    hub->pause = make_timer(hub);
    for (size_t i = 0; i < HUB_FORMS; i++)
        hub->gathered[i] = buf_of((size_t)limits->gather_bytes_max + REPLAY_PAGE_BYTES_MAX);
}

static void on_timer_closed(uv_handle_t *handle)
{
    free(handle);
}

void hub_end_all(struct hub *hub)
{
    write_together(hub);
    while (hub->first)
        end_stream(hub->first);
}

void hub_done(struct hub *hub)
{
    hub_end_all(hub);
    uv_close((uv_handle_t *)hub->heartbeat, on_timer_closed);
    uv_close((uv_handle_t *)hub->pause, on_timer_closed);
    for (size_t i = 0; i < HUB_FORMS; i++)
        buf_done(&hub->gathered[i]);
    free(hub->items);
    *hub = (struct hub){0};
}

/* --- what is live ---------------------------------------------------------------------------- */

void hub_grant(struct subscriber *s, enum hub_kind kind, bool gets)
{
    s->kinds = gets ? s->kinds | HUB_BIT(kind) : s->kinds & ~HUB_BIT(kind);
    s->since[kind] = s->hub->serial;
}

void hub_push(struct hub *hub, enum hub_kind kind, struct str data)
{
    if (!hub->forms[HUB_FULL] && !hub->forms[HUB_BRIEF])
        return;
    struct hub_item *item = add_item(hub, kind, 0);
    for (size_t i = 0; i < HUB_FORMS; i++) {
        if (hub->forms[i])
            write_live(kind, data, &hub->gathered[i]);
        item->end[i] = hub->gathered[i].len;
    }
    gathered(hub);
}

void hub_tell(struct subscriber *s, enum hub_kind kind, struct str data)
{
    scoped(buf_done) struct buf text = buf_of(REPLAY_PAGE_BYTES_MAX);

    write_live(kind, data, &text);
    s->hub->written++;
    (void)exchange_stream_write(s->ex, buf_str(&text));
}

void hub_remark(struct subscriber *s, struct str words)
{
    scoped(buf_done) struct buf text = buf_of(REMARK_BYTES_MAX);

    sse_encode_comment(words, &text);
    (void)exchange_stream_write(s->ex, buf_str(&text));
}
