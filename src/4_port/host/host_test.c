/* SPDX-License-Identifier: Apache-2.0 */
#include "host/host.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "coding/coding.h"
#include "host/order.h"
#include "os/clock.h"
#include "os/file.h"
#include "scratch.h"
#include "tap.h"
#include "json/json_read.h"
#include "json/json_text.h"

#include <curl/curl.h>

#define SHA "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define WAKE                                                                                       \
    "{\"hand\":\"host\",\"op\":\"wake\",\"host\":\"tower\",\"agent\":\"https://192.0.2.1:30443\"," \
    "\"mac\":\"52:54:00:aa:bb:01\",\"broadcast\":\"192.0.2.255\",\"secure_on\":\"\",\"limit_s\":"  \
    "5}"
#define SLEEP                                                                                      \
    "{\"hand\":\"host\",\"op\":\"sleep\",\"host\":\"tower\",\"agent\":\"https://"                  \
    "192.0.2.1:30443\","                                                                           \
    "\"how\":\"suspend\",\"limit_s\":5}"
#define LOAD                                                                                       \
    "{\"hand\":\"pool\",\"op\":\"load\",\"host\":\"tower\",\"agent\":\"local\",\"pool\":\"gpu0\"," \
    "\"kind\":\"cuda\",\"mask\":\"0\",\"vram_mib\":16303,\"slots\":4,\"context\":8192,"            \
    "\"kv\":\"f16\",\"model\":{\"name\":\"m\",\"file\":\"a/m.gguf\",\"bytes\":5,\"sha256\":\"" SHA \
    "\"},\"engine\":{\"engine\":\"llama\",\"version\":\"b1-2\"},\"need_bytes\":7,\"limit_s\":60}"
#define POOL_LOOK                                                                                  \
    "{\"hand\":\"pool\",\"op\":\"status\",\"host\":\"tower\",\"agent\":\"local\",\"pool\":\"g\","  \
    "\"model\":\"m\",\"engine\":\"llama\"}"
#define UNLOAD                                                                                     \
    "{\"hand\":\"pool\",\"op\":\"unload\",\"host\":\"tower\",\"agent\":\"local\",\"pool\":\"g\","  \
    "\"limit_s\":60}"
#define LOOK "{\"hand\":\"host\",\"op\":\"status\",\"host\":\"tower\",\"agent\":\"local\"}"

static json_t *json_of(const char *text)
{
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

    if (!json)
        panic("no JSON: %s", text);
    return json;
}

/* The code of the refusal; "" if it is taken. `from` replaced by `to` in the text. */
static const char *code_of(const char *text, const char *from, const char *to)
{
    static struct err err;
    scoped(buf_done) struct buf changed = buf_of(65536);
    const char *at = strstr(text, from);
    struct host_job job;

    check(at);
    buf_add(&changed, (struct str){text, (size_t)(at - text)});
    buf_add(&changed, str_from(to));
    buf_add(&changed, str_from(at + strlen(from)));
    scoped(json_done) json_t *json = json_of(buf_text(&changed));
    err = (struct err){0};
    return host_job_read(json, &job, &err) ? "" : err.code;
}

TEST(the_six_jobs_are_read)
{
    static const struct {
        const char *text;
        enum host_op op;
        bool changes;
    } JOBS[] = {{LOOK, HOST_STATUS, false}, {WAKE, HOST_WAKE, true}, {SLEEP, HOST_SLEEP, true},
        {POOL_LOOK, POOL_STATUS, false}, {LOAD, POOL_LOAD, true}, {UNLOAD, POOL_UNLOAD, true}};

    for (size_t i = 0; i < COUNT(JOBS); i++) {
        scoped(json_done) json_t *json = json_of(JOBS[i].text);
        struct host_job job;
        struct err err = {0};
        CHECK(host_job_read(json, &job, &err));
        CHECK_TEXT(err.message, "");
        CHECK_INT(job.op, JOBS[i].op);
        CHECK_INT(host_job_changes(&job), JOBS[i].changes);
        CHECK_STR(job.host, "tower");
    }
}

