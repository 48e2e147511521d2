/* SPDX-License-Identifier: Apache-2.0
 *
 * ansible — the Ansible hand: check and run of docs/protocol.md, by a real ansible-playbook.
 *
 * Playbook and inventory are first copied into a private folder while they are hashed; the child
 * sees the copy alone, so what was hashed is what runs. A run repeats the check and compares its
 * fingerprint just before.
 *
 *     playbook    (FOLDER/)+NAME.yml below paths.playbooks; its folder is the content, with roles/
 *                 of the root
 *     inventory   inventory/(FOLDER/)*NAME.yml below paths.inventories; its folder is the content
 *     variables   names [a-z][a-z0-9_]* but none of Ansible's own; texts, whole numbers, true and
 *                 false. Texts without control characters and template marks; besides, they are
 *                 marked unsafe, so Ansible never evaluates them
 *     secrets     the same names -> handles; values go into a file of their own, 0600, never into
 *                 argv or environment
 *
 * threads  any; blocks until the child is gone
 * errors   ERR_INPUT "bad_job" "bad_path" "bad_variable"; ERR_SYSTEM "no_playbook" "unsafe_tree"
 *          "no_ansible", secret.h's; ERR_LIMIT "tree_too_large" "output_too_large" "too_slow";
 *          ERR_PEER "world_moved" (content or fingerprint; nothing was changed), "check_failed",
 *          "playbook_failed" (with the task, and which tasks had changed something before)
 */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "hand/hand.h"
#include "secret/secret.h"

#include <jansson.h>
#include <stdint.h>

#define ANSIBLE_PATH_BYTES_MAX 200
#define ANSIBLE_VARIABLES_MAX 64
#define ANSIBLE_VALUE_BYTES_MAX 4096
#define ANSIBLE_FILES_MAX 2000
#define ANSIBLE_TREE_BYTES_MAX (16 * 1024 * 1024)
#define ANSIBLE_TREE_DEPTH_MAX 12
#define ANSIBLE_TASKS_MAX 500              /* told in a result; the rest is counted */
#define ANSIBLE_TOLD_BYTES_MAX (64 * 1024) /* of diffs and reasons; each half */

struct ansible_job {
    bool run; /* else check */
    struct str playbook, inventory;
    const json_t *variables, *secrets;
    struct str content_sha256, fingerprint; /* run */
};

struct ansible_paths {
    const char *playbooks;   /* e.g. deploy/ansible */
    const char *inventories; /* the folder that holds inventory/ */
    const char *work;        /* private folders are made in here */
    const char *program;     /* NULL: /usr/bin/ansible-playbook */
};

struct ansible_limits {
    int64_t child_ms;     /* one ansible-playbook; a run starts two */
    int64_t output_bytes; /* of one child */
};

#define ANSIBLE_LIMITS_DEFAULT                                                                     \
    ((struct ansible_limits){.child_ms = 300000, .output_bytes = 4 * 1024 * 1024})

bool ansible_job_read(const json_t *json, struct ansible_job *ret_job, struct err *err);

/* Result {"content_sha256","fingerprint","coverage":{"ok","changed","skipped","unsupported"},
 * "diff":[{"op","text"}],"tasks":[{"name","outcome"[,"reason"]}]}; outcomes are ok, changed,
 * skipped, unsupported, failed, ignored, unreachable. */
void ansible_job_run(const struct ansible_job *job, struct secret_store *secrets,
    const struct ansible_paths *paths, const struct ansible_limits *limits,
    struct hand_end *ret_end);
