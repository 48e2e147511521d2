/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/agent.h"

#include "agent/agent_harness.h"
#include "agent/memory.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "os/clock.h"
#include "os/file.h"
#include "scratch.h"
#include "tap.h"
#include "json/json_read.h"

#include <sys/stat.h>
#include <unistd.h>
#include <utime.h>
#include <utmp.h>

#define SHA "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define UNLOAD                                                                                     \
    "{\"hand\":\"pool\",\"op\":\"unload\",\"host\":\"tower\",\"agent\":\"local\",\"pool\":\"%s\"," \
    "\"limit_s\":60}"
#define UNLOAD_P                                                                                   \
    "{\"hand\":\"pool\",\"op\":\"unload\",\"host\":\"tower\",\"agent\":\"local\",\"pool\":\"p\","  \
    "\"limit_s\":60}"
#define LOAD(kind, mask, need)                                                                     \
    "{\"hand\":\"pool\",\"op\":\"load\",\"host\":\"tower\",\"agent\":\"local\",\"pool\":\"p\","    \
    "\"kind\":\"" kind "\",\"mask\":\"" mask                                                       \
    "\",\"vram_mib\":1,\"slots\":1,\"context\":512,\"kv\":\"f16\","                                \
    "\"model\":{\"name\":\"m\",\"file\":\"m.gguf\",\"bytes\":5,\"sha256\":\"" SHA "\"},"           \
    "\"engine\":{\"engine\":\"llama\",\"version\":\"b1\"},\"need_bytes\":" need ",\"limit_s\":60}"
#define SLEEP                                                                                      \
    "{\"hand\":\"host\",\"op\":\"sleep\",\"host\":\"tower\",\"agent\":\"https://127.0.0.1:1\","    \
    "\"how\":\"suspend\",\"limit_s\":5}"
#define LOOK "{\"hand\":\"host\",\"op\":\"status\",\"host\":\"tower\",\"agent\":\"local\"}"
#define WAKE                                                                                       \
    "{\"hand\":\"host\",\"op\":\"wake\",\"host\":\"tower\",\"agent\":\"https://127.0.0.1:1\","     \
    "\"mac\":\"52:54:00:aa:bb:01\",\"broadcast\":\"\",\"secure_on\":\"\",\"limit_s\":5}"

#define CHECK_REFUSED(order, job, want_status, want_code)                                          \
    do {                                                                                           \
        char code_is[ERR_CODE_BYTES_MAX];                                                          \
        CHECK_INT(site_order(&site, &(order), job, NULL, code_is), want_status);                   \
        CHECK_TEXT(code_is, want_code);                                                            \
    } while (0)

/* --- who may ask -------------------------------------------------------------------------- */

TEST(only_gateway_and_actuator_are_answered)
{
    scoped(site_done) struct site site;

    site_make(&site, false);
    site_start(&site);
    CHECK_INT(site_ask(&site, "gateway", "/v1/status", NULL, NULL, NULL), 200);
    CHECK_INT(site_ask(&site, "actuator", "/v1/status", NULL, NULL, NULL), 200);
    CHECK_INT(site_ask(&site, "intruder", "/v1/status", NULL, NULL, NULL), 403);
    CHECK_INT(site_ask(&site, "", "/v1/status", NULL, NULL, NULL), 0);
    CHECK_INT(site_ask(&site, "tower", "/v1/status", NULL, NULL, NULL), 0); /* a server's */
}

TEST(each_role_may_do_its_own_only)
{
    scoped(site_done) struct site site;
    scoped(buf_done) struct buf order = buf_of(ORDER_BODY_BYTES_MAX);

    site_make(&site, false);
    site_start(&site);
    site_sign(&site, &SITE_ORDER, UNLOAD_P, &order);
    CHECK_INT(site_ask(&site, "gateway", "/v1/orders", buf_text(&order), NULL, NULL), 403);
    CHECK_INT(site_ask(&site, "intruder", "/v1/orders", buf_text(&order), NULL, NULL), 403);
    CHECK_INT(site_ask(&site, "actuator", "/v1/pools/p/v1/models", NULL, NULL, NULL), 403);
    CHECK_INT(site_ask(&site, "actuator", "/v1/orders", buf_text(&order), NULL, NULL), 200);
}

