/* SPDX-License-Identifier: Apache-2.0
 *
 * What the judge is asked: the table, looks at hosts, and the four actions in the node's own name.
 */
#include "inference/propose.h"

#include "base/log.h"
#include "base/panic.h"
#include "base/scoped.h"

#include <stdio.h>
#include <stdlib.h>

#define LOOK_HEAD_MS 5000
#define OWN_NAME "node:gateway" /* the principal of our own proposals */

static const char *const ACTIONS[] = {[PROPOSE_WAKE] = "host_wake",
    [PROPOSE_SLEEP] = "host_sleep",
    [PROPOSE_LOAD] = "pool_load",
    [PROPOSE_UNLOAD] = "pool_unload"};

struct proposal {
    struct inference *inf; /* NULL: nobody cares any more */
    struct proposal *next, *before;
    enum proposal_kind kind;
    int at, model;
    char case_id[CASE_BYTES];
    bool accepted;
};

static bool is_host(const struct proposal *p)
{
    return p->kind == PROPOSE_WAKE || p->kind == PROPOSE_SLEEP;
}

static const char *subject(const struct inference *inf, const struct proposal *p)
{
    return is_host(p) ? inf->hosts[p->at].name : inf->pools[p->at].name;
}

/* --- outcomes ---------------------------------------------------------------------------- */

enum outcome { ACCEPTED, DONE, DENIED, FAILED };

static const enum power_event_kind POWER_KINDS[][4] = {
    [PROPOSE_WAKE] = {POWER_WAKE_ACCEPTED, POWER_WAKE_DONE, POWER_WAKE_DENIED, POWER_WAKE_FAILED},
    [PROPOSE_SLEEP] = {POWER_SLEEP_ACCEPTED, POWER_SLEEP_DONE, POWER_SLEEP_DENIED,
        POWER_SLEEP_FAILED},
};
static const enum readiness_event_kind POOL_KINDS[][4] = {
    [PROPOSE_LOAD] = {READINESS_LOAD_ACCEPTED, READINESS_LOAD_DONE, READINESS_LOAD_DENIED,
        READINESS_LOAD_FAILED},
    [PROPOSE_UNLOAD] = {READINESS_UNLOAD_ACCEPTED, READINESS_UNLOAD_DONE, READINESS_UNLOAD_DENIED,
        READINESS_UNLOAD_FAILED},
};

static void tell(struct proposal *p, enum outcome outcome, const char *words, int64_t retry_ms,
    const json_t *execution)
{
    struct inference *inf = p->inf;

    if (outcome != ACCEPTED)
        log_event(outcome == DONE     ? "proposal_done"
                  : outcome == DENIED ? "proposal_denied"
                                      : "proposal_failed",
            "action", ACTIONS[p->kind], "subject", subject(inf, p), "case", p->case_id, "words",
            words ? words : "", NULL);
    if (is_host(p)) {
        drive_host(inf, p->at,
            &(struct power_event){
                .kind = POWER_KINDS[p->kind][outcome], .words = words, .retry_ms = retry_ms});
        return;
    }
    if (p->kind == PROPOSE_LOAD && outcome == DONE)
        snprintf(inf->pools[p->at].sha256, HASH_BYTES, "%s", inf->models[p->model].sha256);
    drive_pool(inf, p->at,
        &(struct readiness_event){.kind = POOL_KINDS[p->kind][outcome],
            .words = words,
            .retry_ms = retry_ms,
            .model = p->model,
            .slots = (int)inf->pools[p->at].slots,
            .engine_version = text_of(execution, "engine_version")});
}

static void end(struct proposal *p)
{
    struct inference *inf = p->inf;

    if (inf) {
        struct proposal **slot =
            is_host(p) ? &inf->hosts[p->at].proposal : &inf->pools[p->at].proposal;
        if (*slot == p)
            *slot = NULL;
        if (p->before)
            p->before->next = p->next;
        else
            inf->proposals = p->next;
        if (p->next)
            p->next->before = p->before;
    }
    free(p);
}

