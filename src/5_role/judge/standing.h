/* SPDX-License-Identifier: Apache-2.0
 *
 * standing — where the node stands, for the files of this folder only (standing.c).
 *
 * The sensor tells what the machine looks like, the actuator what a cluster's API says of its
 * guests; the rules say what it means. Recorded when it is news, never else. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct judge;

struct standing_now {
    json_t *seen;   /* of the sensor; NULL: nothing yet */
    json_t *answer; /* of door stand; NULL: not asked yet */
    bool asked, recording, due;
    bool looked, api_failed;
    size_t looks; /* under way */
    int64_t since_look_s;
};

/* Message `standing`. */
void standing_take(struct judge *j, const json_t *message);
/* Each second, once recovered. */
void standing_tick(struct judge *j);
/* For `status`; a new reference. */
json_t *standing_show(const struct judge *j);
