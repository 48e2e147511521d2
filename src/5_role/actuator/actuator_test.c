/* SPDX-License-Identifier: Apache-2.0
 * The core on a real loop and a real BIND: run by tests/harness/named.sh. */
#include "actuator/core.h"

#include "actuator/plan_for_test.h"
#include "os/clock.h"
#include "os/fd.h"
#include "secret/secret.h"
#include "tap.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWERS_MAX 256

static uv_loop_t loop;
static json_t *answers[ANSWERS_MAX];
static size_t answer_count;
static bool idle_seen;

static void take_answer(void *owner, json_t *message)
{
    (void)owner;
    if (answer_count == ANSWERS_MAX)
        abort();
    answers[answer_count++] = message;
}

static void on_idle(void *owner)
{
    (void)owner;
    idle_seen = true;
}

static const struct actuator_settings STANDARD = {
#define SETTING(name, min, max, standard, help) .name = (standard),
#include "actuator/settings.def"
#undef SETTING
};

static struct actuator *open_with(struct actuator_settings settings)
{
    const struct actuator_setup setup = {.loop = &loop,
        .secrets = getenv("NAMED_SECRETS"),
        .playbooks = getenv("ANSIBLE_ROOT"),
        .inventories = getenv("NAMED_DIR"),
        .work = getenv("NAMED_DIR"),
        .settings = settings,
        .send = take_answer};

    uv_loop_init(&loop);
    idle_seen = false;
    return actuator_open(&setup);
}

static void close_all(struct actuator *a)
{
    actuator_stop(a, on_idle);
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK(idle_seen);
    actuator_close(a);
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK(uv_loop_close(&loop) == 0);
    while (answer_count)
        json_decref(answers[--answer_count]);
}

static int port(void)
{
    return (int)strtol(getenv("NAMED_PORT"), NULL, 10);
}

/* Takes the message. */
static void give(struct actuator *a, enum message_type type, json_t *message)
{
    actuator_take(a, type, message);
    json_decref(message);
}

static json_t *answer_to(int64_t id)
{
    for (size_t i = 0; i < answer_count; i++)
        if (message_int(answers[i], "id") == id)
            return answers[i];
    return NULL;
}

static const char *code_of(const json_t *done)
{
    return message_text(json_object_get(done, "error"), "code");
}

static char *plan_to_add(const char *name, const char *address)
{
    return plan_text_for_test(plan_for_test("C1",
        add_job_for_test(name, address, port(), "secret:tsig/home"), clock_civil_ms() + 60000));
}

static json_t *order(struct actuator *a, const char *plan, const char *nonce, int64_t id)
{
    return warrant_for_test("C1", plan, nonce, actuator_boot(a), clock_civil_ms() + 60000, id);
}

static json_t *ask_outcome(const char *plan, int64_t id)
{
    return message_make(
        MESSAGE_outcome, "{s:I, s:s, s:s}", "id", (json_int_t)id, "case", "C1", "plan", plan);
}

#define EXPECT_DONE(id, is_ok, is_changed, is_code)                                                \
    do {                                                                                           \
        json_t *done_is = answer_to(id);                                                           \
        CHECK(done_is);                                                                            \
        CHECK_INT(message_true(done_is, "ok"), is_ok);                                             \
        CHECK_TEXT(message_text(done_is, "changed"), is_changed);                                  \
        CHECK_TEXT(code_of(done_is), is_code);                                                     \
    } while (0)

TEST(each_life_has_another_name_and_greets)
{
    struct actuator *a = open_with(STANDARD);
    char first[64];

    snprintf(first, sizeof first, "%s", actuator_boot(a));
    actuator_greet(a);
    CHECK_TEXT(message_text(answers[0], "type"), "hello");
    CHECK_TEXT(message_text(answers[0], "boot"), first);
    close_all(a);
    a = open_with(STANDARD);
    CHECK(strcmp(first, actuator_boot(a)) != 0);
    close_all(a);
}

