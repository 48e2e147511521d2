/* SPDX-License-Identifier: Apache-2.0 */
#include "base/scoped.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/random.h"
#include "os/sandbox.h"
#include "patience.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[64];

__attribute__((constructor)) static void make_folder(void)
{
    snprintf(folder, sizeof folder, "/tmp/os_test.XXXXXX");
    if (!mkdtemp(folder))
        abort();
}

TEST(ids_sort_as_they_were_made_also_when_the_clock_steps_back)
{
    char a[ID_BYTES], b[ID_BYTES], c[ID_BYTES];
    id_make(1000, a);
    id_make(1000, b);
    id_make(500, c);
    CHECK(strcmp(a, b) < 0 && strcmp(b, c) < 0);
    CHECK(id_valid(a) && !id_valid("01ARZ3NDEKTSV4RRFFQ69G5FA") &&
          !id_valid("01ARZ3NDEKTSV4RRFFQ69G5FAU"));
}

TEST(times_go_to_text_and_back)
{
    char text[CLOCK_TEXT_BYTES];
    int64_t ms = 0;
    clock_text(1795229221123, text);
    CHECK(clock_from_text(text, &ms));
    CHECK_INT(ms, 1795229221123);
    CHECK(!clock_from_text("2026-11-21 02:47", &ms));
    CHECK(!clock_from_text("2026-11-21T02:47:01.12Z", &ms));
}

TEST(file_is_replaced_whole_and_read_with_a_limit)
{
    char path[128];
    struct err err = {0};
    snprintf(path, sizeof path, "%s/a", folder);
    CHECK(file_replace(path, S("first"), 0600, &err));
    CHECK(file_replace(path, S("second"), 0600, &err));
    scoped(buf_done) struct buf text = buf_of(6);
    CHECK(file_read(path, &text, &err));
    CHECK_STR(buf_str(&text), "second");
    scoped(buf_done) struct buf small = buf_of(5);
    CHECK(!file_read(path, &small, &err) && err.kind == ERR_LIMIT);
}

/* Who may write in a folder chooses no file elsewhere for who replaces one there. */
TEST(a_replaced_file_is_not_written_through_a_link)
{
    char path[128], link[160], other[128];
    struct err err = {0};
    snprintf(path, sizeof path, "%s/replaced", folder);
    snprintf(link, sizeof link, "%s.new", path);
    snprintf(other, sizeof other, "%s/elsewhere", folder);
    CHECK(file_replace(other, S("kept"), 0600, &err));
    CHECK(symlink(other, link) == 0);
    CHECK(!file_replace(path, S("gone"), 0600, &err));
    scoped(buf_done) struct buf text = buf_of(10);
    CHECK(file_read(other, &text, &err));
    CHECK_STR(buf_str(&text), "kept");
}

TEST(failed_replace_leaves_the_old_file)
{
    char path[128], blocker[160];
    struct err err = {0};
    snprintf(path, sizeof path, "%s/kept", folder);
    snprintf(blocker, sizeof blocker, "%s.new", path);
    CHECK(file_replace(path, S("old"), 0600, &err));
    CHECK(file_make_folder(blocker, 0700, &err));
    CHECK(!file_replace(path, S("new"), 0600, &err));
    scoped(buf_done) struct buf text = buf_of(10);
    CHECK(file_read(path, &text, &err));
    CHECK_STR(buf_str(&text), "old");
}

#define NOT_LOCKED 99

