/* SPDX-License-Identifier: Apache-2.0
 *
 * supervisor — starts the roles, joins them, starts them again, ends them in order.
 *
 * It holds no secret, reads no message of a case and links no Prolog. It makes each socket pair and
 * gives its ends to the two roles; it copies the rules into an immutable folder per version, has
 * them checked in a process of their own, and puts a new judge in the place of the old one.
 *
 * threads  one loop
 */
#pragma once

#include "base/err.h"

#include <jansson.h>

struct supervisor_options {
    const char *home;                         /* made if it is not there */
    const char *kb;                           /* folder with main.pl and core/ */
    const char *web;                          /* folder of the page */
    const char *playbooks;                    /* deploy/ansible */
    const char *backup;                       /* backup.conf, or "" */
    const char *listen;                       /* HOST:PORT */
    const char *llm;                          /* URL of a model engine or "" */
    const char *llm_model;                    /* which of its models, or "" */
    const char *runbook_model;                /* of the catalogue: words runbooks; or "" */
    const char *sqlite_vec, *embedding_model; /* documents by meaning: vec0.so and a model; or "" */
    const char *tls_cert, *tls_key, *tls_client_ca, *tokens; /* files or "" */
    const json_t *names;    /* array of further names of this host in requests */
    const json_t *writable; /* array of folders that local playbooks may write */
    const json_t *settings; /* {"gateway":{…},"judge":{…},…}; may be NULL */
};

/* Until SIGTERM or SIGINT (returns 0) or a role is given up (returns 1, the reason is logged). */
int supervisor_run(const struct supervisor_options *options);