TEST(a_warrant_is_carried_out_once_and_its_outcome_remembered)
{
    struct actuator *a = open_with(STANDARD);
    scoped(free_done) char *plan = plan_to_add("once.local", "10.1.0.1");

    give(a, MESSAGE_warrant, order(a, plan, "n1", 1));
    give(a, MESSAGE_outcome, ask_outcome(plan, 2)); /* while it is under way */
    uv_run(&loop, UV_RUN_DEFAULT);
    EXPECT_DONE(1, true, "yes", "");
    EXPECT_DONE(2, true, "yes", "");
    give(a, MESSAGE_warrant, order(a, plan, "n1", 3)); /* a replay */
    give(a, MESSAGE_warrant, order(a, plan, "n2", 4)); /* another order for the same plan */
    give(a, MESSAGE_outcome, ask_outcome(plan, 5));
    uv_run(&loop, UV_RUN_DEFAULT);
    EXPECT_DONE(3, false, "no", "used");
    EXPECT_DONE(4, false, "no", "used");
    EXPECT_DONE(5, true, "yes", "");
    CHECK_INT((int)actuator_counts(a).refused, 2);
    close_all(a);
}

TEST(an_order_for_another_life_does_nothing)
{
    struct actuator *a = open_with(STANDARD);
    scoped(free_done) char *plan = plan_to_add("otherlife.local", "10.1.0.2");

    give(a, MESSAGE_warrant,
        warrant_for_test("C1", plan, "n1", "another", clock_civil_ms() + 60000, 1));
    EXPECT_DONE(1, false, "no", "wrong_boot");
    give(a, MESSAGE_outcome, ask_outcome(plan, 2)); /* nobody remembers: the world says no */
    uv_run(&loop, UV_RUN_DEFAULT);
    EXPECT_DONE(2, false, "no", "not_done");
    close_all(a);
}

TEST(after_a_restart_the_outcome_is_read_from_the_world)
{
    struct actuator *a = open_with(STANDARD);
    scoped(free_done) char *plan = plan_to_add("restart.local", "10.1.0.3");

    give(a, MESSAGE_warrant, order(a, plan, "n1", 1));
    uv_run(&loop, UV_RUN_DEFAULT);
    close_all(a);
    a = open_with(STANDARD);
    give(a, MESSAGE_outcome, ask_outcome(plan, 2));
    uv_run(&loop, UV_RUN_DEFAULT);
    EXPECT_DONE(2, true, "yes", "");
    close_all(a);
}

TEST(what_is_only_recorded_is_done_by_the_order_also_for_a_later_life)
{
    struct actuator *a = open_with(STANDARD);
    scoped(free_done) char *plan = plan_text_for_test(plan_for_test("C1",
        json_pack("{s:s, s:s, s:i}", "hand", "record", "op", "acknowledge", "alert", 7),
        clock_civil_ms() + 60000));

    give(a, MESSAGE_look,
        message_make(MESSAGE_look, "{s:i, s:s, s:{s:s}}", "id", 1, "case", "C1", "job", "hand",
            "record"));
    give(a, MESSAGE_warrant, order(a, plan, "n1", 2));
    give(a, MESSAGE_warrant, order(a, plan, "n1", 3));
    uv_run(&loop, UV_RUN_DEFAULT);
    EXPECT_DONE(1, false, "no", "bad_job");
    EXPECT_DONE(2, true, "yes", "");
    EXPECT_DONE(3, false, "no", "used");
    close_all(a);
    a = open_with(STANDARD);
    give(a, MESSAGE_outcome, ask_outcome(plan, 4));
    uv_run(&loop, UV_RUN_DEFAULT);
    EXPECT_DONE(4, true, "yes", "");
    close_all(a);
}

