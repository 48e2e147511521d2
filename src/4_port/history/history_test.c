/* SPDX-License-Identifier: Apache-2.0
 * The pure parts and the spool; servers come in tests/system/history.py. */
#include "base/scoped.h"
#include "history/batch.h"
#include "history/history.h"
#include "history/spool.h"
#include "history/words.h"
#include "os/file.h"

#include "scratch.h"
#include "tap.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

static struct history_limits limits;

__attribute__((constructor)) static void set_limits(void)
{
    history_limits_default(&limits);
}

/* --- the spool ---------------------------------------------------------------------------- */

struct place {
    struct spool spool;
    struct history_counts counts;
    const char *path;
};

static bool open_place(struct place *place, uint64_t bytes_max)
{
    struct err err = {0};
    bool good;

    place->path = place->path ? place->path : scratch_folder();
    place->counts = (struct history_counts){0};
    good = spool_open(&place->spool, place->path, bytes_max, &place->counts, &err);
    if (!good)
        printf("# %s\n", err.message);
    return good;
}

static void add(struct place *place, const char *body, uint32_t samples)
{
    spool_add(&place->spool, spool_number(&place->spool), str_from(body), samples);
}

/* The oldest is this one, and is taken out. */
static void take(struct place *place, const char *want, uint32_t want_samples)
{
    scoped(buf_done) struct buf body = buf_of(SPOOL_BODY_BYTES_MAX);
    uint32_t samples = 0;

    REQUIRE(spool_hold(&place->spool, &body, &samples));
    CHECK_STR(buf_str(&body), want);
    CHECK_INT(samples, want_samples);
    spool_release(&place->spool, true);
}

static bool is_empty(struct place *place)
{
    scoped(buf_done) struct buf body = buf_of(SPOOL_BODY_BYTES_MAX);
    uint32_t samples;

    return !spool_hold(&place->spool, &body, &samples) && place->spool.bytes == 0 &&
           place->spool.samples == 0;
}

static size_t files_in(const char *path)
{
    DIR *folder = opendir(path);
    size_t count = 0;

    for (struct dirent *entry; folder && (entry = readdir(folder));)
        count += entry->d_name[0] != '.';
    if (folder)
        closedir(folder);
    return count;
}

static void write_as(struct place *place, const char *name, const char *bytes, size_t len)
{
    char path[200];

    snprintf(path, sizeof path, "%s/%s", place->path, name);
    FILE *file = fopen(path, "w");
    REQUIRE(file);
    fwrite(bytes, 1, len, file);
    fclose(file);
}

TEST(a_spool_keeps_order_over_a_restart)
{
    struct place place = {0};

    REQUIRE(open_place(&place, 1 << 20));
    add(&place, "one", 1);
    add(&place, "two", 2);
    add(&place, "", 3);
    CHECK_INT(place.spool.samples, 6);
    CHECK_INT(place.spool.bytes, 3 * SPOOL_BLOCK_BYTES);
    spool_close(&place.spool);
    REQUIRE(open_place(&place, 1 << 20));
    CHECK_INT(place.counts.samples_found, 6);
    add(&place, "four", 4);
    take(&place, "one", 1);
    take(&place, "two", 2);
    take(&place, "", 3);
    take(&place, "four", 4);
    CHECK(is_empty(&place));
    CHECK_INT(files_in(place.path), 0);
    spool_close(&place.spool);
}

TEST(what_failed_comes_back_to_the_front)
{
    struct place place = {0};

    REQUIRE(open_place(&place, 3 * SPOOL_BLOCK_BYTES));
    uint64_t first = spool_number(&place.spool);
    add(&place, "two", 1);
    add(&place, "three", 1);
    spool_add(&place.spool, first, S("one"), 1);
    take(&place, "one", 1);
    uint64_t next = spool_number(&place.spool);
    add(&place, "five", 1);
    (void)next;
    CHECK_INT(place.spool.count, 3);
    CHECK_INT(place.counts.batches_dropped, 0);
    spool_add(&place.spool, first, S("one"), 7); /* no room: it is the oldest itself */
    CHECK_INT(place.counts.samples_dropped, 7);
    take(&place, "two", 1);
    spool_close(&place.spool);
}