/* Run `act` in a locked child; its return value is the exit status. */
static int in_sandbox(const struct sandbox *want, int (*act)(void))
{
    pid_t child = fork();
    if (child == 0) {
        struct err err = {0};
        bool landlock;
        if (!sandbox_enter(want, &landlock, &err)) {
            printf("# %s\n", err.message);
            _exit(NOT_LOCKED);
        }
        _exit(landlock || want->all_paths ? act() : 77);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 100;
}

static int try_socket(void)
{
    return socket(AF_INET, SOCK_STREAM, 0) < 0 && errno == EPERM ? 0 : 1;
}

static int try_exec(void)
{
    char *argv[] = {(char *)"/bin/true", NULL};
    execv("/bin/true", argv);
    return errno == EPERM ? 0 : 1;
}

static int try_listen(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    return fd >= 0 && listen(fd, 1) < 0 && errno == EPERM ? 0 : 1;
}

static int try_fork(void)
{
    return fork() < 0 ? 0 : 1;
}

static int try_paths(void)
{
    char path[128];
    snprintf(path, sizeof path, "%s/mine", folder);
    if (open(path, O_RDWR | O_CREAT, 0600) < 0)
        return 1;
    return open("/etc/hostname", O_RDONLY) < 0 && errno == EACCES ? 0 : 2;
}

static const char NO_FILTER[] = "qemu-user refuses seccomp(2), so no call can be denied inside it";

/* On a real machine a filter that cannot be loaded is a failure. */
static bool filter_is_missing(void)
{
    const struct sandbox s = {.deny = SANDBOX_DENY_NETWORK, .all_paths = true};

    return is_emulated() && in_sandbox(&s, try_socket) == NOT_LOCKED;
}

TEST(each_denied_call_fails_with_eperm)
{
    if (filter_is_missing())
        SKIP(NO_FILTER);
    const struct sandbox s = {
        .deny = SANDBOX_DENY_NETWORK | SANDBOX_DENY_EXEC | SANDBOX_DENY_FORK, .all_paths = true};
    const struct sandbox no_listen = {.deny = SANDBOX_DENY_LISTEN, .all_paths = true};
    CHECK_INT(in_sandbox(&s, try_socket), 0);
    CHECK_INT(in_sandbox(&s, try_exec), 0);
    CHECK_INT(in_sandbox(&s, try_fork), 0);
    CHECK_INT(in_sandbox(&no_listen, try_listen), 0);
}

TEST(only_named_paths_open)
{
    if (filter_is_missing())
        SKIP(NO_FILTER);
    const char *const mine[] = {folder, NULL};
    const struct sandbox s = {.write = mine};
    int status = in_sandbox(&s, try_paths);
    CHECK(status == 0 || status == 77); /* 77: this kernel has no Landlock */
}

static int try_signals(void)
{
    pid_t child = fork();

    if (child == 0) {
        pause();
        _exit(1);
    }
    bool outside = kill(getppid(), 0) == 0 || errno != EPERM; /* the same user */
    bool own = child > 0 && kill(child, SIGKILL) == 0 && waitpid(child, NULL, 0) == child;
    return !outside && own ? 0 : own ? 1 : 2;
}

TEST(signals_reach_children_and_nobody_else)
{
    static const char *const mine[] = {folder, NULL};
    const struct sandbox s = {.deny = SANDBOX_DENY_SIGNALS, .write = mine};
    int status = in_sandbox(&s, try_signals);
    if (status == 77 || syscall(SYS_landlock_create_ruleset, NULL, 0, 1) < 6)
        printf("# this kernel's Landlock does not know of signals\n");
    else
        CHECK_INT(status, 0);
}

/* --- beside a home that must stay closed --- */

TEST(programs_beside_a_home_are_allowed_and_the_way_to_it_is_not)
{
    const char *paths[SANDBOX_BESIDE_MAX];
    char opt[64], home[96], path[128];
    struct err err;

    snprintf(opt, sizeof opt, "%.40s/opt", folder);
    snprintf(home, sizeof home, "%s/node/home", opt);
    snprintf(path, sizeof path, "%s/tool/bin", opt);
    CHECK(file_make_folder(home, 0700, &err) && file_make_folder(path, 0755, &err));
    snprintf(path, sizeof path, "%s/link", opt);
    CHECK(symlink("node", path) == 0);
    snprintf(path, sizeof path, "%s/inside", opt);
    CHECK(symlink("node/home", path) == 0);
    snprintf(path, sizeof path, "%s/dangling", opt);
    CHECK(symlink("nowhere", path) == 0);
    CHECK_INT(sandbox_beside(opt, home, paths), 1);
    snprintf(path, sizeof path, "%s/tool", opt);
    CHECK_TEXT(paths[0], path);
    free((char *)paths[0]);
    CHECK_INT(sandbox_beside(path, home, paths), 1); /* it does not lie there */
    CHECK_TEXT(paths[0], path);
    free((char *)paths[0]);
    CHECK_INT(sandbox_beside("/nowhere", home, paths), 1);
    CHECK_TEXT(paths[0], "/nowhere");
    free((char *)paths[0]);
}

TEST(more_programs_than_fit_are_counted_and_left_out)
{
    const char *paths[SANDBOX_BESIDE_MAX];
    char opt[64], path[128];
    struct err err;

    snprintf(opt, sizeof opt, "%.40s/many", folder);
    for (int i = 0; i < SANDBOX_BESIDE_MAX + 2; i++) { /* one of them is the home */
        snprintf(path, sizeof path, "%s/%02d", opt, i);
        CHECK(file_make_folder(path, 0755, &err));
    }
    CHECK_INT(sandbox_beside(opt, path, paths), SANDBOX_BESIDE_MAX + 1);
    for (size_t i = 0; i < SANDBOX_BESIDE_MAX; i++)
        free((char *)paths[i]);
}

TAP_MAIN
