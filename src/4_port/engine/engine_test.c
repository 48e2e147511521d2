/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts that touch the machine: digests, engines.json, children, a FAKE nvidia-smi, the words
 * of a process.
 */
#include "base/scoped.h"
#include "catalogue/models.h"
#include "crypto/crypto.h"
#include "engine/inside.h"
#include "os/file.h"
#include "scratch.h"
#include "tap.h"
#include "json/json_read.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

static char *path_in(const char *folder, const char *name)
{
    static char paths[8][256];
    static size_t turn;
    char *path = paths[turn++ % 8];

    snprintf(path, 256, "%s/%s", folder, name);
    return path;
}

static void put(const char *path, struct str text, mode_t mode)
{
    struct err err;

    if (!file_replace(path, text, mode, &err))
        abort();
}

/* --- digests --------------------------------------------------------------------------- */

static struct digest_result digested;
static struct err digest_why;
static int digest_steps;

static void on_step(void *user, double fraction)
{
    (void)user;
    digest_steps++;
    CHECK(fraction >= 0 && fraction <= 1);
}

static void on_digest(void *user, const struct digest_result *result, const struct err *err)
{
    (void)user;
    digested = result ? *result : (struct digest_result){0};
    digest_why = err ? *err : (struct err){0};
}

static bool digest_now(const char *path, struct digest_cache *cache, bool always)
{
    struct digest *digest;
    uv_loop_t loop;
    struct err err;

    uv_loop_init(&loop);
    bool begun = digest_file(&loop, path, cache, always, on_step, on_digest, NULL, &digest, &err);
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK_INT(uv_loop_close(&loop), 0);
    return begun && digested.sha256[0];
}

/* As if the file had been there for a while: its ctime cannot be set, so wait. */
static void grow_old(void)
{
    struct timespec wait = {DIGEST_RACY_MS / 1000, 100000000};

    nanosleep(&wait, NULL);
}

TEST(a_file_is_hashed_once_while_it_does_not_change)
{
    const char *path = path_in(scratch_folder(), "m");
    struct digest_cache *cache = digest_cache_make();
    char wanted[65];

    put(path, S("hello"), 0600);
    sha256_hex(S("hello"), wanted);
    CHECK(digest_now(path, cache, false));
    CHECK_TEXT(digested.sha256, wanted);
    CHECK(digest_now(path, cache, false)); /* too young to be believed */
    CHECK_INT(digest_cache_reads(cache), 2);
    grow_old();
    CHECK(digest_now(path, cache, false));
    CHECK_INT(digest_cache_reads(cache), 3);
    CHECK(!digested.from_cache);
    CHECK(digest_now(path, cache, false));
    CHECK_INT(digest_cache_reads(cache), 3);
    CHECK(digested.from_cache);
    CHECK_TEXT(digested.sha256, wanted);
    CHECK(digest_now(path, cache, true)); /* always_hash */
    CHECK_INT(digest_cache_reads(cache), 4);
    digest_cache_free(&cache);
}

