/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/runbook.h"

#include "base/log.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "crypto/crypto.h"
#include "gateway/inside.h"
#include "os/clock.h"
#include "json/json_take.h"
#include "json/json_text.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#define NODE_WHO S("{\"principal\":\"node:gateway\",\"channel\":\"node\"}")
#define CONTENT_BYTES_MAX (48 * 1024) /* of the object: 6,000 characters, each escaped */
#define RESPONSE_BYTES_MAX (256 * 1024)
#define PROMPT_BYTES_MAX (128 * 1024)
#define WORDS_BYTES_MAX 400
#define OPEN_PAGE 50
#define AGAIN_DOUBLINGS_MAX 8 /* the pause between two tries grows to this power of two */

struct wanted {
    int64_t alert;
    bool critical;
};

struct runbooks {
    struct gateway *gateway;
    struct model *model; /* NULL: none is configured */
    bool by_front;       /* through our own front door */
    struct wanted waiting[RUNBOOK_WAITING_MAX];
    size_t waiting_count;
    /* the one under way; alert 0: none */
    struct wanted now;
    struct link_call *call;
    struct model_call *model_call;
    json_t *facts;
    char prompt_sha256[SHA256_HEX_BYTES];
    int64_t started_ms;
    int64_t refusals; /* being recorded */
    /* of the list of open alerts: asked below `open_before`, 0 from the newest; more: beyond */
    int64_t open_before;
    bool asking_open, more_open, stopped;
    uv_timer_t *again;
    int tries; /* in a row that came to nothing */
    uint64_t generated, failed, dropped;
};

static void next(struct runbooks *r);
static void ask_open(struct runbooks *r);

/* --- the judge ------------------------------------------------------------------------------- */

static bool ask_judge(struct runbooks *r, const char *method, json_t *body, enum link_pace pace,
    void (*answered)(void *owner, json_t *body, const struct err *why), struct link_call **ret_call)
{
    scoped(buf_done) struct buf text = buf_of(MESSAGE_BYTES_MAX);
    struct link_call *call;
    struct err err = {0};
    struct link_request request = {.who = NODE_WHO, .pace = pace, .answered = answered, .owner = r};

    check(body);
    request.method = str_from(method);
    bool written = json_plain(body, &text, &err);
    json_decref(body);
    if (!written)
        return false;
    request.body = buf_str(&text);
    if (!link_ask(&r->gateway->link, &request, &call, &err))
        return false;
    if (ret_call)
        *ret_call = call;
    return true;
}

/* --- when it came to nothing --------------------------------------------------------------- */

static void on_again(uv_timer_t *timer)
{
    struct runbooks *r = timer->data;

    r->open_before = 0;
    r->more_open = true;
    next(r);
}

/* The judge did not hear of it, or did not know the alert yet that it lists: look at what is open
 * once more, after a pause that grows. An alert that is over is not in that list. */
static void look_again(struct runbooks *r)
{
    int doublings = r->tries < AGAIN_DOUBLINGS_MAX ? r->tries++ : AGAIN_DOUBLINGS_MAX;

    if (!r->stopped)
        uv_timer_start(
            r->again, on_again, (uint64_t)r->gateway->settings.runbook_again_ms << doublings, 0);
}

/* Whatever became of it, the judge knows; if it does not, look_again() or runbooks_judge(). */
static void end(struct runbooks *r)
{
    json_decref(r->facts);
    r->facts = NULL;
    r->prompt_sha256[0] = '\0';
    r->now = (struct wanted){0};
    r->call = NULL;
    r->model_call = NULL;
    next(r);
}

/* --- telling the judge ----------------------------------------------------------------------- */

static void count_answer(struct runbooks *r, const json_t *body, const struct err *why)
{
    char number[24];

    if (!why && strcmp(message_text(body, "status"), "generated") == 0) {
        r->generated++;
        snprintf(number, sizeof number, "%" PRId64, r->now.alert);
        log_event("runbook_generated", "alert_n", number, NULL);
    } else if (!why) {
        r->failed++;
    } else {
        log_error("runbook_lost", "code", why->code, "why", why->message, NULL);
    }
}

static void on_added(void *owner, json_t *body, const struct err *why)
{
    struct runbooks *r = owner;

    count_answer(r, body, why);
    if (why)
        look_again(r);
    else
        r->tries = 0;
    end(r);
}

static void on_refusal_added(void *owner, json_t *body, const struct err *why)
{
    struct runbooks *r = owner;

    (void)body;
    r->refusals--;
    if (why)
        look_again(r);
    else
        r->failed++;
}

