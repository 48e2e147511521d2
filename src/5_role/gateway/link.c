/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/link.h"

#include "base/log.h"
#include "base/panic.h"
#include "base/scoped.h"

#include <stdio.h>
#include <stdlib.h>

#define TICK_MS 25
#define LEAVING "judge_leaving" /* nothing was begun; with a case: that was, and goes on */
#define HELD LINK_PACES         /* the list of those that wait for a judge */

struct link_call {
    struct link_call *next, *before; /* in its list, or in the free ones */
    uint64_t turn;                   /* of this place: an answer to its last user is not taken */
    void (*answered)(void *owner, json_t *body, const struct err *why);
    void (*answered_text)(void *owner, struct str body);
    void *owner;
    struct link_end *end; /* the judge that has it */
    char *text;           /* the message, to be sent again when a leaving judge hands it back */
    size_t text_len;
    int64_t deadline_ms;
    enum link_pace pace;
    unsigned char list;
    bool used, repeated, begun; /* begun: its case is awaited */
};

struct link_end {
    struct link *link;
    struct channel *channel;
    struct link_end *next;
};

static void on_tick(uv_timer_t *timer);
static void send_held(struct link *link);

static void add(struct link *link, size_t list, struct link_call *call)
{
    struct link_list *l = &link->lists[list];

    call->list = (unsigned char)list;
    call->next = NULL;
    call->before = l->last;
    if (l->last)
        l->last->next = call;
    else
        l->first = call;
    l->last = call;
    if (!link->ticking) {
        link->ticking = true;
        uv_timer_start(link->tick, on_tick, TICK_MS, TICK_MS);
    }
}

static void cut(struct link *link, struct link_call *call)
{
    struct link_list *l = &link->lists[call->list];

    if (call->before)
        call->before->next = call->next;
    else
        l->first = call->next;
    if (call->next)
        call->next->before = call->before;
    else
        l->last = call->before;
}

/* The place is free before the owner is called: it may ask again. */
static void release(struct link *link, struct link_call *call)
{
    cut(link, call);
    free(call->text);
    call->text = NULL;
    call->used = false;
    call->next = link->free_slots;
    link->free_slots = call;
    link->in_flight--;
}

static void finish(struct link *link, struct link_call *call, json_t *body, const struct err *why)
{
    void (*answered)(void *, json_t *, const struct err *) = call->answered;
    void *owner = call->owner;

    release(link, call);
    if (answered)
        answered(owner, body, why);
}

static void expire(struct link *link, struct link_call *call)
{
    struct err why = {0};

    if (call->list == HELD && !call->begun)
        err_code(&why, ERR_PEER, "judge_away", NULL,
            "the judge is away; nothing was done with this request: try again in a second");
    else
        err_code(&why, ERR_PEER, "judge_silent", NULL,
            "the judge did not answer within %lld ms; a case may have been opened: look at GET "
            "/api/v1/cases before you try again",
            (long long)link->limits.answer_ms[call->pace]);
    finish(link, call, NULL, &why);
}

static void on_tick(uv_timer_t *timer)
{
    struct link *link = timer->data;
    int64_t now_ms = (int64_t)uv_now(link->loop);

    for (size_t i = 0; i <= HELD; i++)
        while (link->lists[i].first && link->lists[i].first->deadline_ms <= now_ms)
            expire(link, link->lists[i].first);
    if (link->in_flight == 0) {
        link->ticking = false;
        uv_timer_stop(timer);
    }
}

void link_init(struct link *link, uv_loop_t *loop, const struct link_limits *limits,
    const struct link_events *events, void *owner)
{
    *link = (struct link){.loop = loop,
        .limits = *limits,
        .events = events,
        .owner = owner,
        .slots = calloc((size_t)limits->in_flight_max, sizeof(struct link_call)),
        .tick = calloc(1, sizeof(uv_timer_t)),
        .text = buf_of(MESSAGE_BYTES_MAX)};
    check(link->slots && link->tick && uv_timer_init(loop, link->tick) == 0);
    link->tick->data = link;
    for (int64_t i = limits->in_flight_max - 1; i >= 0; i--) {
        link->slots[i].next = link->free_slots;
        link->free_slots = &link->slots[i];
    }
}

static void on_timer_closed(uv_handle_t *handle)
{
    free(handle);
}

void link_done(struct link *link)
{
    while (link->ends) {
        struct link_end *end = link->ends;
        link->ends = end->next;
        channel_close(end->channel);
        free(end);
    }
    for (int64_t i = 0; i < link->limits.in_flight_max; i++)
        free(link->slots[i].text);
    free(link->slots);
    buf_done(&link->text);
    uv_close((uv_handle_t *)link->tick, on_timer_closed);
    *link = (struct link){0};
}

/* --- judges -------------------------------------------------------------------------- */

/* It waits for the next judge. */
static void hold(struct link *link, struct link_call *call)
{
    call->end = NULL;
    call->deadline_ms = (int64_t)uv_now(link->loop) + link->limits.hold_ms;
    add(link, HELD, call);
    link->held_ever++;
}

