/* SPDX-License-Identifier: Apache-2.0
 * GET /api/v1/ledger/export: canonical lines, page by page, as fast as the client takes them. */
#include "base/panic.h"
#include "base/scoped.h"
#include "gateway/body.h"
#include "gateway/export.h"
#include "gateway/inside.h"
#include "json/json_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define EXPORT_PAGE_BYTES_MAX (2 * MESSAGE_BYTES_MAX)

struct exporting {
    struct gateway *gateway;
    struct exchange *ex;
    struct exporting *next;
    struct link_call *call;
    char who[WHO_BYTES];
    int64_t after;
};

static void drop(struct exporting *e)
{
    for (struct exporting **at = &e->gateway->exports; *at; at = &(*at)->next)
        if (*at == e) {
            *at = e->next;
            break;
        }
    if (e->call)
        link_forget(e->call);
    free(e);
}

/* An end that looks complete is only for what is complete. */
static void tear(struct exporting *e)
{
    struct exchange *ex = e->ex;

    drop(e);
    exchange_stream_abort(ex);
}

static void on_stream_gone(struct exchange *ex, void *data)
{
    (void)ex;
    tear(data);
}

/* One line an entry; what the last page says besides (the checkpoint) is the last line. */
static bool write_page(const json_t *body, int64_t *after, struct buf *out)
{
    const json_t *entries = json_object_get(body, "entries");
    const json_t *info = json_object_get(body, "info");
    struct err err;
    json_t *entry;
    size_t i;

    json_array_foreach (entries, i, entry) {
        if (!json_canonical(entry, out, &err))
            return false;
        buf_add_char(out, '\n');
        *after = message_int(entry, "seq");
    }
    if (message_true(body, "more"))
        return json_array_size(entries) > 0;
    if (json_object_size(info) && !json_canonical(info, out, &err))
        return false;
    if (json_object_size(info))
        buf_add_char(out, '\n');
    return !out->overflowed;
}

static void ask_next(struct exporting *e);

static void on_next(void *owner, json_t *body, const struct err *why)
{
    struct exporting *e = owner;
    scoped(buf_done) struct buf text = buf_of(EXPORT_PAGE_BYTES_MAX);

    e->call = NULL;
    if (why || !write_page(body, &e->after, &text)) {
        tear(e);
        return;
    }
    if (!exchange_stream_write(e->ex, buf_str(&text)))
        return; /* on_gone follows */
    if (!message_true(body, "more")) {
        struct exchange *ex = e->ex;
        drop(e);
        exchange_stream_end(ex);
    } else if (exchange_stream_queued(e->ex) <=
               (size_t)e->gateway->settings.http.stream_resume_bytes) {
        ask_next(e); /* else on_drained goes on */
    }
}

static void ask_next(struct exporting *e)
{
    char body[64];
    struct err err;

    snprintf(body, sizeof body, "{\"after\":%" PRId64 "}", e->after);
    const struct link_request request = {.method = S("ledger_export"),
        .who = str_from(e->who),
        .body = str_from(body),
        .pace = LINK_FAST,
        .answered = on_next,
        .owner = e};
    if (!link_ask(&e->gateway->link, &request, &e->call, &err))
        tear(e);
}

static void on_drained(struct exchange *ex, void *data)
{
    struct exporting *e = data;

    (void)ex;
    if (!e->call)
        ask_next(e);
}

/* The first page decides between an error in words and a stream. */
static void on_first(void *owner, json_t *body, const struct err *why)
{
    static const struct http_field FIELDS[] = {
        {S("Cache-Control"), S("no-store")}, {S("X-Content-Type-Options"), S("nosniff")}};
    struct visit *visit = owner;
    struct gateway *g = visit->gateway;

    visit->call = NULL;
    if (why) {
        visit_reply_error(visit, why);
        return;
    }
    struct exporting *e = calloc(1, sizeof *e);
    check(e);
    *e = (struct exporting){.gateway = g, .ex = visit->ex, .next = g->exports};
    memcpy(e->who, visit->who, sizeof e->who);
    g->exports = e;
    visit_leave(visit, 200);
    exchange_set_data(e->ex, e);
    exchange_on_gone(e->ex, on_stream_gone);
    exchange_on_drained(e->ex, on_drained);
    exchange_stream_begin(e->ex, 200, S("application/x-ndjson"), FIELDS, COUNT(FIELDS));
    on_next(e, body, NULL);
}

void route_ledger_export(struct visit *visit)
{
    int64_t after;
    char body[64];
    struct err err = {0};

    if (!body_after(exchange_query(visit->ex), &after, &err)) {
        visit_reply_error(visit, &err);
        return;
    }
    snprintf(body, sizeof body, "{\"after\":%" PRId64 "}", after < 0 ? 0 : after);
    visit_ask(visit, "ledger_export", str_from(body), LINK_FAST, on_first);
}

void export_stop_all(struct gateway *gateway)
{
    while (gateway->exports)
        tear(gateway->exports);
}