static json_t *failure_of(const char *code, const char *words)
{
    struct str kept = str_from(words);

    if (kept.len > WORDS_BYTES_MAX)
        kept.len = WORDS_BYTES_MAX;
    kept = str_utf8_prefix(kept);
    return json_pack(
        "{s:s, s:s%}", "code", code, "words", kept.len ? kept.at : "-", kept.len ? kept.len : 1);
}

static const char *model_name(const struct runbooks *r)
{
    return role_config_text(r->gateway->role, r->by_front ? "runbook_model" : "llm_model");
}

/* `name`: what the engine calls itself; the catalogue's name is what counts where we chose it. */
static json_t *model_of(const struct runbooks *r, const char *name)
{
    const char *known = *model_name(r) ? model_name(r) : name;
    char sha256[SHA256_HEX_BYTES] = "";

    if (!r->model)
        return json_null();
    if (r->by_front)
        (void)inference_model_sha256(r->gateway->front.inference, str_from(known), sha256);
    return json_pack("{s:s, s:s}", "name", known, "sha256", sha256);
}

static json_t *addition(const struct runbooks *r, int64_t alert, json_t *answer, json_t *failure,
    json_t *model, bool truncated)
{
    int64_t ms = r->now.alert == alert ? clock_steady_ms() - r->started_ms : 0;
    bool prompted = r->now.alert == alert && *r->prompt_sha256;
    json_t *body = json_pack("{s:I, s:o, s:o, s:o, s:o, s:b, s:I}", "alert", (json_int_t)alert,
        "answer", answer, "failure", failure, "model", model, "prompt_sha256",
        prompted ? json_string(r->prompt_sha256) : json_null(), "truncated", truncated, "ms",
        (json_int_t)ms);

    check(body);
    if (prompted && r->facts)
        json_object_set(body, "facts", r->facts);
    return body;
}

static void add(struct runbooks *r, json_t *body)
{
    if (ask_judge(r, "runbook_add", body, LINK_SLOW, on_added, &r->call))
        return;
    look_again(r);
    end(r);
}

static void fail(struct runbooks *r, const char *code, const char *words, const char *name)
{
    char number[24];

    snprintf(number, sizeof number, "%" PRId64, r->now.alert);
    if (r->model)
        log_event("runbook_failed", "alert_n", number, "code", code, "why", words, NULL);
    add(r,
        addition(r, r->now.alert, json_null(), failure_of(code, words), model_of(r, name), false));
}

/* One that does not even wait. */
static void refuse(struct runbooks *r, int64_t alert)
{
    char words[96];

    r->dropped++;
    snprintf(words, sizeof words, "%d alerts wait for a runbook already", RUNBOOK_WAITING_MAX);
    if (r->refusals >= RUNBOOK_REFUSALS_MAX) { /* when those that wait are done, look again */
        r->more_open = true;
        r->open_before = 0;
        return;
    }
    json_t *body =
        addition(r, alert, json_null(), failure_of("too_many", words), model_of(r, ""), false);
    if (ask_judge(r, "runbook_add", body, LINK_SLOW, on_refusal_added, NULL))
        r->refusals++;
}

/* --- the model ------------------------------------------------------------------------------- */

static void on_answer(void *owner, const struct model_answer *answer)
{
    struct runbooks *r = owner;

    r->model_call = NULL;
    if (answer->why) {
        fail(r, answer->why->code, answer->why->message, "");
        return;
    }
    add(r, addition(r, r->now.alert, json_deep_copy(answer->content), json_null(),
               model_of(r, answer->name), answer->truncated));
}

/* What was asked, in one hash: SHA-256 of the canonical {"schema","system","user"}. */
static bool hash_prompt(struct runbooks *r, const json_t *prompt, struct err *err)
{
    scoped(buf_done) struct buf text = buf_of(PROMPT_BYTES_MAX);
    scoped(json_done) json_t *asked =
        json_pack("{s:O, s:O, s:O}", "schema", json_object_get(prompt, "schema"), "system",
            json_object_get(prompt, "system"), "user", json_object_get(prompt, "user"));

    if (!asked || !json_is_object(json_object_get(prompt, "schema")))
        return err_code(err, ERR_PEER, "no_prompt", NULL, "the rules gave no prompt");
    if (!json_canonical(asked, &text, err))
        return false;
    sha256_hex(buf_str(&text), r->prompt_sha256);
    return true;
}

