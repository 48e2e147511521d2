/* SPDX-License-Identifier: Apache-2.0
 * GET /api/v1/people: who is who and with which passkeys, without the keys. The node asks in its
 * own name, for the answer to it holds what signs people in. */
#include "base/scoped.h"
#include "gateway/inside.h"

#define NODE_WHO S("{\"principal\":\"node:gateway\",\"channel\":\"node\"}")

static void leave_keys_out(json_t *answer)
{
    json_t *person, *passkey;
    size_t i, k;

    json_array_foreach (json_object_get(answer, "people"), i, person)
        json_array_foreach (json_object_get(person, "passkeys"), k, passkey)
            json_object_del(passkey, "public_key");
}

static void on_people(void *owner, json_t *body, const struct err *why)
{
    struct visit *visit = owner;

    visit->call = NULL;
    if (why) {
        visit_reply_error(visit, why);
        return;
    }
    leave_keys_out(body);
    visit_reply_json(visit, 200, body);
}

void route_people(struct visit *visit)
{
    const struct link_request request = {.method = S("people"),
        .who = NODE_WHO,
        .body = S("{}"),
        .pace = LINK_FAST,
        .answered = on_people,
        .owner = visit};
    struct err err = {0};

    if (!link_ask(&visit->gateway->link, &request, &visit->call, &err))
        visit_reply_error(visit, &err);
}
