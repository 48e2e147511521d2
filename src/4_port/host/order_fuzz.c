/* SPDX-License-Identifier: Apache-2.0
 *
 * No bytes but those of the owner of the key are an order; whatever is signed may be anything. */
#include "base/panic.h"
#include "base/scoped.h"
#include "host/host.h"
#include "host/order.h"
#include "json/json_read.h"
#include "json/json_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char seed[ORDER_SEED_TEXT_BYTES];
    static uint8_t public_key[PUBLIC_KEY_BYTES];
    const struct str bytes = {(const char *)data, size};
    scoped(order_done) struct order order = {0};
    scoped(json_done) json_t *job = NULL;
    struct host_job read;
    struct err err;

    if (!*seed) {
        order_seed_make(seed);
        check(order_seed_public(str_from(seed), public_key, &err));
    }
    check(!order_read(bytes, public_key, "tower", 1, &order, &err));
    check(err.code[0]);
    if (!json_read(bytes, ORDER_BYTES_MAX, &job, &err))
        return 0;
    if (!host_job_read(job, &read, &err))
        check(err.kind == ERR_INPUT);
    /* what is signed comes out as it went in, or is refused */
    scoped(buf_done) struct buf body = buf_of(ORDER_BODY_BYTES_MAX);
    const struct order out = {
        .host = S("tower"), .case_id = S("c"), .nonce = S("n"), .expires_at_ms = 1000, .job = job};
    if (!order_write(&out, str_from(seed), &body, &err))
        return 0;
    check(order_read(buf_str(&body), public_key, "tower", 1, &order, &err));
    check(json_equal(order.job, job));
    return 0;
}