TEST(beyond_the_limit_the_oldest_goes)
{
    struct place place = {0};
    char name[16];

    REQUIRE(open_place(&place, 10 * SPOOL_BLOCK_BYTES));
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "b%d", i);
        add(&place, name, 5);
        CHECK(place.spool.bytes <= 10 * SPOOL_BLOCK_BYTES);
    }
    CHECK_INT(place.counts.batches_dropped, 90);
    CHECK_INT(place.counts.samples_dropped, 450);
    CHECK_INT(files_in(place.path), 10);
    spool_close(&place.spool);
    REQUIRE(open_place(&place, 4 * SPOOL_BLOCK_BYTES)); /* the limit became less */
    CHECK_INT(place.counts.batches_dropped, 6);
    CHECK_INT(place.counts.samples_found, 50);
    take(&place, "b96", 5);
    static char large[4 * SPOOL_BLOCK_BYTES];
    memset(large, 'x', sizeof large - 1);
    add(&place, large, 9); /* can never have room: what is there stays */
    CHECK_INT(place.spool.count, 3);
    CHECK_INT(place.counts.samples_dropped, 39);
    spool_close(&place.spool);
}

TEST(what_is_on_its_way_is_not_dropped)
{
    scoped(buf_done) struct buf body = buf_of(SPOOL_BODY_BYTES_MAX);
    struct place place = {0};
    uint32_t samples;

    REQUIRE(open_place(&place, 2 * SPOOL_BLOCK_BYTES));
    add(&place, "one", 1);
    add(&place, "two", 2);
    REQUIRE(spool_hold(&place.spool, &body, &samples));
    add(&place, "three", 3);
    CHECK_INT(place.counts.samples_dropped, 2);
    spool_release(&place.spool, false);
    take(&place, "one", 1);
    take(&place, "three", 3);
    CHECK(is_empty(&place));
    spool_close(&place.spool);
}

TEST(torn_files_are_dropped_and_counted_foreign_ones_stay)
{
    struct place place = {0};
    char path[200], head[SPOOL_HEAD_BYTES + 3];

    REQUIRE(open_place(&place, 1 << 20));
    add(&place, "one", 1);
    add(&place, "two", 2);
    add(&place, "three", 3);
    spool_close(&place.spool);
    snprintf(path, sizeof path, "%s/0000000000000002.batch", place.path);
    int fd = open(path, O_RDWR);
    REQUIRE(fd >= 0 && read(fd, head, sizeof head) == (ssize_t)sizeof head);
    head[SPOOL_HEAD_BYTES] ^= 1;
    CHECK(pwrite(fd, head, sizeof head, 0) == (ssize_t)sizeof head);
    close(fd);
    write_as(&place, "0000000000000004.batch", "", 0);
    write_as(&place, "0000000000000005.batch", head, 10);
    write_as(&place, "0000000000000006.batch", head, sizeof head - 1);
    write_as(&place, "0000000000000007.batch", "no mark and something more than a head", 38);
    write_as(&place, "0000000000000008.batch.new", "half", 4);
    write_as(&place, "ffffffffffffffff.batch", "foreign", 7);
    write_as(&place, "000000000000000A.batch", "foreign", 7);
    write_as(&place, "notes.txt", "foreign", 7);
    REQUIRE(open_place(&place, 1 << 20));
    CHECK_INT(place.counts.files_torn, 5);
    CHECK_INT(place.counts.samples_found, 6);
    take(&place, "one", 1);
    take(&place, "three", 3);
    CHECK_INT(place.counts.files_torn, 6);
    CHECK_INT(place.counts.samples_torn, 2);
    CHECK(is_empty(&place));
    CHECK_INT(files_in(place.path), 3);
    add(&place, "new", 1); /* a number above all that ever were */
    snprintf(path, sizeof path, "%s/0000000000000008.batch", place.path);
    CHECK(file_exists(path));
    spool_close(&place.spool);
}

TEST(a_file_that_vanished_or_is_none_does_not_stop_the_rest)
{
    struct place place = {0};
    char path[200];

    REQUIRE(open_place(&place, 1 << 20));
    add(&place, "one", 1);
    add(&place, "two", 2);
    add(&place, "three", 3);
    snprintf(path, sizeof path, "%s/0000000000000001.batch", place.path);
    CHECK(unlink(path) == 0);
    snprintf(path, sizeof path, "%s/0000000000000002.batch", place.path);
    CHECK(unlink(path) == 0 && mkfifo(path, 0600) == 0);
    take(&place, "three", 3);
    CHECK_INT(place.counts.files_torn, 2);
    spool_close(&place.spool);
}

