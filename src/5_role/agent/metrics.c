/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /v1/metrics: this machine's numbers, read by a worker, with fresh GPUs. Who asks while they
 * are being read gets the same. */
#include "agent/inside.h"
#include "base/panic.h"

static void on_gone(struct exchange *ex, void *data)
{
    struct metrics *metrics = &((struct agent *)data)->metrics;

    for (size_t i = 0; i < metrics->waiters_count; i++)
        if (metrics->waiters[i] == ex) {
            metrics->waiters[i] = metrics->waiters[--metrics->waiters_count];
            break;
        }
    exchange_reply(ex, 503, S(""), NULL, 0, S(""));
}

static void answer(struct agent *agent)
{
    struct metrics *metrics = &agent->metrics;
    struct exchange *waiters[AGENT_WAITERS_MAX];
    size_t count = metrics->waiters_count;

    if (!metrics->told || agent->gpu_question)
        return;
    metrics->told = false;
    metrics->waiters_count = 0;
    memcpy(waiters, metrics->waiters, sizeof waiters);
    telemetry_gpus(&agent->gpus, &metrics->text);
    agent_inhibitors_write(agent, &metrics->text);
    for (size_t i = 0; i < count; i++)
        exchange_reply(waiters[i], 200, S(TELEMETRY_TYPE), NULL, 0, buf_str(&metrics->text));
    if (metrics->push)
        push_send(agent, buf_str(&metrics->text));
    metrics->push = false;
    buf_done(&metrics->text);
}

static void on_text(void *user, struct str text)
{
    struct agent *agent = user;

    agent->metrics.question = NULL;
    agent->metrics.told = true;
    agent->metrics.text = buf_of(TELEMETRY_BYTES_MAX);
    buf_add(&agent->metrics.text, text);
    answer(agent);
}

static void begin(struct agent *agent)
{
    if (agent->metrics.question || agent->metrics.told)
        return;
    (void)agent_gpus_fresh(agent); /* or a question is on its way, and answer() waits for it */
    telemetry_ask(
        agent->loop, &(struct telemetry_roots){0}, on_text, agent, &agent->metrics.question);
}

void agent_tell_metrics(struct agent *agent, struct exchange *ex)
{
    struct metrics *metrics = &agent->metrics;
    struct err err;

    if (metrics->waiters_count == AGENT_WAITERS_MAX) {
        err_code(&err, ERR_LIMIT, "too_many_waiters", NULL, "%d others ask for the same",
            AGENT_WAITERS_MAX);
        exchange_reply_error(ex, 503, &err);
        return;
    }
    metrics->waiters[metrics->waiters_count++] = ex;
    exchange_set_data(ex, agent);
    exchange_on_gone(ex, on_gone);
    begin(agent);
}

void metrics_push(struct agent *agent)
{
    agent->metrics.push = true;
    begin(agent);
}

void metrics_gpus_known(struct agent *agent)
{
    answer(agent);
}

void metrics_close(struct agent *agent)
{
    telemetry_cancel(&agent->metrics.question);
    buf_done(&agent->metrics.text);
    agent->metrics.told = agent->metrics.push = false;
}
