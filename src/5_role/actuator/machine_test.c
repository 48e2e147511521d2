/* SPDX-License-Identifier: Apache-2.0
 * The hands host and pool on a real loop, with a FAKE agent on a unix socket: run by
 * tests/harness/fake_agent.py. A load takes it a second; pool `torn` hangs up, `chatty` talks. */
#include "actuator/core.h"

#include "actuator/plan_for_test.h"
#include "host/order_key.h"
#include "os/clock.h"
#include "tap.h"

#include <curl/curl.h>
#include <limits.h>
#include <unistd.h>

#define SAID_MAX 4096
#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

static uv_loop_t loop;
static json_t *said[SAID_MAX];
static size_t said_count;
static bool idle_seen;
static char home[PATH_MAX], agent_socket[PATH_MAX + 32], secrets[PATH_MAX + 32];
static struct host_paths paths = {.socket = agent_socket, .pki = home, .catalogue = home};

static const struct actuator_settings STANDARD = {
#define SETTING(name, min, max, standard, help) .name = (standard),
#include "actuator/settings.def"
#undef SETTING
};

static void take(void *owner, json_t *message)
{
    (void)owner;
    if (said_count == SAID_MAX)
        abort();
    said[said_count++] = message;
}

static void on_idle(void *owner)
{
    (void)owner;
    idle_seen = true;
}

static void prepare(void)
{
    char public[PUBLIC_KEY_TEXT_BYTES];
    struct err err;

    if (home[0])
        return;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    actuator_widen_threads(&STANDARD);
    snprintf(home, sizeof home, "%s", getenv("FAKE_HOME"));
    snprintf(agent_socket, sizeof agent_socket, "%s/run/agent.sock", home);
    snprintf(secrets, sizeof secrets, "%s/secrets", home);
    check(order_key_ensure(secrets, home, public, &err));
}

static struct actuator *open_with(struct actuator_settings settings)
{
    prepare();
    const struct actuator_setup setup = {.loop = &loop,
        .secrets = secrets,
        .playbooks = home,
        .inventories = home,
        .work = home,
        .machines = &paths,
        .settings = settings,
        .send = take};

    uv_loop_init(&loop);
    idle_seen = false;
    struct actuator *a = actuator_open(&setup);
    actuator_greet(a);
    return a;
}

static void forget(void)
{
    while (said_count)
        json_decref(said[--said_count]);
}

static void end(struct actuator *a)
{
    actuator_stop(a, on_idle);
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK(idle_seen);
    actuator_close(a);
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK(uv_loop_close(&loop) == 0);
    forget();
}

/* Takes the message. */
static void give(struct actuator *a, enum message_type type, json_t *message)
{
    actuator_take(a, type, message);
    json_decref(message);
}

static json_t *pool_job(const char *op, const char *pool)
{
    json_t *job = json_pack("{s:s, s:s, s:s, s:s, s:s, s:i}", "hand", "pool", "op", op, "host",
        "tower", "agent", "local", "pool", pool, "limit_s", 20);
    json_t *load = strcmp(op, "load") != 0
                       ? NULL
                       : json_pack("{s:s, s:s, s:i, s:i, s:i, s:s, s:{s:s, s:s, s:i, s:s}, "
                                   "s:{s:s, s:s}, s:i}",
                             "kind", "cpu", "mask", "", "vram_mib", 0, "slots", 1, "context", 1024,
                             "kv", "f16", "model", "name", "tiny", "file", "tiny.gguf", "bytes", 9,
                             "sha256", ZEROS, "engine", "engine", "llama", "version", "b1",
                             "need_bytes", 7);
    if (load)
        json_object_update(job, load);
    json_decref(load);
    return job;
}

static char *plan_of(json_t *job)
{
    return plan_text_for_test(plan_for_test("C1", job, clock_civil_ms() + 60000));
}

static void order_until(struct actuator *a, const char *plan, int64_t id, int64_t until_ms)
{
    char nonce[32];

    snprintf(nonce, sizeof nonce, "n%lld", (long long)id);
    give(a, MESSAGE_warrant, warrant_for_test("C1", plan, nonce, actuator_boot(a), until_ms, id));
}

