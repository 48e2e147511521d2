/* SPDX-License-Identifier: Apache-2.0 */
#include "judge/core.h"

#include "base/log.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "judge/pending.h"

json_t *records_entry(const char *kind, const char *case_id, json_t *body, bool open)
{
    json_t *entry = json_pack("{s:s, s:s, s:s, s:o, s:b}", "kind", kind, "case", case_id, "actor",
        "judge", "body", body, "open", (int)open);
    check(entry);
    return entry;
}

json_t *records_opened(const struct live *live)
{
    json_t *normal = json_object_get(live->verdict, "params");
    json_t *body = json_pack("{s:O, s:O, s:O, s:O*, s:O*}", "action", live->action, "params",
        normal ? normal : live->params, "by", live->by, "nl", live->nl, "model", live->model);

    check(body);
    return records_entry("case_opened", live->kase.id, body, true);
}

static bool call_ledger(struct judge *j, enum message_type type, json_t *fields, records_done *done,
    void *context, json_t *kept, struct err *err)
{
    int64_t id = j->ledger ? pending_add(&j->ledger_calls, (void (*)(void))done, context, kept) : 0;
    struct pending_call call;

    if (!id) {
        json_decref(fields);
        json_decref(kept);
        return j->ledger ? err_code(err, ERR_LIMIT, "ledger_busy", NULL,
                               "%d records wait for the disk already; try again", PENDING_MAX)
                         : err_code(err, ERR_PEER, "ledger_away", NULL,
                               "the ledger is away, so nothing is decided or done; try again");
    }
    json_object_set_new(fields, "id", json_integer(id));
    json_t *message = message_make(type, "O", fields);
    json_decref(fields);
    if (channel_send(j->ledger, message, err)) {
        j->under_way++;
        return true;
    }
    if (pending_take(&j->ledger_calls, id, &call))
        json_decref(call.extra);
    return false;
}

bool records_append(
    struct judge *j, json_t *entries, records_done *done, void *context, struct err *err)
{
    return call_ledger(
        j, MESSAGE_append, json_pack("{s:O}", "entries", entries), done, context, entries, err);
}

bool records_read(struct judge *j, const char *what, int64_t after, const char *case_id,
    int64_t limit, records_done *done, void *context, struct err *err)
{
    json_t *fields = json_pack("{s:s, s:I, s:s, s:I}", "what", what, "after", (json_int_t)after,
        "case", case_id, "limit", (json_int_t)limit);

    check(fields);
    return call_ledger(j, MESSAGE_read, fields, done, context, NULL, err);
}

json_t *records_whole(const json_t *sent, const json_t *given)
{
    json_t *whole = json_pack("{s:O, s:O, s:O, s:O, s:O}", "seq", json_object_get(given, "seq"),
        "at", json_object_get(given, "at"), "kind", json_object_get(sent, "kind"), "case",
        json_object_get(sent, "case"), "body", json_object_get(sent, "body"));
    check(whole);
    return whole;
}

static void tell(struct judge *j, const json_t *entry)
{
    struct err err;

    if (j->gateway)
        (void)channel_send(j->gateway,
            message_make(MESSAGE_event, "{s:O, s:O, s:O, s:O, s:O}", "seq",
                json_object_get(entry, "seq"), "kind", json_object_get(entry, "kind"), "case",
                json_object_get(entry, "case"), "at", json_object_get(entry, "at"), "body",
                json_object_get(entry, "body")),
            &err);
}

void records_publish(struct judge *j, const json_t *entry)
{
    if (j->senses.holds)
        json_array_append(j->senses.held_events, (json_t *)entry);
    else
        tell(j, entry);
}

void records_hold(struct judge *j)
{
    if (j->senses.holds++ == 0)
        j->senses.held_events = json_array();
    check(j->senses.held_events);
}

void records_release(struct judge *j)
{
    size_t i;
    json_t *entry;

    check(j->senses.holds);
    if (--j->senses.holds)
        return;
    json_array_foreach (j->senses.held_events, i, entry)
        tell(j, entry);
    json_done(&j->senses.held_events);
}

/* The reply to an append is given on as the whole entries, and told to the gateway. */
static json_t *whole_entries(struct judge *j, const json_t *sent, const json_t *message)
{
    const json_t *given = json_object_get(message, "entries");
    json_t *whole = json_array();

    if (json_array_size(given) != json_array_size(sent))
        panic("the ledger numbered %zu of %zu entries", json_array_size(given),
            json_array_size(sent));
    for (size_t i = 0; i < json_array_size(sent); i++) {
        json_t *entry = records_whole(json_array_get(sent, i), json_array_get(given, i));
        alerts_see(j, entry);
        notify_see(j, entry);
        records_publish(j, entry);
        json_array_append_new(whole, entry);
    }
    return whole;
}

void records_take(struct judge *j, enum message_type type, json_t *message)
{
    struct pending_call call;
    struct err err = {0};

    if (!pending_take(&j->ledger_calls, message_int(message, "id"), &call)) {
        log_error("answer_unasked", "from", "ledger", NULL);
        return;
    }
    j->under_way--;
    records_done *done = (records_done *)call.done;
    scoped(json_done) json_t *sent = call.extra;
    if (type == MESSAGE_failed) {
        message_to_err(json_object_get(message, "error"), &err);
        j->records_failed += sent != NULL;
        done(call.context, NULL, &err);
    } else if (sent) {
        scoped(json_done) json_t *whole = whole_entries(j, sent, message);
        done(call.context, whole, NULL);
    } else {
        done(call.context, message, NULL);
    }
    leave_when_done(j);
}
