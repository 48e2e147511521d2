/* SPDX-License-Identifier: Apache-2.0
 *
 * ansible_inside — the parts of the hand: the copied tree, the child, its report.
 */
#pragma once

#include "ansible/ansible.h"
#include "base/buf.h"
#include "crypto/crypto.h"

/* --- tree: copy below `target` and hash, in a fixed order --- */

struct ansible_tree {
    struct sha256_stream hash;
    size_t files;
    size_t bytes;
};

/* The folder `path` below `root` (no link on the way) to target/path. `may_miss`: nothing there is
 * fine. */
bool ansible_tree_copy(struct ansible_tree *tree, const char *root, struct str path,
    const char *target, bool may_miss, struct err *err);
/* Everything below, and itself. */
void ansible_tree_remove(const char *folder);

/* --- child --- */

struct ansible_child {
    const char *const *argv;
    const char *const *environment;
    const char *folder;  /* its working directory */
    int64_t deadline_ms; /* steady */
    int64_t output_bytes;
};

struct ansible_child_end {
    struct buf events; /* JSON lines of descriptor 3 */
    struct buf tail;   /* the beginning of what it printed */
    int status;        /* as waitpid gives it */
    bool too_slow;
    bool too_large;
};

/* Run to the end; past a limit its process group is killed. errors  ERR_SYSTEM "no_ansible" */
bool ansible_child_run(
    const struct ansible_child *child, struct ansible_child_end *ret_end, struct err *err);
void ansible_child_end_done(struct ansible_child_end *end);

/* --- report --- */

struct ansible_report {
    json_t *tasks; /* [{"name","outcome"[,"reason"]}] */
    json_t *diff;
    size_t ok, changed, skipped, unsupported, failed;
    struct buf changed_names; /* 'a', 'b' */
    struct buf failure;       /* of the first task that failed: "task 'x' on y: reason" */
    char fingerprint[SHA256_HEX_BYTES];
};

/* Lines that are none of ours are ignored. Secrets are scrubbed here, before any text is cut: half
 * a secret in the middle of a sentence is found by nobody. `secrets` may be NULL. */
void ansible_report_read(
    struct str events, struct secret_store *secrets, struct ansible_report *ret_report);
void ansible_report_done(struct ansible_report *report);
json_t *ansible_report_json(const struct ansible_report *report, const char *content_sha256);
