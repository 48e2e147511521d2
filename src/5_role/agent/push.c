/* SPDX-License-Identifier: Apache-2.0
 *
 * Our numbers go to a node that cannot ask for them: each every_s one POST with our token. What is
 * not taken is not sent again: the next is newer. */
#include "agent/inside.h"
#include "base/log.h"
#include "base/scoped.h"
#include "os/random.h"

#include <stdio.h>

#define ANSWER_MS 10000

/* --- one push -----------------------------------------------------------------------------------
 */

static void ended(struct agent *agent, const char *wrong)
{
    struct push *push = &agent->push;

    push->call = NULL;
    buf_done(&push->body);
    if (wrong && !push->failing)
        log_error("push_failed", "url", agent->config.push.url, "why", wrong, NULL);
    else if (!wrong && push->failing)
        log_event("push_taken", "url", agent->config.push.url, NULL);
    push->failing = wrong != NULL;
}

static const char *wrong_with(int status, char room[32])
{
    snprintf(room, 32, "it answered %d", status);
    return status >= 200 && status < 300 ? NULL : room;
}

static void on_whole(
    struct upstream_call *call, const struct http_reply *reply, struct str body, void *user)
{
    char room[32];

    (void)call, (void)body;
    ended(user, wrong_with(reply->status, room));
}

/* What else it says is of no use. */
static void on_head(struct upstream_call *call, const struct http_reply *reply, void *user)
{
    char room[32];

    upstream_cancel(call);
    ended(user, wrong_with(reply->status, room));
}

static void on_body(struct upstream_call *call, struct str bytes, void *user)
{
    (void)call, (void)bytes, (void)user;
}

static void on_end(struct upstream_call *call, const struct upstream_end *end, void *user)
{
    (void)call;
    ended(user, end->err->code);
}

static const struct upstream_hooks HOOKS = {on_whole, on_head, on_body, on_end};

void push_send(struct agent *agent, struct str text)
{
    struct push *push = &agent->push;
    const struct http_field fields[] = {{S("Authorization"), str_from(push->authorization)},
        {S("Content-Type"), S(TELEMETRY_TYPE)}};
    struct err err = {0};

    if (!push->place || push->call || agent->phase == AGENT_CLOSING)
        return;
    push->body = buf_of(TELEMETRY_BYTES_MAX);
    buf_add(&push->body, text);
    const struct upstream_request request = {.method = METHOD_POST,
        .path = push->path,
        .fields = fields,
        .fields_count = COUNT(fields),
        .body = buf_str(&push->body),
        .hooks = &HOOKS,
        .user = agent,
        .head_ms = ANSWER_MS};
    push->call = upstream_send(push->place, &request, &err);
    if (!push->call)
        ended(agent, err.code);
}

/* --- begin and end ------------------------------------------------------------------------------
 */

static void on_timer(uv_timer_t *timer)
{
    metrics_push(timer->data);
}

bool push_open(struct agent *agent, struct err *err)
{
    const struct agent_push_config *config = &agent->config.push;
    struct push *push = &agent->push;
    bool https = config->url && strncmp(config->url, "https://", 8) == 0;
    char place[512];
    uint32_t chance;

    if (!config->url)
        return true;
    const char *slash = strchr(config->url + (https ? 8 : 7), '/');
    push->path = slash ? str_from(slash) : S("/");
    snprintf(place, sizeof place, "%.*s",
        slash ? (int)(slash - config->url) : (int)strlen(config->url), config->url);
    snprintf(push->authorization, sizeof push->authorization, "Bearer %s", config->token);
    if (https && !tls_client_open(config->authority, NULL, NULL, &push->tls, err))
        return false;
    if (!upstream_place_open(agent->upstream, place, push->tls, NULL, &push->place, err))
        return err_wrap(err, "'push'");
    random_bytes(&chance, sizeof chance); /* many agents do not come at once */
    uint64_t every_ms = (uint64_t)config->every_s * 1000;
    uv_timer_start(&push->timer, on_timer, chance % every_ms, every_ms);
    return true;
}

void push_close(struct agent *agent)
{
    struct push *push = &agent->push;

    if (push->call)
        upstream_cancel(push->call);
    push->call = NULL;
    upstream_place_close(&push->place);
}
