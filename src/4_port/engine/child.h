/* SPDX-License-Identifier: Apache-2.0
 *
 * child — a program of our own choosing as a process of the loop. Internal to engine/.
 *
 * argv and environment only, no shell; stdin null, stdout and stderr one pipe to us; own process
 * group; killed when our thread dies; no other descriptor; signals as at the start of a process.
 * When its leader ends, the rest of its group is killed; on_end comes when the group is gone and
 * the pipe is empty (or CHILD_GONE_MS later).
 *
 * owner    the caller until on_end or child_close(); child_close() kills what is left of it
 * events   from the loop, never from inside a call
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#define CHILD_GONE_MS 5000

struct child;

struct child_order {
    const char *const *argv; /* argv[0] is an absolute path; NULL-ended */
    const char *const *env;  /* NULL-ended */
    const char *folder;      /* working directory; NULL: "/" */
};

struct child_events {
    void (*on_output)(void *user, struct str bytes);
    /* As of waitpid(2). The child is freed after this. */
    void (*on_end)(void *user, int status);
};

/* errors  ERR_SYSTEM "engine_missing": it cannot be run, and why */
bool child_start(uv_loop_t *loop, const struct child_order *order,
    const struct child_events *events, void *user, struct child **ret_child, struct err *err);
pid_t child_pid(const struct child *child);
/* To the whole group. */
void child_signal(struct child *child, int number);
/* Nobody is called any more; what is left is killed and reaped by the loop. NULL is fine. */
void child_close(struct child **at);
/* "exit code 1", "signal 9 (Killed)". */
#define CHILD_END_BYTES 64
void child_end_words(int status, char ret_words[CHILD_END_BYTES]);

/* --- a short run with all its output ----------------------------------------------------- */

struct probe;

/* `done` once from the loop, never from here. `err` (ERR_SYSTEM "probe_slow", "probe_long") when it
 * was late or wrote more than bytes_max; then it was killed. */
bool probe_start(uv_loop_t *loop, const struct child_order *order, int64_t limit_ms,
    size_t bytes_max,
    void (*done)(void *user, int status, struct str output, const struct err *err), void *user,
    struct probe **ret_probe, struct err *err);
void probe_cancel(struct probe **at);