TEST(another_authoritys_actuator_is_nobody)
{
    scoped(site_done) struct site site, other;

    site_make(&site, false);
    site_make(&other, false);
    site_start(&site);
    other.port = site.port;
    CHECK_INT(site_ask(&other, "actuator", "/v1/status", NULL, NULL, NULL), 0);
    /* also when it takes the right authority for the server's certificate */
    CHECK(rename(site_path(&other, "pki/actuator.crt"), site_path(&site, "pki/alien.crt")) == 0);
    CHECK(rename(site_path(&other, "pki/actuator.key"), site_path(&site, "pki/alien.key")) == 0);
    CHECK_INT(site_ask(&site, "alien", "/v1/status", NULL, NULL, NULL), 0);
}

TEST(the_socket_is_for_our_own_uid)
{
    scoped(site_done) struct site site;
    struct stat seen;

    site_make(&site, true);
    site_start(&site);
    CHECK(stat(site.socket, &seen) == 0 && (seen.st_mode & 07777) == 0600);
    CHECK_INT(site_ask(&site, "", "/v1/status", NULL, NULL, NULL), 200);
    CHECK_INT(site_ask(&site, "", "/v1/status", "{}", NULL, NULL), 405);
    CHECK_INT(site_ask(&site, "", "/v1/orders", NULL, NULL, NULL), 405);
    CHECK_INT(site_ask(&site, "", "/v2/status", NULL, NULL, NULL), 404);
    CHECK_INT(site_ask(&site, "", "/v1/secrets", NULL, NULL, NULL), 404);
    CHECK_INT(site_ask(&site, "", "/v1/status", NULL, "Host: evil.example", NULL), 421);
}

/* --- status ---------------------------------------------------------------------------------- */

TEST(the_status_is_what_our_client_expects)
{
    scoped(hand_end_done) struct hand_end end = {0};
    scoped(site_done) struct site site;

    site_make(&site, false);
    site_start(&site);
    site_run(&site, LOOK, &end);
    REQUIRE(end.ok);
    const json_t *status = json_object_get(end.result, "status");
    REQUIRE(json_is_object(status));
    CHECK_TEXT(json_string_value(json_object_get(status, "host")), "tower");
    CHECK(
        json_integer_value(json_object_get(json_object_get(status, "memory"), "total_bytes")) > 0);
    CHECK(json_is_true(json_object_get(json_object_get(status, "driver"), "ready")));
    CHECK_INT(json_array_size(json_object_get(status, "pools")), 0);
    CHECK_INT(json_array_size(json_object_get(status, "inhibitors")), 0);
}

TEST(an_agent_with_another_name_is_not_believed)
{
    scoped(hand_end_done) struct hand_end end = {0};
    scoped(site_done) struct site site;

    site_make(&site, false);
    site_start(&site);
    site_run(&site, "{\"hand\":\"host\",\"op\":\"status\",\"host\":\"other\",\"agent\":\"local\"}",
        &end);
    REQUIRE(end.ok);
    CHECK(json_is_false(json_object_get(end.result, "reachable")));
}

TEST(a_host_without_its_gpus_says_that_the_driver_is_not_ready)
{
    scoped(hand_end_done) struct hand_end end = {0};
    scoped(site_done) struct site site;

    site_make(&site, true);
    json_object_set_new(
        site.more, "settings", json_pack("{s:i, s:i}", "gpus_min", 1, "driver_wait_ms", 0));
    site_start(&site);
    site_run(&site, LOOK, &end);
    REQUIRE(end.ok);
    const json_t *driver = json_object_get(json_object_get(end.result, "status"), "driver");
    CHECK(json_is_false(json_object_get(driver, "ready")));
    CHECK(strlen(json_string_value(json_object_get(driver, "words"))) > 0);
}