static void read_answer(struct proposal *p, const json_t *body)
{
    const char *status = text_of(body, "status");
    const json_t *execution = json_object_get(body, "execution");
    const json_t *error = json_object_get(body, "error");
    const json_t *verdict = json_object_get(body, "verdict");
    int64_t retry_ms = json_integer_value(json_object_get(verdict, "retry_ms"));
    char words[POWER_WORDS_BYTES];

    snprintf(p->case_id, sizeof p->case_id, "%s", text_of(body, "case"));
    snprintf(words, sizeof words, "%s",
        *text_of(error, "message") ? text_of(error, "message") : text_of(body, "text"));
    if (strcmp(status, "success") == 0) {
        tell(p, DONE, NULL, 0, execution);
        return;
    }
    if (strcmp(status, "awaiting_consent") == 0)
        snprintf(words, sizeof words, "case %s waits for a person's signature", p->case_id);
    tell(p, strcmp(status, "failed") == 0 ? FAILED : DENIED, words, retry_ms, NULL);
}

static void on_answer(void *asker, json_t *body, const struct err *why)
{
    struct proposal *p = asker;
    struct inference *inf = p->inf;

    if (!inf || inf->closing) {
        end(p);
        return;
    }
    if (why)
        tell(p, why->kind == ERR_DENIED || why->kind == ERR_INPUT ? DENIED : FAILED, why->message,
            0, NULL);
    else
        read_answer(p, body);
    end(p);
    drive_settle(inf);
}

/* --- proposing ------------------------------------------------------------------------------ */

static json_t *params_of(const struct inference *inf, const struct proposal *p)
{
    if (is_host(p))
        return json_pack("{s:s}", "host", inf->hosts[p->at].name);
    if (p->kind == PROPOSE_LOAD)
        return json_pack(
            "{s:s, s:s}", "pool", inf->pools[p->at].name, "model", inf->models[p->model].name);
    const struct readiness *r = &inf->pools[p->at].readiness;
    return json_pack(
        "{s:s, s:s*}", "pool", inf->pools[p->at].name, "because", r->makes_way ? r->words : NULL);
}

void propose(struct inference *inf, enum proposal_kind kind, int at, int model)
{
    struct proposal *p = calloc(1, sizeof *p);
    struct err err = {0};

    check(p && (kind != PROPOSE_LOAD || model >= 0));
    *p = (struct proposal){
        .inf = inf, .kind = kind, .at = at, .model = model, .next = inf->proposals};
    if (inf->proposals)
        inf->proposals->before = p;
    inf->proposals = p;
    *(is_host(p) ? &inf->hosts[at].proposal : &inf->pools[at].proposal) = p;
    inf->counts.proposals++;
    log_event("proposal_made", "action", ACTIONS[kind], "subject", subject(inf, p), NULL);
    scoped(json_done) json_t *body = json_pack(
        "{s:s, s:o, s:s}", "action", ACTIONS[kind], "params", params_of(inf, p), "via", "rule");
    check(body);
    if (!inf->config.ask(inf->config.owner, "proposal", body, true, on_answer, p, &err)) {
        tell(p, FAILED, err.message, 0, NULL);
        end(p);
    }
}

/* Their answers, if any come, are for nobody. */
void propose_forget_all(struct inference *inf)
{
    while (inf->proposals) {
        struct proposal *p = inf->proposals;
        *(is_host(p) ? &inf->hosts[p->at].proposal : &inf->pools[p->at].proposal) = NULL;
        inf->proposals = p->next;
        if (p->next)
            p->next->before = NULL;
        p->inf = NULL;
    }
}

/* --- progress --------------------------------------------------------------------------------- */

static bool same_subject(const struct inference *inf, const struct proposal *p, const json_t *body)
{
    const json_t *params = json_object_get(body, "params");

    return strcmp(text_of(body, "action"), ACTIONS[p->kind]) == 0 &&
           strcmp(text_of(params, is_host(p) ? "host" : "pool"), subject(inf, p)) == 0 &&
           strcmp(text_of(json_object_get(body, "by"), "principal"), OWN_NAME) == 0;
}

