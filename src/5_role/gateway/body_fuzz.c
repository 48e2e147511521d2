/* SPDX-License-Identifier: Apache-2.0
 * Property: a body that is taken becomes the text of one JSON object that fits a message; a refusal
 * has a code. The first byte chooses the route. */
#include "base/panic.h"
#include "base/scoped.h"
#include "gateway/body.h"
#include "message/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool consent(struct str text, struct buf *out, struct err *err)
{
    return body_consent(text, S("01J0000000000000000000000Z"), out, err);
}

static bool intent(struct str text, struct buf *out, struct err *err)
{
    struct body_intent intent = {0};
    bool taken = body_intent(text, &intent, out, err);

    free(intent.sentence);
    return taken;
}

static bool acknowledge(struct str text, struct buf *out, struct err *err)
{
    return body_acknowledge(text, 412, out, err);
}

static bool history(struct str query, struct buf *out, struct err *err)
{
    return body_history(query, 1763700000000, out, err);
}

static bool named(struct str name, struct buf *out, struct err *err)
{
    return body_named(name, "node", out, err);
}

static bool events(struct str query, struct buf *out, struct err *err)
{
    struct body_events events = {.after = -2};
    bool taken = body_events(query, &events, err);

    check(taken == (events.after >= -1)); /* a refusal touches nothing */
    buf_add(out, S("{}"));
    return taken;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool (*const ALL[])(struct str, struct buf *, struct err *) = {body_proposal, body_query,
        body_nothing, body_cases, body_ledger, body_verify, consent, intent, body_alerts,
        acknowledge, history, named, events};
    scoped(buf_done) struct buf out = buf_of(MESSAGE_BYTES_MAX);
    struct err err = {0};

    if (size == 0)
        return 0;
    if (!ALL[data[0] % COUNT(ALL)]((struct str){(const char *)data + 1, size - 1}, &out, &err)) {
        check(*err.code);
        return 0;
    }
    scoped(json_done) json_t *request = json_loadb(out.at, out.len, JSON_REJECT_DUPLICATES, NULL);
    check(json_is_object(request));
    return 0;
}
