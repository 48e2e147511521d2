/* SPDX-License-Identifier: Apache-2.0
 * Sums, their file, what survives, what a full disk does. */
#include "base/panic.h"
#include "base/scoped.h"
#include "os/file.h"
#include "scratch.h"
#include "tap.h"
#include "usage/usage_db.h"

#include <limits.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define NOW_MS 1763700000000 /* 2025-11-21 */
#define DAY_MS 86400000
#define FLUSH_MS 20

struct bench {
    char path[PATH_MAX];
    struct usage *usage;
    uv_loop_t loop;
    uv_timer_t timer;
    json_t *answer;
    char code[ERR_CODE_BYTES_MAX];
    int answers;
    bool closed;
};

static void bench_open(struct bench *bench, const char *path)
{
    struct err err;

    *bench = (struct bench){0};
    snprintf(bench->path, sizeof bench->path, "%s", path);
    check(uv_loop_init(&bench->loop) == 0 && uv_timer_init(&bench->loop, &bench->timer) == 0);
    check(usage_open(*path ? bench->path : NULL, &bench->usage, &err));
    usage_start(bench->usage, &bench->loop, FLUSH_MS);
}

static void on_closed(void *user)
{
    ((struct bench *)user)->closed = true;
}

static void bench_close(struct bench *bench)
{
    usage_close(bench->usage, on_closed, bench);
    uv_close((uv_handle_t *)&bench->timer, NULL);
    uv_run(&bench->loop, UV_RUN_DEFAULT);
    CHECK(bench->closed);
    CHECK_INT(uv_loop_close(&bench->loop), 0);
    json_decref(bench->answer);
}

static void stop(uv_timer_t *timer)
{
    uv_stop(timer->loop);
}

static void turn(struct bench *bench, uint64_t time_ms)
{
    check(uv_timer_start(&bench->timer, stop, time_ms, 0) == 0);
    uv_run(&bench->loop, UV_RUN_DEFAULT);
}

static void on_answer(void *owner, const json_t *value, const struct err *err)
{
    struct bench *bench = owner;

    json_decref(bench->answer);
    bench->answer = json_deep_copy(value);
    snprintf(bench->code, sizeof bench->code, "%s", err ? err->code : "");
    bench->answers++;
}

/* The answer is in bench->answer; borrowed. */
static const json_t *ask(struct bench *bench, struct usage_question question)
{
    struct err err;
    int before = bench->answers;

    check(usage_ask(bench->usage, &question, on_answer, bench, &err));
    for (int i = 0; i < 500 && bench->answers == before; i++)
        turn(bench, 10);
    CHECK_INT(bench->answers, before + 1);
    return bench->answer;
}

static int64_t total(const json_t *answer, const char *name)
{
    return json_integer_value(json_object_get(json_object_get(answer, "total"), name));
}

static const json_t *row(const json_t *answer, size_t place)
{
    return json_array_get(json_object_get(answer, "rows"), place);
}

static void add(struct bench *bench, const char *caller, const char *model, int64_t day)
{
    struct usage_work work = {
        .requests = 1, .prompt_tokens = 10, .completion_tokens = 5, .busy_ms = 100};

    usage_add(bench->usage, str_from(caller), str_from(model), &work, NOW_MS + day * DAY_MS);
}