/* Which of the four actions that is, and of what; false: another, or of a stranger. */
static bool read_action(const struct inference *inf, const json_t *body,
    enum proposal_kind *ret_kind, int *ret_host, int *ret_pool)
{
    const json_t *params = json_object_get(body, "params");
    int kind = 0;

    while (kind < (int)COUNT(ACTIONS) && strcmp(ACTIONS[kind], text_of(body, "action")) != 0)
        kind++;
    if (kind == (int)COUNT(ACTIONS))
        return false;
    *ret_kind = (enum proposal_kind)kind;
    *ret_pool = -1;
    if (kind == PROPOSE_WAKE || kind == PROPOSE_SLEEP) {
        *ret_host = view_host(inf, text_of(params, "host"));
    } else {
        *ret_pool = view_pool(inf, text_of(params, "pool"));
        *ret_host = *ret_pool >= 0 ? inf->pools[*ret_pool].host : -1;
    }
    return *ret_host >= 0;
}

/* Something was done to a machine, or begun and its end is not known. What others did is looked at
 * at once, for nobody tells us of it in any other way; and what they took away is no failure. */
static void machine_touched(struct inference *inf, const json_t *body, bool done)
{
    enum proposal_kind kind;
    int host, pool;

    if (!read_action(inf, body, &kind, &host, &pool))
        return;
    propose_table(inf); /* also what was learned: times, what is loaded, buffers */
    if (strcmp(text_of(json_object_get(body, "by"), "principal"), OWN_NAME) == 0)
        return;
    if (done && kind == PROPOSE_SLEEP)
        drive_host(inf, host, &(struct power_event){.kind = POWER_SLEPT});
    if (done && kind == PROPOSE_UNLOAD)
        drive_pool(inf, pool, &(struct readiness_event){.kind = READINESS_EMPTIED});
    inf->hosts[host].look_again = inf->hosts[host].asking;
    propose_look(inf, host);
}

void inference_event(struct inference *inf, const json_t *event)
{
    const char *kind = text_of(event, "kind"), *case_id = text_of(event, "case");
    const json_t *body = json_object_get(event, "body");

    if (strcmp(kind, "kb_loaded") == 0)
        propose_table(inf);
    else if (strcmp(kind, "case_executed") == 0 || strcmp(kind, "case_failed") == 0)
        machine_touched(inf, body, strcmp(kind, "case_executed") == 0);
    for (struct proposal *p = inf->proposals; p; p = p->next) {
        if (!*p->case_id && strcmp(kind, "case_opened") == 0 && same_subject(inf, p, body))
            snprintf(p->case_id, sizeof p->case_id, "%s", case_id);
        if (!p->accepted && strcmp(kind, "warrant_issued") == 0 &&
            strcmp(case_id, p->case_id) == 0) {
            p->accepted = true;
            tell(p, ACCEPTED, NULL, 0, NULL);
        }
    }
    drive_settle(inf);
}

void inference_stage(struct inference *inf, const json_t *stage)
{
    const char *word = text_of(stage, "stage");

    for (struct proposal *p = inf->proposals; p; p = p->next) {
        if (!*p->case_id || strcmp(p->case_id, text_of(stage, "case")) != 0)
            continue;
        if (p->kind == PROPOSE_WAKE && strcmp(word, "booting") == 0)
            drive_host(inf, p->at, &(struct power_event){.kind = POWER_STAGE_BOOTING});
        else if (p->kind == PROPOSE_WAKE && strcmp(word, "agent_up") == 0)
            drive_host(inf, p->at, &(struct power_event){.kind = POWER_STAGE_AGENT_UP});
        else if (!is_host(p))
            drive_pool(
                inf, p->at, &(struct readiness_event){.kind = READINESS_STAGE, .stage = word});
    }
    drive_settle(inf);
}

/* --- looks --------------------------------------------------------------------------------------
 */

struct asking {
    struct inference *inf;
    int at;
};

