/* SPDX-License-Identifier: Apache-2.0
 *
 * Cases, shown: one, its plan's bytes, or many. */
#include "judge/requests.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "message/message.h"
#include "json/json_take.h"

#include <stdio.h>
#include <string.h>

#define ROWS_MAX 200
#define PAGES_MAX 50 /* of the ledger, for one list: a filter must not walk for ever */

struct showing {
    struct judge *judge;
    struct client client;
    char id[64];
    bool plan_bytes;
};

static void show(struct showing *s, const struct kase *kase)
{
    struct err err = {0};

    if (kase->state == CASE_NONE)
        err_code(&err, ERR_INPUT, "no_such_case", "id",
            "there is no case '%s'; see GET /api/v1/cases", s->id);
    else if (s->plan_bytes && !kase->plan)
        err_code(&err, ERR_INPUT, "no_plan", "id", "case '%s' has no plan: it is %s", s->id,
            case_state_name(kase->state));
    if (err.kind)
        client_refuse(s->judge, &s->client, &err);
    else if (s->plan_bytes)
        client_reply(s->judge, &s->client,
            json_pack("{s:s, s:s}", "plan", kase->plan, "plan_sha256", kase->plan_sha256));
    else
        client_reply(s->judge, &s->client, case_view(kase));
}

static void on_case(void *context, const struct kase *kase, const struct err *err)
{
    struct showing *s = context;

    if (kase)
        show(s, kase);
    else
        client_refuse(s->judge, &s->client, err);
    free(s);
}

static bool show_one(struct asked *a, bool plan_bytes, struct err *err)
{
    struct str id;
    const struct json_field fields[] = {JSON_TAKE_TEXT("id", &id, 1, 63)};

    if (!json_take(a->body, fields, COUNT(fields), err))
        return false;
    struct showing *s = calloc(1, sizeof *s);
    check(s);
    *s = (struct showing){.judge = a->judge, .client = a->client, .plan_bytes = plan_bytes};
    snprintf(s->id, sizeof s->id, "%s", id.at);
    struct live *live = live_find(a->judge, id.at);
    if (live && live->kase.state != CASE_NONE) {
        show(s, &live->kase);
        free(s);
        return true;
    }
    if (read_case(a->judge, s->id, on_case, s, err))
        return true;
    free(s);
    return false;
}

bool list_one(struct asked *a, struct err *err)
{
    return show_one(a, false, err);
}

bool list_plan(struct asked *a, struct err *err)
{
    return show_one(a, true, err);
}

/* --- many ------------------------------------------------------------------------------------- */

struct listing {
    struct judge *judge;
    struct client client;
    json_t *rows;
    int64_t limit;
    int pages;
    char status[24], last_id[64];
};

static void listing_end(struct listing *l, const struct err *err)
{
    if (err)
        client_refuse(l->judge, &l->client, err);
    else
        client_reply(l->judge, &l->client, json_pack("{s:O}", "cases", l->rows));
    json_decref(l->rows);
    free(l);
}

/* A row shows what a list needs; the whole is at …/cases/ID. */
static json_t *row_of(const struct kase *kase)
{
    static const char *const LEFT_OUT[] = {"plan", "history", "consents"};
    scoped(json_done) json_t *plan = kase->plan ? json_loads(kase->plan, 0, NULL) : NULL;
    json_t *row = case_view(kase), *summary = json_object_get(plan, "summary");

    for (size_t i = 0; i < COUNT(LEFT_OUT); i++)
        json_object_del(row, LEFT_OUT[i]);
    json_object_set_new(row, "verdict",
        json_pack("{s:O?, s:O?, s:O?}", "verdict", json_object_get(kase->verdict, "verdict"),
            "tier", json_object_get(kase->verdict, "tier"), "words",
            json_object_get(kase->verdict, "words")));
    json_object_set_new(row, "execution", json_null());
    json_object_set(row, "summary", summary ? summary : json_null());
    return row;
}

static void add_row(struct listing *l, const struct kase *kase)
{
    bool wanted = !l->status[0] || strcmp(l->status, case_status(kase->state)) == 0;

    if (kase->state == CASE_NONE)
        return;
    snprintf(l->last_id, sizeof l->last_id, "%s", kase->id);
    if (wanted && (int64_t)json_array_size(l->rows) < l->limit)
        json_array_append_new(l->rows, row_of(kase));
}

static void next_page(struct listing *l);

/* The entries come case by case, newest case first. */
static void add_rows(struct listing *l, const json_t *entries)
{
    scoped(case_done) struct kase kase = {0};
    size_t i;
    json_t *entry;

    json_array_foreach ((json_t *)entries, i, entry) {
        if (kase.state != CASE_NONE && strcmp(kase.id, message_text(entry, "case")) != 0) {
            add_row(l, &kase);
            case_done(&kase);
        }
        fold_entry(&kase, entry);
    }
    add_row(l, &kase);
}

static void on_page(void *context, const json_t *reply, const struct err *err)
{
    struct listing *l = context;

    if (!reply) {
        listing_end(l, err);
        return;
    }
    add_rows(l, json_object_get(reply, "entries"));
    if (!message_true(reply, "more") || (int64_t)json_array_size(l->rows) >= l->limit ||
        ++l->pages == PAGES_MAX)
        listing_end(l, NULL);
    else
        next_page(l);
}

static void next_page(struct listing *l)
{
    struct err err = {0};

    if (!records_read(l->judge, "cases", 0, l->last_id, l->limit, on_page, l, &err))
        listing_end(l, &err);
}

bool list_many(struct asked *a, struct err *err)
{
    int64_t limit = 50;
    struct str before = {0}, status = {0};
    const struct json_field fields[] = {
        JSON_MAY_INTEGER("limit", &limit, 1, ROWS_MAX),
        JSON_MAY_TEXT("before", &before, 1, 63),
        JSON_MAY_TEXT("status", &status, 1, 23),
    };

    if (!json_take(a->body, fields, COUNT(fields), err))
        return false;
    struct listing *l = calloc(1, sizeof *l);
    check(l);
    *l = (struct listing){
        .judge = a->judge, .client = a->client, .rows = json_array(), .limit = limit};
    snprintf(l->status, sizeof l->status, "%.*s", STR(status));
    snprintf(l->last_id, sizeof l->last_id, "%.*s", STR(before));
    next_page(l);
    return true;
}
