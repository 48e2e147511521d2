/* SPDX-License-Identifier: Apache-2.0
 * The routes of the house: alerts, nodes, sources, history and pushed numbers (docs/senses.md §3).
 * Each is one question to the judge. */
#include "base/scoped.h"
#include "gateway/body.h"
#include "gateway/inside.h"
#include "os/clock.h"
#include "json/json_text.h"

#include <inttypes.h>

#define ALERT_CHARS_MAX 19

static void ask(struct visit *visit, bool composed, const char *method, enum link_pace pace,
    const struct err *err)
{
    if (composed)
        visit_ask(visit, method, buf_str(&visit->gateway->body), pace, visit_on_answer);
    else
        visit_reply_error(visit, err);
}

/* --- alerts ---------------------------------------------------------------------------------- */

/* The number of an alert in the path. */
static bool alert_number(const struct visit *visit, uint64_t *ret_id, struct err *err)
{
    struct str id = visit->id;

    if (id.len <= ALERT_CHARS_MAX && str_to_u64(id, INT64_MAX, ret_id) && *ret_id)
        return true;
    return err_code(err, ERR_INPUT, "no_such_alert", "id",
        "'%.*s' is no number of an alert; see GET /api/v1/alerts", (int)(id.len < 40 ? id.len : 40),
        id.at);
}

void route_alerts(struct visit *visit)
{
    struct err err = {0};
    struct buf *out = visit_body(visit);

    ask(visit, body_alerts(exchange_query(visit->ex), out, &err), "alerts", LINK_FAST, &err);
}

void route_alert(struct visit *visit)
{
    struct err err = {0};
    uint64_t id;
    bool good = alert_number(visit, &id, &err);

    if (good)
        buf_printf(visit_body(visit), "{\"id\":%" PRIu64 "}", id);
    ask(visit, good, "alert", LINK_FAST, &err);
}

/* A proposal in the caller's name like any other: judged, recorded, and only then true. */
void route_alert_acknowledge(struct visit *visit)
{
    struct err err = {0};
    uint64_t id;
    struct buf *out = visit_body(visit);
    bool good =
        alert_number(visit, &id, &err) && body_acknowledge(exchange_body(visit->ex), id, out, &err);

    ask(visit, good, "proposal", LINK_SLOW, &err);
}

/* --- nodes ----------------------------------------------------------------------------------- */

void route_nodes(struct visit *visit)
{
    struct err err = {0};

    buf_add(visit_body(visit), S("{}"));
    ask(visit, true, "nodes", LINK_FAST, &err);
}

void route_node(struct visit *visit)
{
    struct err err = {0};
    struct buf *out = visit_body(visit);

    ask(visit, body_named(visit->id, "node", out, &err), "node", LINK_FAST, &err);
}

/* --- numbers --------------------------------------------------------------------------------- */

void route_sources(struct visit *visit)
{
    struct err err = {0};

    buf_add(visit_body(visit), S("{}"));
    ask(visit, true, "sources", LINK_FAST, &err);
}

void route_history(struct visit *visit)
{
    struct err err = {0};
    struct buf *out = visit_body(visit);
    bool good = body_history(exchange_query(visit->ex), clock_civil_ms(), out, &err);

    ask(visit, good, "history", LINK_FAST, &err);
}

/* Whether the source is this caller's the judge knows; here only that it is a caller at all. */
static bool push_fits(const struct visit *visit, struct err *err)
{
    int64_t max = visit->gateway->settings.push_bytes_max;
    struct str text = exchange_body(visit->ex);

    if (text.len > (size_t)max)
        return err_code(err, ERR_LIMIT, "push_too_long", NULL,
            "a push has at most %" PRId64 " bytes, this has %zu; send it in parts", max, text.len);
    if (!str_is_utf8(text) || memchr(text.at ? text.at : "", '\0', text.len))
        return err_code(err, ERR_INPUT, "bad_value", NULL,
            "a push is text in Prometheus' format, UTF-8 without NUL");
    return true;
}

void route_senses(struct visit *visit)
{
    struct err err = {0};
    struct buf *out = visit_body(visit);
    bool good = push_fits(visit, &err) && body_named(visit->id, "source", out, &err);

    if (good) {
        out->len--; /* its closing brace */
        buf_add(out, S(",\"text\":"));
        json_add_string(out, exchange_body(visit->ex));
        buf_add_char(out, '}');
        good = !out->overflowed || err_code(&err, ERR_LIMIT, "push_too_long", NULL,
                                       "this push does not fit a message; send it in parts");
    }
    ask(visit, good, "push", LINK_FAST, &err);
}
