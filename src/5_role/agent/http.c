/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/inside.h"
#include "base/panic.h"
#include "base/scoped.h"

#include <unistd.h>

enum who {
    WHO_NOBODY,
    WHO_GATEWAY = 1,
    WHO_ACTUATOR = 2,
    WHO_SENSOR = 4,
    WHO_LOCAL = 7, /* all: the unix socket, our own uid */
};

static enum who who_asks(const struct exchange *ex)
{
    const struct exchange_peer *peer = exchange_peer(ex);
    char name[EXCHANGE_NAME_BYTES];

    if (peer->channel == EXCHANGE_UNIX)
        return peer->uid == geteuid() ? WHO_LOCAL : WHO_NOBODY;
    if (!peer->tls || !exchange_peer_name(ex, name))
        return WHO_NOBODY;
    return strcmp(name, "gateway") == 0    ? WHO_GATEWAY
           : strcmp(name, "actuator") == 0 ? WHO_ACTUATOR
           : strcmp(name, "sensor") == 0   ? WHO_SENSOR
                                           : WHO_NOBODY;
}

static void refuse(struct exchange *ex, int status, const char *code, const char *words)
{
    struct err err;

    err_code(
        &err, status == 404 || status == 405 ? ERR_INPUT : ERR_DENIED, code, NULL, "%s", words);
    exchange_reply_error(ex, status, &err);
}

/* A status that waited for the GPUs. */
static void on_waiter_gone(struct exchange *ex, void *data)
{
    struct agent *agent = data;

    for (size_t i = 0; i < agent->waiters_count; i++)
        if (agent->waiters[i] == ex) {
            agent->waiters[i] = agent->waiters[--agent->waiters_count];
            break;
        }
    exchange_reply(ex, 503, S(""), NULL, 0, S(""));
}

static void tell_status(struct agent *agent, struct exchange *ex)
{
    if (!agent_gpus_fresh(agent) && agent->waiters_count < AGENT_WAITERS_MAX) {
        agent->waiters[agent->waiters_count++] = ex;
        exchange_set_data(ex, agent);
        exchange_on_gone(ex, on_waiter_gone);
        return;
    }
    scoped(json_done) json_t *status = agent_status(agent);
    exchange_reply_json(ex, 200, status);
}

void agent_handle(struct exchange *ex, void *user)
{
    struct agent *agent = user;
    enum who who = who_asks(ex);
    struct str first = exchange_segment(ex, 0), second = exchange_segment(ex, 1);
    bool v1 = str_eq(first, S("v1")), more = exchange_segment(ex, 2).at != NULL;

    if (who == WHO_NOBODY)
        refuse(ex, 403, "wrong_role",
            "only the gateway, the actuator and the sensor of the node may ask");
    else if (!v1)
        refuse(ex, 404, "not_found", "there is nothing here but /v1");
    else if (str_eq(second, S("status")) && !more && exchange_method(ex) == METHOD_GET)
        tell_status(agent, ex);
    else if (str_eq(second, S("metrics")) && !more && exchange_method(ex) == METHOD_GET)
        agent_tell_metrics(agent, ex);
    else if (str_eq(second, S("orders")) && !more && exchange_method(ex) == METHOD_POST) {
        if (who & WHO_ACTUATOR)
            agent_take_order(agent, ex);
        else
            refuse(ex, 403, "wrong_role", "orders come from the actuator only");
    } else if (str_eq(second, S("pools")) && more) {
        if (who & WHO_GATEWAY)
            agent_proxy(agent, ex);
        else
            refuse(ex, 403, "wrong_role", "an engine is used by the gateway only");
    } else if (str_eq(second, S("status")) || str_eq(second, S("metrics")) ||
               str_eq(second, S("orders"))) {
        refuse(ex, 405, "method_not_allowed", "status and metrics are read, orders are posted");
    } else {
        refuse(ex, 404, "not_found",
            "there is /v1/status, /v1/metrics, /v1/orders and /v1/pools/POOL/…");
    }
}