static void on_status(void *asker, json_t *body, const struct err *why)
{
    struct asking *asking = asker;
    struct inference *inf = asking->inf;
    int at = asking->at;

    free(asking);
    if (inf->closing)
        return;
    inf->hosts[at].asking = false;
    if (inf->hosts[at].look_again) { /* it was touched meanwhile: this may be how it was before */
        inf->hosts[at].look_again = false;
        propose_look(inf, at);
    } else if (!why) { /* a judge that is away says nothing about the host */
        const json_t *status = json_object_get(body, "status");
        drive_status(inf, at,
            json_is_true(json_object_get(body, "reachable")) && json_is_object(status) ? status
                                                                                       : NULL);
    }
    drive_settle(inf);
}

void propose_look(struct inference *inf, int host)
{
    struct asking *asking;
    struct err err;

    if (inf->hosts[host].asking)
        return;
    asking = malloc(sizeof *asking);
    check(asking);
    *asking = (struct asking){inf, host};
    scoped(json_done) json_t *body = json_pack("{s:s}", "host", inf->hosts[host].name);
    inf->hosts[host].asking =
        inf->config.ask(inf->config.owner, "host_status", body, true, on_status, asking, &err);
    if (!inf->hosts[host].asking)
        free(asking);
}

static void on_table(void *asker, json_t *body, const struct err *why)
{
    struct inference *inf = asker;

    inf->table_asked = false;
    if (inf->closing)
        return;
    if (why)
        log_error("inference_table_missing", "code", why->code, "words", why->message, NULL);
    else
        inference_table(inf, body);
    if (inf->table_again)
        propose_table(inf);
}

void propose_table(struct inference *inf)
{
    struct err err;
    scoped(json_done) json_t *body = json_object();

    inf->table_again = inf->table_asked;
    if (inf->table_asked)
        return;
    inf->table_asked =
        inf->config.ask(inf->config.owner, "inference", body, false, on_table, inf, &err);
}

/* --- an engine of somebody else
 * -------------------------------------------------------------------- */

static void external_seen(struct pool *pool, struct inference *inf, bool good)
{
    int at = (int)(pool - inf->pools);
    const char *model = json_string_value(json_array_get(pool->serves, 0));
    struct readiness_event event = {.kind = good ? READINESS_SEEN : READINESS_LOST,
        .seen = READINESS_SEEN_READY,
        .slots = (int)pool->slots,
        .model = view_model(inf, str_from(model))};

    pool->look = NULL;
    drive_pool(inf, at, &event);
    drive_settle(inf);
}

struct looking {
    struct inference *inf;
    int at;
    int status;
};

static void on_look_head(struct upstream_call *call, const struct http_reply *reply, void *user)
{
    struct looking *looking = user;

    (void)call;
    looking->status = reply->status;
}

static void on_look_body(struct upstream_call *call, struct str bytes, void *user)
{
    (void)call, (void)bytes, (void)user;
}

static void on_look_end(struct upstream_call *call, const struct upstream_end *look_end, void *user)
{
    struct looking *looking = user;
    struct inference *inf = looking->inf;
    struct pool *pool = &inf->pools[looking->at];
    /* no /health: an engine that answers at all is there */
    bool good =
        look_end->how == UPSTREAM_WHOLE && (looking->status == 200 || looking->status == 404);

    (void)call;
    free(looking);
    if (inf->closing)
        return;
    external_seen(pool, inf, good);
}

static const struct upstream_hooks LOOK_HOOKS = {
    .on_head = on_look_head, .on_body = on_look_body, .on_end = on_look_end};

void propose_look_external(struct inference *inf, int at)
{
    struct pool *pool = &inf->pools[at];
    struct looking *looking;
    struct err err;

    if (pool->look || !pool->place)
        return;
    looking = malloc(sizeof *looking);
    check(looking);
    *looking = (struct looking){inf, at, 0};
    const struct upstream_request request = {.method = METHOD_GET,
        .path = S("/health"),
        .hooks = &LOOK_HOOKS,
        .user = looking,
        .head_ms = LOOK_HEAD_MS,
        .stall_ms = LOOK_HEAD_MS};
    pool->look = upstream_send(pool->place, &request, &err);
    if (!pool->look) {
        free(looking);
        drive_pool(inf, at, &(struct readiness_event){.kind = READINESS_LOST});
    }
}
