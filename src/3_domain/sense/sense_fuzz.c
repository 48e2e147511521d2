/* SPDX-License-Identifier: Apache-2.0
 *
 * Any texts, one after the other, with any times between: nothing outside its range, nothing from
 * the future, nothing out of order. */
#include "sense_for_test.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct probe p;
    struct sense_outbox outbox = {0};
    struct sense_row rows[16];

    if (!p.table) {
        probe_init(&p);
        sense_state_free(&p.state); /* each input has its own */
    }
    p.now = (struct sense_clock){1700000000000, 5000000};
    p.left = 64;
    p.state = sense_state_make(10000);
    while (size > 2) {
        size_t len = ((size_t)data[0] << 4) + 16;
        struct sense_result result = {0};
        p.now.steady_ms += data[1] * 300;
        p.now.civil_ms += data[1] * 300 + (data[1] == 255 ? -5000000 : 0);
        data += 2;
        size -= 2;
        len = len > size ? size : len;
        if (sense_read(p.reader, p.table, p.state, (struct str){(const char *)data, len}, &p.now,
                &p.left, &result, &p.err))
            for (size_t i = 0; i < result.readings_count; i++) {
                const struct sense_reading *r = &result.readings[i];
                const struct sense_metric *m = sense_table_metric(p.table, r->metric);
                check(r->value >= m->min && r->value <= m->max);
                check(r->at_ms <= p.now.civil_ms + SENSE_FUTURE_MS);
                check(sense_state_at(p.state, r->series)->newest_ms == r->at_ms);
                sense_outbox_add(&outbox, p.state, r);
            }
        check(sense_state_series(p.state) + p.left == 64);
        data += len;
        size -= len;
    }
    while (sense_outbox_take(&outbox, rows, 16) > 0)
        ;
    check(outbox.waiting == 0);
    sense_state_free(&p.state);
    return 0;
}