TEST(a_folder_has_one_owner)
{
    struct place one = {0}, other = {0};

    REQUIRE(open_place(&one, 1 << 20));
    other.path = one.path;
    CHECK(!open_place(&other, 1 << 20));
    spool_close(&one.spool);
    CHECK(open_place(&other, 1 << 20));
    spool_close(&other.spool);
}

/* A full disk without a disk: /dev/full cannot be a folder, so the file is not made at all. */
TEST(what_the_disk_does_not_take_is_lost_and_counted)
{
    struct place place = {0};
    char path[200];

    REQUIRE(open_place(&place, 1 << 20));
    add(&place, "one", 1);
    snprintf(path, sizeof path, "%s/0000000000000002.batch.new", place.path);
    CHECK(mkdir(path, 0700) == 0);
    add(&place, "two", 2);
    CHECK_INT(place.counts.batches_lost, 1);
    CHECK_INT(place.counts.samples_lost, 2);
    add(&place, "three", 3);
    take(&place, "one", 1);
    take(&place, "three", 3);
    spool_close(&place.spool);
}

/* --- batches -------------------------------------------------------------------------------- */

TEST(bad_samples_are_seen)
{
    static char long_text[100];
    struct history_sample good = {S("pve"), S("cpu_busy"), S("gpu/0"), 1, 2}, s;

    memset(long_text, 'x', sizeof long_text);
    CHECK(batch_sample_valid(&good));
    s = good, s.part = S(""), s.value = -HISTORY_VALUE_MAX;
    CHECK(batch_sample_valid(&s));
    s = good, s.node = S("caf\xc3\xa9 {\"}"), s.part = S("a_Z.9/:-");
    CHECK(batch_sample_valid(&s));
#define BAD(field, is)                                                                             \
    s = good, s.field = (is);                                                                      \
    CHECK(!batch_sample_valid(&s))
    BAD(node, S(""));
    BAD(node, S("a\nb"));
    BAD(node, S("a\x7f"));
    BAD(node, S("a\xff"));
    BAD(node, ((struct str){long_text, HISTORY_NODE_BYTES_MAX + 1}));
    BAD(metric, S(""));
    BAD(metric, S("9a"));
    BAD(metric, S("_a"));
    BAD(metric, S("aB"));
    BAD(metric, S("a:b"));
    BAD(metric, ((struct str){long_text, HISTORY_METRIC_BYTES_MAX + 1}));
    BAD(part, S("a b"));
    BAD(part, S("a\""));
    BAD(part, S("a\\"));
    BAD(part, S("a\0"));
    BAD(part, ((struct str){long_text, HISTORY_PART_BYTES_MAX + 1}));
    BAD(value, HISTORY_VALUE_MAX + 1);
    BAD(value, INT64_MIN);
    BAD(at_ms, -1);
    BAD(at_ms, 253402300800000);
}

TEST(the_largest_batch_of_the_longest_names_goes_out)
{
    scoped(buf_done) struct buf out = buf_of(SPOOL_BODY_BYTES_MAX);
    char texts[3][HISTORY_NODE_BYTES_MAX + 1];
    struct batch batch;

    batch_init(&batch);
    for (int i = 0; i < 50000; i++) {
        snprintf(texts[0], sizeof texts[0], "n%063d", i);
        snprintf(texts[1], sizeof texts[1], "m%063d", i);
        snprintf(texts[2], sizeof texts[2], "p%063d", i);
        struct history_sample sample = {str_from(texts[0]), str_from(texts[1]), str_from(texts[2]),
            HISTORY_VALUE_MAX, 253402300799999};
        CHECK(batch_sample_valid(&sample));
        batch_add(&batch, &sample);
    }
    batch_seal(&batch, &out);
    CHECK(out.len > 1000 && !out.overflowed);
    CHECK_INT(batch.count, 0);
    batch_done(&batch);
}

/* --- words ------------------------------------------------------------------------------------ */

static const char *form_of(struct history_question question, struct err *err)
{
    static struct buf form;
    struct str path;

    form.bytes_max = 1 << 18;
    *err = (struct err){0};
    if (!words_question(&question, &limits, &path, &form, err))
        return err->code;
    return buf_text(&form);
}

