/* SPDX-License-Identifier: Apache-2.0
 *
 * site_change — one line of HOME/site/keys.pl added or taken out, and the rules loaded anew: in
 * force afterwards, or everything is as it was.
 *
 * A node that refuses the new rules, or that does not have the fact afterwards (it was put into a
 * comment, say), gets its old file back and is told so. Two at once wait for each other. Ctrl-C
 * waits until the change is whole.
 */
#pragma once

#include "client/client.h"

/* What is in force: GET /api/v1/people. */
bool site_change_people(struct client *client, json_t **ret_people, struct err *err);

/* `fact` is of site_keys.h. errors  ERR_PEER the node does not answer; ERR_DENIED "rules_refused"
 * with what it said; ERR_SYSTEM */
bool site_change_add(struct client *client, struct str fact, struct err *err);

/* The passkey's own line. errors  also ERR_INPUT "not_ours": no such line in keys.pl */
bool site_change_remove(struct client *client, struct str key_id, struct err *err);