TEST(a_job_with_anything_unknown_missing_or_of_another_form_is_refused)
{
    static const struct {
        const char *text, *from, *to;
    } BAD[] = {
        {LOOK, "\"op\":\"status\"", "\"op\":\"halt\""},
        {LOOK, "\"host\",\"op\"", "\"house\",\"op\""},
        {LOOK, "}", ",\"x\":1}"},
        {LOOK, "tower", "Tower"},
        {LOOK, "tower", "../x"},
        {LOOK, "local", "http://192.0.2.1:30443"},
        {LOOK, "local", "https://a:b@192.0.2.1:30443"},
        {LOOK, "local", "https://192.0.2.1:30443/x"},
        {LOOK, "local", "https://192.0.2.1"},
        {LOOK, "local", "https://192.0.2.1:0"},
        {LOOK, "local", "https://192.0.2.1:70000"},
        {LOOK, "local", "https://:1"},
        {LOOK, "local", "file:///etc/passwd"},
        {WAKE, "bb:01", "bb:0"},
        {WAKE, "bb:01", "bb-01"},
        {WAKE, "bb:01", "bb:0g"},
        {WAKE, "52:54", "53:54"},
        {WAKE, "52:54:00:aa:bb:01", "00:00:00:00:00:00"},
        {WAKE, "192.0.2.255\"", "239.0.0.1\""},
        {WAKE, "192.0.2.255\"", "0.0.0.0\""},
        {WAKE, "192.0.2.255\"", "tower\""},
        {WAKE, "\"secure_on\":\"\"", "\"secure_on\":\"01:02:03:04:05:06\""},
        {WAKE, "\"limit_s\":5", "\"limit_s\":0"},
        {WAKE, "\"limit_s\":5", "\"limit_s\":3601"},
        {WAKE, "https://192.0.2.1:30443", "local"},
        {SLEEP, "https://192.0.2.1:30443", "local"},
        {SLEEP, "suspend", "halt"},
        {LOAD, "cuda", "tpu"},
        {LOAD, "cuda", "cpu"},
        {LOAD, "\"mask\":\"0\"", "\"mask\":\"\""},
        {LOAD, "\"mask\":\"0\"", "\"mask\":\"0,1\""},
        {LOAD, "a/m.gguf", "/a/m.gguf"},
        {LOAD, "a/m.gguf", "a/../m.gguf"},
        {LOAD, "a/m.gguf", "a//m.gguf"},
        {LOAD, "a/m.gguf", ".hidden"},
        {LOAD, "a/m.gguf", "a/"},
        {LOAD, "a/m.gguf", "a\\nb"},
        {LOAD, "f16", "f17"},
        {LOAD, "\"slots\":4", "\"slots\":65"},
        {LOAD, "\"context\":8192", "\"context\":4194305"},
        {LOAD, "\"sha256\":\"a", "\"sha256\":\"A"},
        {LOAD, "\"sha256\":\"a", "\"sha256\":\""},
        {LOAD, "\"llama\"", "\"../llama\""},
        {LOAD, "\"bytes\":5", "\"bytes\":0"},
        {LOAD, "\"need_bytes\":7", "\"need_bytes\":-1"},
        {LOAD, "\"need_bytes\":7,", ""},
        {POOL_LOOK, "\"m\"", "\"\\u0001\""},
        {POOL_LOOK, "\"g\"", "\"g/h\""},
        {UNLOAD, "\"g\"", "\"\""},
    };

    for (size_t i = 0; i < COUNT(BAD); i++) {
        const char *code = code_of(BAD[i].text, BAD[i].from, BAD[i].to);
        if (!*code)
            printf("# taken: %s for %s\n", BAD[i].to, BAD[i].from);
        CHECK(*code);
    }
}

TEST(what_is_unusual_but_right_is_taken)
{
    CHECK_TEXT(code_of(LOOK, "local", "https://[fd00::1]:30443"), "");
    CHECK_TEXT(code_of(LOOK, "local", "https://tower.home.arpa:30443"), "");
    CHECK_TEXT(code_of(WAKE, "\"192.0.2.255\"", "\"\""), "");
    CHECK_TEXT(code_of(WAKE, "\"192.0.2.255\"", "\"255.255.255.255\""), "");
    CHECK_TEXT(code_of(WAKE, "\"secure_on\":\"\"", "\"secure_on\":\"secret:wake/tower\""), "");
    CHECK_TEXT(code_of(WAKE, "aa:bb", "AA:BB"), "");
    CHECK_TEXT(code_of(LOAD, "\"mask\":\"0\"", "\"mask\":\"GPU-1a2b-3c\""), "");
    CHECK_TEXT(code_of(POOL_LOOK, "\"model\":\"m\"", "\"model\":null"), "");
    CHECK_TEXT(
        code_of(POOL_LOOK, "\"g\"", "\"g\",\"kind\":\"cpu\",\"slots\":1,\"context\":512"), "");
}

