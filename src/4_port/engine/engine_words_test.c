/* SPDX-License-Identifier: Apache-2.0
 *
 * What an engine's process is given, what its replies must say, what a pool may not ask for.
 */
#include "base/scoped.h"
#include "engine/inside.h"
#include "scratch.h"
#include "tap.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

static const char HASH[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

static struct engine_config good(void)
{
    struct engine_config config = {.pool = "gpu0",
        .kind = ENGINE_CUDA,
        .mask = "0",
        .model = {.name = "m", .path = "/models/m.gguf", .sha256 = HASH, .bytes = 1},
        .slots = 4,
        .context = 8192,
        .kv = "q8_0",
        .folder = "/run/engine"};

    engine_limits_default(&config.limits);
    return config;
}

static bool refused(struct engine_config config, const char *field)
{
    struct err err = {0};

    return !engine_config_check(&config, &err) && strcmp(err.param, field) == 0 &&
           strcmp(err.code, "bad_config") == 0;
}

#define REFUSED(field, change)                                                                     \
    do {                                                                                           \
        struct engine_config c = good();                                                           \
        change;                                                                                    \
        CHECK(refused(c, field));                                                                  \
    } while (0)

TEST(a_pool_that_is_none_is_refused)
{
    static char folder[ENGINE_FOLDER_BYTES_MAX + 2];
    struct engine_config fine = good();
    struct err err;

    CHECK(engine_config_check(&fine, &err));
    REFUSED("pool", c.pool = "");
    REFUSED("pool", c.pool = "a b");
    REFUSED("mask", c.mask = "");
    REFUSED("mask", c.mask = "0,1"); /* one pool is one device */
    REFUSED("mask", c.mask = "0 LD_PRELOAD=x");
    REFUSED("mask", c.kind = ENGINE_CPU);
    REFUSED("slots", c.slots = 0);
    REFUSED("slots", c.slots = ENGINE_SLOTS_MAX + 1);
    REFUSED("context", c.context = 0);
    REFUSED("context", c.context = ENGINE_CONTEXT_MAX + 1);
    REFUSED("kv", c.kv = "q9_0");
    REFUSED("kv", c.kv = NULL);
    REFUSED("folder", c.folder = "run");
    memset(folder, 'x', sizeof folder - 1);
    folder[0] = '/';
    REFUSED("folder", c.folder = folder);
    REFUSED("port", c.port = 80);
    REFUSED("model", c.model.name = "--help");
    REFUSED("model", c.model.name = "a,b");
    REFUSED("model", c.model.path = "-m");
    REFUSED("model", c.model.path = "/a\nb");
    REFUSED("model", c.model.sha256 = "aaaa");
    REFUSED("model", c.model.bytes = 0);
    REFUSED("limits", c.limits.stall_ms = 0);
    REFUSED("limits", c.limits.load_ms = INT64_MAX);
    REFUSED("limits", c.limits.log_bytes = 1);
}

static bool has(char *const *words, const char *word)
{
    for (size_t i = 0; words[i]; i++)
        if (strcmp(words[i], word) == 0)
            return true;
    printf("# no %s\n", word);
    return false;
}

static const char *behind(char *const *words, const char *word)
{
    for (size_t i = 0; words[i]; i++)
        if (strcmp(words[i], word) == 0)
            return words[i + 1] ? words[i + 1] : "";
    return "";
}

static void words_of(
    const struct engine_config *config, struct engine *engine, struct engine_words *ret_words)
{
    *engine = (struct engine){0};
    snprintf(engine->prepared.bin, PREPARED_PATH_BYTES, "/usr/bin/llama-server");
    prepared_words_add(&engine->prepared.args, S("-ngl"));
    prepared_words_add(&engine->prepared.args, S("all"));
    prepared_words_add(&engine->prepared.env, S("GGML_BACKEND_PATH=/x"));
    prepared_words_add(&engine->prepared.env, S("CUDA_VISIBLE_DEVICES=0,1,2"));
    prepared_words_add(&engine->prepared.env, S("PATH=/evil"));
    engine_config_copy(engine, config);
    engine_words_make(engine, ret_words);
}

static void words_done(struct engine *engine)
{
    prepared_engine_done(&engine->prepared);
    arena_done(&engine->arena);
}

TEST(a_gpu_pool_sees_its_device_and_no_other)
{
    struct engine_config config = good();
    struct engine_words words;
    struct engine engine;

    words_of(&config, &engine, &words);
    CHECK(has(words.env, "CUDA_VISIBLE_DEVICES=0"));
    CHECK(has(words.env, "CUDA_DEVICE_ORDER=PCI_BUS_ID"));
    CHECK(has(words.env, "HIP_VISIBLE_DEVICES=-1"));
    CHECK(has(words.env, "GGML_VK_VISIBLE_DEVICES="));
    CHECK(has(words.env, "GGML_BACKEND_PATH=/x"));
    CHECK(has(words.env, "PATH=/usr/bin:/bin"));
    for (size_t i = 0; words.env[i]; i++) /* what the entry says of masks and PATH does not count */
        CHECK(strcmp(words.env[i], "CUDA_VISIBLE_DEVICES=0,1,2") != 0 &&
              strcmp(words.env[i], "PATH=/evil") != 0);
    CHECK_TEXT(behind(words.argv, "-c"), "32768"); /* context of a slot times slots */
    CHECK_TEXT(behind(words.argv, "-np"), "4");
    CHECK_TEXT(behind(words.argv, "-ngl"), "all");
    CHECK_TEXT(behind(words.argv, "-ctk"), "q8_0");
    CHECK_TEXT(behind(words.argv, "--alias"), "m");
    CHECK_TEXT(behind(words.argv, "--host"), "/run/engine/engine.sock");
    CHECK_TEXT(behind(words.argv, "--port"), "");
    CHECK_TEXT(engine.endpoint, "unix:/run/engine/engine.sock");
    words_done(&engine);
}

TEST(a_cpu_pool_sees_no_device)
{
    struct engine_config config = good();
    struct engine_words words;
    struct engine engine;

    config.kind = ENGINE_CPU;
    config.mask = "";
    config.port = 30999;
    config.model.embedding = true;
    words_of(&config, &engine, &words);
    CHECK(has(words.env, "CUDA_VISIBLE_DEVICES=-1"));
    CHECK(has(words.env, "HIP_VISIBLE_DEVICES=-1"));
    CHECK(has(words.env, "ROCR_VISIBLE_DEVICES=-1"));
    CHECK(has(words.env, "GGML_VK_VISIBLE_DEVICES="));
    CHECK_TEXT(behind(words.argv, "-dev"), "none");
    CHECK_TEXT(behind(words.argv, "--host"), "127.0.0.1");
    CHECK_TEXT(behind(words.argv, "--port"), "30999");
    CHECK_TEXT(behind(words.argv, "-ub"), "8192");
    CHECK(has(words.argv, "--embeddings"));
    CHECK_TEXT(engine.endpoint, "http://127.0.0.1:30999");
    words_done(&engine);
}

TEST(replies_are_believed_only_in_their_form)
{
    int64_t slots, context;
    char words[CALL_WORDS_BYTES];

    CHECK(call_read_health(S("{\"status\":\"ok\"}")));
    CHECK(!call_read_health(S("{\"status\":\"loading\"}")));
    CHECK(!call_read_health(S("<html>ok</html>")));
    CHECK(!call_read_health(S("")));
    CHECK(call_read_props(S("{\"total_slots\":2,\"default_generation_settings\":{\"n_ctx\":1024}}"),
        &slots, &context));
    CHECK_INT(slots * context, 2048);
    CHECK(!call_read_props(S("{\"total_slots\":2}"), &slots, &context));
    CHECK(
        call_read_token(S("{\"choices\":[{\"text\":\"\"}],\"usage\":{\"completion_tokens\":1}}")));
    CHECK(
        !call_read_token(S("{\"choices\":[{\"text\":\"\"}],\"usage\":{\"completion_tokens\":0}}")));
    CHECK(!call_read_token(S("{\"choices\":[],\"usage\":{\"completion_tokens\":1}}")));
    CHECK(!call_read_token(S("[]")));
    CHECK(call_read_embedding(S("{\"data\":[{\"embedding\":[0,0.5]}]}")));
    CHECK(!call_read_embedding(S("{\"data\":[{\"embedding\":[0,0]}]}")));
    CHECK(!call_read_embedding(S("{\"data\":[{\"embedding\":[]}]}")));
    CHECK(!call_read_embedding(S("{\"data\":[{\"embedding\":[1,null]}]}")));
    call_words(S("{\"error\":{\"message\":\"no \\u001b[31m model\"}}"), words);
    CHECK_TEXT(words, "no [31m model");
    call_words(S("<html>\n"), words);
    CHECK_TEXT(words, "<html>");
}

TEST(a_version_and_libraries_are_found_in_what_a_program_writes)
{
    static const char LOADER[] = "\tlinux-vdso.so.1 (0x00007f)\n"
                                 "\tlibllama.so.0 => /usr/lib/libllama.so.0 (0x00007f12)\n"
                                 "\tlibc.so.6 => /lib/libc.so.6 (0x00007f12)\n"
                                 "\tlibggml.so => not found\n"
                                 "\tlibggml-base.so.0 => /usr/lib/libggml-base.so.0 (0x07f)\n";
    char version[PREPARED_VERSION_BYTES], text[400] = "version: ";
    struct str names[4], paths[4];

    CHECK(identity_read_version(
        S("warning: x\nversion: 0.7.0 (build 11669, commit D)\nbuilt\n"), version));
    CHECK_TEXT(version, "0.7.0 (build 11669, commit D)");
    CHECK(!identity_read_version(S("llama-server 1\n"), version));
    CHECK(!identity_read_version(S("version: \n"), version));
    CHECK(!identity_read_version(S("version: \x1b[31m1\n"), version));
    memset(text + 9, 'x', 200);
    CHECK(!identity_read_version(str_from(text), version));
    REQUIRE(identity_read_libraries(str_from(LOADER), names, paths, 4) == 2);
    CHECK_STR(names[0], "libllama.so.0");
    CHECK_STR(paths[1], "/usr/lib/libggml-base.so.0");
    CHECK_INT(identity_read_libraries(str_from(LOADER), names, paths, 1), 1);
}

TEST(the_log_is_two_bounded_files_and_a_tail)
{
    const char *folder = scratch_folder();
    struct engine_record record = {0};
    struct stat now, old;
    static char piece[30000];
    char path[300];
    struct err err;

    REQUIRE(chmod(folder, 0755) == 0);
    REQUIRE(engine_record_open(&record, folder, 65536, &err));
    REQUIRE(stat(folder, &now) == 0);
    CHECK_INT(now.st_mode & 0777, 0700);
    memset(piece, 'x', sizeof piece);
    for (int i = 0; i < 50; i++)
        engine_record_add(&record, (struct str){piece, sizeof piece});
    engine_record_add(&record, S("\nlast \x1b[31m line \xff\n"));
    REQUIRE(stat(record.path, &now) == 0);
    snprintf(path, sizeof path, "%s.1", record.path);
    REQUIRE(stat(path, &old) == 0);
    CHECK(now.st_size <= 65536 && old.st_size <= 65536);
    CHECK_INT(now.st_mode & 0777, 0600);
    struct str tail = engine_record_tail(&record);
    CHECK(tail.len <= ENGINE_TAIL_BYTES);
    CHECK(str_ends(tail, S("last ?[31m line ?\n")));
    engine_record_done(&record);
}

TEST(a_log_that_is_a_link_is_not_followed)
{
    const char *folder = scratch_folder();
    struct engine_record record = {0};
    char path[300];
    struct err err;

    snprintf(path, sizeof path, "%s/engine.log", folder);
    REQUIRE(symlink("/tmp/not-this", path) == 0);
    CHECK(!engine_record_open(&record, folder, 65536, &err));
    engine_record_done(&record);
}

TEST(what_an_earlier_life_left_is_swept_by_its_mark)
{
    const char *folder = scratch_folder();
    char mark[300], other[300];
    int status = 0;

    snprintf(mark, sizeof mark, ENGINE_MARK "%s", folder);
    snprintf(other, sizeof other, ENGINE_MARK "%s-other", folder);
    char *env[] = {mark, NULL}, *others[] = {other, NULL};
    char *argv[] = {(char *)(uintptr_t) "/bin/sleep", (char *)(uintptr_t) "600", NULL};
    int ready[2];
    REQUIRE(pipe2(ready, O_CLOEXEC) == 0);
    pid_t ours = fork();
    if (ours == 0) {
        execve(argv[0], argv, env);
        _exit(1);
    }
    pid_t strange = fork();
    if (strange == 0) {
        execve(argv[0], argv, others);
        _exit(1);
    }
    char byte;
    close(ready[1]);
    CHECK_INT(read(ready[0], &byte, 1), 0); /* both have become sleep */
    close(ready[0]);
    CHECK_INT(engine_sweep(folder), 1);
    CHECK_INT(waitpid(ours, &status, 0), ours);
    CHECK(WIFSIGNALED(status));
    CHECK_INT(waitpid(strange, &status, WNOHANG), 0);
    CHECK(engine_process_work(strange) > 0); /* it was loaded, so it has worked */
    kill(strange, SIGKILL);
    waitpid(strange, &status, 0);
    CHECK_INT(engine_process_work(0), 0);
}

TAP_MAIN