static void order(struct actuator *a, json_t *job, int64_t id)
{
    scoped(free_done) char *plan = plan_of(job);

    order_until(a, plan, id, clock_civil_ms() + 60000);
}

static void ask_outcome(struct actuator *a, const char *plan, int64_t id)
{
    give(a, MESSAGE_outcome,
        message_make(
            MESSAGE_outcome, "{s:I, s:s, s:s}", "id", (json_int_t)id, "case", "C1", "plan", plan));
}

/* Takes the job. */
static void look(struct actuator *a, json_t *job, int64_t id)
{
    give(a, MESSAGE_look,
        message_make(
            MESSAGE_look, "{s:I, s:s, s:o}", "id", (json_int_t)id, "case", "", "job", job));
}

/* Where in what was said; SAID_MAX: nowhere. */
static size_t place_of(const char *type, int64_t id)
{
    for (size_t i = 0; i < said_count; i++)
        if (strcmp(message_text(said[i], "type"), type) == 0 && message_int(said[i], "id") == id)
            return i;
    return SAID_MAX;
}

static size_t count_of(const char *type, int64_t id)
{
    size_t count = 0;

    for (size_t i = 0; i < said_count; i++)
        count += strcmp(message_text(said[i], "type"), type) == 0 &&
                 message_int(said[i], "id") == id;
    return count;
}

static json_t *done_of(int64_t id)
{
    size_t at = place_of("done", id);
    return at == SAID_MAX ? NULL : said[at];
}

static void run_until(const char *type, int64_t id)
{
    while (place_of(type, id) == SAID_MAX)
        uv_run(&loop, UV_RUN_ONCE);
}

#define EXPECT_DONE(id, is_ok, is_changed, is_code)                                                \
    do {                                                                                           \
        json_t *done_is = done_of(id);                                                             \
        CHECK(done_is);                                                                            \
        CHECK_INT(message_true(done_is, "ok"), is_ok);                                             \
        CHECK_TEXT(message_text(done_is, "changed"), is_changed);                                  \
        CHECK_TEXT(message_text(json_object_get(done_is, "error"), "code"), is_code);              \
    } while (0)

static json_t *host_look(void)
{
    return json_pack(
        "{s:s, s:s, s:s, s:s}", "hand", "host", "op", "status", "host", "tower", "agent", "local");
}

/* Nobody listens at this port. */
static json_t *lookup(void)
{
    return json_pack("{s:s, s:s, s:s, s:i, s:s, s:s}", "hand", "dns", "op", "lookup", "server",
        "127.0.0.1", "port", 1, "name", "a.local", "type", "A");
}

TEST(a_host_is_looked_at_without_an_order_and_nobody_is_told_how_far_it_is)
{
    struct actuator *a = open_with(STANDARD);

    look(a, host_look(), 1);
    uv_run(&loop, UV_RUN_DEFAULT);
    EXPECT_DONE(1, true, "no", "");
    json_t *result = json_object_get(done_of(1), "result");
    CHECK(message_true(result, "reachable"));
    CHECK_TEXT(message_text(json_object_get(result, "status"), "host"), "tower");
    CHECK_INT(count_of("progress", 1), 0);
    look(a, pool_job("unload", "p0"), 2);
    EXPECT_DONE(2, false, "no", "bad_job");
    order(a, host_look(), 3);
    EXPECT_DONE(3, false, "no", "bad_job");
    end(a);
}

