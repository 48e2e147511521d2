/* SPDX-License-Identifier: Apache-2.0 */
#include "os/sandbox.h"

#include "base/scoped.h"
#include "base/str.h"
#include "os/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif

#define FILE_READ (LANDLOCK_ACCESS_FS_READ_FILE)
#define FOLDER_READ (FILE_READ | LANDLOCK_ACCESS_FS_READ_DIR)
#define FILE_WRITE (FILE_READ | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE)
#define FOLDER_WRITE                                                                               \
    (FOLDER_READ | FILE_WRITE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |   \
        LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SYM |  \
        LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_REFER)
#define EVERYTHING                                                                                 \
    (FOLDER_WRITE | LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR |                    \
        LANDLOCK_ACCESS_FS_MAKE_BLOCK)

/* As kernels since 6.12 have it; headers may be older. */
struct ruleset_attr {
    __u64 fs, net, outside;
};

#define SCOPES_SINCE 6
#define SIGNAL_OUTSIDE (1ULL << 1) /* no signal to a process outside: other roles are one user */

/* Rights the running kernel knows, by its Landlock version. */
static __u64 known_rights(int version)
{
    __u64 rights = EVERYTHING;

    if (version < 2)
        rights &= ~LANDLOCK_ACCESS_FS_REFER;
    if (version < 3)
        rights &= ~LANDLOCK_ACCESS_FS_TRUNCATE;
    return rights;
}

static bool allow(int ruleset, const char *path, __u64 file_rights, __u64 folder_rights,
    __u64 known, struct err *err)
{
    scoped(fd_done) int at = open(path, O_PATH | O_CLOEXEC);
    struct stat what;

    if (at < 0 && errno == ENOENT)
        return true; /* what is not there needs no permission */
    if (at < 0 || fstat(at, &what) != 0)
        return err_set(err, ERR_SYSTEM, "cannot look at '%s': %s", path, strerror(errno));
    struct landlock_path_beneath_attr rule = {
        .allowed_access = (S_ISDIR(what.st_mode) ? folder_rights : file_rights) & known,
        .parent_fd = at,
    };
    if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
        return err_set(err, ERR_SYSTEM, "cannot allow '%s': %s", path, strerror(errno));
    return true;
}

static bool allow_all(int ruleset, const char *const *paths, __u64 file_rights, __u64 folder_rights,
    __u64 known, struct err *err)
{
    for (; paths && *paths; paths++)
        if (!allow(ruleset, *paths, file_rights, folder_rights, known, err))
            return false;
    return true;
}

static bool lock_paths(const struct sandbox *want, bool *ret_has_landlock, struct err *err)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

    *ret_has_landlock = version >= 1;
    if (version < 1)
        return true;
    __u64 known = known_rights((int)version);
    const struct ruleset_attr attr = {
        .fs = known, .outside = want->deny & SANDBOX_DENY_SIGNALS ? SIGNAL_OUTSIDE : 0};
    size_t bytes = version >= SCOPES_SINCE ? sizeof attr : sizeof attr.fs;
    scoped(fd_done) int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, bytes, 0);
    if (ruleset < 0)
        return err_set(err, ERR_SYSTEM, "cannot make a Landlock rule set: %s", strerror(errno));
    if (!allow_all(ruleset, want->read, FILE_READ, FOLDER_READ, known, err) ||
        !allow_all(ruleset, want->write, FILE_WRITE, FOLDER_WRITE, known, err) ||
        !allow_all(ruleset, want->execute, FILE_READ | LANDLOCK_ACCESS_FS_EXECUTE,
            FOLDER_READ | LANDLOCK_ACCESS_FS_EXECUTE, known, err))
        return false;
    if (syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
        return err_set(err, ERR_SYSTEM, "cannot enter Landlock: %s", strerror(errno));
    return true;
}

