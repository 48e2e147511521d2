/* SPDX-License-Identifier: Apache-2.0
 *
 * The cases in memory, found by id. A closed case is dropped: the ledger has it. */
#include "judge/core.h"

#include "base/panic.h"

#include <string.h>

static size_t bucket_of(const char *id)
{
    uint32_t hash = 2166136261u;

    for (; *id; id++)
        hash = (hash ^ (unsigned char)*id) * 16777619u;
    return hash % JUDGE_BUCKETS;
}

struct live *live_find(struct judge *j, const char *case_id)
{
    for (struct live *l = j->buckets[bucket_of(case_id)]; l; l = l->next)
        if (strcmp(l->kase.id, case_id) == 0)
            return l;
    return NULL;
}

struct live *live_add(struct judge *j)
{
    struct live *live = calloc(1, sizeof *live);

    check(live);
    live->judge = j;
    j->live_count++;
    return live;
}

void live_index(struct live *live)
{
    struct live **bucket = &live->judge->buckets[bucket_of(live->kase.id)];

    live->next = *bucket;
    *bucket = live;
}

static void unindex(struct live *live)
{
    struct live **at = &live->judge->buckets[bucket_of(live->kase.id)];

    while (*at && *at != live)
        at = &(*at)->next;
    if (*at)
        *at = live->next;
}

void live_drop(struct live *live)
{
    unindex(live);
    consent_drop_all(live);
    live->judge->live_count--;
    json_decref(live->retry);
    json_decref(live->params);
    json_decref(live->action);
    json_decref(live->by);
    json_decref(live->nl);
    json_decref(live->model);
    json_decref(live->question);
    json_decref(live->verdict);
    json_decref(live->answer);
    case_done(&live->kase);
    free(live);
}
