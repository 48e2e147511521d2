/* SPDX-License-Identifier: Apache-2.0
 *
 * How a host is, now: the rules name the look (door host_job), the actuator looks, its result is
 * the reply. Telemetry: there is no case, nothing is recorded and nothing is learned of it. */
#include "judge/requests.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "json/json_take.h"

#include <inttypes.h>

#define HOST_BYTES_MAX 64

struct host_look {
    struct judge *judge;
    struct client client;
};

static void end_look(struct host_look *look)
{
    look->judge->host_looks--;
    free(look);
}

static void refuse(struct host_look *look, const struct err *why)
{
    client_refuse(look->judge, &look->client, why);
    end_look(look);
}

static void on_looked(void *context, const json_t *message)
{
    struct host_look *look = context;
    json_t *result = json_object_get(message, "result");
    struct err err = {0};

    if (!message) {
        err_code(&err, ERR_PEER, "hands_lost", NULL,
            "the actuator ended while it looked; nothing was changed; ask again");
        refuse(look, &err);
    } else if (!message_true(message, "ok") || !json_is_object(result)) {
        message_to_err(json_object_get(message, "error"), &err);
        refuse(look, &err);
    } else {
        client_reply(look->judge, &look->client, json_incref(result));
        end_look(look);
    }
}

static void on_job(void *context, struct prolog_answer *answer)
{
    struct host_look *look = context;
    struct judge *j = look->judge;
    json_t *job = answer->ok ? json_object_get(prolog_answer_json(answer), "job") : NULL;
    struct err err = {0};

    if (!answer->ok) {
        refuse(look, &answer->err);
    } else if (!json_is_object(job)) {
        err_code(&err, ERR_SYSTEM, "rule_error", NULL, "the rules gave no look for this host");
        refuse(look, &err);
    } else {
        json_t *fields = json_pack("{s:s, s:O}", "case", "", "job", job);
        check(fields);
        if (!hands_send(j, MESSAGE_look, fields, on_looked, look, &err))
            refuse(look, &err);
    }
    door_answered(j);
}

bool look_host(struct asked *a, struct err *err)
{
    struct judge *j = a->judge;
    struct str host;
    const struct json_field fields[] = {JSON_TAKE_TEXT("host", &host, 1, HOST_BYTES_MAX)};

    if (!json_take(a->body, fields, COUNT(fields), err))
        return false;
    if (j->host_looks >= j->settings.host_looks_max)
        return err_code(err, ERR_LIMIT, "too_many_looks", NULL,
            "%" PRId64 " hosts are being looked at, which is the limit; ask again in a moment",
            j->host_looks);
    struct host_look *look = malloc(sizeof *look);
    json_t *in = json_pack("{s:s%}", "host", host.at, host.len);
    check(look && in);
    *look = (struct host_look){.judge = j, .client = a->client};
    j->host_looks++;
    if (ask_door(j, PROLOG_HOST_JOB, in, on_job, look, err))
        return true;
    end_look(look);
    return false;
}