TEST(a_question_becomes_a_form)
{
    struct history_question q = {
        .node = S("pve"), .metric = S("cpu_busy"), .from_ms = 1000, .to_ms = 61234, .step_s = 10};
    struct err err;

    CHECK_TEXT(form_of(q, &err),
        "query=logic_cpu_busy%7Bnode%3D%22pve%22%7D&start=1.000&end=61.234&step=10s"
        "&timeout=10000ms&nocache=1");
    q.part = S("");
    q.step_s = 0;
    CHECK_TEXT(form_of(q, &err),
        "query=logic_cpu_busy%7Bnode%3D%22pve%22%2Cpart%3D%22%22%7D&time=61.234"
        "&timeout=10000ms&nocache=1");
    q.promql = S("rate(x[5m])&time=1 +\xc3\xa9\n");
    CHECK_TEXT(form_of(q, &err), "query=rate%28x%5B5m%5D%29%26time%3D1%20%2B%C3%A9%0A&time=61.234"
                                 "&timeout=10000ms&nocache=1");
}

TEST(no_name_leaves_its_quotes)
{
    struct history_question q = {
        .node = S("a\"} or vector(1) or b{c=\"\\"), .metric = S("m"), .part = S(""), .to_ms = 1};
    struct err err;

    CHECK_TEXT(form_of(q, &err), "query=logic_m%7Bnode%3D%22a%5C%22%7D%20or%20vector%281%29%20or%"
                                 "20b%7Bc%3D%5C%22%5C%5C%22%2Cpart%3D%22%22%7D"
                                 "&time=0.001&timeout=10000ms&nocache=1");
    q.node = S("a\nb");
    CHECK_TEXT(form_of(q, &err), "bad_question");
    q.node = S("a");
    q.metric = S("m{} or up");
    CHECK_TEXT(form_of(q, &err), "bad_question");
    q.metric = S("m");
    q.part = S("\"");
    CHECK_TEXT(form_of(q, &err), "bad_question");
    CHECK_TEXT(err.param, "part");
}

TEST(a_question_out_of_bounds_is_refused)
{
    static char text[2000];
    struct history_question good = {.promql = S("up"), .from_ms = 0, .to_ms = 1999999, .step_s = 1};
    struct history_question q = good;
    struct err err;

    memset(text, 'x', sizeof text);
    CHECK(strncmp(form_of(q, &err), "query=up&start", 14) == 0);
    q.to_ms++;
    CHECK_TEXT(form_of(q, &err), "too_many_points");
    CHECK_INT(err.kind, ERR_LIMIT);
    q.step_s = 2;
    CHECK_TEXT(err.param, "step_s");
    CHECK(strncmp(form_of(q, &err), "query=up&start", 14) == 0);
    q = good, q.step_s = -1;
    CHECK_TEXT(form_of(q, &err), "bad_question");
    q = good, q.step_s = INT64_MAX;
    CHECK_TEXT(form_of(q, &err), "bad_question");
    q = good, q.from_ms = q.to_ms + 1;
    CHECK_TEXT(form_of(q, &err), "bad_question");
    q = good, q.from_ms = INT64_MIN;
    CHECK_TEXT(form_of(q, &err), "bad_question");
    q = good, q.to_ms = INT64_MAX;
    CHECK_TEXT(form_of(q, &err), "bad_question");
    q = good, q.promql = S("");
    CHECK_TEXT(form_of(q, &err), "bad_question");
    q = good, q.promql = S("a\0b");
    CHECK_TEXT(form_of(q, &err), "bad_question");
    q = good, q.promql = S("\xff");
    CHECK_TEXT(form_of(q, &err), "bad_question");
    q = good, q.promql = (struct str){text, 1024};
    CHECK(strncmp(form_of(q, &err), "query=xxx", 9) == 0);
    q.promql.len++;
    CHECK_TEXT(form_of(q, &err), "promql_too_long");
}

static const char *answer_of(const char *body)
{
    static struct buf out;
    static struct err err;

    out.bytes_max = (size_t)limits.history_answer_bytes;
    if (words_answer(str_from(body), &limits, &out, &err))
        return buf_text(&out);
    CHECK_INT(out.len, 0);
    return err.code;
}

#define MATRIX(series)                                                                             \
    "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[" series "]}}"

