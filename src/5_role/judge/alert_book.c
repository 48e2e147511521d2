/* SPDX-License-Identifier: Apache-2.0 */
#include "judge/alert_book.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "message/message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const STATE_WORDS[ALERT_STATES] = {
    [ALERT_RAISED] = "raised",
    [ALERT_ACKNOWLEDGED] = "acknowledged",
    [ALERT_CLEARED] = "cleared",
};

/* What an entry of a living alert may say anew. */
static const char *const SAID[] = {"severity", "words", "count", "members", "why"};

void book_init(struct alert_book *book, size_t closed_max)
{
    *book = (struct alert_book){.closed_max = closed_max};
}

static void alert_free(struct alert *alert)
{
    json_decref(alert->raised);
    json_decref(alert->said);
    json_decref(alert->acknowledged);
    json_decref(alert->runbook);
    json_decref(alert->facts);
    json_decref(alert->history);
    free(alert);
}

void book_done(struct alert_book *book)
{
    for (size_t i = 0; i < book->count; i++)
        alert_free(book->alerts[i]);
    free(book->alerts);
    *book = (struct alert_book){0};
}

/* --- finding --------------------------------------------------------------------------------- */

/* The place of the first alert whose id is not below `id`. */
static size_t place_of(const struct alert_book *book, int64_t id)
{
    size_t low = 0, high = book->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (book->alerts[middle]->id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct alert *book_find(const struct alert_book *book, int64_t id)
{
    size_t at = place_of(book, id);

    return at < book->count && book->alerts[at]->id == id ? book->alerts[at] : NULL;
}

static void cut(struct alert_book *book, size_t at)
{
    alert_free(book->alerts[at]);
    memmove(
        book->alerts + at, book->alerts + at + 1, (--book->count - at) * sizeof(struct alert *));
}

/* The oldest closed one goes. */
static void forget(struct alert_book *book)
{
    for (size_t i = 0; i < book->count && book->closed > book->closed_max; i++)
        if (book->alerts[i]->state == ALERT_CLEARED && !book->alerts[i]->runbook_under_way) {
            cut(book, i--);
            book->closed--;
        }
}

static struct alert *add(struct alert_book *book, int64_t id)
{
    size_t at = place_of(book, id);
    struct alert *alert = calloc(1, sizeof *alert);

    check(alert);
    if (book->count == book->room) {
        book->room = book->room ? 2 * book->room : 64;
        book->alerts = realloc(book->alerts, book->room * sizeof(struct alert *));
        check(book->alerts);
    }
    memmove(book->alerts + at + 1, book->alerts + at, (book->count - at) * sizeof(struct alert *));
    book->alerts[at] = alert;
    book->count++;
    alert->id = id;
    return alert;
}

/* --- folding -----------------------------------------------------------------------------------
 */

static void keep(json_t **slot, json_t *value)
{
    json_t *old = *slot;

    *slot = value;
    json_decref(old);
}

static void say(struct alert *alert, const json_t *entry)
{
    const json_t *body = json_object_get(entry, "body");

    if (!alert->said)
        alert->said = json_object();
    for (size_t i = 0; i < COUNT(SAID); i++)
        if (json_object_get(body, SAID[i]))
            json_object_set(alert->said, SAID[i], json_object_get(body, SAID[i]));
    snprintf(alert->changed_at, sizeof alert->changed_at, "%s", message_text(entry, "at"));
}

/* The first line and the last ones: a long life is cut in its middle. */
static void remember(struct alert *alert, const json_t *entry, const char *words)
{
    json_t *line = json_pack("{s:O, s:O, s:O, s:s}", "seq", json_object_get(entry, "seq"), "kind",
        json_object_get(entry, "kind"), "at", json_object_get(entry, "at"), "words", words);

    if (!alert->history)
        alert->history = json_array();
    if (json_array_size(alert->history) >= BOOK_HISTORY_MAX)
        json_array_remove(alert->history, 1);
    if (line)
        json_array_append_new(alert->history, line);
}

static bool fold_raised(struct alert_book *book, const json_t *entry)
{
    json_t *body = json_object_get(entry, "body");
    int64_t id = message_int(entry, "seq");

    if (id <= 0 || book_find(book, id))
        return false;
    struct alert *alert = add(book, id);
    alert->raised = json_incref(body);
    snprintf(alert->raised_at, sizeof alert->raised_at, "%s", message_text(entry, "at"));
    say(alert, entry);
    remember(alert, entry, message_text(body, "words"));
    return true;
}

static void fold_cleared(struct alert_book *book, struct alert *alert, const json_t *entry)
{
    say(alert, entry);
    snprintf(alert->cleared_at, sizeof alert->cleared_at, "%s", message_text(entry, "at"));
    book->closed += alert->state != ALERT_CLEARED;
    alert->state = ALERT_CLEARED;
}

static bool is_critical(const json_t *said)
{
    return strcmp(message_text(said, "severity"), "critical") == 0;
}

/* What was acknowledged is the lesser one: become worse, it is raised again. */
static void fold_changed(struct alert *alert, const json_t *entry)
{
    bool was = is_critical(alert->said);

    say(alert, entry);
    if (was || !is_critical(alert->said))
        return;
    keep(&alert->acknowledged, NULL);
    if (alert->state == ALERT_ACKNOWLEDGED)
        alert->state = ALERT_RAISED;
}

/* One without words keeps those of the one before. */
static void fold_acknowledged(struct alert *alert, const json_t *entry)
{
    const json_t *body = json_object_get(entry, "body");
    const json_t *by = json_object_get(body, "by"), *params = json_object_get(body, "params");
    const char *words = message_text(params, "words");

    keep(
        &alert->acknowledged, json_pack("{s:s, s:s, s:s, s:s}", "by", message_text(by, "principal"),
                                  "at", message_text(entry, "at"), "words",
                                  *words ? words : message_text(alert->acknowledged, "words"),
                                  "case", message_text(entry, "case")));
    if (alert->state == ALERT_RAISED)
        alert->state = ALERT_ACKNOWLEDGED;
}

static void fold_runbook(struct alert *alert, const json_t *entry, bool failed)
{
    static const char *const KEPT[] = {
        "markdown", "sections", "model", "facts", "truncated", "ms", "prompt_sha256"};
    const json_t *body = json_object_get(entry, "body");
    json_t *runbook = json_pack(
        "{s:s, s:O}", "at", message_text(entry, "at"), "seq", json_object_get(entry, "seq"));

    check(runbook);
    for (size_t i = 0; i < COUNT(KEPT); i++)
        if (json_object_get(body, KEPT[i]))
            json_object_set(runbook, KEPT[i], json_object_get(body, KEPT[i]));
    if (failed)
        json_object_set_new(runbook, "failed",
            json_pack("{s:s, s:s}", "code", message_text(body, "code"), "words",
                message_text(body, "words")));
    keep(&alert->runbook, runbook);
}

/* The number of an alert, as a number or in digits: params may hold either. */
static int64_t alert_of(const json_t *object)
{
    const json_t *value = json_object_get(object, "alert");
    uint64_t number = 0;

    if (json_is_integer(value))
        return json_integer_value(value);
    return json_is_string(value) &&
                   str_to_u64(str_from(json_string_value(value)), INT64_MAX, &number)
               ? (int64_t)number
               : 0;
}

static struct alert *meant(
    const struct alert_book *book, const char *kind, const json_t *body, bool *ret_acknowledged)
{
    *ret_acknowledged = strcmp(kind, "case_executed") == 0;
    if (*ret_acknowledged && strcmp(message_text(body, "action"), "alert_acknowledge") != 0)
        return NULL;
    return book_find(book, alert_of(*ret_acknowledged ? json_object_get(body, "params") : body));
}

bool book_fold(struct alert_book *book, const json_t *entry)
{
    const char *kind = message_text(entry, "kind");
    const json_t *body = json_object_get(entry, "body");
    bool is_alert = strncmp(kind, "alert_", 6) == 0, acknowledged;

    if (!is_alert && strncmp(kind, "runbook_", 8) != 0 && strcmp(kind, "case_executed") != 0)
        return false;
    if (strcmp(kind, "alert_raised") == 0)
        return fold_raised(book, entry);
    struct alert *alert = meant(book, kind, body, &acknowledged);
    if (!alert)
        return false;
    if (acknowledged)
        fold_acknowledged(alert, entry);
    else if (strcmp(kind, "alert_cleared") == 0)
        fold_cleared(book, alert, entry);
    else if (is_alert)
        fold_changed(alert, entry);
    else
        fold_runbook(alert, entry, strcmp(kind, "runbook_failed") == 0);
    remember(alert, entry,
        acknowledged ? message_text(json_object_get(body, "params"), "words")
                     : message_text(body, "words"));
    forget(book);
    return true;
}

/* --- showing -----------------------------------------------------------------------------------
 */

bool book_status_known(struct str status)
{
    for (size_t i = 0; i < ALERT_STATES; i++)
        if (str_eq(status, str_from(STATE_WORDS[i])))
            return true;
    return str_eq(status, S("open")) || str_eq(status, S("all"));
}

bool alert_has_status(const struct alert *alert, struct str status)
{
    return status.len == 0 || str_eq(status, S("all")) ||
           str_eq(status, str_from(STATE_WORDS[alert->state])) ||
           (alert->state != ALERT_CLEARED && str_eq(status, S("open")));
}

static json_t *text_or_null(const char *text)
{
    return text && *text ? json_string(text) : json_null();
}

static const char *runbook_word(const struct alert *alert)
{
    if (!alert->runbook)
        return "none";
    return json_object_get(alert->runbook, "failed") ? "failed" : "generated";
}

json_t *alert_row(const struct alert *alert)
{
    static const char *const RAISED[] = {"condition", "node", "part"};
    static const char *const NOW[] = {"severity", "words", "count", "members"};
    json_t *row = json_pack("{s:I, s:s, s:s, s:s, s:o, s:O?, s:s}", "id", (json_int_t)alert->id,
        "status", STATE_WORDS[alert->state], "raised_at", alert->raised_at, "changed_at",
        alert->changed_at, "cleared_at", text_or_null(alert->cleared_at), "acknowledged",
        alert->acknowledged, "runbook_state", runbook_word(alert));

    check(row);
    for (size_t i = 0; i < COUNT(RAISED); i++)
        json_object_set_new(row, RAISED[i], json_string(message_text(alert->raised, RAISED[i])));
    for (size_t i = 0; i < COUNT(NOW); i++)
        if (json_object_get(alert->said, NOW[i]))
            json_object_set(row, NOW[i], json_object_get(alert->said, NOW[i]));
    return row;
}

json_t *alert_view(const struct alert *alert)
{
    json_t *view = alert_row(alert);

    json_object_set_new(view, "cleared_why", text_or_null(message_text(alert->said, "why")));
    json_object_set(view, "runbook", alert->runbook ? alert->runbook : json_null());
    json_object_set(view, "history", alert->history);
    json_object_set(view, "question", json_object_get(alert->raised, "question"));
    json_object_set(view, "answer", json_object_get(alert->raised, "answer"));
    return view;
}

json_t *book_list(const struct alert_book *book, struct str status, int64_t before, int64_t limit)
{
    json_t *rows = json_array();
    size_t at = before > 0 ? place_of(book, before) : book->count;

    while (at-- > 0 && (int64_t)json_array_size(rows) < limit)
        if (alert_has_status(book->alerts[at], status))
            json_array_append_new(rows, alert_row(book->alerts[at]));
    json_t *list =
        json_pack("{s:o, s:I}", "alerts", rows, "open", (json_int_t)(book->count - book->closed));
    check(list);
    return list;
}