static void ask_model(struct runbooks *r, const json_t *prompt)
{
    const struct gateway *g = r->gateway;
    bool urgent = strcmp(message_text(prompt, "priority"), "interactive") == 0;
    struct err err = {0};
    const struct model_question question = {.system = json_str(prompt, "system"),
        .user = json_str(prompt, "user"),
        .schema = json_object_get(prompt, "schema"),
        .schema_name = "runbook",
        .tokens_max = g->settings.runbook_tokens_max,
        .token = r->by_front ? identity_own_token(g->front.identity,
                                   urgent ? CALLER_INTERACTIVE : CALLER_BACKGROUND)
                             : NULL,
        .content_bytes_max = CONTENT_BYTES_MAX,
        .may_be_cut = true};

    if (!hash_prompt(r, prompt, &err)) {
        fail(r, "no_prompt", err.message, "");
        return;
    }
    r->facts = json_incref(json_object_get(prompt, "facts"));
    if (!model_ask(r->model, &question, on_answer, r, &r->model_call, &err))
        fail(r, err.code, err.message, "");
}

static void on_prompt(void *owner, json_t *body, const struct err *why)
{
    struct runbooks *r = owner;

    r->call = NULL;
    if (!why) {
        ask_model(r, body);
    } else if (why->kind == ERR_PEER || strcmp(why->code, "unknown_alert") == 0) {
        look_again(r); /* the judge was busy or went, or the alert is over, or not yet learned */
        end(r);
    } else {
        fail(r, "no_prompt", why->message, "");
    }
}

static void begin(struct runbooks *r)
{
    json_t *body = json_pack("{s:I}", "alert", (json_int_t)r->now.alert);

    r->started_ms = clock_steady_ms();
    if (!r->model)
        fail(r, "no_model", "no model is configured to word runbooks: --runbook-model", "");
    else if (!ask_judge(r, "runbook_prompt", json_incref(body), LINK_FAST, on_prompt, &r->call)) {
        look_again(r);
        end(r);
    }
    json_decref(body);
}

/* --- which is next --------------------------------------------------------------------------- */

static size_t place_of(const struct runbooks *r, int64_t alert)
{
    size_t i = 0;

    while (i < r->waiting_count && r->waiting[i].alert != alert)
        i++;
    return i;
}

static void take_out(struct runbooks *r, size_t at)
{
    memmove(r->waiting + at, r->waiting + at + 1, (--r->waiting_count - at) * sizeof r->waiting[0]);
}

/* Critical ones before the others, each in the order of coming. */
static void put_in(struct runbooks *r, struct wanted wanted)
{
    size_t at = r->waiting_count;

    if (wanted.critical)
        for (at = 0; at < r->waiting_count && r->waiting[at].critical; at++)
            ;
    memmove(r->waiting + at + 1, r->waiting + at, (r->waiting_count++ - at) * sizeof r->waiting[0]);
    r->waiting[at] = wanted;
}

static void next(struct runbooks *r)
{
    if (r->now.alert || r->stopped || !r->gateway->judge_ready)
        return;
    if (!r->waiting_count) {
        if (r->more_open)
            ask_open(r);
        return;
    }
    r->now = r->waiting[0];
    take_out(r, 0);
    begin(r);
}

static void want(struct runbooks *r, int64_t alert, bool critical)
{
    size_t at = place_of(r, alert);

    if (alert <= 0 || alert == r->now.alert || r->stopped)
        return;
    if (at < r->waiting_count) {
        if (!critical || r->waiting[at].critical)
            return;
        take_out(r, at);
    }
    if (r->waiting_count == RUNBOOK_WAITING_MAX) {
        bool other = critical && !r->waiting[RUNBOOK_WAITING_MAX - 1].critical;
        refuse(r, other ? r->waiting[RUNBOOK_WAITING_MAX - 1].alert : alert);
        if (!other)
            return;
        r->waiting_count--;
    }
    put_in(r, (struct wanted){alert, critical});
    next(r);
}

static bool is_critical(const json_t *object)
{
    return strcmp(message_text(object, "severity"), "critical") == 0;
}