/* --- orders, one check at a time
 * ------------------------------------------------------------------ */

TEST(an_order_is_done_once)
{
    scoped(site_done) struct site site;
    scoped(buf_done) struct buf body = buf_of(ORDER_BODY_BYTES_MAX), out = buf_of(4096);
    struct site_order order = SITE_ORDER;

    order.nonce = "just_this_one";
    site_make(&site, false);
    site_start(&site);
    site_sign(&site, &order, UNLOAD_P, &body);
    CHECK_INT(site_ask(&site, "actuator", "/v1/orders", buf_text(&body), NULL, &out), 200);
    CHECK(strstr(buf_text(&out), "\"ok\":true"));
    CHECK_INT(site_ask(&site, "actuator", "/v1/orders", buf_text(&body), NULL, NULL), 403);
    CHECK_REFUSED(order, UNLOAD_P, 403, "used"); /* signed again, the same nonce */
}

TEST(a_used_order_is_used_after_a_restart_too)
{
    scoped(site_done) struct site site;
    struct site_order order = SITE_ORDER;
    char code[ERR_CODE_BYTES_MAX];

    order.nonce = "survivor";
    site_make(&site, true);
    site_start(&site);
    CHECK_INT(site_order(&site, &order, UNLOAD_P, NULL, code), 200);
    site_stop(&site);
    site_start(&site);
    CHECK_REFUSED(order, UNLOAD_P, 403, "used");
}

TEST(an_edited_order_is_refused)
{
    scoped(site_done) struct site site;
    scoped(buf_done) struct buf body = buf_of(ORDER_BODY_BYTES_MAX), out = buf_of(4096);

    site_make(&site, true);
    site_start(&site);
    site_sign(&site, &SITE_ORDER, UNLOAD_P, &body);
    char *at = strstr(body.at, "\\\"pool\\\":\\\"p\\\"");
    REQUIRE(at);
    at[sizeof "\\\"pool\\\":\\\"" - 1] = 'q';
    CHECK_INT(site_ask(&site, "", "/v1/orders", buf_text(&body), NULL, &out), 403);
    CHECK(strstr(buf_text(&out), "bad_signature"));
    CHECK_INT(site_ask(&site, "", "/v1/orders", "{}", NULL, NULL), 403);
    CHECK_INT(site_ask(&site, "", "/v1/orders", "nonsense", NULL, NULL), 403);
}

TEST(an_order_of_another_key_host_or_time_is_refused)
{
    scoped(site_done) struct site site, other;
    struct site_order order = SITE_ORDER;

    site_make(&site, true);
    site_make(&other, true);
    site_start(&site);
    order.seed = other.seed;
    CHECK_REFUSED(order, UNLOAD_P, 403, "bad_signature");
    order = SITE_ORDER;
    order.host = "other";
    CHECK_REFUSED(order, UNLOAD_P, 403, "wrong_host");
    order = SITE_ORDER;
    order.expires_in_ms = -1;
    CHECK_REFUSED(order, UNLOAD_P, 403, "expired");
    order.expires_in_ms = ORDER_LIFE_MS_MAX + 5000;
    CHECK_REFUSED(order, UNLOAD_P, 403, "too_long_valid");
    order = SITE_ORDER;
    CHECK_REFUSED(order, UNLOAD_P, 200, "");
}

TEST(a_job_that_is_not_for_this_agent_is_refused)
{
    scoped(site_done) struct site site;
    const struct site_order order = SITE_ORDER;

    site_make(&site, true);
    site_start(&site);
    CHECK_REFUSED(order, WAKE, 403, "wrong_host");
    CHECK_REFUSED(order, LOOK, 400, "bad_job");
    CHECK_REFUSED(order, "{\"hand\":\"dns\"}", 400, "bad_job");
    CHECK_REFUSED(order,
        "{\"hand\":\"pool\",\"op\":\"unload\",\"host\":\"other\",\"agent\":\"local\",\"pool\":"
        "\"p\","
        "\"limit_s\":1}",
        403, "wrong_host");
    CHECK_REFUSED(order, LOAD("cuda", "0", "1"), 409, "engine_missing");
}

