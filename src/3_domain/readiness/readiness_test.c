/* SPDX-License-Identifier: Apache-2.0 */
#include "readiness/readiness.h"
#include "base/scoped.h"
#include "tap.h"

#include <string.h>

#define MODEL 3
#define OTHER 4

static struct readiness pool;
static struct readiness_effects effects;
static int64_t now_ms;

static void step_event(struct readiness_event event)
{
    readiness_step(&pool, &event, now_ms, &effects);
}

static void step(enum readiness_event_kind kind)
{
    step_event((struct readiness_event){.kind = kind, .model = MODEL, .stage = "verifying"});
}

static void want(int model)
{
    step_event((struct readiness_event){.kind = READINESS_WANTED, .model = model});
}

static void seen(enum readiness_seen state, int model)
{
    step_event((struct readiness_event){.kind = READINESS_SEEN, .seen = state, .model = model});
}

static void running(int count)
{
    step_event((struct readiness_event){.kind = READINESS_RUNNING, .running = count});
}

static void refuse(enum readiness_event_kind kind, const char *words, int64_t retry_ms)
{
    step_event((struct readiness_event){.kind = kind, .words = words, .retry_ms = retry_ms});
}

static const struct readiness_effect *effect(enum readiness_effect_kind kind)
{
    for (int i = 0; i < effects.count; i++)
        if (effects.list[i].kind == kind)
            return &effects.list[i];
    return NULL;
}

static bool did(enum readiness_effect_kind kind)
{
    return effect(kind) != NULL;
}

static struct queue_pool view(void)
{
    struct queue_pool seen_by_queue;
    readiness_queue_pool(&pool, NULL, now_ms, &seen_by_queue);
    return seen_by_queue;
}

static void init(const struct readiness_config *config)
{
    now_ms = 1000000;
    readiness_init(&pool, config, now_ms);
    step(READINESS_TICK);
    seen(READINESS_SEEN_EMPTY, QUEUE_NONE);
}

/* Into each state by the way it is really reached. */
static void bring(enum readiness_state state)
{
    init(&READINESS_CONFIG_DEFAULT);
    if (state == READINESS_EMPTY)
        return;
    want(MODEL);
    if (state == READINESS_HOST)
        return;
    step(READINESS_HOST_UP);
    now_ms += 10;
    if (state == READINESS_FAILED)
        refuse(READINESS_LOAD_FAILED, "no", 100000);
    if (state >= READINESS_ENGINE_STARTING && state <= READINESS_LOADING)
        step_event((struct readiness_event){
            .kind = READINESS_STAGE, .stage = readiness_state_name(state)});
    if (state < READINESS_READY || state == READINESS_FAILED)
        return;
    step_event((struct readiness_event){.kind = READINESS_LOAD_DONE, .slots = 4});
    if (state == READINESS_READY)
        return;
    now_ms += READINESS_CONFIG_DEFAULT.idle_ms;
    step(READINESS_TICK);
    if (state == READINESS_UNLOADING)
        step(READINESS_UNLOAD_ACCEPTED);
}

/* One letter per effect: H want host, R release host, L load, U unload, A ask, F fail. */
static const char EFFECT_LETTERS[] = "HRLUAF";
static const char *const STATE_LETTERS[READINESS_STATES] = {
    "em", "ho", "dr", "st", "ve", "lo", "re", "dn", "un", "fa"};

