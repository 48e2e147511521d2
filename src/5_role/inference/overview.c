/* SPDX-License-Identifier: Apache-2.0
 *
 * Hosts, pools and requests on one page for people who look on: what a dashboard draws. Times are
 * civil; what is expected is counted from since_ms. */
#include "inference/turn.h"

#include "base/panic.h"

#define ROWS_MAX 50
#define RATE_MS 2000 /* over so long tokens are counted for one rate */
#define RATE_MAX 1000000
#define CLOCK_STEP_MS 500

/* Since when (steady), and how long it takes from then on; -1: nothing is under way. */
struct wait {
    int64_t since_ms, takes_ms;
};

static struct wait host_wait(const struct power *p, int64_t now)
{
    struct wait wait = {p->since_ms, -1};

    if ((p->state == POWER_WAKING || p->state == POWER_BOOTING) && p->wake_ms >= 0) {
        wait.since_ms = p->wake_ms;
        wait.takes_ms = now - p->wake_ms + power_eta_ms(p, now);
    } else if (p->state == POWER_SLEEPING) {
        wait.takes_ms = p->config.sleep_ms;
    }
    return wait;
}

static struct wait pool_wait(const struct inference *inf, const struct pool *pool, int64_t now)
{
    const struct readiness *r = &pool->readiness;
    const struct power *host = pool->host >= 0 ? &inf->hosts[pool->host].power : NULL;
    struct wait wait = {r->since_ms, -1};
    bool loads = r->state >= READINESS_DRIVER_READY && r->state <= READINESS_LOADING;
    int model = r->state == READINESS_HOST ? r->want : r->model;

    if (loads)
        wait.since_ms = r->load_ms;
    if (loads || r->state == READINESS_HOST) {
        int64_t eta = model >= 0 ? readiness_eta_ms(r, host, model, now) : -1;
        wait.takes_ms = eta >= 0 ? now - wait.since_ms + eta : -1;
    } else if (r->state == READINESS_UNLOADING) {
        wait.takes_ms = r->config.unload_ms;
    }
    return wait;
}

/* The two clocks are read at different moments: a row that did not change says the same time. */
static int64_t civil_of(struct inference *inf, int64_t steady_ms, int64_t civil_ms)
{
    int64_t ahead_ms = civil_ms - inference_now(inf), moved_ms = ahead_ms - inf->civil_ahead_ms;

    if (moved_ms > CLOCK_STEP_MS || moved_ms < -CLOCK_STEP_MS)
        inf->civil_ahead_ms = ahead_ms;
    return steady_ms + inf->civil_ahead_ms;
}

static void add_wait(struct inference *inf, json_t *row, struct wait wait, int64_t civil_ms)
{
    json_object_set_new(row, "since_ms", json_integer(civil_of(inf, wait.since_ms, civil_ms)));
    json_object_set_new(
        row, "expected_ms", wait.takes_ms >= 0 ? json_integer(wait.takes_ms) : json_null());
}

bool inference_wait(struct inference *inf, const char *host, const char *pool, int64_t civil_ms,
    struct inference_wait *ret_wait)
{
    int64_t now = inference_now(inf);
    int h = host ? view_host(inf, host) : -1, p = pool ? view_pool(inf, pool) : -1;

    if (p < 0 && h < 0)
        return false;
    struct wait wait =
        p >= 0 ? pool_wait(inf, &inf->pools[p], now) : host_wait(&inf->hosts[h].power, now);
    h = p >= 0 ? inf->pools[p].host : h;
    *ret_wait = (struct inference_wait){.host = h >= 0 ? inf->hosts[h].name : NULL,
        .since_ms = civil_of(inf, wait.since_ms, civil_ms),
        .expected_ms = wait.takes_ms};
    return true;
}

/* --- tokens ---------------------------------------------------------------------------------- */

static uint64_t tokens_of(const struct inference *inf, int at)
{
    uint64_t tokens = inf->pools[at].tokens_ended;

    for (const struct turn *turn = inf->turns; turn; turn = turn->next)
        if (turn->pool == at && turn->phase == TURN_RUNNING && turn->reply == REPLY_STREAM)
            tokens += openai_stream_tokens(&turn->filter);
    return tokens;
}

