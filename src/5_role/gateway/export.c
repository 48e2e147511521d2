/* SPDX-License-Identifier: Apache-2.0
 * GET /api/v1/ledger/export: the pages of the judge become the one file of ledger/export.h, written
 * as fast as the client takes it. */
#include "gateway/export.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "gateway/body.h"
#include "gateway/inside.h"
#include "ledger/export.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define EXPORTS_MAX 4
#define PENDING_BYTES_MAX (64 * 1024 * 1024) /* a page, at the end with all checkpoints */
#define SLICE_BYTES (32 * 1024)

struct exporting {
    struct gateway *gateway;
    struct exchange *ex;
    struct exporting *next;
    struct link_call *call;
    struct ledger_export file;
    struct buf pending; /* made and not yet written */
    size_t written;
    char who[WHO_BYTES];
    bool whole;
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
    ledger_export_done(&e->file);
    buf_done(&e->pending);
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

static bool keep(void *owner, struct str text)
{
    struct exporting *e = owner;

    buf_add(&e->pending, text);
    return !e->pending.overflowed;
}

static void on_page(void *owner, json_t *body, const struct err *why);

static void ask_next(struct exporting *e)
{
    char body[64];
    struct err err;

    snprintf(body, sizeof body, "{\"after\":%" PRId64 "}", e->file.after);
    const struct link_request request = {.method = S("ledger_export"),
        .who = str_from(e->who),
        .body = str_from(body),
        .pace = LINK_FAST,
        .answered = on_page,
        .owner = e};
    if (!link_ask(&e->gateway->link, &request, &e->call, &err))
        tear(e);
}

/* Write while the client takes it; on_drained comes back for the rest. */
static void pump(struct exporting *e)
{
    size_t low = (size_t)e->gateway->settings.http.stream_resume_bytes;
    struct exchange *ex = e->ex;

    while (e->written < e->pending.len) {
        size_t left = e->pending.len - e->written;
        if (exchange_stream_queued(ex) > low)
            return;
        struct str slice = {e->pending.at + e->written, left < SLICE_BYTES ? left : SLICE_BYTES};
        if (!exchange_stream_write(ex, slice))
            return; /* on_gone follows */
        e->written += slice.len;
    }
    buf_clear(&e->pending);
    e->written = 0;
    if (!e->whole) {
        if (!e->call)
            ask_next(e);
        return;
    }
    drop(e);
    exchange_stream_end(ex);
}

static void on_page(void *owner, json_t *body, const struct err *why)
{
    struct exporting *e = owner;
    struct err err;

    e->call = NULL;
    if (why || !ledger_export_page(&e->file, json_object_get(body, "entries"),
                   json_object_get(body, "info"), &e->whole, &err))
        tear(e);
    else
        pump(e);
}

static void on_drained(struct exchange *ex, void *data)
{
    (void)ex;
    pump(data);
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
    *e = (struct exporting){
        .gateway = g, .ex = visit->ex, .next = g->exports, .pending = buf_of(PENDING_BYTES_MAX)};
    ledger_export_init(&e->file, keep, e);
    memcpy(e->who, visit->who, sizeof e->who);
    g->exports = e;
    visit_leave(visit, 200);
    exchange_set_data(e->ex, e);
    exchange_on_gone(e->ex, on_stream_gone);
    exchange_on_drained(e->ex, on_drained);
    exchange_stream_begin(e->ex, 200, S("application/x-ndjson"), FIELDS, COUNT(FIELDS));
    on_page(e, body, NULL);
}

static bool may_begin(const struct visit *visit, struct err *err)
{
    int64_t after, under_way = 0;

    if (!body_after(exchange_query(visit->ex), &after, err))
        return false;
    if (after > 0)
        return err_code(err, ERR_INPUT, "bad_value", "after",
            "an export begins with the first entry, or its chain could not be checked: leave "
            "`after` "
            "out, or read GET /api/v1/ledger?after=%" PRId64,
            after);
    for (const struct exporting *e = visit->gateway->exports; e; e = e->next)
        under_way++;
    return under_way < EXPORTS_MAX || err_code(err, ERR_LIMIT, "busy", NULL,
                                          "%d exports are under way; try again later", EXPORTS_MAX);
}

void route_ledger_export(struct visit *visit)
{
    struct err err = {0};

    if (may_begin(visit, &err))
        visit_ask(visit, "ledger_export", S("{\"after\":0}"), LINK_FAST, on_first);
    else
        visit_reply_error(visit, &err);
}

void export_stop_all(struct gateway *gateway)
{
    while (gateway->exports)
        tear(gateway->exports);
}