/* A judge that is being replaced begins nothing more: nothing more is sent to it, and it is told so
 * when it asks. */
static void part(struct link *link, const struct link_end *end)
{
    if (link->current != end)
        return;
    link->current = NULL;
    link->events->lost(link->owner);
}

static void on_leaving(struct link *link, struct link_end *end)
{
    struct err err;

    part(link, end);
    (void)channel_send(end->channel, message_make(MESSAGE_left, "{}"), &err);
}

/* Its case goes on without its judge: the next one is asked for the end of it. */
static void await(struct link_call *call, const char *case_id)
{
    scoped(json_done) json_t *message = message_make(MESSAGE_request,
        "{s:I, s:s, s:{s:s, s:s}, s:{s:s}}", "id", (json_int_t)call->turn, "method", "await", "who",
        "principal", "node:gateway", "channel", "node", "body", "case", case_id);

    free(call->text);
    call->text = json_dumps(message, JSON_COMPACT);
    check(call->text);
    call->text_len = strlen(call->text);
    call->begun = true;
}

/* The next judge is asked. */
static void hand_back(
    struct link *link, struct link_end *end, struct link_call *call, const char *case_id)
{
    part(link, end);
    cut(link, call);
    if (*case_id)
        await(call, case_id);
    hold(link, call);
    if (link->current)
        send_held(link);
}

static void take_reply(struct link *link, struct link_end *end, json_t *message)
{
    uint64_t id = (uint64_t)message_int(message, "id");
    struct link_call *call = &link->slots[id % (uint64_t)link->limits.in_flight_max];
    struct err why;

    if (!call->used || call->turn != id || call->end != end)
        return; /* it came too late: its request was answered 504 */
    json_t *body = json_object_get(message, "body");
    if (message_true(message, "ok") && body) {
        finish(link, call, body, NULL);
        return;
    }
    message_to_err(json_object_get(message, "error"), &why);
    if (strcmp(why.code, LEAVING) == 0) {
        hand_back(link, end, call, why.param);
        return;
    }
    finish(link, call, NULL, &why);
}