/* A rate that is old is counted anew; one that nobody looked at for long begins at nothing. */
static int64_t rate_of(struct inference *inf, int at)
{
    struct pool *pool = &inf->pools[at];
    int64_t now = inference_now(inf), spent = now - pool->rate_ms;

    if (spent < RATE_MS)
        return pool->tokens_per_s;
    uint64_t tokens = tokens_of(inf, at);
    bool fresh = spent < 4 * RATE_MS && tokens >= pool->tokens_seen;
    pool->tokens_per_s =
        fresh ? (int64_t)((tokens - pool->tokens_seen) * 1000 / (uint64_t)spent) : 0;
    if (pool->tokens_per_s > RATE_MAX) /* a count that was put right at its end */
        pool->tokens_per_s = 0;
    pool->tokens_seen = tokens;
    pool->rate_ms = now;
    return pool->tokens_per_s;
}

bool inference_moved(const struct inference *inf, uint64_t *mark)
{
    bool moved = *mark != inf->changes;

    *mark = inf->changes;
    for (int i = 0; i < inf->pool_count; i++)
        moved = moved || inf->pools[i].running || inf->pools[i].tokens_per_s;
    return moved;
}

/* --- rows ------------------------------------------------------------------------------------ */

static json_t *host_row(struct inference *inf, int at, int64_t now, int64_t civil_ms)
{
    const struct host *host = &inf->hosts[at];
    json_t *row = json_pack("{s:s, s:s, s:s}", "host", host->name, "power",
        power_state_name(host->power.state), "stage", power_stage(&host->power));

    check(row);
    add_wait(inf, row, host_wait(&host->power, now), civil_ms);
    return row;
}

static json_t *pool_row(struct inference *inf, int at, int64_t now, int64_t civil_ms)
{
    struct pool *pool = &inf->pools[at];
    const struct readiness *r = &pool->readiness;
    const struct power *host = pool->host >= 0 ? &inf->hosts[pool->host].power : NULL;
    int model = r->state == READINESS_HOST ? r->want : r->model;
    json_t *row = json_pack("{s:s, s:s?, s:s, s:s?, s:s}", "pool", pool->name, "host",
        pool->host >= 0 ? inf->hosts[pool->host].name : NULL, "state",
        readiness_state_name(r->state), "model", model >= 0 ? inf->models[model].name : NULL,
        "stage", readiness_stage(r, host));

    check(row);
    add_wait(inf, row, pool_wait(inf, pool, now), civil_ms);
    json_object_set_new(row, "busy", json_integer(pool->running));
    json_object_set_new(row, "slots", json_integer(pool->slots));
    json_object_set_new(row, "tokens_per_s", json_integer(rate_of(inf, at)));
    json_object_set_new(row, "makes_way", r->makes_way ? json_string(r->words) : json_null());
    return row;
}

static json_t *request_row(struct turn *turn, int64_t now)
{
    struct queue_place place = {0};

    if (turn->phase == TURN_WAITING)
        (void)queue_place(turn->inf->queue, turn->id, now, &place);
    return json_pack("{s:s, s:s, s:s, s:i, s:s, s:I}", "id", turn->request_id, "caller",
        turn->caller->name, "model", turn->model >= 0 ? turn->inf->models[turn->model].name : "",
        "position", place.position, "state", turn->phase == TURN_WAITING ? "waiting" : "running",
        "waited_ms", (json_int_t)((turn->started_ms ? turn->started_ms : now) - turn->begun_ms));
}

/* Those that are here longest: the list begins with the newest. */
static json_t *request_rows(struct inference *inf, int64_t now)
{
    json_t *rows = json_array();
    struct turn *turn = inf->turns;

    check(rows);
    while (turn && turn->next)
        turn = turn->next;
    for (; turn && json_array_size(rows) < ROWS_MAX; turn = turn->prev)
        if (turn->id)
            json_array_append_new(rows, request_row(turn, now));
    return rows;
}

json_t *inference_overview(struct inference *inf, int64_t civil_ms)
{
    json_t *pools = json_array(), *hosts = json_array(), *page;
    int64_t now = inference_now(inf);

    for (int i = 0; i < inf->host_count; i++)
        if (inf->hosts[i].listed)
            json_array_append_new(hosts, host_row(inf, i, now, civil_ms));
    for (int i = 0; i < inf->pool_count; i++)
        if (inf->pools[i].listed)
            json_array_append_new(pools, pool_row(inf, i, now, civil_ms));
    page = json_pack("{s:I, s:i, s:i, s:o, s:o, s:o}", "at_ms", (json_int_t)civil_ms, "waiting",
        queue_waiting(inf->queue), "running", queue_running(inf->queue), "hosts", hosts, "pools",
        pools, "requests", request_rows(inf, now));
    check(page);
    return page;
}
