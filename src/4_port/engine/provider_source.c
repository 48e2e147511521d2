/* SPDX-License-Identifier: Apache-2.0 */
#include "base/scoped.h"
#include "crypto/crypto.h"
#include "engine/provider_inside.h"
#include "os/file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define LOG_BYTES_MAX (1u << 20)
#define ARGV_MAX (PREPARED_WORDS_MAX + 16)

/* What every build gets; an order's own flag of the same name wins. */
static const char *const STANDARD[] = {"BUILD_SHARED_LIBS=OFF", "CMAKE_BUILD_TYPE=Release",
    "FETCHCONTENT_FULLY_DISCONNECTED=ON", "GGML_NATIVE=ON", "LLAMA_BUILD_EXAMPLES=OFF",
    "LLAMA_BUILD_SERVER=ON", "LLAMA_BUILD_TESTS=OFF", "LLAMA_CURL=OFF"};

struct build {
    char tree[PREPARED_PATH_BYTES], folder[PREPARED_PATH_BYTES + 160];
    char cmake[PREPARED_PATH_BYTES], compiler[PREPARED_PATH_BYTES], tool[PREPARED_PATH_BYTES];
    char commit[64], flags8[9];
    struct prepared_words *flags;
};

static bool good_flag(const char *flag)
{
    size_t name = strcspn(flag, "=");

    for (size_t i = 0; flag[i]; i++)
        if (i < name ? !(flag[i] >= 'A' && flag[i] <= 'Z') && !(flag[i] >= '0' && flag[i] <= '9') &&
                           flag[i] != '_'
                     : flag[i] < ' ' || flag[i] > '~')
            return false;
    return name > 0 && flag[name] == '=' && strlen(flag) < 256;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorted, one of each name: the same wishes in any order are the same build. */
static bool normalise_flags(
    const struct provider_order *order, struct build *build, struct err *err)
{
    scoped(buf_done) struct buf lines = buf_of(64u << 10);
    char hex[SHA256_HEX_BYTES];
    size_t given = 0;

    for (; order->cmake_flags && order->cmake_flags[given]; given++) {
        const char *flag = order->cmake_flags[given];
        size_t name = strcspn(flag, "=") + 1;
        if (given == PROVIDER_FLAGS_MAX || !good_flag(flag))
            return err_code(err, ERR_INPUT, "bad_flag", "cmake_flags",
                "'%.80s' is no NAME=VALUE, or one of more than %d", flag, PROVIDER_FLAGS_MAX);
        for (size_t i = 0; i < given; i++)
            if (strncmp(order->cmake_flags[i], flag, name) == 0)
                return err_code(
                    err, ERR_INPUT, "bad_flag", "cmake_flags", "'%.80s' is given twice", flag);
        prepared_words_add(build->flags, str_from(flag));
    }
    for (size_t i = 0; i < COUNT(STANDARD); i++) {
        bool there = false;
        for (size_t k = 0; k < given; k++)
            there = there ||
                    strncmp(order->cmake_flags[k], STANDARD[i], strcspn(STANDARD[i], "=") + 1) == 0;
        if (!there)
            prepared_words_add(build->flags, str_from(STANDARD[i]));
    }
    qsort(build->flags->at, build->flags->count, sizeof *build->flags->at, by_text);
    for (size_t i = 0; i < build->flags->count; i++)
        buf_printf(&lines, "%s\n", build->flags->at[i]);
    sha256_hex(buf_str(&lines), hex);
    (void)snprintf(build->flags8, sizeof build->flags8, "%.8s", hex);
    return true;
}

static bool has_flag(const struct build *build, const char *flag)
{
    for (size_t i = 0; i < build->flags->count; i++)
        if (strcmp(build->flags->at[i], flag) == 0)
            return true;
    return false;
}

static bool find_any(const char *path, const char *const *names, char ret_path[PREPARED_PATH_BYTES])
{
    for (size_t i = 0; names[i]; i++)
        if (provider_find(path, names[i], ret_path))
            return true;
    (void)snprintf(ret_path, PREPARED_PATH_BYTES, "none in PATH");
    return false;
}

static void check_room(struct preparation *at, const char *folder)
{
    struct statvfs disk;
    char words[96] = "the folder cannot be looked at";
    bool known = statvfs(folder, &disk) == 0;
    uint64_t room = known ? (uint64_t)disk.f_bavail * disk.f_frsize : 0;

    if (known)
        (void)snprintf(words, sizeof words, "%" PRIu64 " MiB free", room >> 20);
    preflight_add(at, "room on the disk", room >= PROVIDER_ROOM_BYTES, words,
        "free 2 GiB there, or name another folder for builds");
}

static bool preflight(struct preparation *at, struct build *build, struct err *err)
{
    static const char *const CMAKE[] = {"cmake", NULL};
    static const char *const COMPILER[] = {"c++", "g++", "clang++", NULL};
    static const char *const TOOL[] = {"ninja", "make", NULL};
    static const char *const NVCC[] = {"nvcc", NULL};
    const char *path = at->order->path;
    char lists[PREPARED_PATH_BYTES + 16], nvcc[PREPARED_PATH_BYTES];
    bool found = at->order->tree && realpath(at->order->tree, build->tree);

    (void)snprintf(lists, sizeof lists, "%s/CMakeLists.txt", build->tree);
    preflight_add(at, "source tree", found && file_exists(lists),
        found ? build->tree : "no such folder",
        "give the folder of llama.cpp's sources, which holds CMakeLists.txt");
    found = find_any(path, CMAKE, build->cmake);
    preflight_add(at, "cmake", found, build->cmake, "apt-get install cmake");
    found = find_any(path, COMPILER, build->compiler);
    preflight_add(at, "C++ compiler", found, build->compiler, "apt-get install g++");
    found = find_any(path, TOOL, build->tool);
    preflight_add(at, "build tool", found, build->tool, "apt-get install ninja-build");
    if (has_flag(build, "GGML_CUDA=ON")) {
        found = find_any(path, NVCC, nvcc);
        preflight_add(at, "CUDA compiler", found, nvcc,
            "install the CUDA toolkit and put its bin folder into PATH");
    }
    check_room(at, at->folder);
    return preflight_done(at, err);
}

/* The line that most likely says why: the first with "error", else the last. */
static void why_failed(struct str output, char ret_words[PROVIDER_LINE_BYTES])
{
    struct str last = {0}, first = {0};

    while (output.len > 0) {
        struct str line = str_trim(str_cut(output, '\n', &output));
        if (line.len > 0)
            last = line;
        if (!first.at && line.len > 0 &&
            (memmem(line.at, line.len, "rror", 4) || memmem(line.at, line.len, "FAILED", 6)))
            first = line;
    }
    struct str line = str_utf8_prefix(first.at ? first : last);
    (void)snprintf(ret_words, PROVIDER_LINE_BYTES, "%.*s",
        (int)(line.len < PROVIDER_LINE_BYTES ? line.len : PROVIDER_LINE_BYTES - 1), line.at);
}

static bool step(struct preparation *at, const struct build *build, const char *what,
    const char *const *argv, struct err *err)
{
    scoped(buf_done) struct buf output = {0};
    char path[PREPARED_PATH_BYTES * 4], home[PREPARED_PATH_BYTES + 192], log[sizeof home];
    char why[PROVIDER_LINE_BYTES], end[CHILD_END_BYTES];
    int status = -1;

    (void)snprintf(
        path, sizeof path, "PATH=%s", at->order->path ? at->order->path : getenv("PATH"));
    (void)snprintf(home, sizeof home, "HOME=%s", build->folder);
    (void)snprintf(log, sizeof log, "%s/%s.log", build->folder, what);
    const char *env[] = {path, home, "LC_ALL=C", NULL};
    const struct provider_run run = {
        .order = {.argv = argv, .env = env, .folder = build->folder},
        .limit_ms = at->order->build_ms ? at->order->build_ms : PROVIDER_BUILD_MS,
        .bytes_max = LOG_BYTES_MAX,
        .told = at->order->told,
        .user = at->order->user,
    };
    plan_add(at, what, argv);
    if (!provider_run(&run, &output, &status, err) ||
        !file_replace(log, buf_str(&output), 0600, err))
        return err_wrap(err, "%s", what);
    child_end_words(status, end);
    why_failed(buf_str(&output), why);
    return status == 0 || err_code(err, ERR_SYSTEM, "build_failed", NULL,
                              "%s: %s: %s (all of it: %s)", what, end, why, log);
}

static bool configure_and_build(struct preparation *at, struct build *build, struct err *err)
{
    char flags[PREPARED_WORDS_MAX][260], jobs[24];
    const char *argv[ARGV_MAX] = {build->cmake, "-S", build->tree, "-B", build->folder, "-G",
        strstr(build->tool, "ninja") ? "Ninja" : "Unix Makefiles"};
    size_t count = 7;
    long processors = sysconf(_SC_NPROCESSORS_ONLN);

    for (size_t i = 0; i < build->flags->count; i++) {
        (void)snprintf(flags[i], sizeof flags[i], "-D%s", build->flags->at[i]);
        argv[count++] = flags[i];
    }
    (void)snprintf(jobs, sizeof jobs, "%ld", processors > 0 ? processors : 1);
    const char *make[] = {build->cmake, "--build", build->folder, "--target", "llama-server",
        "--parallel", jobs, NULL};
    return step(at, build, "configure", argv, err) && step(at, build, "build", make, err);
}

bool provider_build(struct preparation *at, struct err *err)
{
    struct build build = {.flags = &at->prepared.flags};
    struct prepared_engine *prepared = &at->prepared;
    char place[PREPARED_PATH_BYTES + 16];

    if (!at->order->tree)
        return err_code(err, ERR_INPUT, "bad_order", "tree", "a source tree is missing");
    if (!normalise_flags(at->order, &build, err) || !preflight(at, &build, err) ||
        !provider_tree_version(at, build.tree, build.commit, err))
        return false;
    if (at->order->build)
        (void)snprintf(place, sizeof place, "%.1000s", at->order->build);
    else
        (void)snprintf(place, sizeof place, "%.1000s/builds", at->folder);
    (void)snprintf(build.folder, sizeof build.folder, "%s/%s-%s-%s", place, prepared->engine,
        build.commit, build.flags8);
    (void)snprintf(
        at->source_version, sizeof at->source_version, "src-%s-%s", build.commit, build.flags8);
    if (!file_make_folder(build.folder, 0700, err) || !configure_and_build(at, &build, err))
        return false;
    (void)snprintf(prepared->bin, sizeof prepared->bin, "%.1000s/bin/llama-server", build.folder);
    if (access(prepared->bin, X_OK) != 0)
        return err_code(err, ERR_SYSTEM, "build_failed", NULL, "the build made no '%s': %s",
            prepared->bin, strerror(errno));
    return true;
}