TEST(a_changed_byte_is_found_although_size_and_mtime_are_put_back)
{
    const char *path = path_in(scratch_folder(), "m");
    struct digest_cache *cache = digest_cache_make();
    struct stat before;

    put(path, S("0123456789"), 0600);
    grow_old();
    CHECK(digest_now(path, cache, false));
    char first[65];
    memcpy(first, digested.sha256, 65);
    REQUIRE(stat(path, &before) == 0);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    REQUIRE(fd >= 0 && pwrite(fd, "X", 1, 5) == 1);
    struct timespec times[2] = {before.st_atim, before.st_mtim};
    REQUIRE(futimens(fd, times) == 0);
    close(fd);
    struct stat after;
    REQUIRE(stat(path, &after) == 0);
    CHECK_INT(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
    CHECK_INT(after.st_size, before.st_size);
    CHECK(digest_now(path, cache, false));
    CHECK(!digested.from_cache);
    CHECK(strcmp(digested.sha256, first) != 0);
    digest_cache_free(&cache);
}

TEST(a_large_file_is_hashed_in_slices)
{
    const char *path = path_in(scratch_folder(), "m");
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    REQUIRE(fd >= 0 && ftruncate(fd, 2 * (off_t)DIGEST_SLICE_BYTES + 7) == 0);
    close(fd);
    digest_steps = 0;
    CHECK(digest_now(path, NULL, false));
    CHECK_INT(digest_steps, 2);
}

TEST(a_model_in_parts_is_hashed_part_behind_part_as_the_catalogue_does)
{
    const char *folder = scratch_folder(), *path = path_in(folder, "m-00001-of-00003.gguf");
    const char *second = path_in(folder, "m-00002-of-00003.gguf");
    struct digest_cache *cache = digest_cache_make();
    char wanted[65], noted[65];
    struct digest_stamp stamp, again;
    struct digest *digest;
    uv_loop_t loop;
    struct err err;

    put(path, S("one "), 0600);
    put(path_in(folder, "m-00003-of-00003.gguf"), S(" three"), 0600);
    CHECK(!digest_now(path, cache, false)); /* its second part is missing */
    CHECK(!digest_stamp_of_path(path, &stamp, &err));
    CHECK_TEXT(err.code, "file_missing");
    put(second, S("two"), 0600);
    sha256_hex(S("one two three"), wanted);
    grow_old();
    REQUIRE(digest_now(path, cache, false));
    CHECK_TEXT(digested.sha256, wanted);
    CHECK(model_file_hash(path, NULL, NULL, noted, &err));
    CHECK_TEXT(noted, wanted);
    CHECK_INT(digested.stamp.bytes, 13);
    CHECK(digest_now(path, cache, false));
    CHECK(digested.from_cache);
    CHECK(digest_stamp_of_path(path, &stamp, &err));
    CHECK(digest_stamp_eq(&stamp, &digested.stamp));
    put(second, S("TWO"), 0600); /* one byte of one part is enough, wherever it is */
    CHECK(digest_stamp_of_path(path, &again, &err) && !digest_stamp_eq(&again, &stamp));
    CHECK(digest_now(path, cache, false));
    CHECK(!digested.from_cache && strcmp(digested.sha256, wanted) != 0);
    uv_loop_init(&loop);
    CHECK(!digest_file(&loop, second, cache, false, NULL, on_digest, NULL, &digest, &err));
    CHECK_TEXT(err.code, "file_missing"); /* a part is no model */
    CHECK_INT(uv_loop_close(&loop), 0);
    digest_cache_free(&cache);
}

TEST(what_is_no_file_is_not_hashed)
{
    const char *folder = scratch_folder(), *fifo = path_in(folder, "fifo");
    struct digest *digest;
    uv_loop_t loop;
    struct err err;

    REQUIRE(mkfifo(fifo, 0600) == 0);
    uv_loop_init(&loop);
    CHECK(!digest_file(&loop, fifo, NULL, false, NULL, on_digest, NULL, &digest, &err));
    CHECK_TEXT(err.code, "file_missing");
    CHECK(!digest_file(&loop, folder, NULL, false, NULL, on_digest, NULL, &digest, &err));
    CHECK(!digest_file(
        &loop, path_in(folder, "none"), NULL, false, NULL, on_digest, NULL, &digest, &err));
    CHECK_INT(uv_loop_close(&loop), 0);
}

static const char *growing;

static void on_growth(void *user, double fraction)
{
    int fd = open(growing, O_WRONLY | O_APPEND | O_CLOEXEC);

    (void)user, (void)fraction;
    CHECK(fd >= 0 && write(fd, "x", 1) == 1);
    close(fd);
}

TEST(a_file_that_changes_while_it_is_read_is_an_error)
{
    struct digest *digest;
    uv_loop_t loop;
    struct err err;

    growing = path_in(scratch_folder(), "m");
    int fd = open(growing, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    REQUIRE(fd >= 0 && ftruncate(fd, DIGEST_SLICE_BYTES + 1) == 0);
    close(fd);
    uv_loop_init(&loop);
    CHECK(digest_file(&loop, growing, NULL, false, on_growth, on_digest, NULL, &digest, &err));
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK_TEXT(digest_why.code, "file_changed");
    CHECK(digest_file(&loop, growing, NULL, false, on_growth, on_digest, NULL, &digest, &err));
    digest_why = (struct err){0};
    digest_cancel(&digest);
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK_TEXT(digest_why.code, "");
    CHECK_INT(uv_loop_close(&loop), 0);
}

/* --- engines.json ------------------------------------------------------------------------ */

static struct prepared_engine sample(const char *name)
{
    struct prepared_engine made = {.kind = "llama.cpp",
        .version = "0.7.0 (build 1)",
        .provider = "process",
        .bin = "/usr/bin/llama-server",
        .created_at = "2026-11-21T02:47:01Z"};

    snprintf(made.engine, sizeof made.engine, "%s", name);
    memset(made.sha256, 'a', 64);
    prepared_words_add(&made.args, S("-ngl"));
    prepared_words_add(&made.args, S("all"));
    prepared_words_add(&made.env, S("GGML_BACKEND_PATH=/x=y"));
    return made;
}

TEST(engines_are_put_found_replaced_and_removed)
{
    const char *path = path_in(scratch_folder(), "engines.json");
    scoped(prepared_engine_done) struct prepared_engine one = sample("llama"),
                                                        two = sample("other-2");
    struct engine_list list;
    struct err err;
    bool was;

    CHECK(engine_list_read(path, &list, &err));
    CHECK_INT(list.count, 0);
    engine_list_done(&list);
    CHECK(engine_list_put(path, &one, &err));
    CHECK(engine_list_put(path, &two, &err));
    snprintf(one.version, sizeof one.version, "0.8.0");
    CHECK(engine_list_put(path, &one, &err));
    REQUIRE(engine_list_read(path, &list, &err));
    CHECK_INT(list.count, 2);
    const struct prepared_engine *found = engine_list_find(&list, S("llama"));
    REQUIRE(found != NULL);
    CHECK_TEXT(found->version, "0.8.0");
    CHECK_INT(found->args.count, 2);
    CHECK_TEXT(found->args.at[1], "all");
    CHECK_TEXT(found->env.at[0], "GGML_BACKEND_PATH=/x=y");
    CHECK(engine_list_find(&list, S("none")) == NULL);
    engine_list_done(&list);
    CHECK(engine_list_remove(path, S("llama"), &was, &err));
    CHECK(was);
    CHECK(engine_list_remove(path, S("llama"), &was, &err));
    CHECK(!was);
    prepared_engine_done(&two);
    two = (struct prepared_engine){0};
}

static bool refused(const char *from, const char *to)
{
    static const char GOOD[] =
        "{\"engine\":\"llama\",\"kind\":\"llama.cpp\",\"version\":\"1\",\"provider\":\"process\","
        "\"bin\":\"/b\",\"sha256\":\"" /* 64 */
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"flags\":[],\"args\":"
        "[\"-x\"],\"env\":{\"A\":\"b\"},\"created_at\":\"now\",\"bundle\":\"\"}";
    scoped(buf_done) struct buf text = buf_of(4096);
    scoped(json_done) json_t *entry = NULL;
    scoped(prepared_engine_done) struct prepared_engine prepared = {0};
    struct err err;
    const char *at = strstr(GOOD, from);

    if (!at)
        abort();
    buf_add(&text, (struct str){GOOD, (size_t)(at - GOOD)});
    buf_add(&text, str_from(to));
    buf_add(&text, str_from(at + strlen(from)));
    if (!json_read(buf_str(&text), 4096, &entry, &err))
        abort();
    return !prepared_engine_read(entry, &prepared, &err) && err.kind == ERR_INPUT;
}

TEST(entries_that_are_none_are_refused)
{
    CHECK(!refused("llama", "llama")); /* the sample itself is fine */
    CHECK(refused("\"llama\"", "\"Llama\""));
    CHECK(refused("\"llama\"", "\"../llama\""));
    CHECK(refused("\"llama\"", "\"-llama\""));
    CHECK(refused("llama.cpp", "vllm"));
    CHECK(refused("process", "container"));
    CHECK(refused("/b", "b"));
    CHECK(refused("/b", "/b\\n"));
    CHECK(refused("aaaaaaaaaa", "gaaaaaaaaa"));
    CHECK(refused("aaaaaaaaaa", "aaaaaaaaa"));
    CHECK(refused("[\"-x\"]", "[1]"));
    CHECK(refused("\"A\":\"b\"", "\"A=\":\"b\""));
    CHECK(refused("\"A\":\"b\"", "\"\":\"b\""));
    CHECK(refused("\"A\":\"b\"", "\"A\":1"));
    CHECK(refused("\"flags\":[],", ""));
    CHECK(refused("\"flags\":[]", "\"flags\":[],\"more\":1"));
    CHECK(refused("\"version\":\"1\"", "\"version\":\"\\u00e9\""));
}

TEST(a_file_of_another_schema_is_refused_and_stays)
{
    const char *path = path_in(scratch_folder(), "engines.json");
    const struct str other = S("{\"schema\":\"logic-node/engines/v2\",\"engines\":[]}");
    scoped(prepared_engine_done) struct prepared_engine one = sample("llama");
    scoped(buf_done) struct buf now = buf_of(4096);
    struct engine_list list;
    struct err err;

    put(path, other, 0600);
    CHECK(!engine_list_read(path, &list, &err));
    CHECK_TEXT(err.code, "unknown_schema");
    CHECK(!engine_list_put(path, &one, &err));
    CHECK(file_read(path, &now, &err));
    CHECK(str_eq(buf_str(&now), other));
}

TEST(more_engines_than_the_limit_are_refused)
{
    scoped(buf_done) struct buf text = buf_of(ENGINES_FILE_BYTES_MAX);
    const char *path = path_in(scratch_folder(), "engines.json");
    scoped(prepared_engine_done) struct prepared_engine one = sample("e0");
    struct err err;

    buf_printf(&text, "{\"schema\":\"" ENGINES_SCHEMA "\",\"engines\":[");
    for (int i = 0; i < ENGINES_MAX; i++) {
        snprintf(one.engine, sizeof one.engine, "e%d", i);
        json_t *entry = prepared_engine_json(&one);
        char *line = json_dumps(entry, JSON_COMPACT);
        buf_printf(&text, "%s%s", i ? "," : "", line);
        free(line);
        json_decref(entry);
    }
    buf_printf(&text, "]}");
    put(path, buf_str(&text), 0600);
    CHECK(engine_list_put(path, &one, &err)); /* replaces */
    snprintf(one.engine, sizeof one.engine, "one-more");
    CHECK(!engine_list_put(path, &one, &err));
    CHECK_TEXT(err.code, "too_many_engines");
}

TEST(words_have_limits)
{
    struct prepared_words words = {0};
    static char text[PREPARED_WORD_BYTES_MAX + 1];

    memset(text, 'x', sizeof text);
    CHECK(!prepared_words_add(&words, (struct str){text, sizeof text}));
    CHECK(prepared_words_add(&words, (struct str){text, sizeof text - 1}));
    CHECK(!prepared_words_add(&words, S("\xff")));
    CHECK(!prepared_words_add(&words, (struct str){"a\0b", 3}));
    while (words.count < PREPARED_WORDS_MAX)
        CHECK(prepared_words_add(&words, S("x")));
    CHECK(!prepared_words_add(&words, S("x")));
    for (size_t i = 0; i < words.count; i++)
        free(words.at[i]);
}

/* --- children ---------------------------------------------------------------------------- */

static struct buf said;
static int ended = -1, probe_ended;
static struct err probe_why;

static void on_output(void *user, struct str bytes)
{
    (void)user;
    buf_add(&said, bytes);
}

static void on_end(void *user, int status)
{
    (void)user;
    ended = status;
}

static void on_probe(void *user, int status, struct str output, const struct err *err)
{
    (void)user;
    probe_ended = status;
    buf_add(&said, output);
    probe_why = err ? *err : (struct err){0};
}

static void forget(void)
{
    buf_done(&said);
    said = buf_of(1 << 20);
    ended = -1;
}

TEST(a_child_has_nothing_but_what_it_is_given)
{
    static const struct child_events EVENTS = {on_output, on_end};
    const char *argv[] = {"/bin/sh", "-c",
        "env; echo stdin=$(readlink /proc/self/fd/0); ls /proc/self/fd | tr '\\n' ' '; "
        "echo; echo group=$$ $(cut -d' ' -f5 /proc/$$/stat); pwd; echo \"$0\"",
        "; rm -rf $HOME", NULL};
    const char *env[] = {"PATH=/usr/bin:/bin", "ONLY=this", NULL};
    const struct child_order order = {argv, env, "/tmp"};
    struct child *child;
    uv_loop_t loop;
    struct err err;
    char group[64];

    forget();
    int leak = open("/dev/null", O_RDONLY); /* not close-on-exec */
    setenv("LEAKED", "secret", 1);
    uv_loop_init(&loop);
    REQUIRE(child_start(&loop, &order, &EVENTS, NULL, &child, &err));
    snprintf(group, sizeof group, "group=%d %d\n", child_pid(child), child_pid(child));
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK_INT(uv_loop_close(&loop), 0);
    close(leak);
    CHECK_INT(ended, 0);
    const char *text = buf_text(&said);
    CHECK(strstr(text, "ONLY=this\n") != NULL);
    CHECK(strstr(text, "LEAKED") == NULL);
    CHECK(strstr(text, "stdin=/dev/null") != NULL);
    CHECK(strstr(text, "\n0 1 2 3 \n") != NULL); /* 3 is ls's own look into the folder */
    CHECK(strstr(text, group) != NULL);
    CHECK(strstr(text, "/tmp\n; rm -rf $HOME\n") != NULL); /* an argument is no shell word */
}

TEST(the_rest_of_the_group_dies_with_its_leader)
{
    static const struct child_events EVENTS = {on_output, on_end};
    const char *argv[] = {"/bin/sh", "-c", "trap '' TERM HUP; sleep 600 & echo $!; exit 3", NULL};
    const char *env[] = {"PATH=/usr/bin:/bin", NULL};
    const struct child_order order = {argv, env, NULL};
    struct child *child;
    uv_loop_t loop;
    struct err err;
    uint64_t pid;

    forget();
    uv_loop_init(&loop);
    REQUIRE(child_start(&loop, &order, &EVENTS, NULL, &child, &err));
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK_INT(uv_loop_close(&loop), 0);
    CHECK_INT(WEXITSTATUS(ended), 3);
    REQUIRE(str_to_u64(str_trim(buf_str(&said)), INT32_MAX, &pid));
    struct stat seen;
    char proc[64];
    snprintf(proc, sizeof proc, "/proc/%d/exe", (int)pid);
    CHECK(stat(proc, &seen) != 0); /* gone, or a zombie that init has not fetched */
}

TEST(closing_kills_and_reaps_without_a_word)
{
    static const struct child_events EVENTS = {on_output, on_end};
    const char *argv[] = {"/bin/sleep", "600", NULL};
    const char *env[] = {NULL};
    const struct child_order order = {argv, env, NULL};
    struct child *child;
    uv_loop_t loop;
    struct err err;

    forget();
    uv_loop_init(&loop);
    REQUIRE(child_start(&loop, &order, &EVENTS, NULL, &child, &err));
    pid_t pid = child_pid(child);
    child_close(&child);
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK_INT(uv_loop_close(&loop), 0);
    CHECK_INT(ended, -1);
    CHECK(kill(pid, 0) != 0 && errno == ESRCH);
}

static void probe(const char *script, int64_t limit_ms, size_t bytes_max)
{
    const char *argv[] = {"/bin/sh", "-c", script, NULL};
    const char *env[] = {"PATH=/usr/bin:/bin", NULL};
    const struct child_order order = {argv, env, NULL};
    struct probe *at;
    uv_loop_t loop;
    struct err err;

    forget();
    uv_loop_init(&loop);
    CHECK(probe_start(&loop, &order, limit_ms, bytes_max, on_probe, NULL, &at, &err));
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK_INT(uv_loop_close(&loop), 0);
}

TEST(a_probe_has_limits_of_time_and_length)
{
    probe("echo hello; exit 4", 20000, 100);
    CHECK_INT(WEXITSTATUS(probe_ended), 4);
    CHECK_STR(buf_str(&said), "hello\n");
    CHECK_TEXT(probe_why.code, "");
    probe("sleep 600", 50, 100);
    CHECK_TEXT(probe_why.code, "probe_slow");
    probe("yes", 20000, 100000);
    CHECK_TEXT(probe_why.code, "probe_long");
}

TEST(a_program_that_is_not_there_is_named)
{
    const char *argv[] = {"/nonexistent/llama-server", NULL};
    const char *env[] = {NULL};
    const struct child_order order = {argv, env, NULL};
    struct probe *at;
    uv_loop_t loop;
    struct err err;

    uv_loop_init(&loop);
    CHECK(!probe_start(&loop, &order, 1000, 100, on_probe, NULL, &at, &err));
    CHECK_TEXT(err.code, "engine_missing");
    CHECK_TEXT(err.message, "cannot run '/nonexistent/llama-server': No such file or directory");
    CHECK_INT(uv_loop_close(&loop), 0);
}

TAP_MAIN
