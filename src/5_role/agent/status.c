/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/inside.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "base/str.h"
#include "os/clock.h"

#include <stdio.h>
#include <unistd.h>

/* --- GPUs ------------------------------------------------------------------------------------- */

bool agent_gpus_fresh(struct agent *agent)
{
    int64_t age_ms = clock_steady_ms() - agent->gpus_ms;

    if (agent->gpus_ms && age_ms <= agent->config.settings.gpu_again_ms && !agent->gpu_question)
        return true;
    agent_gpus_ask(agent);
    return false;
}

static void on_gpus(void *user, const struct gpu_facts *facts, const struct err *err)
{
    struct agent *agent = user;
    struct exchange *waiters[AGENT_WAITERS_MAX];
    size_t count = agent->waiters_count;

    agent->gpu_question = NULL;
    agent->gpus_ms = clock_steady_ms();
    agent->gpus = facts && !err ? *facts : (struct gpu_facts){0};
    agent->gpu_error = err ? *err : (struct err){0};
    memcpy(waiters, agent->waiters, sizeof waiters);
    agent->waiters_count = 0;
    for (size_t i = 0; i < agent->pools_count; i++)
        pool_gpus_known(agent->pools[i]);
    metrics_gpus_known(agent);
    if (!count)
        return;
    scoped(json_done) json_t *status = agent_status(agent);
    for (size_t i = 0; i < count; i++)
        exchange_reply_json(waiters[i], 200, status);
}

void agent_gpus_ask(struct agent *agent)
{
    if (!agent->gpu_question)
        gpu_ask(agent->loop, agent->config.nvidia_smi, agent->config.settings.gpu_ms, on_gpus,
            agent, &agent->gpu_question);
}

bool agent_driver_ready(const struct agent *agent, char ret_words[AGENT_WORDS_BYTES])
{
    const struct gpu_facts *facts = &agent->gpus;
    int64_t wanted = agent->config.settings.gpus_min;

    if (agent->gpu_error.kind != ERR_NONE)
        snprintf(ret_words, AGENT_WORDS_BYTES, "%.190s", agent->gpu_error.message);
    else if (!facts->present && wanted)
        snprintf(ret_words, AGENT_WORDS_BYTES, "there is no nvidia-smi that answers");
    else if ((int64_t)facts->count < wanted)
        snprintf(ret_words, AGENT_WORDS_BYTES, "%zu of %lld GPUs are listed", facts->count,
            (long long)wanted);
    else if (!facts->present)
        snprintf(ret_words, AGENT_WORDS_BYTES, "no nvidia-smi on this machine");
    else
        snprintf(ret_words, AGENT_WORDS_BYTES, "driver %s", facts->driver);
    return agent->gpu_error.kind == ERR_NONE && (int64_t)facts->count >= wanted;
}

size_t agent_own_pids(const struct agent *agent, pid_t ret_pids[AGENT_POOLS_MAX])
{
    size_t count = 0;

    for (size_t i = 0; i < agent->pools_count; i++)
        if (agent->pools[i]->engine && engine_pid(agent->pools[i]->engine))
            ret_pids[count++] = engine_pid(agent->pools[i]->engine);
    return count;
}

static json_t *or_null(int64_t value)
{
    return value >= 0 ? json_integer((json_int_t)value) : json_null();
}

static json_t *gpus_json(const struct agent *agent)
{
    json_t *list = json_array();
    pid_t own[AGENT_POOLS_MAX];
    size_t own_count = agent_own_pids(agent, own);

    for (size_t i = 0; i < agent->gpus.count; i++) {
        const struct gpu *gpu = &agent->gpus.gpus[i];
        json_array_append_new(list,
            json_pack("{s:I, s:s, s:s, s:I, s:I, s:o, s:o, s:o, s:I}", "index",
                (json_int_t)gpu->index, "uuid", gpu->uuid, "name", gpu->name, "total_bytes",
                (json_int_t)gpu->total_bytes, "used_bytes", (json_int_t)gpu->used_bytes,
                "util_percent", or_null(gpu->util_percent), "celsius", or_null(gpu->celsius),
                "watts",
                gpu->watts >= 0 ? json_integer((json_int_t)(gpu->watts + 0.5)) : json_null(),
                "foreign_bytes", (json_int_t)gpu_foreign_bytes(&agent->gpus, gpu, own, own_count)));
    }
    return list;
}

/* --- the machine
 * ----------------------------------------------------------------------------------- */

/* A line of a small file of /proc into numbers; 0 where it is not there. */
/* Of one processor, over 1, 5 and 15 minutes: whole numbers, as a ledger takes no others. */
static json_t *load_json(void)
{
    FILE *file = fopen("/proc/loadavg", "re");
    double load[3] = {0};

    if (file) {
        if (fscanf(file, "%lf %lf %lf", &load[0], &load[1], &load[2]) != 3)
            memset(load, 0, sizeof load);
        fclose(file);
    }
    return json_pack("[i, i, i]", (int)(load[0] * 100), (int)(load[1] * 100), (int)(load[2] * 100));
}

static int64_t uptime_s(void)
{
    FILE *file = fopen("/proc/uptime", "re");
    double seconds = 0;

    if (file) {
        if (fscanf(file, "%lf", &seconds) != 1)
            seconds = 0;
        fclose(file);
    }
    return (int64_t)seconds;
}

static json_t *memory_json(void)
{
    FILE *file = fopen("/proc/meminfo", "re");
    char line[128];
    long long kib, total = 0, available = 0;

    while (file && fgets(line, sizeof line, file)) {
        if (sscanf(line, "MemTotal: %lld kB", &kib) == 1)
            total = kib;
        else if (sscanf(line, "MemAvailable: %lld kB", &kib) == 1)
            available = kib;
    }
    if (file)
        fclose(file);
    return json_pack("{s:I, s:I}", "total_bytes", (json_int_t)(total * 1024), "available_bytes",
        (json_int_t)(available * 1024));
}

json_t *agent_status(struct agent *agent)
{
    char words[AGENT_WORDS_BYTES];
    bool driver = agent_driver_ready(agent, words);
    json_t *pools = json_array(), *users = agent_users();

    for (size_t i = 0; i < agent->pools_count; i++)
        json_array_append_new(pools, pool_json(agent->pools[i]));
    struct str shown = str_utf8_prefix(str_from(words));
    json_t *status = json_pack(
        "{s:i, s:s, s:s, s:s, s:I, s:o, s:o, s:o, s:{s:b, s:s%}, s:O, s:o, s:o}", "v", 1, "host",
        agent->config.host, "version", LOGIC_NODE_VERSION, "boot_id", agent->boot_id, "uptime_s",
        (json_int_t)uptime_s(), "load_percent", load_json(), "memory", memory_json(), "gpus",
        gpus_json(agent), "driver", "ready", driver, "words", shown.at, shown.len, "users", users,
        "inhibitors", agent_inhibitors(agent, users), "pools", pools);
    check(status);
    json_decref(users);
    return status;
}
