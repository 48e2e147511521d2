/* SPDX-License-Identifier: Apache-2.0
 *
 * batch — samples gathered until they go out together. Internal to history/.
 *
 * threads  one
 */
#pragma once

#include "base/buf.h"
#include "history/history.h"

/* Each text of a sample is 64 bytes at most: so much for the largest batch there may be. */
#define BATCH_TEXT_BYTES_MAX (16u << 20)

struct batch_row;

struct batch {
    struct batch_row *rows;
    size_t count, room;
    struct buf text;
};

void batch_init(struct batch *batch);
void batch_done(struct batch *batch);
/* What history_add() takes. */
bool batch_sample_valid(const struct history_sample *sample);
/* Of a valid sample; everything is copied. */
void batch_add(struct batch *batch, const struct history_sample *sample);
/* All of it as the body of a remote write into `out` (cleared before): series in order, samples of
 * one in order of time. The batch is empty afterwards. */
void batch_seal(struct batch *batch, struct buf *out);
