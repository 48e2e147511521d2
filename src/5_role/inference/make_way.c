/* SPDX-License-Identifier: Apache-2.0
 *
 * Pools whose machine somebody has for himself: the rules say which (kb make_way.pl), readiness
 * what follows. When they say it no more a pool stays away for make_way_ms: a game is left for a
 * moment and come back to. */
#include "inference/inside.h"

#include "base/log.h"

static const json_t *row_of(const struct inference *inf, const char *pool)
{
    const json_t *row;
    size_t i;

    json_array_foreach (inf->make_way, i, row)
        if (strcmp(text_of(row, "pool"), pool) == 0)
            return row;
    return NULL;
}

void make_way(struct inference *inf)
{
    for (int i = 0; i < inf->pool_count; i++) {
        struct pool *pool = &inf->pools[i];
        const json_t *row = pool->listed ? row_of(inf, pool->name) : NULL;
        if (pool->away == (row != NULL))
            continue;
        pool->away = row != NULL;
        log_event("pool_makes_way", "pool", pool->name, "words", row ? text_of(row, "words") : "",
            "over", row ? "no" : "in a moment", NULL);
        drive_pool(inf, i,
            &(struct readiness_event){.kind = READINESS_MAKE_WAY,
                .words = row ? text_of(row, "words") : NULL,
                .retry_ms = row ? 0 : inf->config.settings.make_way_ms});
    }
}

void inference_make_way(struct inference *inf, json_t *pools)
{
    json_decref(inf->make_way);
    inf->make_way = json_incref(pools);
    make_way(inf);
    drive_settle(inf);
}

const char *make_way_words(const struct inference *inf, uint32_t pools)
{
    for (int i = 0; i < inf->pool_count; i++)
        if (pools & (uint32_t)1 << i && inf->pools[i].readiness.makes_way)
            return inf->pools[i].readiness.words;
    return NULL;
}
