/* SPDX-License-Identifier: Apache-2.0
 *
 * sandbox — a role gives up what it does not need, before it reads its first message.
 *
 * Three locks, in this order: no_new_privs, Landlock (which paths), seccomp (which calls).
 * A refused call fails with EPERM (or EACCES for a path) and is not fatal: the role must
 * treat it as any other error. Nothing given up can be had again, also not by a child.
 *
 * source   Linux Documentation/userspace-api/landlock.rst, seccomp_rule_add(3)
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/* May be combined. */
enum sandbox_deny {
    SANDBOX_DENY_NETWORK = 1 << 0, /* socket, connect, bind, listen; inherited pairs go on */
    SANDBOX_DENY_LISTEN = 1 << 1,  /* bind to a port, listen, accept */
    SANDBOX_DENY_EXEC = 1 << 2,    /* execve, execveat */
    SANDBOX_DENY_FORK = 1 << 3,    /* new processes; threads go on */
    SANDBOX_DENY_PTRACE = 1 << 4,  /* looking into other processes; always set */
    SANDBOX_DENY_SIGNALS = 1 << 5, /* to processes that are not its children; since Linux 6.12 */
};

struct sandbox {
    int deny;                   /* enum sandbox_deny */
    const char *const *read;    /* folders or files readable below, NULL-ended */
    const char *const *write;   /* the same, also writable */
    const char *const *execute; /* the same, also executable (actuator only) */
    bool all_paths;             /* true: no Landlock (supervisor, client) */
};

#define SANDBOX_BESIDE_MAX 24

/* What of `folder` to allow when `kept` must stay closed and may lie below it (a program folder
 * that holds the node's home, as /opt may): `folder` itself where it does not, else each entry of
 * it but the one on the way, and no link that leads there. Texts are allocated and stay. Returns
 * how many there are; those after the first SANDBOX_BESIDE_MAX, by name, are left out, as what is
 * not there yet is. */
size_t sandbox_beside(
    const char *folder, const char *kept, const char *ret_paths[SANDBOX_BESIDE_MAX]);

/* Lock up. *ret_has_landlock is false when the kernel has none: then paths are guarded by the file
 * modes alone, which the role must log. errors  ERR_SYSTEM a lock is not set: do not go on. */
bool sandbox_enter(const struct sandbox *want, bool *ret_has_landlock, struct err *err);
