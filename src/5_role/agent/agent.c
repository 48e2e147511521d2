/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/agent.h"

#include "agent/inside.h"
#include "base/log.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "os/clock.h"
#include "os/file.h"

#include <dirent.h>
#include <stdio.h>

#define BEAT_MS 200
#define SOCKET_MODE 0600

/* --- time --------------------------------------------------------------------------------- */

static void on_beat(uv_timer_t *timer)
{
    struct agent *agent = timer->data;
    bool more = false;

    for (size_t i = 0; i < agent->pools_count; i++)
        more = pool_beat(agent->pools[i]) || more;
    if (!more)
        uv_timer_stop(timer);
}

void agent_wait(struct agent *agent)
{
    if (agent->phase != AGENT_CLOSING && !uv_is_active((uv_handle_t *)&agent->beat))
        uv_timer_start(&agent->beat, on_beat, BEAT_MS, BEAT_MS);
}

/* --- begin -------------------------------------------------------------------------------- */

static void read_boot_id(struct agent *agent)
{
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");

    if (!file || !fgets(agent->boot_id, sizeof agent->boot_id, file))
        snprintf(agent->boot_id, sizeof agent->boot_id, "unknown");
    if (file)
        fclose(file);
    agent->boot_id[strcspn(agent->boot_id, "\n")] = '\0';
}

/* Engines that outlived an earlier life of ours. */
static void sweep(const char *pools)
{
    DIR *folder = opendir(pools);
    const struct dirent *entry;
    char path[PATH_MAX];

    while (folder && (entry = readdir(folder)))
        if (entry->d_name[0] != '.' &&
            snprintf(path, sizeof path, "%s/%s", pools, entry->d_name) < (int)sizeof path &&
            engine_sweep(path))
            log_event("engine_swept", "pool", entry->d_name, NULL);
    if (folder)
        closedir(folder);
}

static bool make_folders(struct agent *agent, struct err *err)
{
    static const char *const BELOW[] = {"state", "pools", "inhibit.d"};
    char path[PATH_MAX];

    for (size_t i = 0; i < COUNT(BELOW); i++)
        if (snprintf(path, sizeof path, "%s/%s", agent->config.home, BELOW[i]) >=
                (int)sizeof path ||
            !file_make_folder(path, 0700, err))
            return err_wrap(err, "the agent's home");
    snprintf(path, sizeof path, "%s/pools", agent->config.home);
    sweep(path);
    snprintf(path, sizeof path, "%s/state/orders", agent->config.home);
    return memory_init(&agent->memory, path, (size_t)agent->config.settings.nonces_max, err);
}

static bool listen_on(struct agent *agent, struct err *err)
{
    const struct agent_config *config = &agent->config;

    if (config->socket[0])
        return http_server_listen_unix(agent->server, config->socket, SOCKET_MODE, err);
    return tls_open(config->certificate, config->key, config->authority, &agent->tls, err) &&
           http_server_listen_tcp(agent->server, config->address, config->port, agent->tls, err);
}

void agent_init_timer(struct agent *agent, uv_timer_t *timer)
{
    check(uv_timer_init(agent->loop, timer) == 0);
    timer->data = agent;
    uv_unref((uv_handle_t *)timer);
    agent->handles++;
}

bool agent_open(
    uv_loop_t *loop, const struct agent_config *config, struct agent **ret_agent, struct err *err)
{
    struct agent *agent = calloc(1, sizeof *agent);
    struct upstream_limits limits;

    check(agent);
    agent->loop = loop;
    agent->config = *config;
    json_incref(config->json);
    if (!make_folders(agent, err)) {
        json_decref(config->json);
        free(agent);
        return false;
    }
    read_boot_id(agent);
    upstream_limits_default(&limits);
    agent->upstream = upstream_make(loop, &limits);
    agent->digests = digest_cache_make();
    const struct http_server_config http = {.limits = config->settings.http,
        .names = agent->config.names,
        .handle = agent_handle,
        .user = agent};
    agent->server = http_server_make(loop, &http);
    agent->handles += 2;
    agent_init_timer(agent, &agent->beat);
    agent_init_timer(agent, &agent->sleep_timer);
    agent_init_timer(agent, &agent->push.timer);
    if (!listen_on(agent, err) || !push_open(agent, err)) {
        agent_close(agent, NULL, NULL);
        return false;
    }
    agent_gpus_ask(agent);
    *ret_agent = agent;
    return true;
}

uint16_t agent_port(const struct agent *agent)
{
    return http_server_port(agent->server);
}

/* --- end ----------------------------------------------------------------------------------------
 */

void agent_end_if_done(struct agent *agent)
{
    if (--agent->handles)
        return;
    for (size_t i = 0; i < agent->pools_count; i++)
        free(agent->pools[i]);
    void (*closed)(void *owner) = agent->closed;
    void *owner = agent->owner;
    tls_close(&agent->tls);
    tls_close(&agent->push.tls);
    buf_done(&agent->push.body);
    digest_cache_free(&agent->digests);
    memory_done(&agent->memory);
    agent_config_done(&agent->config);
    free(agent->pools);
    free(agent);
    if (closed)
        closed(owner);
}

static void on_closed(void *user)
{
    agent_end_if_done(user);
}

static void on_timer_closed(uv_handle_t *handle)
{
    agent_end_if_done(handle->data);
}

void agent_close(struct agent *agent, void (*closed)(void *owner), void *owner)
{
    agent->phase = AGENT_CLOSING;
    agent->closed = closed;
    agent->owner = owner;
    gpu_cancel(&agent->gpu_question);
    metrics_close(agent);
    push_close(agent);
    for (size_t i = 0; i < agent->pools_count; i++)
        pool_close(agent->pools[i]);
    if (agent->sleeper && !uv_is_closing((uv_handle_t *)agent->sleeper))
        uv_close((uv_handle_t *)agent->sleeper, agent_sleeper_closed);
    uv_close((uv_handle_t *)&agent->beat, on_timer_closed);
    uv_close((uv_handle_t *)&agent->sleep_timer, on_timer_closed);
    uv_close((uv_handle_t *)&agent->push.timer, on_timer_closed);
    upstream_close(agent->upstream, on_closed, agent);
    http_server_close(agent->server, on_closed, agent);
}