static bool lies_in(const char *path, const char *folder)
{
    size_t len = strlen(folder);

    return strncmp(path, folder, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

static bool leads_to(const char *path, const char *kept)
{
    char real[PATH_MAX];

    return !realpath(path, real) || lies_in(kept, real) || lies_in(real, kept);
}

size_t sandbox_beside(
    const char *folder, const char *kept, const char *ret_paths[SANDBOX_BESIDE_MAX])
{
    char real[PATH_MAX], closed[PATH_MAX], path[PATH_MAX * 2];
    struct dirent **entries = NULL;
    size_t found = 0;

    if (!realpath(folder, real) || !realpath(kept, closed) || !lies_in(closed, real)) {
        ret_paths[0] = str_dup(str_from(folder));
        return 1;
    }
    int count = scandir(real, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        snprintf(path, sizeof path, "%s/%s", real, name);
        if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && !leads_to(path, closed) &&
            ++found <= SANDBOX_BESIDE_MAX)
            ret_paths[found - 1] = str_dup(str_from(path));
        free(entries[i]);
    }
    free(entries);
    return found;
}

static const struct denied_call {
    int when;
    int call;
} DENIED_CALLS[] = {
    {SANDBOX_DENY_NETWORK, SCMP_SYS(socket)}, {SANDBOX_DENY_NETWORK, SCMP_SYS(connect)},
    {SANDBOX_DENY_NETWORK, SCMP_SYS(bind)},
    {SANDBOX_DENY_NETWORK | SANDBOX_DENY_LISTEN, SCMP_SYS(listen)},
    {SANDBOX_DENY_NETWORK | SANDBOX_DENY_LISTEN, SCMP_SYS(accept)},
    {SANDBOX_DENY_NETWORK | SANDBOX_DENY_LISTEN, SCMP_SYS(accept4)},
    {SANDBOX_DENY_EXEC, SCMP_SYS(execve)}, {SANDBOX_DENY_EXEC, SCMP_SYS(execveat)},
    {SANDBOX_DENY_FORK, SCMP_SYS(fork)}, {SANDBOX_DENY_FORK, SCMP_SYS(vfork)},
    {SANDBOX_DENY_PTRACE, SCMP_SYS(ptrace)}, {SANDBOX_DENY_PTRACE, SCMP_SYS(process_vm_readv)},
    {SANDBOX_DENY_PTRACE, SCMP_SYS(process_vm_writev)},
    {SANDBOX_DENY_PTRACE, SCMP_SYS(pidfd_getfd)}, {SANDBOX_DENY_PTRACE, SCMP_SYS(mount)},
    {SANDBOX_DENY_PTRACE, SCMP_SYS(umount2)}, {SANDBOX_DENY_PTRACE, SCMP_SYS(pivot_root)},
    {SANDBOX_DENY_PTRACE, SCMP_SYS(chroot)}, {SANDBOX_DENY_PTRACE, SCMP_SYS(init_module)},
    {SANDBOX_DENY_PTRACE, SCMP_SYS(finit_module)}, {SANDBOX_DENY_PTRACE, SCMP_SYS(kexec_load)},
    {SANDBOX_DENY_PTRACE, SCMP_SYS(reboot)}, {SANDBOX_DENY_PTRACE, SCMP_SYS(bpf)},
    {SANDBOX_DENY_PTRACE, SCMP_SYS(userfaultfd)}, {SANDBOX_DENY_PTRACE, SCMP_SYS(keyctl)},
    {SANDBOX_DENY_PTRACE, SCMP_SYS(add_key)},
    {SANDBOX_DENY_PTRACE, SCMP_SYS(io_uring_setup)}, /* a second door around this filter */
};

static void seccomp_done(scmp_filter_ctx *filter)
{
    if (*filter)
        seccomp_release(*filter);
}

static bool lock_calls(int deny, struct err *err)
{
    scoped(seccomp_done) scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    int wrong = filter ? 0 : -ENOMEM;

    deny |= SANDBOX_DENY_PTRACE;
    for (size_t i = 0; !wrong && i < COUNT(DENIED_CALLS); i++)
        if (deny & DENIED_CALLS[i].when)
            wrong = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), DENIED_CALLS[i].call, 0);
    if (!wrong && (deny & SANDBOX_DENY_FORK)) {
        /* clone without CLONE_THREAD is a new process; glibc falls back from clone3 on ENOSYS */
        wrong = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
            SCMP_A0(SCMP_CMP_MASKED_EQ, 0x00010000, 0));
        if (!wrong)
            wrong = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    }
    if (!wrong)
        wrong = seccomp_load(filter);
    if (wrong)
        return err_set(err, ERR_SYSTEM, "cannot load the call filter: %s", strerror(-wrong));
    return true;
}

bool sandbox_enter(const struct sandbox *want, bool *ret_has_landlock, struct err *err)
{
    *ret_has_landlock = false;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return err_set(err, ERR_SYSTEM, "cannot set no_new_privs: %s", strerror(errno));
    if (!want->all_paths && !lock_paths(want, ret_has_landlock, err))
        return false;
    return lock_calls(want->deny, err);
}