TEST(more_orders_than_can_be_remembered_are_refused)
{
    scoped(site_done) struct site site;
    const struct site_order order = SITE_ORDER;

    site_make(&site, true);
    json_object_set_new(site.more, "settings", json_pack("{s:i}", "nonces_max", 16));
    site_start(&site);
    for (int i = 0; i < 16; i++)
        CHECK_REFUSED(order, UNLOAD_P, 200, "");
    CHECK_REFUSED(order, UNLOAD_P, 429, "too_many_orders");
}

TEST(more_pools_than_allowed_are_refused)
{
    scoped(site_done) struct site site;
    const struct site_order order = SITE_ORDER;
    char job[256];

    site_make(&site, true);
    json_object_set_new(site.more, "settings", json_pack("{s:i}", "pools_max", 2));
    site_start(&site);
    for (int i = 0; i < 3; i++) {
        snprintf(job, sizeof job, UNLOAD, i == 0 ? "a" : i == 1 ? "b" : "c");
        CHECK_REFUSED(order, job, i < 2 ? 200 : 503, i < 2 ? "" : "too_many_pools");
    }
}

/* --- loading: what is refused before any engine starts
 * -------------------------------------------- */

static void write_engines(const struct site *site, const char *version)
{
    char text[1024];
    struct err err;

    snprintf(text, sizeof text,
        "{\"schema\":\"logic-node/engines/v1\",\"engines\":[{\"engine\":\"llama\",\"kind\":"
        "\"llama.cpp\",\"version\":\"%s\",\"provider\":\"process\",\"bin\":\"/bin/false\","
        "\"sha256\":\"" SHA "\",\"flags\":[],\"args\":[],\"env\":{},\"created_at\":\"now\","
        "\"bundle\":\"\"}]}",
        version);
    check(file_make_folder(site_path(site, "catalogue"), 0700, &err) &&
          file_replace(site_path(site, "catalogue/engines.json"), str_from(text), 0600, &err));
}

TEST(a_load_needs_the_engine_of_that_version)
{
    scoped(site_done) struct site site;
    const struct site_order order = SITE_ORDER;

    site_make(&site, true);
    site_start(&site);
    CHECK_REFUSED(order, LOAD("cpu", "", "1"), 409, "engine_missing");
    write_engines(&site, "b2");
    CHECK_REFUSED(order, LOAD("cpu", "", "1"), 409, "engine_version");
}

TEST(a_load_that_needs_more_than_is_free_is_refused)
{
    scoped(site_done) struct site site;
    scoped(buf_done) struct buf out = buf_of(4096);
    char code[ERR_CODE_BYTES_MAX];

    site_make(&site, true);
    site_start(&site);
    write_engines(&site, "b1");
    CHECK_INT(site_order(&site, &SITE_ORDER, LOAD("cpu", "", "1000000000000000"), &out, code), 409);
    CHECK_TEXT(code, "does_not_fit");
    CHECK(strstr(buf_text(&out), "needs 953674316 MiB"));
}

TEST(a_load_waits_for_the_driver_no_longer_than_it_may)
{
    scoped(site_done) struct site site;
    scoped(buf_done) struct buf out = buf_of(4096);
    char code[ERR_CODE_BYTES_MAX];

    site_make(&site, true);
    json_object_set_new(site.more, "settings",
        json_pack("{s:i, s:i, s:i}", "gpus_min", 1, "driver_wait_ms", 1, "gpu_again_ms", 0));
    site_start(&site);
    write_engines(&site, "b1");
    CHECK_INT(site_order(&site, &SITE_ORDER, LOAD("cuda", "0", "1"), &out, code), 200);
    CHECK_TEXT(code, "driver_not_ready");
    CHECK(strstr(buf_text(&out), "\"changed\":\"no\""));
}

