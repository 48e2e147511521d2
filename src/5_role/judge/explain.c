/* SPDX-License-Identifier: Apache-2.0
 *
 * case_explain: the rules said yes; the record says what, and the rules put it into words. Their
 * verdict is recorded as they gave it, what we add goes into the answer. */
#include "judge/core.h"

#include "base/scoped.h"
#include "message/message.h"

static void on_explained(void *context, struct prolog_answer *explained)
{
    struct live *live = context;
    struct judge *j = live->judge;

    if (explained->ok)
        json_object_update_missing(live->answer, prolog_answer_json(explained));
    flow_record_verdict(live, json_pack("[o]", records_opened(live)), false);
    door_answered(j);
}

static void explain(struct live *live, const struct kase *of)
{
    struct err err = {0};

    live->answer = json_deep_copy(json_object_get(live->verdict, "answer"));
    json_t *view = case_view(of);
    json_object_set_new(live->answer, "view", view);
    if (!ask_door(live->judge, PROLOG_EXPLAIN, json_pack("{s:O}", "case", view), on_explained, live,
            &err)) {
        client_refuse(live->judge, &live->client, &err);
        live_drop(live);
    }
}

static void on_case_read(void *context, const struct kase *kase, const struct err *err)
{
    struct live *live = context;
    struct err none = {0};

    if (kase && kase->state != CASE_NONE) {
        explain(live, kase);
        return;
    }
    if (kase)
        err_code(&none, ERR_INPUT, "no_such_case", "case",
            "there is no case '%s'; see GET /api/v1/cases",
            message_text(json_object_get(live->verdict, "answer"), "case"));
    client_refuse(live->judge, &live->client, kase ? &none : err);
    live_drop(live);
}

void explain_case(struct live *live, const char *asked)
{
    struct err err = {0};
    struct live *open = live_find(live->judge, asked);

    if (open) {
        explain(live, &open->kase);
    } else if (!read_case(live->judge, asked, on_case_read, live, &err)) {
        client_refuse(live->judge, &live->client, &err);
        live_drop(live);
    }
}