TEST(an_answer_is_made_ours)
{
    CHECK_TEXT(answer_of(MATRIX(
                   "{\"metric\":{\"__name__\":\"a\",\"node\":\"x\\\"\\n\"},\"values\":"
                   "[[1,\"2\"],[1.5,\"-0\"],[1763711333.123,\"0.25\"],[3,\"NaN\"],[4,\"1e3\"],"
                   "[5,\"9007199254740993\"],[6,\"+Inf\"]]},{\"metric\":{},\"values\":[]}")),
        "{\"series\":[{\"labels\":{\"__name__\":\"a\",\"node\":\"x\\\"\\n\"},\"points\":[[1000,2],["
        "1500,0],"
        "[1763711333123,\"0.25\"],[3000,\"NaN\"],[4000,1000],[5000,\"9007199254740993\"],[6000,\"+"
        "Inf\"]]},"
        "{\"labels\":{},\"points\":[]}]}");
    CHECK_TEXT(answer_of("{\"status\":\"success\",\"isPartial\":false,\"data\":{\"resultType\":"
                         "\"vector\",\"result\":"
                         "[{\"metric\":{\"a\":\"\"},\"value\":[1,\"7\"]}]},\"stats\":{}}"),
        "{\"series\":[{\"labels\":{\"a\":\"\"},\"points\":[[1000,7]]}]}");
    CHECK_TEXT(
        answer_of(
            "{\"status\":\"success\",\"data\":{\"resultType\":\"scalar\",\"result\":[1,\"7\"]}}"),
        "{\"series\":[{\"labels\":{},\"points\":[[1000,7]]}]}");
    CHECK_TEXT(answer_of(MATRIX("")), "{\"series\":[]}");
}

TEST(an_answer_that_is_none_is_refused)
{
    static const char *const ROWS[] = {"", "[]", "<html>", "{}", "{\"status\":\"error\"}",
        "{\"status\":\"success\"}", "{\"status\":\"success\",\"data\":[]}",
        "{\"status\":1,\"data\":{\"resultType\":\"matrix\",\"result\":[]}}",
        "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":{}}}",
        "{\"status\":\"success\",\"data\":{\"resultType\":\"string\",\"result\":[1,\"2\"]}}",
        "{\"status\":\"success\",\"data\":{\"resultType\":\"scalar\",\"result\":7}}", MATRIX("7"),
        MATRIX("{}"), MATRIX("{\"metric\":{}}"), MATRIX("{\"metric\":{},\"value\":[1,\"2\"]}"),
        MATRIX("{\"metric\":[],\"values\":[]}"), MATRIX("{\"metric\":{\"a\":1},\"values\":[]}"),
        MATRIX("{\"metric\":{\"a b\":\"\"},\"values\":[]}"),
        MATRIX("{\"metric\":{},\"values\":[7]}"), MATRIX("{\"metric\":{},\"values\":[[1]]}"),
        MATRIX("{\"metric\":{},\"values\":[[1,2]]}"),
        MATRIX("{\"metric\":{},\"values\":[[\"1\",\"2\"]]}"),
        MATRIX("{\"metric\":{},\"values\":[[1,\"2\",3]]}"),
        MATRIX("{\"metric\":{},\"values\":[[-1,\"2\"]]}"),
        MATRIX("{\"metric\":{},\"values\":[[1e300,\"2\"]]}"),
        MATRIX("{\"metric\":{},\"values\":[[1,\"two\"]]}"),
        MATRIX("{\"metric\":{},\"values\":[[1,\"\\\"\"]]}"),
        MATRIX("{\"metric\":{},\"values\":[[1,\"1e999\"]]}"),
        "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[]}} and more"};

    for (size_t i = 0; i < COUNT(ROWS); i++) {
        CHECK_TEXT(answer_of(ROWS[i]), "history_bad_reply");
        if (strcmp(answer_of(ROWS[i]), "history_bad_reply") != 0)
            printf("# %s\n", ROWS[i]);
    }
}