TEST(a_load_that_fails_is_told_and_leaves_the_pool_failed_and_unload_clears_it)
{
    scoped(hand_end_done) struct hand_end end = {0}, look = {0}, unload = {0};
    scoped(site_done) struct site site;

    site_make(&site, true);
    site_start(&site);
    write_engines(&site, "b1");
    site_run(&site, LOAD("cpu", "", "1"), &end);
    CHECK(!end.ok);
    CHECK_INT(end.changed, HAND_CHANGED_NO);
    CHECK(strlen(end.err.code) > 0);
    site_run(&site, LOOK, &look);
    const json_t *pool =
        json_array_get(json_object_get(json_object_get(look.result, "status"), "pools"), 0);
    CHECK_TEXT(json_string_value(json_object_get(pool, "state")), "failed");
    CHECK_TEXT(
        json_string_value(json_object_get(json_object_get(pool, "error"), "code")), end.err.code);
    site_run(&site, UNLOAD_P, &unload);
    CHECK(unload.ok);
}

/* --- requests to engines
 * ---------------------------------------------------------------------------- */

TEST(a_pool_that_is_not_ready_takes_no_request)
{
    scoped(site_done) struct site site;
    scoped(buf_done) struct buf out = buf_of(4096);
    char code[ERR_CODE_BYTES_MAX];

    site_make(&site, true);
    site_start(&site);
    CHECK_INT(site_ask(&site, "", "/v1/pools/p/v1/models", NULL, "X-Logic-Model: " SHA, &out), 503);
    CHECK(strstr(buf_text(&out), "pool_not_ready"));
    CHECK_INT(site_order(&site, &SITE_ORDER, UNLOAD_P, NULL, code), 200);
    CHECK_INT(site_ask(&site, "", "/v1/pools/p/v1/models", NULL, "X-Logic-Model: " SHA, &out), 503);
    CHECK_INT(site_ask(&site, "", "/v1/pools/", NULL, NULL, NULL), 503);
}

/* --- sleep
 * -------------------------------------------------------------------------------------------- */

static bool appears(const char *path)
{
    for (int i = 0; i < 500; i++, usleep(10000))
        if (file_exists(path))
            return true;
    return false;
}

TEST(a_host_answers_first_and_sleeps_then)
{
    scoped(site_done) struct site site;
    const struct site_order order = SITE_ORDER;

    site_make(&site, true);
    site_start(&site);
    CHECK_REFUSED(order, SLEEP, 200, "");
    CHECK_REFUSED(order, UNLOAD_P, 503, "falling_asleep");
    CHECK_INT(site_ask(&site, "", "/v1/pools/p/x", NULL, "X-Logic-Model: " SHA, NULL), 503);
    CHECK(appears(site.marker));
}

TEST(what_came_back_from_sleep_takes_orders_again)
{
    scoped(site_done) struct site site;
    char code[ERR_CODE_BYTES_MAX];
    long status = 503;

    site_make(&site, true);
    json_object_set_new(site.more, "settings", json_pack("{s:i}", "sleep_guard_s", 1));
    site_start(&site);
    CHECK_INT(site_order(&site, &SITE_ORDER, SLEEP, NULL, code), 200);
    for (int i = 0; status == 503 && i < 100; i++, usleep(50000))
        status = site_order(&site, &SITE_ORDER, UNLOAD_P, NULL, code);
    CHECK_INT(status, 200);
}

TEST(a_file_in_inhibit_d_keeps_the_host_awake_as_long_as_it_is_touched)
{
    scoped(site_done) struct site site;
    scoped(buf_done) struct buf out = buf_of(4096);
    const char *reason;
    const struct utimbuf old = {1000, 1000};
    const struct site_order order = SITE_ORDER;
    char code[ERR_CODE_BYTES_MAX];
    struct err err;

    site_make(&site, true);
    site_start(&site);
    reason = site_path(&site, "inhibit.d/backup");
    check(file_replace(reason, S("copying \x1b[31m pictures\nmore"), 0600, &err));
    CHECK_INT(site_order(&site, &SITE_ORDER, SLEEP, &out, code), 409);
    CHECK_TEXT(code, "inhibited");
    CHECK(strstr(buf_text(&out), "backup: copying"));
    CHECK(!strchr(buf_text(&out), 0x1b) && !strstr(buf_text(&out), "u001b"));
    CHECK(!file_exists(site.marker));
    CHECK(utime(site_path(&site, "inhibit.d/backup"), &old) == 0);
    CHECK_REFUSED(order, SLEEP, 200, "");
    CHECK(appears(site.marker));
}

