/* SPDX-License-Identifier: Apache-2.0
 *
 * vitals — a few numbers beside each node of a list, as many as a message holds.
 */
#pragma once

#include "message/message.h"

#include <jansson.h>
#include <stddef.h>

/* A reply with more would not fit the message that it is sent in, which has a head. */
#define VITALS_REPLY_BYTES_MAX (MESSAGE_BYTES_MAX - 1024)

/* Gives each row of told.nodes the members that `found` (by the name of the node; NULL: none could
 * be had) has for it, in the order of the rows, until the whole would be longer than `max` bytes.
 * Rows whose members do not fit, or could not be had, are as they were, and told.vitals_left_out
 * says how many those are. */
void vitals_add(json_t *told, const json_t *found, size_t max);