void runbooks_event(struct gateway *g, const json_t *event)
{
    struct runbooks *r = g->runbooks;
    const char *kind = message_text(event, "kind");
    const json_t *body = json_object_get(event, "body");

    if (strcmp(kind, "alert_raised") == 0) {
        want(r, message_int(event, "seq"), is_critical(body));
    } else if (strcmp(kind, "alert_changed") == 0) {
        /* one that waits becomes urgent; one that has its runbook, or none, keeps it */
        int64_t alert = message_int(body, "alert");
        if (is_critical(body) && place_of(r, alert) < r->waiting_count)
            want(r, alert, true);
    } else if (strcmp(kind, "alert_cleared") == 0) {
        size_t at = place_of(r, message_int(body, "alert"));
        if (at < r->waiting_count)
            take_out(r, at);
    }
}

/* As many as may wait; the rest when they are done. The newest is first there. */
static void on_open(void *owner, json_t *body, const struct err *why)
{
    struct runbooks *r = owner;
    const json_t *row, *rows = json_object_get(body, "alerts");
    size_t i;

    r->asking_open = false;
    if (why) {
        look_again(r);
        next(r);
        return;
    }
    r->more_open = json_array_size(rows) == OPEN_PAGE;
    json_array_foreach (rows, i, row) {
        if (r->waiting_count == RUNBOOK_WAITING_MAX) {
            r->more_open = true;
            break;
        }
        r->open_before = message_int(row, "id");
        if (strcmp(message_text(row, "runbook_state"), "none") == 0)
            want(r, message_int(row, "id"), is_critical(row));
    }
    next(r);
}

static void ask_open(struct runbooks *r)
{
    if (r->asking_open || r->stopped)
        return;
    r->more_open = false;
    r->asking_open = ask_judge(r, "alerts",
        json_pack("{s:s, s:i, s:I}", "status", "open", "limit", OPEN_PAGE, "before",
            (json_int_t)r->open_before),
        LINK_FAST, on_open, NULL);
    if (!r->asking_open)
        look_again(r);
}

void runbooks_judge(struct gateway *g)
{
    g->runbooks->open_before = 0;
    ask_open(g->runbooks);
}

/* --- life ------------------------------------------------------------------------------------ */

bool runbooks_open(struct gateway *g, struct err *err)
{
    struct runbooks *r = calloc(1, sizeof *r);
    const char *name = role_config_text(g->role, "runbook_model");
    char url[GATEWAY_URL_BYTES];

    check(r);
    g->runbooks = r;
    r->gateway = g;
    r->again = calloc(1, sizeof *r->again);
    check(r->again && uv_timer_init(&g->role->loop, r->again) == 0);
    r->again->data = r;
    r->by_front = *name;
    gateway_own_url(g, url);
    const struct model_config config = {.url = r->by_front ? url : role_config_text(g->role, "llm"),
        .name = model_name(r),
        .calls_max = 1,
        .budget_ms = g->settings.runbook_ms,
        .response_bytes_max = RESPONSE_BYTES_MAX};
    if (!*config.url)
        return true;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
        return err_set(err, ERR_SYSTEM, "cannot start libcurl");
    return model_open(&g->role->loop, &config, &r->model, err);
}

void runbooks_stop(struct gateway *g)
{
    struct runbooks *r = g->runbooks;

    r->stopped = true;
    r->waiting_count = 0;
    uv_timer_stop(r->again);
    if (r->model_call)
        model_cancel(r->model_call);
    r->model_call = NULL;
}

static void on_timer_closed(uv_handle_t *handle)
{
    free(handle);
}

void runbooks_close(struct gateway *g)
{
    struct runbooks *r = g->runbooks;

    if (!r)
        return;
    if (r->model_call)
        model_cancel(r->model_call);
    model_close(r->model);
    json_decref(r->facts);
    uv_close((uv_handle_t *)r->again, on_timer_closed);
    free(r);
    g->runbooks = NULL;
}

void runbooks_metrics(const struct gateway *g, struct buf *out)
{
    const struct runbooks *r = g->runbooks;

    buf_printf(out,
        "# HELP logic_node_runbooks_total What became of runbooks.\n"
        "# TYPE logic_node_runbooks_total counter\n"
        "logic_node_runbooks_total{outcome=\"generated\"} %" PRIu64 "\n"
        "logic_node_runbooks_total{outcome=\"failed\"} %" PRIu64 "\n"
        "logic_node_runbooks_total{outcome=\"too_many\"} %" PRIu64 "\n"
        "# HELP logic_node_runbooks_waiting Alerts that wait for a runbook.\n"
        "# TYPE logic_node_runbooks_waiting gauge\nlogic_node_runbooks_waiting %zu\n",
        r->generated, r->failed, r->dropped, r->waiting_count + (r->now.alert != 0));
}