TEST(a_sleep_is_confirmed_by_silence)
{
    scoped(hand_end_done) struct hand_end still = {0};
    scoped(site_done) struct site site;

    site_make(&site, false);
    site_start(&site);
    site_run(&site,
        "{\"hand\":\"host\",\"op\":\"sleep\",\"host\":\"tower\",\"agent\":\"local\","
        "\"how\":\"suspend\",\"limit_s\":1}",
        &still); /* "touch" does not put it to sleep */
    CHECK(!still.ok);
    CHECK_TEXT(still.err.code, "still_awake");
    CHECK_INT(still.changed, HAND_CHANGED_UNKNOWN);
}

/* A record of utmp for a session at `line` of this very process. */
static void write_utmp(const char *path, const char *line)
{
    struct utmp entry = {.ut_type = USER_PROCESS, .ut_pid = getpid()};
    struct err err;

    memcpy(entry.ut_user, "anna", 5);
    memcpy(entry.ut_line, line, strlen(line) + 1);
    check(file_replace(path, (struct str){(const char *)&entry, sizeof entry}, 0600, &err) &&
          utmpname(path) == 0);
}

TEST(a_person_at_the_machine_keeps_it_awake)
{
    static const struct {
        const char *line;
        int person_idle_s, person_graphical;
        bool stays;
    } CASES[] = {{":0", 600, 1, true}, {":0", 600, 0, false}, {":0", 0, 1, false},
        {"../etc/passwd", 600, 1, true}};

    for (size_t i = 0; i < COUNT(CASES); i++) {
        scoped(site_done) struct site site;
        char code[ERR_CODE_BYTES_MAX];
        site_make(&site, true);
        write_utmp(site_path(&site, "utmp"), CASES[i].line);
        json_object_set_new(site.more, "settings",
            json_pack("{s:i, s:i}", "person_idle_s", CASES[i].person_idle_s, "person_graphical",
                CASES[i].person_graphical));
        site_start(&site);
        CHECK_INT(site_order(&site, &SITE_ORDER, SLEEP, NULL, code), CASES[i].stays ? 409 : 200);
        CHECK_TEXT(code, CASES[i].stays ? "inhibited" : "");
        site_stop(&site);
        utmpname(_PATH_UTMP);
    }
}

/* --- the memory of orders
 * --------------------------------------------------------------------------------- */

TEST(the_memory_forgets_a_day_after_the_end_and_not_before)
{
    const char *folder = scratch_folder();
    struct memory memory;
    char path[128];
    struct err err;

    snprintf(path, sizeof path, "%s/orders", folder);
    REQUIRE(memory_init(&memory, path, 2, &err));
    CHECK(memory_use(&memory, S("a"), 1000, 1000, &err));
    CHECK(memory_use(&memory, S("b"), 2000, 1000, &err));
    CHECK(!memory_use(&memory, S("a"), 9000, 1000, &err));
    CHECK_TEXT(err.code, "used");
    CHECK(!memory_use(&memory, S("c"), 9000, 1000 + MEMORY_KEPT_MS - 1, &err));
    CHECK_TEXT(err.code, "too_many_orders");
    CHECK(memory_use(&memory, S("c"), 9000, 1000 + MEMORY_KEPT_MS, &err));
    memory_done(&memory);
    REQUIRE(memory_init(&memory, path, 2, &err));
    CHECK_INT(memory.count, 2);
    CHECK(!memory_use(&memory, S("c"), 9000, 1000, &err));
    CHECK_TEXT(err.code, "used");
    memory_done(&memory);
}

