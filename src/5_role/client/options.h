/* SPDX-License-Identifier: Apache-2.0
 *
 * options — the command line as a struct. Options may stand anywhere; `--` ends them.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OPTIONS_ARGS_MAX 64

struct options {
    /* for every command */
    const char *home;
    const char *url;
    bool json;
    bool no_color;
    bool help;
    bool version;
    /* of single commands */
    bool parse_only;
    bool wait;
    bool yes;
    const char *key;
    const char *reason;
    const char *out;
    const char *status;
    const char *limit;
    const char *after;
    const char *since;
    const char *with;
    const char *name;
    const char *models_dir;
    const char *ctx;
    const char *slots;
    const char *kv;
    const char *gpu;
    const char *vram;
    /* of logicctl token */
    const char *models;
    const char *scopes;
    const char *rate;
    const char *tokens_per_minute;
    const char *concurrent;
    const char *weight;
    const char *priority;
    const char *dialect;
    const char *expires;
    /* of logicctl engine */
    const char *provider;
    const char *bin;
    const char *tree;
    const char *catalogue;
    const char *alg;
    const char *certificate;
    bool speaks_for_users;
    bool opaque;
    bool no_token;
    bool revoke_old;
    /* of logicctl history */
    const char *part;
    const char *step;
    const char *promql;
    /* of logicctl operator */
    const char *words;
    const char *origin;
    /* of logicctl setup */
    const char *listen;
    const char *from;
    /* of logicctl backup and restore */
    const char *identity;
    const char *checkpoint;
    const char *config;
    bool older;
    /* what is left: the command's words, then its arguments */
    const char *args[OPTIONS_ARGS_MAX];
    size_t args_count;
    /* which options of single commands were given, by row of the table */
    uint64_t given;
};

/* errors  ERR_INPUT unknown option, missing or needless value; ERR_LIMIT too many arguments */
bool options_read(int argc, char **argv, struct options *ret_options, struct err *err);

/* Was an option given that is neither common nor in `takes` ("parse-only wait")? */
bool options_check(const struct options *options, const char *takes, struct err *err);

/* What stands behind an option in the help: "FILE" for "key", "" for a switch. */
const char *options_value_word(const char *name);