TEST(a_new_judge_is_not_answered_what_the_old_one_asked)
{
    struct actuator *a = open_with(STANDARD);
    scoped(free_done) char *plan = plan_to_add("newjudge.local", "10.1.0.4");

    actuator_greet(a);
    give(a, MESSAGE_warrant, order(a, plan, "n1", 1));
    actuator_greet(a);
    give(a, MESSAGE_outcome, ask_outcome(plan, 9));
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK(!answer_to(1));
    EXPECT_DONE(9, true, "yes", "");
    close_all(a);
}

TEST(a_look_cannot_change_anything)
{
    struct actuator *a = open_with(STANDARD);

    give(a, MESSAGE_look,
        message_make(MESSAGE_look, "{s:I, s:s, s:o}", "id", (json_int_t)1, "case", "C1", "job",
            add_job_for_test("look.local", "10.1.0.5", port(), "secret:tsig/home")));
    EXPECT_DONE(1, false, "no", "bad_job");
    give(a, MESSAGE_look,
        message_make(MESSAGE_look, "{s:I, s:s, s:{s:s, s:s, s:s, s:i, s:s, s:n, s:[s]}}", "id",
            (json_int_t)2, "case", "C1", "job", "hand", "dns", "op", "look", "server", "127.0.0.1",
            "port", port(), "zone", "local", "key", "names", "look.local"));
    uv_run(&loop, UV_RUN_DEFAULT);
    EXPECT_DONE(2, true, "no", "");
    CHECK_INT(
        json_array_size(json_object_get(json_object_get(answer_to(2), "result"), "rrsets")), 0);
    close_all(a);
}

TEST(orders_for_one_zone_run_one_after_the_other)
{
    struct actuator *a = open_with(STANDARD);
    char name[32], nonce[16];

    /* the same name: the first wins, all others find the world moved */
    for (int i = 0; i < 40; i++) {
        snprintf(name, sizeof name, "10.2.0.%d", i + 1);
        snprintf(nonce, sizeof nonce, "n%d", i);
        scoped(free_done) char *plan = plan_to_add("race.local", name);
        give(a, MESSAGE_warrant, order(a, plan, nonce, i + 1));
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    EXPECT_DONE(1, true, "yes", "");
    for (int i = 1; i < 40; i++)
        EXPECT_DONE(i + 1, false, "no", "world_moved");
    close_all(a);
}

TEST(one_job_beyond_the_queue_is_refused_and_costs_nothing)
{
    struct actuator_settings settings = STANDARD;
    settings.jobs_waiting_max = 2;
    struct actuator *a = open_with(settings);
    char name[32], nonce[16];

    for (int i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "queue%d.local", i);
        snprintf(nonce, sizeof nonce, "n%d", i);
        scoped(free_done) char *plan = plan_to_add(name, "10.3.0.1");
        give(a, MESSAGE_warrant, order(a, plan, nonce, i + 1));
    }
    EXPECT_DONE(4, false, "no", "queue_full");
    uv_run(&loop, UV_RUN_DEFAULT);
    for (int i = 0; i < 3; i++)
        EXPECT_DONE(i + 1, true, "yes", "");
    close_all(a);
}