TEST(sums_are_asked_by_caller_model_and_day_with_what_is_not_written_yet)
{
    struct bench bench;
    char path[PATH_MAX];
    struct stat seen;

    snprintf(path, sizeof path, "%s/usage.db", scratch_folder());
    bench_open(&bench, path);
    for (int i = 0; i < 3; i++)
        add(&bench, "laptop", "qwen", 0);
    add(&bench, "laptop", "llama", 1);
    add(&bench, "phone", "qwen", 1);
    usage_add(bench.usage, S("phone"), S("qwen"),
        &(struct usage_work){
            .cancelled = 1, .failed = 2, .wasted_tokens = 7, .held_ms = 9, .prompt_tokens = -5},
        NOW_MS);
    const json_t *answer = ask(&bench, (struct usage_question){.by = USAGE_BY_CALLER_MODEL});
    CHECK_INT(json_array_size(json_object_get(answer, "rows")), 3);
    CHECK_TEXT(json_string_value(json_object_get(row(answer, 1), "model")), "qwen");
    CHECK_INT(json_integer_value(json_object_get(row(answer, 1), "requests")), 3);
    CHECK_INT(total(answer, "requests"), 5);
    CHECK_INT(total(answer, "prompt_tokens"), 50);
    CHECK_INT(total(answer, "wasted_tokens"), 7);
    CHECK_INT(total(answer, "cancelled"), 1);
    CHECK_INT(total(answer, "failed"), 2);
    CHECK_INT(total(answer, "busy_ms"), 500);
    CHECK_INT(total(answer, "held_ms"), 9);
    CHECK(json_is_false(json_object_get(answer, "truncated")));
    answer = ask(&bench, (struct usage_question){.by = USAGE_BY_CALLER, .model = S("qwen")});
    CHECK_TEXT(json_string_value(json_object_get(row(answer, 0), "caller")), "laptop");
    CHECK_INT(total(answer, "requests"), 4);
    answer = ask(&bench, (struct usage_question){.by = USAGE_BY_DAY, .caller = S("laptop")});
    CHECK_TEXT(json_string_value(json_object_get(row(answer, 0), "day")), "2025-11-21");
    CHECK_TEXT(json_string_value(json_object_get(row(answer, 1), "day")), "2025-11-22");
    answer =
        ask(&bench, (struct usage_question){.by = USAGE_BY_MODEL, .since_ms = NOW_MS + DAY_MS});
    CHECK_INT(total(answer, "requests"), 2);
    answer = ask(&bench, (struct usage_question){.by = USAGE_BY_MODEL, .until_ms = NOW_MS});
    CHECK_INT(total(answer, "requests"), 3);
    answer = ask(&bench, (struct usage_question){.caller = S("' OR 1=1 --")});
    CHECK_INT(total(answer, "requests"), 0);
    CHECK(stat(path, &seen) == 0 && (seen.st_mode & 07777) == 0600);
    bench_close(&bench);
}

TEST(what_was_written_is_there_again_and_is_added_to)
{
    struct bench bench;
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/usage.db", scratch_folder());
    for (int round = 1; round <= 3; round++) {
        bench_open(&bench, path);
        add(&bench, "laptop", "qwen", 0);
        CHECK_INT(total(ask(&bench, (struct usage_question){0}), "requests"), 2 * round - 1);
        add(&bench, "phone", "qwen", 0); /* written by the close */
        bench_close(&bench);
    }
    struct usage *alone = NULL;
    struct err err;
    REQUIRE(usage_open(path, &alone, &err));
    usage_add(alone, S("tv"), S("qwen"), &(struct usage_work){.requests = 1}, NOW_MS);
    usage_close(alone, NULL, NULL);
    bench_open(&bench, path);
    CHECK_INT(total(ask(&bench, (struct usage_question){0}), "requests"), 7);
    bench_close(&bench);
}

TEST(in_memory_alone_works_without_a_path)
{
    struct bench bench;

    bench_open(&bench, "");
    add(&bench, "laptop", "qwen", 0);
    CHECK_INT(total(ask(&bench, (struct usage_question){0}), "requests"), 1);
    CHECK_INT(total(ask(&bench, (struct usage_question){0}), "requests"), 1);
    bench_close(&bench);
}

TEST(rows_are_bounded_in_memory_and_nothing_is_lost_from_the_sums)
{
    struct sums sums = sums_of(100);
    struct usage_work work = {.requests = 1}, all = {0};
    char name[32];

    for (int i = 0; i < 20000; i++) {
        snprintf(name, sizeof name, "m%d", i);
        sums_add(&sums, i % 3, str_from(name), str_from(name), &work);
    }
    CHECK(sums.count <= 100 + SUMS_CALLERS_MAX + SUMS_DAYS_MAX);
    CHECK_INT(sums.folded, 20000 - 100);
    for (size_t i = 0; i < sums.count; i++)
        usage_work_add(&all, &sums.rows[i].work);
    CHECK_INT(all.requests, 20000);
    for (int i = 0; i < 1000; i++) /* a clock gone wild */
        sums_add(&sums, 1000 + i, S("a"), S("b"), &work);
    all = (struct usage_work){0};
    for (size_t i = 0; i < sums.count; i++)
        usage_work_add(&all, &sums.rows[i].work);
    CHECK_INT(all.requests, 21000);
    sums_done(&sums);
}