struct row {
    struct readiness_event event;
    const char *cells[READINESS_STATES];
};
#define E(event_kind) .event = {.kind = READINESS_##event_kind, .model = MODEL}
#define SEE(state, what)                                                                           \
    .event = {.kind = READINESS_SEEN, .seen = READINESS_SEEN_##state, .model = what}

/* empty host driver_ready engine_starting verifying loading ready draining unloading failed */
static const struct row ROWS[] = {
    {E(WANTED),
        .cells = {"hoH", "ho", "dr", "st", "ve", "lo", "re", "dn", "un", "faF"}},
    {.event = {.kind = READINESS_WANTED, .model = OTHER},
        .cells = {"hoH", "ho", "dr", "st", "ve", "lo", "dnU", "dn", "un", "drLH"}},
    {E(UNWANTED),
        .cells = {"em", "emR", "dr", "st", "ve", "lo", "re", "dn", "un", "fa"}},
    {E(RUNNING),
        .cells = {"em", "ho", "dr", "st", "ve", "lo", "re", "dn", "un", "fa"}},
    {E(HOST_UP),
        .cells = {"em", "drL", "dr", "st", "ve", "lo", "re", "dn", "un", "fa"}},
    {E(HOST_GONE),
        .cells = {"em", "ho", "ho", "ho", "ho", "ho", "emR", "em", "em", "fa"}},
    {E(HOST_FAILED),
        .cells = {"em", "faFR", "dr", "st", "ve", "lo", "re", "dn", "un", "fa"}},
    {E(STAGE),
        .cells = {"em", "ho", "ve", "ve", "ve", "ve", "re", "dn", "un", "fa"}},
    {E(LOAD_ACCEPTED),
        .cells = {"em", "ho", "dr", "st", "ve", "lo", "re", "dn", "un", "fa"}},
    {E(LOAD_DONE),
        .cells = {"em", "ho", "re", "re", "re", "re", "re", "dn", "un", "fa"}},
    {E(LOAD_DENIED),
        .cells = {"em", "ho", "faA", "faA", "faA", "faA", "re", "dn", "un", "fa"}},
    {E(LOAD_FAILED),
        .cells = {"em", "ho", "faA", "faA", "faA", "faA", "re", "dn", "un", "fa"}},
    {E(UNLOAD_ACCEPTED),
        .cells = {"em", "ho", "dr", "st", "ve", "lo", "re", "un", "un", "fa"}},
    {E(UNLOAD_DONE),
        .cells = {"em", "ho", "dr", "st", "ve", "lo", "re", "emR", "emR", "fa"}},
    {E(UNLOAD_DENIED),
        .cells = {"em", "ho", "dr", "st", "ve", "lo", "re", "re", "re", "fa"}},
    {E(UNLOAD_FAILED),
        .cells = {"em", "ho", "dr", "st", "ve", "lo", "re", "unA", "unA", "fa"}},
    {E(EMPTIED),
        .cells = {"em", "ho", "dr", "st", "ve", "lo", "emR", "dn", "un", "fa"}},
    {E(MAKE_WAY),
        .cells = {"emF", "emFR", "drF", "stF", "veF", "loF", "unFU", "dnF", "unF", "faF"}},
    {E(UPSTREAM_FAILED),
        .cells = {"em", "ho", "dr", "st", "ve", "lo", "reA", "dnA", "un", "fa"}},
    {E(LOST),
        .cells = {"em", "ho", "dr", "st", "ve", "lo", "re", "dn", "un", "fa"}},
    {E(RESTARTED),
        .cells = {"emA", "hoA", "drA", "stA", "veA", "loA", "reA", "unA", "unA", "faA"}},
    {E(TICK),
        .cells = {"em", "ho", "dr", "st", "ve", "lo", "re", "dn", "un", "fa"}},
    {SEE(EMPTY, QUEUE_NONE),
        .cells = {"em", "ho", "dr", "st", "ve", "lo", "faR", "dn", "un", "fa"}},
    {SEE(STARTING, MODEL),
        .cells = {"stH", "st", "st", "st", "st", "st", "st", "dn", "un", "stH"}},
    {SEE(VERIFYING, MODEL),
        .cells = {"veH", "ve", "ve", "ve", "ve", "ve", "ve", "dn", "un", "veH"}},
    {SEE(LOADING, MODEL),
        .cells = {"loH", "lo", "lo", "lo", "lo", "lo", "lo", "dn", "un", "loH"}},
    {SEE(READY, MODEL),
        .cells = {"reH", "re", "re", "re", "re", "re", "re", "dn", "un", "reH"}},
    {SEE(READY, OTHER),
        .cells = {"reH", "dnU", "dr", "st", "ve", "lo", "re", "dn", "un", "reH"}},
    {SEE(DRAINING, MODEL),
        .cells = {"em", "ho", "dr", "st", "ve", "lo", "un", "dn", "un", "fa"}},
    {SEE(FAILED, QUEUE_NONE),
        .cells = {"em", "ho", "dr", "st", "ve", "lo", "faR", "dn", "un", "fa"}},
};

TEST(every_state_and_event_does_what_the_table_says)
{
    bool met[READINESS_EVENTS] = {false}, shown[READINESS_SEENS] = {false};
    for (size_t r = 0; r < COUNT(ROWS); r++)
        for (int state = 0; state < READINESS_STATES; state++) {
            char got[16] = "";
            struct readiness_event event = ROWS[r].event;
            event.stage = "verifying";
            met[event.kind] = shown[event.seen] = true;
            bring((enum readiness_state)state);
            CHECK_INT(pool.state, state);
            step_event(event);
            size_t at = (size_t)snprintf(got, sizeof got, "%s", STATE_LETTERS[pool.state]);
            for (int i = 0; i < effects.count; i++)
                got[at++] = EFFECT_LETTERS[effects.list[i].kind];
            if (strcmp(got, ROWS[r].cells[state]) != 0)
                printf("# %s, row %d\n", readiness_state_name((enum readiness_state)state), (int)r);
            CHECK_TEXT(got, ROWS[r].cells[state]);
        }
    for (int i = 0; i < READINESS_EVENTS; i++)
        CHECK(met[i]);
    for (int i = 0; i < READINESS_SEENS; i++)
        CHECK(shown[i]);
}

TEST(cold_start_goes_through_the_stages_to_ready_and_back)
{
    init(&READINESS_CONFIG_DEFAULT);
    want(MODEL);
    CHECK(did(READINESS_DO_WANT_HOST));
    CHECK_INT(view().loading, MODEL);
    step(READINESS_HOST_UP);
    REQUIRE(did(READINESS_DO_PROPOSE_LOAD));
    CHECK_INT(effect(READINESS_DO_PROPOSE_LOAD)->model, MODEL);
    step(READINESS_LOAD_ACCEPTED);
    static const char *const STAGES[] = {"driver_ready", "engine_starting", "verifying", "loading"};
    for (size_t i = 0; i < COUNT(STAGES); i++) {
        now_ms += 2000;
        step_event((struct readiness_event){.kind = READINESS_STAGE, .stage = STAGES[i]});
        CHECK_TEXT(readiness_stage(&pool, NULL), STAGES[i]);
        CHECK_INT(readiness_eta_ms(&pool, NULL, MODEL, now_ms),
            READINESS_CONFIG_DEFAULT.load_limit_ms - 2000 * ((int64_t)i + 1));
    }
    step_event((struct readiness_event){.kind = READINESS_STAGE, .stage = "cheese"});
    CHECK_INT(pool.state, READINESS_LOADING);
    step_event((struct readiness_event){
        .kind = READINESS_LOAD_DONE, .slots = 4, .engine_version = "b5000"});
    CHECK_TEXT(pool.engine_version, "b5000");
    CHECK_INT(view().model, MODEL);
    CHECK_INT(view().slots, 4);
    CHECK_INT(view().loading, QUEUE_NONE);
    CHECK_INT(readiness_eta_ms(&pool, NULL, MODEL, now_ms), 0);
    running(1);
    now_ms += 10 * READINESS_CONFIG_DEFAULT.idle_ms;
    step(READINESS_TICK);
    CHECK_INT(pool.state, READINESS_READY); /* never while it serves */
    running(0);
    CHECK_INT(readiness_wake_at_ms(&pool), now_ms + READINESS_CONFIG_DEFAULT.idle_ms);
    now_ms = readiness_wake_at_ms(&pool);
    step(READINESS_TICK);
    CHECK(did(READINESS_DO_PROPOSE_UNLOAD));
    CHECK_INT(view().model, QUEUE_NONE);
    step(READINESS_UNLOAD_ACCEPTED);
    step(READINESS_UNLOAD_DONE);
    CHECK(did(READINESS_DO_RELEASE_HOST));
    CHECK_INT(pool.state, READINESS_EMPTY);
    want(MODEL);
    CHECK_INT(readiness_eta_ms(&pool, NULL, MODEL, now_ms), 8000); /* as learned */
}

TEST(other_model_waits_for_the_running_and_a_drain_is_called_off)
{
    bring(READINESS_READY);
    running(2);
    want(OTHER);
    CHECK_INT(pool.state, READINESS_DRAINING);
    CHECK(!did(READINESS_DO_PROPOSE_UNLOAD));
    CHECK_INT(view().loading, OTHER);
    step(READINESS_UNWANTED);
    CHECK_INT(pool.state, READINESS_READY);
    CHECK_INT(view().model, MODEL);
    want(OTHER);
    running(1);
    CHECK(!did(READINESS_DO_PROPOSE_UNLOAD));
    running(0);
    CHECK(did(READINESS_DO_PROPOSE_UNLOAD));
    step(READINESS_UNLOAD_DONE);
    REQUIRE(did(READINESS_DO_PROPOSE_LOAD));
    CHECK_INT(effect(READINESS_DO_PROPOSE_LOAD)->model, OTHER);
    CHECK(!did(READINESS_DO_RELEASE_HOST));
}

TEST(load_that_nobody_wants_any_more_ends_and_idles_away)
{
    bring(READINESS_LOADING);
    step(READINESS_UNWANTED);
    CHECK_INT(pool.state, READINESS_LOADING);
    step(READINESS_LOAD_DONE);
    CHECK_INT(pool.state, READINESS_READY);
    now_ms += READINESS_CONFIG_DEFAULT.idle_ms;
    step(READINESS_TICK);
    CHECK(did(READINESS_DO_PROPOSE_UNLOAD));
    bring(READINESS_HOST);
    step(READINESS_UNWANTED);
    CHECK(did(READINESS_DO_RELEASE_HOST));
    CHECK_INT(pool.state, READINESS_EMPTY);
}

TEST(failed_loads_back_off_and_another_model_may_come_meanwhile)
{
    bring(READINESS_LOADING);
    int64_t want_ms = READINESS_CONFIG_DEFAULT.retry_first_ms;
    for (int i = 0; i < 8; i++) {
        refuse(READINESS_LOAD_FAILED, "offloaded 0/33: the engine would run on the CPU", 0);
        CHECK_INT(pool.retry_at_ms - now_ms, want_ms);
        bool held = want_ms <= READINESS_CONFIG_DEFAULT.hold_ms;
        CHECK_INT(did(READINESS_DO_FAIL), !held);
        if (held) {
            CHECK_INT(view().loading, MODEL); /* its waiters are provided for */
        } else {
            CHECK_TEXT(effect(READINESS_DO_FAIL)->code, "engine_failed");
            CHECK_INT(effect(READINESS_DO_FAIL)->model, MODEL);
            CHECK(effect(READINESS_DO_FAIL)->retry_after_ms <= QUEUE_RETRY_MS_MAX);
            CHECK_INT(view().denied, MODEL);
            CHECK_INT(view().denied_until_ms, pool.retry_at_ms);
            want(MODEL); /* in spite of that: told at once */
            CHECK(did(READINESS_DO_FAIL));
            CHECK(!did(READINESS_DO_PROPOSE_LOAD));
        }
        now_ms = pool.retry_at_ms;
        step(READINESS_TICK);
        want(MODEL);
        CHECK_INT(pool.state, READINESS_DRIVER_READY);
        want_ms = want_ms * 2 < READINESS_CONFIG_DEFAULT.retry_max_ms
            ? want_ms * 2 : READINESS_CONFIG_DEFAULT.retry_max_ms;
    }
    refuse(READINESS_LOAD_DENIED, "needs 19.2 GiB, gpu0 has 15.5", 500000);
    CHECK_TEXT(effect(READINESS_DO_FAIL)->code, "pool_unavailable");
    CHECK_TEXT(effect(READINESS_DO_FAIL)->words, "needs 19.2 GiB, gpu0 has 15.5");
    want(OTHER);
    CHECK(did(READINESS_DO_PROPOSE_LOAD));
    CHECK_INT(view().denied, MODEL); /* still */
}

TEST(engine_that_dies_is_found_out_by_a_look)
{
    bring(READINESS_READY);
    running(1);
    step(READINESS_UPSTREAM_FAILED);
    CHECK(did(READINESS_DO_ASK));
    seen(READINESS_SEEN_FAILED, QUEUE_NONE);
    CHECK_INT(pool.state, READINESS_FAILED); /* soon after it came up: like a failed load */
    bring(READINESS_READY);
    now_ms += READINESS_CONFIG_DEFAULT.healthy_ms;
    seen(READINESS_SEEN_EMPTY, QUEUE_NONE);
    CHECK_INT(pool.state, READINESS_EMPTY); /* later: it may be loaded anew at once */
    want(MODEL);
    CHECK(did(READINESS_DO_PROPOSE_LOAD));
    bring(READINESS_READY);
    seen(READINESS_SEEN_LOADING, MODEL); /* the agent started it again */
    CHECK_INT(view().loading, MODEL);
    seen(READINESS_SEEN_READY, MODEL);
    CHECK_INT(view().model, MODEL);
}

TEST(what_the_agent_shows_wins)
{
    bring(READINESS_READY);
    seen(READINESS_SEEN_READY, OTHER);
    CHECK_INT(view().model, OTHER);
    bring(READINESS_EMPTY);
    seen(READINESS_SEEN_READY, QUEUE_NONE); /* loaded by hand: something that we do not know */
    CHECK_INT(view().model, QUEUE_NONE);
    CHECK(did(READINESS_DO_WANT_HOST));
    step(READINESS_HOST_UP);
    want(MODEL);
    CHECK(did(READINESS_DO_PROPOSE_UNLOAD)); /* before anything else can come */
    bring(READINESS_VERIFYING);
    seen(READINESS_SEEN_EMPTY, QUEUE_NONE); /* a look from before: our load is out */
    CHECK_INT(pool.state, READINESS_VERIFYING);
    seen(READINESS_SEEN_READY, MODEL); /* quicker than the answer */
    CHECK_INT(view().model, MODEL);
    step_event((struct readiness_event){.kind = READINESS_LOAD_DONE, .slots = 9});
    CHECK_INT(view().slots, 9);
    CHECK_INT(pool.out, READINESS_OUT_NONE);
}

TEST(silence_while_loading_is_looked_at_and_no_end_is_a_failure)
{
    bring(READINESS_LOADING);
    CHECK_INT(readiness_wake_at_ms(&pool), pool.out_ms + READINESS_CONFIG_DEFAULT.stall_ms);
    now_ms = readiness_wake_at_ms(&pool);
    step(READINESS_TICK);
    CHECK(did(READINESS_DO_ASK));
    seen(READINESS_SEEN_LOADING, MODEL);
    now_ms = pool.out_ms + READINESS_CONFIG_DEFAULT.case_limit_ms;
    step(READINESS_TICK);
    CHECK_INT(pool.state, READINESS_FAILED);
    CHECK_INT(pool.out, READINESS_OUT_NONE);
}

TEST(host_that_fails_fails_all_waiters_and_its_return_ends_that)
{
    bring(READINESS_HOST);
    refuse(READINESS_HOST_FAILED, "quiet hours", 3600000);
    REQUIRE(did(READINESS_DO_FAIL));
    CHECK_INT(effect(READINESS_DO_FAIL)->model, QUEUE_ANY);
    CHECK(effect(READINESS_DO_FAIL)->should_retry);
    CHECK_INT(effect(READINESS_DO_FAIL)->retry_after_ms, QUEUE_RETRY_MS_MAX);
    CHECK(did(READINESS_DO_RELEASE_HOST));
    CHECK_INT(view().denied, QUEUE_ANY);
    step(READINESS_HOST_UP);
    CHECK_INT(view().denied, QUEUE_NONE);
    bring(READINESS_HOST);
    refuse(READINESS_HOST_FAILED, NULL, 0);
    CHECK(!effect(READINESS_DO_FAIL)->should_retry);
    CHECK_INT(view().denied_until_ms, INT64_MAX);
    CHECK_INT(readiness_eta_ms(&pool, NULL, MODEL, now_ms), -1);
    CHECK_INT(readiness_wake_at_ms(&pool), -1);
}

TEST(denied_unload_leaves_what_is_there_serving)
{
    bring(READINESS_READY);
    want(OTHER);
    refuse(READINESS_UNLOAD_DENIED, "a person uses it", 120000);
    CHECK_INT(pool.state, READINESS_READY);
    CHECK_INT(view().model, MODEL);
    CHECK_INT(view().denied, OTHER);
    REQUIRE(did(READINESS_DO_FAIL));
    CHECK_INT(effect(READINESS_DO_FAIL)->model, OTHER);
    want(OTHER);
    CHECK(!did(READINESS_DO_PROPOSE_UNLOAD));
    now_ms += 120000;
    step(READINESS_TICK);
    CHECK(did(READINESS_DO_PROPOSE_UNLOAD));
}

TEST(host_gone_while_a_load_is_out_waits_for_its_end)
{
    bring(READINESS_LOADING);
    step(READINESS_HOST_GONE);
    CHECK_INT(pool.state, READINESS_HOST);
    step(READINESS_HOST_UP);
    CHECK(!did(READINESS_DO_PROPOSE_LOAD)); /* never two */
    CHECK_INT(pool.host_held, true);
    step(READINESS_LOAD_FAILED);
    CHECK(did(READINESS_DO_PROPOSE_LOAD));
}

TEST(nothing_is_proposed_after_a_restart_before_a_look)
{
    bring(READINESS_LOADING);
    step(READINESS_HOST_GONE);
    step(READINESS_RESTARTED);
    step(READINESS_HOST_UP);
    CHECK(!did(READINESS_DO_PROPOSE_LOAD)); /* the old one may still be at work */
    seen(READINESS_SEEN_EMPTY, QUEUE_NONE);
    CHECK(did(READINESS_DO_PROPOSE_LOAD));
    bring(READINESS_READY);
    now_ms += READINESS_CONFIG_DEFAULT.idle_ms;
    step(READINESS_RESTARTED);
    CHECK(!did(READINESS_DO_PROPOSE_UNLOAD));
    seen(READINESS_SEEN_READY, MODEL);
    CHECK(did(READINESS_DO_PROPOSE_UNLOAD));
}

TEST(engine_of_somebody_else_is_used_and_never_touched)
{
    struct readiness_config config = READINESS_CONFIG_DEFAULT;
    config.has_host = config.manages = false;
    init(&config);
    CHECK_INT(view().denied, QUEUE_ANY);
    seen(READINESS_SEEN_READY, MODEL);
    CHECK_INT(view().model, MODEL);
    want(OTHER);
    now_ms += 10 * config.idle_ms;
    step(READINESS_TICK);
    CHECK(!did(READINESS_DO_PROPOSE_UNLOAD) && did(READINESS_DO_ASK));
    seen(READINESS_SEEN_EMPTY, QUEUE_NONE);
    REQUIRE(did(READINESS_DO_FAIL));
    CHECK_INT(effect(READINESS_DO_FAIL)->model, QUEUE_ANY);
    want(MODEL);
    CHECK(did(READINESS_DO_FAIL) && !did(READINESS_DO_PROPOSE_LOAD));
}

TEST(load_times_are_learned_per_model_up_to_the_limit)
{
    init(&READINESS_CONFIG_DEFAULT);
    for (int i = 0; i <= READINESS_MODELS_LEARNED; i++)
        readiness_learn(&pool, i, 1000 + i);
    CHECK_INT(pool.learned_count, READINESS_MODELS_LEARNED);
    CHECK_INT(readiness_eta_ms(&pool, NULL, 5, now_ms), 1005);
    CHECK_INT(readiness_eta_ms(&pool, NULL, 0, now_ms), READINESS_CONFIG_DEFAULT.load_limit_ms);
    readiness_learn(&pool, 5, 3005);
    CHECK_INT(readiness_eta_ms(&pool, NULL, 5, now_ms), 2005);
    readiness_learn(&pool, QUEUE_NONE, 5);
    CHECK_INT(pool.learned_count, READINESS_MODELS_LEARNED);
}

static void plays(int64_t retry_ms)
{
    refuse(READINESS_MAKE_WAY, "somebody plays", retry_ms);
}

TEST(who_plays_gets_the_machine_at_once)
{
    bring(READINESS_READY);
    running(2);
    plays(0);
    CHECK(pool.state == READINESS_UNLOADING && did(READINESS_DO_PROPOSE_UNLOAD));
    CHECK(did(READINESS_DO_FAIL) && effect(READINESS_DO_FAIL)->model == QUEUE_ANY);
    CHECK_STR(str_from(effect(READINESS_DO_FAIL)->words), "somebody plays");
    CHECK(effect(READINESS_DO_FAIL)->retry_after_ms == QUEUE_RETRY_MS_MAX);
    CHECK(view().slots == 0 && view().model == QUEUE_NONE && view().denied == QUEUE_ANY);
    CHECK(view().denied_until_ms == INT64_MAX);
    CHECK(readiness_eta_ms(&pool, NULL, MODEL, now_ms) == -1);
    running(0);
    step(READINESS_UNLOAD_DONE);
    CHECK(pool.state == READINESS_EMPTY);
    want(MODEL); /* nothing is loaded meanwhile */
    CHECK(pool.state == READINESS_EMPTY && !did(READINESS_DO_PROPOSE_LOAD));
    CHECK(did(READINESS_DO_FAIL));
}

TEST(who_has_played_leaves_the_machine_after_a_while)
{
    bring(READINESS_EMPTY);
    plays(0);
    now_ms += 3600000;
    step(READINESS_TICK);
    CHECK(pool.makes_way);
    plays(120000);
    CHECK(readiness_wake_at_ms(&pool) <= now_ms + 120000);
    CHECK(view().denied_until_ms == now_ms + 120000);
    CHECK(readiness_eta_ms(&pool, NULL, MODEL, now_ms) >= 120000);
    now_ms += 119999;
    step(READINESS_TICK);
    CHECK(pool.makes_way);
    plays(0); /* again */
    now_ms += 10;
    step(READINESS_TICK);
    CHECK(pool.makes_way);
    plays(1000);
    now_ms += 1000;
    step(READINESS_TICK);
    CHECK(!pool.makes_way && view().denied == QUEUE_NONE);
    want(MODEL);
    CHECK(pool.state == READINESS_HOST);
}

TEST(in_each_state_making_way_ends_with_an_empty_pool)
{
    for (int state = READINESS_EMPTY; state < READINESS_STATES; state++) {
        bring((enum readiness_state)state);
        plays(0);
        for (int i = 0; i < 8; i++) {
            if (pool.out == READINESS_OUT_LOAD)
                step(READINESS_LOAD_DONE);
            else if (pool.out == READINESS_OUT_UNLOAD)
                step(READINESS_UNLOAD_DONE);
            now_ms += 60000;
            step(READINESS_TICK);
            if (pool.asked_ms >= 0)
                seen(READINESS_SEEN_EMPTY, QUEUE_NONE);
        }
        CHECK(pool.state == READINESS_EMPTY && pool.out == READINESS_OUT_NONE && pool.makes_way);
    }
}

TEST(a_pool_that_was_not_let_go_is_asked_again_and_serves_nobody_meanwhile)
{
    bring(READINESS_READY);
    running(1);
    plays(0);
    refuse(READINESS_UNLOAD_DENIED, "it is busy", 0);
    CHECK(pool.state == READINESS_READY && view().slots == 0 && !did(READINESS_DO_PROPOSE_UNLOAD));
    CHECK(readiness_wake_at_ms(&pool) == now_ms + 1000);
    now_ms += 1000;
    step(READINESS_TICK);
    CHECK(did(READINESS_DO_PROPOSE_UNLOAD) && pool.state == READINESS_UNLOADING);
}

TEST(an_engine_of_somebody_else_stays_loaded_and_serves_nobody)
{
    struct readiness_config config = READINESS_CONFIG_DEFAULT;
    config.has_host = config.manages = false;
    init(&config);
    seen(READINESS_SEEN_READY, MODEL);
    CHECK(view().slots > 0);
    plays(0);
    CHECK(!did(READINESS_DO_PROPOSE_UNLOAD) && view().slots == 0);
    seen(READINESS_SEEN_READY, MODEL);
    CHECK(view().slots == 0 && view().denied == QUEUE_ANY);
    plays(5000);
    now_ms += 5000;
    seen(READINESS_SEEN_READY, MODEL);
    CHECK(pool.state == READINESS_READY && view().slots > 0 && view().model == MODEL);
}

TEST(stage_before_the_pool_is_the_hosts)
{
    struct power host;
    power_init(&host, &POWER_CONFIG_DEFAULT, 70000, 0);
    host.state = POWER_BOOTING;
    bring(READINESS_HOST);
    CHECK_TEXT(readiness_stage(&pool, &host), "booting");
    host.state = POWER_ASLEEP;
    CHECK_INT(readiness_eta_ms(&pool, &host, MODEL, now_ms),
        70000 + READINESS_CONFIG_DEFAULT.load_limit_ms);
}

TAP_MAIN