TEST(a_load_tells_its_stages_in_order_before_its_end)
{
    static const char *const STAGES[] = {
        "agent_up", "driver_ready", "engine_starting", "verifying", "loading", "ready"};
    struct actuator *a = open_with(STANDARD);
    size_t stage = 0;

    order(a, pool_job("load", "p1"), 1);
    uv_run(&loop, UV_RUN_DEFAULT);
    EXPECT_DONE(1, true, "yes", "");
    for (size_t i = 0; i < said_count; i++) {
        if (strcmp(message_text(said[i], "type"), "progress") != 0)
            continue;
        CHECK(i < place_of("done", 1));
        CHECK_INT(message_int(said[i], "id"), 1);
        CHECK_TEXT(message_text(said[i], "case"), "C1");
        while (stage < COUNT(STAGES) && strcmp(message_text(said[i], "stage"), STAGES[stage]) != 0)
            stage++;
    }
    CHECK_INT(stage, COUNT(STAGES) - 1); /* each after the one before; the last is "ready" */
    order(a, pool_job("unload", "p1"), 2);
    uv_run(&loop, UV_RUN_DEFAULT);
    EXPECT_DONE(2, true, "yes", "");
    end(a);
}

TEST(long_jobs_have_their_own_bound_and_hold_up_no_others)
{
    struct actuator_settings settings = STANDARD;
    settings.jobs_at_once = settings.long_jobs_at_once = settings.host_looks_at_once = 1;
    settings.dns_reply_ms = 100;
    struct actuator *a = open_with(settings);

    order(a, pool_job("load", "p2"), 1);
    order(a, pool_job("load", "p3"), 2);
    look(a, lookup(), 3);
    look(a, host_look(), 4);
    uv_run(&loop, UV_RUN_DEFAULT);
    EXPECT_DONE(1, true, "yes", "");
    EXPECT_DONE(2, true, "yes", "");
    CHECK(place_of("done", 3) < place_of("done", 1));
    CHECK(place_of("done", 4) < place_of("done", 1));
    CHECK(place_of("progress", 2) > place_of("done", 1)); /* one at once */
    end(a);
}

TEST(many_hosts_wait_at_once_and_one_pool_one_after_the_other)
{
    struct actuator *a = open_with(STANDARD);
    char pool[16];

    for (int i = 0; i < 8; i++) { /* more than libuv's four */
        snprintf(pool, sizeof pool, "m%d", i);
        order(a, pool_job("load", pool), i + 1);
    }
    order(a, pool_job("unload", "m0"), 20);
    uv_run(&loop, UV_RUN_DEFAULT);
    size_t first_end = SAID_MAX;
    for (int i = 1; i <= 8; i++) {
        EXPECT_DONE(i, true, "yes", "");
        first_end = place_of("done", i) < first_end ? place_of("done", i) : first_end;
    }
    for (int i = 1; i <= 8; i++)
        CHECK(place_of("progress", i) < first_end);
    CHECK(place_of("progress", 20) > place_of("done", 1)); /* the same lane */
    end(a);
}

TEST(a_queue_of_long_jobs_that_is_full_leaves_room_for_others)
{
    struct actuator_settings settings = STANDARD;
    settings.long_jobs_at_once = settings.jobs_waiting_max = 1;
    settings.dns_reply_ms = 100;
    struct actuator *a = open_with(settings);

    order(a, pool_job("load", "q1"), 1);
    order(a, pool_job("load", "q2"), 2);
    order(a, pool_job("load", "q3"), 3);
    EXPECT_DONE(3, false, "no", "queue_full");
    look(a, host_look(), 4);
    uv_run(&loop, UV_RUN_DEFAULT);
    EXPECT_DONE(2, true, "yes", "");
    EXPECT_DONE(4, true, "no", "");
    end(a);
}

TEST(no_limit_of_others_ends_a_load_that_has_begun)
{
    struct actuator_settings settings = STANDARD;
    settings.warrant_wait_ms = 100;
    settings.dns_reply_ms = settings.dns_job_ms = 50;
    settings.agent_answer_ms = 100;
    struct actuator *a = open_with(settings);
    scoped(free_done) char *plan = plan_of(pool_job("load", "slow"));
    scoped(free_done) char *next = plan_of(pool_job("unload", "slow"));

    order_until(a, plan, 1, clock_civil_ms() + 300); /* its warrant expires amid the load */
    order_until(a, next, 2, clock_civil_ms() + 60000);
    uv_run(&loop, UV_RUN_DEFAULT);
    EXPECT_DONE(1, true, "yes", "");
    EXPECT_DONE(2, false, "no", "expired"); /* it never began: its lane was taken */
    end(a);
}