TEST(names_are_cut_to_whole_characters)
{
    struct sums sums = sums_of(10);
    struct usage_work work = {.requests = 1};
    char longer[300];

    memset(longer, 'x', sizeof longer);
    sums_add(&sums, 0, (struct str){longer, 300}, (struct str){longer, 300}, &work);
    CHECK_INT(strlen(sums.rows[0].caller), USAGE_CALLER_BYTES_MAX);
    CHECK_INT(strlen(sums.rows[0].model), USAGE_MODEL_BYTES_MAX);
    memcpy(longer + USAGE_MODEL_BYTES_MAX - 1, "\xc3\xa4", 2);
    sums_add(&sums, 1, S(""), (struct str){longer, 300}, &work);
    CHECK_TEXT(sums.rows[1].caller, USAGE_OTHER);
    CHECK_INT(strlen(sums.rows[1].model), USAGE_MODEL_BYTES_MAX - 1);
    sums_add(&sums, 2, S("a\0b"), S("\xff"), &work);
    CHECK_TEXT(sums.rows[2].caller, "a");
    CHECK_TEXT(sums.rows[2].model, USAGE_OTHER);
    sums_done(&sums);
}

TEST(rows_of_a_day_are_bounded_in_the_file_and_old_days_go)
{
    struct usage_db *db = NULL;
    struct sums sums = sums_of(USAGE_ROWS_MAX);
    struct usage_work work = {.requests = 1};
    scoped(json_done) json_t *answer = NULL;
    struct sums none = sums_of(0);
    uint64_t folded = 0;
    char name[32];
    struct err err;

    REQUIRE(usage_db_open(NULL, &db, &err));
    for (int batch = 0; batch < 3; batch++) {
        for (int i = 0; i < USAGE_ROWS_MAX; i++) {
            snprintf(name, sizeof name, "m%d-%d", batch, i);
            sums_add(&sums, 20000, S("a"), str_from(name), &work);
        }
        CHECK(usage_db_add(db, &sums, &folded, &err));
        sums_done(&sums);
    }
    CHECK_INT(folded, 3 * USAGE_ROWS_MAX - USAGE_DAY_ROWS_MAX);
    struct usage_question question = {.by = USAGE_BY_MODEL};
    REQUIRE(usage_db_ask(db, &question, &none, &answer, &err));
    CHECK(json_is_true(json_object_get(answer, "truncated")));
    CHECK_INT(json_array_size(json_object_get(answer, "rows")), USAGE_ANSWER_ROWS_MAX);
    CHECK_INT(total(answer, "requests"), 3 * USAGE_ROWS_MAX);
    sums_add(&sums, 20000 + USAGE_DAYS_KEPT + 1, S("a"), S("b"), &work);
    CHECK(usage_db_add(db, &sums, &folded, &err));
    sums_done(&sums);
    json_decref(answer);
    REQUIRE(usage_db_ask(db, &question, &none, &answer, &err));
    CHECK_INT(total(answer, "requests"), 1);
    usage_db_close(&db);
}

TEST(a_foreign_or_damaged_file_is_not_touched)
{
    char path[PATH_MAX];
    struct usage *usage = NULL;
    struct err err = {0};
    char text[5000];

    snprintf(path, sizeof path, "%s/usage.db", scratch_folder());
    memset(text, 'x', sizeof text);
    REQUIRE(file_replace(path, (struct str){text, sizeof text}, 0600, &err));
    CHECK(!usage_open(path, &usage, &err));
    CHECK_TEXT(err.code, "usage_broken");
    CHECK(!usage);
}

/* RLIMIT_FSIZE stands for a full disk: writes end with EFBIG. */
static void disk(bool full)
{
    struct rlimit limit;

    check(getrlimit(RLIMIT_FSIZE, &limit) == 0);
    limit.rlim_cur = full ? 1 : limit.rlim_max;
    check(setrlimit(RLIMIT_FSIZE, &limit) == 0);
}

