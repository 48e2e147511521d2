/* SPDX-License-Identifier: Apache-2.0
 *
 * plan_view — a plan shown to the person who will sign it, read from the very bytes signed.
 *
 * Nothing shown here comes from anywhere else: not from the case view, not from the verdict.
 * The job (what the hands will be told) is shown in full, not only the summary in words.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "client/screen.h"

#include <stdint.h>

#define PLAN_BYTES_MAX (192u << 10)

/* What the signer must know beyond the picture. */
struct plan_facts {
    char case_id[64];
    int64_t expires_at_ms;
    bool by_model;
};

/* errors  ERR_INPUT the bytes are no plan of version 1, or not the canonical form of one */
bool plan_read(struct str bytes, json_t **ret_plan, struct plan_facts *ret_facts, struct err *err);

/* `plan` as plan_read gave it; `now_ms` since 1970 for the expiry in words. */
void plan_view(const struct screen *screen, const json_t *plan, int64_t now_ms);

/* "+ test.local A 192.168.1.100" …, one line each. */
void plan_view_diff(const struct screen *screen, const json_t *diff);

/* "in 14 min", "in 20 s", "expired 3 min ago". */
#define PLAN_SPAN_BYTES 64
void plan_span(int64_t from_ms, int64_t to_ms, char ret_words[PLAN_SPAN_BYTES]);