TEST(an_answer_beyond_a_limit_is_refused)
{
    scoped(buf_done) struct buf many = buf_of(1 << 22), series = buf_of(1 << 22);

    for (int i = 0; i < 2001; i++)
        buf_printf(&many, "%s[%d,\"%d\"]", i ? "," : "", i, i);
    buf_printf(&series, MATRIX("{\"metric\":{},\"values\":[%s]}"), buf_text(&many));
    CHECK_TEXT(answer_of(buf_text(&series)), "history_too_large");
    buf_clear(&series);
    for (int i = 0; i < 201; i++)
        buf_printf(&series, "%s{\"metric\":{},\"values\":[]}", i ? "," : "");
    scoped(buf_done) struct buf whole = buf_of(1 << 22);
    buf_printf(&whole, MATRIX("%s"), buf_text(&series));
    CHECK_TEXT(answer_of(buf_text(&whole)), "history_too_large");
    buf_clear(&many);
    buf_clear(&whole);
    for (int i = 0; i < 100; i++) {
        buf_printf(&many, "%s{\"metric\":{},\"values\":[", i ? "," : "");
        for (int k = 0; k < 100; k++)
            buf_printf(&many, "%s[%d,\"%d\"]", k ? "," : "", 1000000 + k, k);
        buf_printf(&many, "]}");
    }
    buf_printf(&whole, MATRIX("%s"), buf_text(&many)); /* 140 kB of ours */
    CHECK_TEXT(answer_of(buf_text(&whole)), "history_too_large");
    buf_clear(&whole);
    buf_printf(&whole, MATRIX("{\"metric\":{\"a\":\"%01025d\"},\"values\":[]}"), 7);
    CHECK_TEXT(answer_of(buf_text(&whole)), "history_too_large");
    buf_clear(&whole);
    buf_printf(&whole, "{\"status\":\"%01048576d\"}", 7);
    CHECK_TEXT(answer_of(buf_text(&whole)), "history_bad_reply");
}

TEST(a_refusal_is_told_in_printable_words)
{
    struct err err;

    CHECK(!words_refusal(422,
        S("{\"status\":\"error\",\"error\":\"cannot parse \\\"x\\u0001\xc3\xa9\\\"\"}"), &err));
    CHECK_TEXT(err.code, "bad_promql");
    CHECK_INT(err.kind, ERR_INPUT);
    CHECK(strstr(err.message, "cannot parse \"x???\""));
    CHECK(!words_refusal(400, S("<html>"), &err));
    CHECK_TEXT(err.code, "bad_promql");
    CHECK(!words_refusal(503, S(""), &err));
    CHECK_TEXT(err.code, "history_away");
    CHECK(!words_refusal(404, S(""), &err));
    CHECK_TEXT(err.code, "history_away");
    CHECK_INT(err.kind, ERR_PEER);
}

/* --- the handle ----------------------------------------------------------------------------- */

static int closed_count;

static void on_closed(void *user)
{
    (void)user;
    closed_count++;
}

static void never_answered(struct str json, const struct err *err, void *user)
{
    (void)json, (void)err, (void)user;
    CHECK(false);
}

TEST(without_a_url_there_is_no_history_and_it_says_so)
{
    struct history_options options = {.limits = limits};
    struct history_sample sample = {S("a"), S("b"), S(""), 1, 2};
    struct history_question question = {.promql = S("up"), .to_ms = 1};
    struct history *history = NULL;
    struct err err;
    uv_loop_t loop;

    REQUIRE(uv_loop_init(&loop) == 0);
    REQUIRE(history_open(&loop, &options, &history, &err));
    history_add(history, &sample, 1);
    history_flush(history);
    CHECK(!history_counts(history).configured);
    CHECK_INT(history_counts(history).samples_taken, 0);
    CHECK(!history_ask(history, &question, never_answered, NULL, NULL, &err));
    CHECK_TEXT(err.code, "no_history");
    history_close(history, on_closed, NULL);
    CHECK_INT(closed_count, 0);
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK_INT(closed_count, 1);
    CHECK(uv_loop_close(&loop) == 0);
}

TEST(a_bad_url_or_folder_opens_nothing)
{
    struct history_options options = {.url = "http://127.0.0.1:1/x", .limits = limits};
    struct history *history = NULL;
    struct err err;
    uv_loop_t loop;

    options.spool = scratch_folder();
    REQUIRE(uv_loop_init(&loop) == 0);
    CHECK(!history_open(&loop, &options, &history, &err));
    CHECK_TEXT(err.code, "bad_place");
    options.url = "http://127.0.0.1:1";
    options.spool = "/dev/null/spool";
    CHECK(!history_open(&loop, &options, &history, &err));
    CHECK_INT(err.kind, ERR_SYSTEM);
    CHECK(!history);
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK(uv_loop_close(&loop) == 0);
}

TAP_MAIN