TEST(a_full_disk_is_counted_and_tried_again_and_answers_go_on)
{
    struct bench bench;
    char path[PATH_MAX];

    signal(SIGXFSZ, SIG_IGN);
    snprintf(path, sizeof path, "%s/usage.db", scratch_folder());
    bench_open(&bench, path);
    add(&bench, "laptop", "qwen", 0);
    CHECK_INT(total(ask(&bench, (struct usage_question){0}), "requests"), 1);
    disk(true);
    for (int i = 0; i < 5; i++)
        add(&bench, "laptop", "qwen", 0);
    CHECK_INT(total(ask(&bench, (struct usage_question){0}), "requests"), 6);
    add(&bench, "phone", "qwen", 0);
    for (int i = 0; i < 500 && usage_counts(bench.usage).failed_flushes < 4; i++)
        turn(&bench, 10);
    struct usage_counts counts = usage_counts(bench.usage);
    CHECK(counts.failed_flushes >= 4);
    CHECK(!counts.writable);
    disk(false);
    for (int i = 0; i < 500 && !usage_counts(bench.usage).writable; i++)
        turn(&bench, 10);
    CHECK(usage_counts(bench.usage).writable);
    CHECK_INT(total(ask(&bench, (struct usage_question){0}), "requests"), 7);
    bench_close(&bench);
    bench_open(&bench, path);
    CHECK_INT(total(ask(&bench, (struct usage_question){0}), "requests"), 7);
    bench_close(&bench);
}

TEST(a_disk_that_is_full_at_the_start_is_no_reason_not_to_start)
{
    struct bench bench;
    char path[PATH_MAX];

    signal(SIGXFSZ, SIG_IGN);
    snprintf(path, sizeof path, "%s/usage.db", scratch_folder());
    disk(true);
    bench_open(&bench, path);
    add(&bench, "laptop", "qwen", 0);
    CHECK(!ask(&bench, (struct usage_question){0}));
    CHECK_TEXT(bench.code, "usage_io");
    disk(false);
    CHECK_INT(total(ask(&bench, (struct usage_question){0}), "requests"), 1);
    bench_close(&bench);
}

TEST(questions_are_bounded_and_who_left_is_not_called)
{
    struct bench bench;
    struct usage_question question = {0};
    struct err err = {0};
    int asked = 0;

    bench_open(&bench, "");
    while (asked < 100 && usage_ask(bench.usage, &question, on_answer, &bench, &err))
        asked++;
    CHECK_TEXT(err.code, "usage_busy");
    CHECK_INT(asked, USAGE_QUESTIONS_MAX + 1); /* one is with the worker */
    question.caller = (struct str){bench.path, USAGE_CALLER_BYTES_MAX + 1};
    CHECK(!usage_ask(bench.usage, &question, on_answer, &bench, &err));
    CHECK_TEXT(err.code, "out_of_range");
    usage_forget(bench.usage, &bench);
    turn(&bench, 200);
    CHECK_INT(bench.answers, 0);
    CHECK(!json_is_object(bench.answer));
    bench_close(&bench);
}

/* Child: adds without end and tells how much is certainly written. */
static void kill_me(const char *path, int pipe)
{
    struct bench bench;
    uint64_t flushes = 0;
    int64_t added = 0, before = 0;

    bench_open(&bench, path);
    for (;;) {
        add(&bench, "laptop", "qwen", 0);
        added++;
        turn(&bench, 1);
        if (usage_counts(bench.usage).flushes != flushes) {
            flushes = usage_counts(bench.usage).flushes;
            if (write(pipe, &before, sizeof before) != sizeof before)
                _exit(1);
            before = 0; /* what follows is known at the next flush */
        }
        if (usage_counts(bench.usage).pending_rows == 0)
            before = added; /* all of it is with the worker, or written */
    }
}

TEST(a_kill_loses_only_what_came_since_the_last_flush)
{
    char path[PATH_MAX];
    int ends[2];
    int64_t certain = 0, told;
    struct bench bench;

    snprintf(path, sizeof path, "%s/usage.db", scratch_folder());
    REQUIRE(pipe(ends) == 0);
    pid_t child = fork();
    if (child == 0)
        kill_me(path, ends[1]);
    close(ends[1]);
    for (int i = 0; i < 20 && read(ends[0], &told, sizeof told) == sizeof told; i++)
        certain = told > certain ? told : certain;
    kill(child, SIGKILL);
    CHECK(waitpid(child, NULL, 0) == child);
    close(ends[0]);
    bench_open(&bench, path);
    int64_t found = total(ask(&bench, (struct usage_question){0}), "requests");
    CHECK(certain > 0);
    CHECK(found >= certain);
    bench_close(&bench);
}

TAP_MAIN
