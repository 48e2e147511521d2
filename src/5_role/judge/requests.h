/* SPDX-License-Identifier: Apache-2.0
 *
 * requests — one request of the gateway on its way to its method; for the files of this folder.
 *
 * A method is true when it answers now or later, by its client; false, with err, when it does not.
 * `body` and `who` live during the call.
 */
#pragma once

#include "judge/core.h"

#define NODE_CHANNEL "node" /* the gateway for itself: "node:gateway" */

struct asked {
    struct judge *judge;
    struct client client;
    json_t *body;
    const json_t *who;
};

/* --- list.c: methods that show cases */
bool list_one(struct asked *a, struct err *err);
bool list_plan(struct asked *a, struct err *err);
bool list_many(struct asked *a, struct err *err);

/* --- look.c: how a host is, asked of its agent now; no case, no record */
bool look_host(struct asked *a, struct err *err);

/* --- tell.c: how the nodes are, as the rules answer it; no case, no record */
bool tell_nodes(struct asked *a, struct err *err);
bool tell_node(struct asked *a, struct err *err);