TEST(a_magic_packet_has_these_bytes)
{
    const uint8_t secure_on[] = {1, 2, 3, 4, 5, 0xff};
    uint8_t mac[HOST_MAC_BYTES], packet[HOST_PACKET_BYTES_MAX];
    struct err err;

    REQUIRE(host_mac_read(S("52:54:00:Aa:bb:01"), mac, &err));
    REQUIRE(host_packet_make(mac, NULL, packet) == 102);
    for (int i = 0; i < 6; i++)
        CHECK_INT(packet[i], 0xff);
    for (int i = 0; i < 16; i++)
        CHECK(memcmp(packet + 6 + 6 * i, "\x52\x54\x00\xaa\xbb\x01", 6) == 0);
    REQUIRE(host_packet_make(mac, secure_on, packet) == 108);
    CHECK(memcmp(packet + 102, secure_on, 6) == 0);
}

/* --- running without anybody there --------------------------------------------------------- */

static struct {
    char stages[512];
} told;

static void note(void *owner, const char *stage, struct str words)
{
    (void)owner, (void)words;
    size_t len = strlen(told.stages);
    snprintf(told.stages + len, sizeof told.stages - len, "%s ", stage);
}

static void run(const char *text, const atomic_bool *stop, struct hand_end *end)
{
    static const char *folder;
    scoped(secret_close) struct secret_store *secrets = NULL;
    scoped(json_done) json_t *json = json_of(text);
    const struct host_limits limits = {.answer_ms = 300,
        .connect_ms = 200,
        .order_ms = 60000,
        .look_every_ms = 20,
        .packet_every_ms = 50,
        .silent_ms = 200};
    char path[256];
    struct host_job job;
    struct err err;

    folder = folder ? folder : scratch_folder();
    snprintf(path, sizeof path, "%s/agent.sock", folder);
    secrets = secret_open(folder);
    const struct host_paths paths = {.socket = path, .pki = folder, .catalogue = folder};
    const struct host_call call = {.paths = &paths,
        .limits = &limits,
        .secrets = secrets,
        .case_id = "01J",
        .progress = note,
        .stop = stop};
    curl_global_init(CURL_GLOBAL_DEFAULT);
    told.stages[0] = '\0';
    if (!host_job_read(json, &job, &err))
        panic("%s", err.message);
    host_job_run(&job, &call, end);
}

TEST(a_status_that_cannot_be_had_is_no_error)
{
    scoped(hand_end_done) struct hand_end end = {0};

    run(LOOK, NULL, &end);
    REQUIRE(end.ok);
    CHECK(json_is_false(json_object_get(end.result, "reachable")));
    CHECK(json_is_null(json_object_get(end.result, "status")));
    CHECK(strlen(json_string_value(json_object_get(end.result, "words"))) > 0);
}

TEST(a_pools_status_holds_what_the_catalogue_knows)
{
    scoped(hand_end_done) struct hand_end end = {0};

    run(POOL_LOOK, NULL, &end);
    REQUIRE(end.ok);
    CHECK(json_is_null(json_object_get(end.result, "model")));
    CHECK(json_is_null(json_object_get(end.result, "engine")));
    CHECK(json_is_null(json_object_get(end.result, "pool")));
}

TEST(an_order_without_a_key_is_not_sent)
{
    scoped(hand_end_done) struct hand_end end = {0};

    run(UNLOAD, NULL, &end);
    CHECK(!end.ok);
    CHECK_TEXT(end.err.code, "no_secret");
    CHECK_INT(end.changed, HAND_CHANGED_NO);
}

TEST(a_stopped_wake_ends_soon_and_says_what_it_did)
{
    scoped(hand_end_done) struct hand_end end = {0};
    const atomic_bool stop = true;

    run(WAKE, &stop, &end);
    CHECK(!end.ok);
    CHECK_TEXT(end.err.code, "stopped");
    CHECK_TEXT(told.stages, "waking ");
    CHECK_INT(end.changed, HAND_CHANGED_NO);
}

TAP_MAIN