bool link_split_reply(struct str text, uint64_t *ret_id, struct str *ret_body)
{
    static const struct str HEAD = S("{\"v\":1,\"type\":\"reply\",\"id\":");
    static const struct str OK = S(",\"ok\":true,\"body\":");
    size_t digits = 0, depth = 0;
    bool quoted = false;

    if (!str_starts(text, HEAD) || !str_ends(text, S("}")))
        return false;
    struct str rest = {text.at + HEAD.len, text.len - HEAD.len - 1};
    while (digits < rest.len && rest.at[digits] >= '0' && rest.at[digits] <= '9')
        digits++;
    struct str body = {rest.at + digits, rest.len - digits};
    if (!str_to_u64((struct str){rest.at, digits}, INT64_MAX, ret_id) || !str_starts(body, OK))
        return false;
    body = (struct str){body.at + OK.len, body.len - OK.len};
    for (size_t i = 0; i < body.len; i++) {
        char c = body.at[i];
        if (quoted) {
            i += c == '\\'; /* the next byte is not looked at */
            quoted = c != '"';
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if ((c == '}' || c == ']') && (depth == 0 || (--depth == 0 && i + 1 < body.len))) {
            return false; /* something stands behind the object */
        }
    }
    *ret_body = body;
    return depth == 0 && !quoted && str_starts(body, S("{")) && str_is_utf8(body);
}

static bool on_raw(void *owner, struct str text)
{
    struct link_end *end = owner;
    struct link *link = end->link;
    struct str body;
    uint64_t id;

    if (!link_split_reply(text, &id, &body))
        return false;
    struct link_call *call = &link->slots[id % (uint64_t)link->limits.in_flight_max];
    if (!call->used || call->turn != id || call->end != end || !call->answered_text ||
        !call->answered)
        return false;
    void (*answered_text)(void *, struct str) = call->answered_text;
    void *asker = call->owner;
    release(link, call);
    answered_text(asker, body);
    return true;
}

static void on_message(void *owner, enum message_type type, json_t *message, int fd)
{
    struct link_end *end = owner;
    struct link *link = end->link;

    (void)fd; /* never one here */
    if (type == MESSAGE_reply) {
        take_reply(link, end, message);
    } else if (type == MESSAGE_event) {
        link->events->event(link->owner, message);
    } else if (type == MESSAGE_leaving) {
        on_leaving(link, end);
    } else if (type == MESSAGE_stage) {
        link->events->stage(link->owner, message);
    } else if (type == MESSAGE_make_way) {
        link->events->make_way(link->owner, message);
    } else {
        link->refused++;
        log_error("message_refused", "from", "judge", "type", message_type_name(type), NULL);
    }
}

/* A read is put to the next judge, once: a question that ends judges must not go round for ever. */
static bool repeat(struct link *link, struct link_call *call)
{
    if (call->pace >= LINK_SLOW || call->repeated)
        return false;
    call->repeated = true;
    cut(link, call);
    hold(link, call);
    return true;
}

/* What this judge had is lost with it; whether a change was begun is in the ledger. */
static void fail_calls(struct link *link, const struct link_end *end)
{
    struct err why = {0};

    err_code(&why, ERR_PEER, "judge_restarted", NULL,
        "the judge ended while it had this request; a case may have been opened: look at GET "
        "/api/v1/cases before you try again");
    for (int64_t i = 0; i < link->limits.in_flight_max; i++)
        if (link->slots[i].used && link->slots[i].end == end && !repeat(link, &link->slots[i]))
            finish(link, &link->slots[i], NULL, &why);
}

static void on_gone(void *owner)
{
    struct link_end *end = owner;
    struct link *link = end->link;
    bool in_force = link->current == end;

    for (struct link_end **at = &link->ends; *at; at = &(*at)->next)
        if (*at == end) {
            *at = end->next;
            break;
        }
    if (in_force)
        link->current = NULL;
    fail_calls(link, end);
    free(end);
    if (in_force)
        link->events->lost(link->owner);
    if (link->current)
        send_held(link);
}

static const struct channel_events CHANNEL_EVENTS = {on_message, on_gone, on_raw};

static void send_held(struct link *link)
{
    struct link_call *call;
    struct err err = {0};

    while (link->current && (call = link->lists[HELD].first)) {
        call->end = link->current;
        if (!channel_send_text(
                link->current->channel, (struct str){call->text, call->text_len}, &err)) {
            finish(link, call, NULL, &err);
            continue;
        }
        cut(link, call);
        call->deadline_ms = (int64_t)uv_now(link->loop) + link->limits.answer_ms[call->pace];
        add(link, call->pace, call);
    }
}

void link_join(struct link *link, int fd)
{
    struct link_end *end = calloc(1, sizeof *end);

    check(end);
    *end = (struct link_end){.link = link, .next = link->ends};
    link->ends = end;
    end->channel = channel_open(link->loop, fd, &CHANNEL_EVENTS, end);
    link->current = end;
    link->events->joined(link->owner);
    send_held(link);
}

/* --- requests ------------------------------------------------------------------------ */

static void add_number(struct buf *out, uint64_t number)
{
    char digits[20];
    size_t at = sizeof digits;

    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    buf_add(out, (struct str){digits + at, sizeof digits - at});
}

static void write_message(struct buf *out, uint64_t id, const struct link_request *request)
{
    buf_clear(out);
    buf_add(out, S("{\"v\":1,\"type\":\"request\",\"id\":"));
    add_number(out, id);
    buf_add(out, S(",\"method\":\""));
    buf_add(out, request->method);
    buf_add(out, S("\",\"who\":"));
    buf_add(out, request->who);
    buf_add(out, S(",\"body\":"));
    buf_add(out, request->body);
    buf_add_char(out, '}');
}

/* Put it into the hands of the judge, or keep it until there is one. */
static bool pass_on(struct link *link, struct link_call *call, struct err *err)
{
    int64_t now_ms = (int64_t)uv_now(link->loop);

    if (link->current) {
        if (!channel_send_text(link->current->channel, buf_str(&link->text), err))
            return false;
        call->end = link->current;
        call->deadline_ms = now_ms + link->limits.answer_ms[call->pace];
        add(link, call->pace, call);
        return true;
    }
    hold(link, call);
    return true;
}

bool link_ask(struct link *link, const struct link_request *request, struct link_call **ret_call,
    struct err *err)
{
    struct link_call *call = link->free_slots;

    if (!link->current && request->never_held)
        return err_code(err, ERR_PEER, "judge_away", NULL, "the judge is away");
    if (!call)
        return err_code(err, ERR_LIMIT, "busy", NULL,
            "%lld requests wait for the judge already; try again in a second",
            (long long)link->in_flight);
    size_t place = (size_t)(call - link->slots);
    uint64_t id = ++link->next_turn * (uint64_t)link->limits.in_flight_max + place;
    write_message(&link->text, id, request);
    if (link->text.overflowed) {
        link->text.overflowed = false;
        return err_code(err, ERR_LIMIT, "too_large", NULL,
            "this request is longer than %d bytes between the roles; send less", MESSAGE_BYTES_MAX);
    }
    struct link_call *next = call->next;
    call->text = str_dup(buf_str(&link->text));
    call->text_len = link->text.len;
    call->answered = request->answered;
    call->answered_text = request->answered_text;
    call->owner = request->owner;
    call->turn = id;
    call->pace = request->pace;
    call->repeated = call->begun = false;
    if (!pass_on(link, call, err)) {
        free(call->text);
        call->text = NULL;
        return false;
    }
    call->used = true;
    link->free_slots = next;
    link->in_flight++;
    *ret_call = call;
    return true;
}

void link_forget(struct link_call *call)
{
    call->answered = NULL;
}

bool link_connected(const struct link *link)
{
    return link->current != NULL;
}

uint64_t link_refused(const struct link *link)
{
    uint64_t refused = link->refused;

    for (const struct link_end *end = link->ends; end; end = end->next)
        refused += channel_refused(end->channel);
    return refused;
}
