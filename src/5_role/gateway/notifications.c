/* SPDX-License-Identifier: Apache-2.0
 * The routes of notifications (docs/dashboard.md §6): what each channel was told, and a test whose
 * words are the rules' and whose address is the site's: a caller names the channel, nothing else.
 */
#include "base/scoped.h"
#include "gateway/body.h"
#include "gateway/inside.h"
#include "json/json_read.h"
#include "json/json_take.h"

static void ask(
    struct visit *visit, bool composed, const char *method, enum link_pace pace, struct err *err)
{
    if (composed)
        visit_ask(visit, method, buf_str(&visit->gateway->body), pace, visit_on_answer);
    else
        visit_reply_error(visit, err);
}

void route_notifications(struct visit *visit)
{
    struct err err = {0};
    bool good = body_nothing(exchange_body(visit->ex), visit_body(visit), &err);

    ask(visit, good, "notifications", LINK_FAST, &err);
}

void route_notifications_test(struct visit *visit)
{
    scoped(json_done) json_t *body = NULL;
    struct str channel;
    const struct json_field fields[] = {JSON_TAKE_TEXT("channel", &channel, 1, WORD_BYTES_MAX)};
    struct err err = {0};
    struct buf *out = visit_body(visit);
    bool good = json_read(exchange_body(visit->ex), BODY_BYTES_MAX, &body, &err) &&
                json_take(body, fields, COUNT(fields), &err) &&
                body_named(channel, "channel", out, &err);

    ask(visit, good, "notifications_test", LINK_SLOW, &err);
}