TEST(a_memory_that_is_none_is_not_taken_for_empty)
{
    static const char *const BAD[] = {"x y\n", "12\n", "12 \n", "1 a", "1 a\n\n", "-1 a\n"};
    const char *folder = scratch_folder();
    struct memory memory;
    char path[128];
    struct err err;

    snprintf(path, sizeof path, "%s/orders", folder);
    for (size_t i = 0; i < COUNT(BAD); i++) {
        check(file_replace(path, str_from(BAD[i]), 0600, &err));
        CHECK(!memory_init(&memory, path, 16, &err));
    }
}

TEST(an_order_that_cannot_be_remembered_is_not_done)
{
    scoped(site_done) struct site site;
    char code[ERR_CODE_BYTES_MAX];

    site_make(&site, true);
    site_start(&site);
    CHECK(rename(site_path(&site, "state"), site_path(&site, "gone")) == 0);
    CHECK_INT(site_order(&site, &SITE_ORDER, UNLOAD_P, NULL, code), 500);
}

/* --- configuration
 * ------------------------------------------------------------------------------------------- */

TEST(a_configuration_with_anything_wrong_is_refused)
{
    static const char *const BAD[] = {
        "{}",
        "{\"schema\":\"x\",\"host\":\"t\",\"order_key\":KEY,\"socket\":\"s\"}",
        "{\"schema\":SCHEMA,\"host\":\"T\",\"order_key\":KEY,\"socket\":\"s\"}",
        "{\"schema\":SCHEMA,\"host\":\"t\",\"order_key\":KEY}",
        "{\"schema\":SCHEMA,\"host\":\"t\",\"order_key\":KEY,\"socket\":\"s\",\"listen\":\"a:1\"}",
        "{\"schema\":SCHEMA,\"host\":\"t\",\"order_key\":KEY,\"listen\":\"0.0.0.0:1\"}",
        "{\"schema\":SCHEMA,\"host\":\"t\",\"order_key\":\"ed25519:x\",\"socket\":\"s\"}",
        "{\"schema\":SCHEMA,\"host\":\"t\",\"order_key\":KEY,\"socket\":\"s\",\"more\":1}",
        "{\"schema\":SCHEMA,\"host\":\"t\",\"order_key\":KEY,\"socket\":\"s\",\"suspend\":[]}",
        "{\"schema\":SCHEMA,\"host\":\"t\",\"order_key\":KEY,\"socket\":\"s\",\"suspend\":[1]}",
        "{\"schema\":SCHEMA,\"host\":\"t\",\"order_key\":KEY,\"socket\":\"s\",\"settings\":{\"x\":"
        "1}}",
        "{\"schema\":SCHEMA,\"host\":\"t\",\"order_key\":KEY,\"socket\":\"s\",\"settings\":{"
        "\"pools_max\":65}}",
        "{\"schema\":SCHEMA,\"host\":\"t\",\"order_key\":KEY,\"socket\":\"s\",\"home\":"
        "\"/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}",
    };
    scoped(site_done) struct site site;

    site_make(&site, true);
    for (size_t i = 0; i < COUNT(BAD); i++) {
        scoped(buf_done) struct buf text = buf_of(4096);
        struct agent_config config;
        struct err err = {0};
        for (const char *at = BAD[i]; *at; at++) {
            if (strncmp(at, "KEY", 3) == 0 && ++at && ++at)
                buf_printf(&text, "\"%s\"", site.order_key);
            else if (strncmp(at, "SCHEMA", 6) == 0 && (at += 5))
                buf_printf(&text, "\"%s\"", AGENT_SCHEMA);
            else
                buf_add_char(&text, *at);
        }
        scoped(json_done) json_t *json = json_loads(buf_text(&text), 0, NULL);
        check(json);
        bool taken = agent_config_read(json, "/tmp", &config, &err);
        if (taken)
            printf("# taken: %s\n", BAD[i]);
        CHECK(!taken && err.kind == ERR_INPUT);
    }
}

TAP_MAIN