TEST(an_agent_that_talks_without_end_is_cut_to_a_trickle)
{
    struct actuator_settings settings = STANDARD;
    settings.stages_burst = 8;
    settings.stage_ms = 60000;
    struct actuator *a = open_with(settings);

    order(a, pool_job("load", "chatty"), 1);
    uv_run(&loop, UV_RUN_DEFAULT);
    EXPECT_DONE(1, true, "yes", "");
    CHECK_INT(count_of("progress", 1), 8);
    end(a);
}

TEST(a_new_judge_is_told_how_far_it_is_and_how_it_ended)
{
    struct actuator *a = open_with(STANDARD);
    scoped(free_done) char *plan = plan_of(pool_job("load", "judge"));

    order_until(a, plan, 1, clock_civil_ms() + 60000);
    run_until("progress", 1);
    actuator_greet(a);
    size_t before = count_of("progress", 1);
    ask_outcome(a, plan, 77);
    uv_run(&loop, UV_RUN_DEFAULT);
    EXPECT_DONE(77, true, "yes", "");
    CHECK(!done_of(1));
    CHECK_INT(count_of("progress", 1), before); /* the number means nothing to it */
    CHECK(count_of("progress", 77) > 0);
    end(a);
}

TEST(an_actuator_that_ends_amid_a_load_says_nothing_and_the_next_waits_for_it)
{
    struct actuator *a = open_with(STANDARD);
    scoped(free_done) char *plan = plan_of(pool_job("load", "restart"));

    order_until(a, plan, 1, clock_civil_ms() + 60000);
    run_until("progress", 1);
    actuator_stop(a, on_idle);
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK(!done_of(1)); /* "unknown" would be a lie told too early */
    end(a);
    a = open_with(STANDARD);
    ask_outcome(a, plan, 5);
    uv_run(&loop, UV_RUN_DEFAULT);
    EXPECT_DONE(5, true, "yes", "");
    CHECK_TEXT(message_text(json_object_get(done_of(5), "result"), "engine_version"), "b1");
    end(a);
}

TEST(a_torn_order_is_unknown_and_what_never_was_is_not_done)
{
    struct actuator *a = open_with(STANDARD);
    scoped(free_done) char *torn = plan_of(pool_job("load", "torn"));
    scoped(free_done) char *never = plan_of(pool_job("load", "never"));

    order_until(a, torn, 1, clock_civil_ms() + 60000);
    ask_outcome(a, never, 2);
    uv_run(&loop, UV_RUN_DEFAULT);
    EXPECT_DONE(1, false, "unknown", "torn");
    EXPECT_DONE(2, false, "no", "not_done");
    end(a);
    a = open_with(STANDARD); /* nobody remembers: the agent says that it went on */
    ask_outcome(a, torn, 3);
    uv_run(&loop, UV_RUN_DEFAULT);
    EXPECT_DONE(3, true, "yes", "");
    end(a);
}

TEST(an_agent_that_is_away_leaves_the_outcome_unknown)
{
    struct actuator_settings settings = STANDARD;
    settings.outcome_silent_ms = 300;
    settings.agent_answer_ms = settings.agent_connect_ms = 100;
    scoped(free_done) char *plan = plan_of(pool_job("load", "away"));
    static char away[] = "/nonexistent/agent.sock";
    const struct host_paths kept = paths;

    paths.socket = away;
    struct actuator *a = open_with(settings);
    ask_outcome(a, plan, 1);
    uv_run(&loop, UV_RUN_DEFAULT);
    EXPECT_DONE(1, false, "unknown", "outcome_unknown");
    order_until(a, plan, 2, clock_civil_ms() + 60000);
    look(a, host_look(), 3);
    uv_run(&loop, UV_RUN_DEFAULT);
    EXPECT_DONE(2, false, "no", "unreachable");
    EXPECT_DONE(3, true, "no", "");
    CHECK(!message_true(json_object_get(done_of(3), "result"), "reachable"));
    end(a);
    paths = kept;
}

TAP_MAIN