/* A listener that never answers holds the lane until the order behind it is void. */
TEST(an_order_that_cannot_begin_in_time_is_void)
{
    struct actuator_settings settings = STANDARD;
    scoped(fd_done) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof at;

    settings.warrant_wait_ms = 100;
    settings.dns_reply_ms = 400;
    struct actuator *a = open_with(settings);
    CHECK(bind(fd, (struct sockaddr *)&at, sizeof at) == 0 && listen(fd, 4) == 0 &&
          getsockname(fd, (struct sockaddr *)&at, &bytes) == 0);
    for (int i = 0; i < 2; i++) {
        char name[32], nonce[8];
        snprintf(name, sizeof name, "late%d.local", i);
        snprintf(nonce, sizeof nonce, "n%d", i);
        scoped(free_done) char *plan = plan_text_for_test(plan_for_test("C1",
            add_job_for_test(name, "10.4.0.1", ntohs(at.sin_port), "secret:tsig/home"),
            clock_civil_ms() + 60000));
        give(a, MESSAGE_warrant, order(a, plan, nonce, i + 11));
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    EXPECT_DONE(11, false, "unknown", "silent");
    EXPECT_DONE(12, false, "no", "expired");
    close_all(a);
}

TEST(stopping_refuses_what_waits_and_finishes_what_runs)
{
    struct actuator *a = open_with(STANDARD);
    scoped(free_done) char *one = plan_to_add("stop1.local", "10.5.0.1");
    scoped(free_done) char *two = plan_to_add("stop2.local", "10.5.0.1");
    scoped(free_done) char *three = plan_to_add("stop3.local", "10.5.0.1");

    give(a, MESSAGE_warrant, order(a, one, "n1", 1));
    give(a, MESSAGE_warrant, order(a, two, "n2", 2));
    actuator_stop(a, on_idle);
    CHECK(!idle_seen);
    give(a, MESSAGE_warrant, order(a, three, "n3", 3));
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK(idle_seen);
    EXPECT_DONE(1, true, "yes", "");
    EXPECT_DONE(2, false, "no", "stopping");
    EXPECT_DONE(3, false, "no", "stopping");
    close_all(a);
}

/* A wrongly stored secret: the name of the variable's file and its text are nowhere in what leaves.
 * */
TEST(no_answer_holds_a_secret)
{
    struct actuator *a = open_with(STANDARD);
    struct err err;

    CHECK(secret_put(
        getenv("NAMED_SECRETS"), S("secret:planted"), S("10.6.0.1 planted-value"), &err));
    scoped(free_done) char *plan = plan_text_for_test(
        plan_for_test("C1", add_job_for_test("planted.local", "10.6.0.1", port(), "secret:planted"),
            clock_civil_ms() + 60000));
    give(a, MESSAGE_warrant, order(a, plan, "n1", 1));
    uv_run(&loop, UV_RUN_DEFAULT);
    EXPECT_DONE(1, false, "no", "bad_secret");
    /* now a value that the error of another job would tell */
    CHECK(secret_put(getenv("NAMED_SECRETS"), S("secret:planted"), S("planted.local"), &err));
    scoped(free_done) char *again = plan_text_for_test(
        plan_for_test("C1", add_job_for_test("planted.local", "10.6.0.2", port(), "secret:planted"),
            clock_civil_ms() + 60000));
    give(a, MESSAGE_warrant, order(a, again, "n2", 2));
    scoped(free_done) char *real = plan_to_add("ns.planted.local", "10.6.0.3");
    give(a, MESSAGE_warrant, order(a, real, "n3", 3));
    uv_run(&loop, UV_RUN_DEFAULT);
    scoped(free_done) char *said = json_dumps(answer_to(3), 0);
    CHECK(said && !strstr(said, "planted.local") && strstr(said, "[secret:planted]"));
    close_all(a);
}

TEST(the_outcome_of_a_forgotten_playbook_is_unknown)
{
    struct actuator *a = open_with(STANDARD);
    const char *zeros = "0000000000000000000000000000000000000000000000000000000000000000";
    scoped(free_done) char *plan = plan_text_for_test(plan_for_test("C1",
        json_pack("{s:s, s:s, s:s, s:s, s:{}, s:{}, s:s, s:s}", "hand", "ansible", "op", "run",
            "playbook", "services/dns/zone.yml", "inventory", "inventory/home.yml", "variables",
            "secrets", "content_sha256", zeros, "fingerprint", zeros),
        clock_civil_ms() + 60000));

    give(a, MESSAGE_outcome, ask_outcome(plan, 1));
    EXPECT_DONE(1, false, "unknown", "outcome_unknown");
    /* and its hashes are not those of any check */
    give(a, MESSAGE_warrant, order(a, plan, "n1", 2));
    uv_run(&loop, UV_RUN_DEFAULT);
    EXPECT_DONE(2, false, "no", "world_moved");
    close_all(a);
}

TAP_MAIN
