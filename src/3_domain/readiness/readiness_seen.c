/* SPDX-License-Identifier: Apache-2.0
 *
 * What a status of the agent says of the pool, state by state.
 */
#include "readiness/readiness_inner.h"

static enum readiness_state shown(enum readiness_seen seen)
{
    return seen == READINESS_SEEN_STARTING ? READINESS_ENGINE_STARTING
        : seen == READINESS_SEEN_VERIFYING ? READINESS_VERIFYING : READINESS_LOADING;
}

static void adopt(struct step *s) /* a load that is not ours, or whose end we shall not be told */
{
    if (!readiness_starting(s->p->state))
        s->p->load_ms = s->now_ms;
    s->p->model = s->event->model;
    s->p->lost = 0;
    readiness_enter(s, shown(s->event->seen));
}

/* Empty, failed, or waiting for the host. */
void readiness_seen_without(struct step *s)
{
    if (s->p->out != READINESS_OUT_NONE)
        return;
    switch (s->event->seen) {
    case READINESS_SEEN_READY:
        readiness_ready(s, s->event->model);
        break;
    case READINESS_SEEN_STARTING:
    case READINESS_SEEN_VERIFYING:
    case READINESS_SEEN_LOADING:
        adopt(s);
        break;
    case READINESS_SEEN_EMPTY:
    case READINESS_SEEN_DRAINING:
    case READINESS_SEEN_FAILED:
    case READINESS_SEENS:
        break;
    }
}

void readiness_seen_starting(struct step *s)
{
    struct readiness *p = s->p;
    bool ours = p->out == READINESS_OUT_LOAD;
    switch (s->event->seen) {
    case READINESS_SEEN_READY:
        if (!ours || s->event->model == p->model)
            readiness_ready(s, s->event->model);
        break;
    case READINESS_SEEN_STARTING:
    case READINESS_SEEN_VERIFYING:
    case READINESS_SEEN_LOADING:
        if (ours && p->state != READINESS_DRIVER_READY && s->event->model != p->model)
            break; /* from before */
        if (ours)
            readiness_enter(s, shown(s->event->seen));
        else
            adopt(s);
        break;
    case READINESS_SEEN_EMPTY:
    case READINESS_SEEN_DRAINING:
        if (!ours)
            readiness_gone(s);
        break;
    case READINESS_SEEN_FAILED:
        if (!ours)
            readiness_load_failed(s);
        break;
    case READINESS_SEENS:
        break;
    }
}

void readiness_seen_ready(struct step *s)
{
    struct readiness *p = s->p;
    if (p->out == READINESS_OUT_UNLOAD)
        return;
    switch (s->event->seen) {
    case READINESS_SEEN_READY:
        p->lost = 0;
        if (s->event->model != p->model)
            readiness_ready(s, s->event->model);
        else if (s->event->slots > 0)
            p->slots = s->event->slots;
        break;
    case READINESS_SEEN_STARTING: /* the agent starts its engine again */
    case READINESS_SEEN_VERIFYING:
    case READINESS_SEEN_LOADING:
        adopt(s);
        break;
    case READINESS_SEEN_EMPTY:
    case READINESS_SEEN_FAILED:
        readiness_died(s);
        break;
    case READINESS_SEEN_DRAINING:
        readiness_enter(s, READINESS_UNLOADING);
        break;
    case READINESS_SEENS:
        break;
    }
}

void readiness_seen_unloading(struct step *s)
{
    struct readiness *p = s->p;
    int64_t retry_at_ms = p->retry_at_ms;
    if (p->out == READINESS_OUT_UNLOAD)
        return;
    switch (s->event->seen) {
    case READINESS_SEEN_READY:
        readiness_ready(s, s->event->model);
        p->retry_at_ms = retry_at_ms;
        break;
    case READINESS_SEEN_STARTING:
    case READINESS_SEEN_VERIFYING:
    case READINESS_SEEN_LOADING:
        adopt(s);
        break;
    case READINESS_SEEN_EMPTY:
    case READINESS_SEEN_FAILED:
        readiness_gone(s);
        break;
    case READINESS_SEEN_DRAINING:
        p->lost = 0;
        break;
    case READINESS_SEENS:
        break;
    }
}
