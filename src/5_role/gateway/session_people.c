/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/session_people.h"

#include "base/log.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "gateway/inside.h"
#include "gateway/session_inside.h"
#include "webauthn/webauthn.h"
#include "json/json_take.h"

#include <stdlib.h>

#define RETRY_MS 1000
#define WHO S("{\"principal\":\"node:gateway\",\"channel\":\"node\"}")

struct held {
    struct held *next;
    struct gateway *gateway;
    struct exchange *ex;
};

static struct people *people_of(const struct gateway *g)
{
    return &g->sessions->people;
}

/* --- who waits ------------------------------------------------------------------------------ */

static void on_gone(struct exchange *ex, void *data)
{
    struct held *held = data;

    for (struct held **at = &people_of(held->gateway)->held; *at; at = &(*at)->next)
        if (*at == held) {
            *at = held->next;
            break;
        }
    free(held);
    exchange_reply(ex, 499, S(""), NULL, 0, S(""));
}

static void hold(struct gateway *g, struct exchange *ex)
{
    struct held *held = calloc(1, sizeof *held), **at = &people_of(g)->held;

    check(held);
    *held = (struct held){.gateway = g, .ex = ex};
    while (*at)
        at = &(*at)->next;
    *at = held;
    exchange_set_data(ex, held);
    exchange_on_gone(ex, on_gone);
}

/* In the order in which they came. */
static void let_in(struct gateway *g)
{
    struct held *held = people_of(g)->held;

    people_of(g)->held = NULL;
    while (held) {
        struct held *next = held->next;
        struct exchange *ex = held->ex;
        free(held);
        exchange_set_data(ex, NULL);
        exchange_on_gone(ex, NULL);
        visit_begin(g, ex);
        held = next;
    }
}

/* --- the answer ----------------------------------------------------------------------------- */

/* As a Host header has it. */
static char *host_name(struct str host)
{
    scoped(buf_done) struct buf name = buf_of(WEBAUTHN_ORIGIN_BYTES + 2);
    bool address = host.len && memchr(host.at, ':', host.len);

    buf_printf(&name, address ? "[%.*s]" : "%.*s", STR(host));
    return str_dup(buf_str(&name));
}

/* The server compares with these lists as they are now: hosts of the page's addresses are ours. */
static void take_origins(struct gateway *g)
{
    const json_t *list = json_object_get(people_of(g)->told, "origins");
    size_t count = 0;

    for (size_t i = 0; i < PEOPLE_ORIGINS_MAX; i++) {
        free(g->names[g->names_own + i]);
        free(g->origins[i]);
        g->names[g->names_own + i] = g->origins[i] = NULL;
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        struct webauthn_origin origin;
        struct err err = {0};
        if (!text || !webauthn_origin_read(str_from(text), &origin, &err)) {
            log_error("page_origin_refused", "why", err.message, NULL);
        } else if (count == PEOPLE_ORIGINS_MAX) {
            log_error("page_origin_refused", "why", "there are more than can be kept", NULL);
        } else {
            g->names[g->names_own + count] = host_name(origin.host);
            g->origins[count++] = str_dup(str_from(text));
        }
    }
}

static void ask(struct gateway *g);
static void on_retry(uv_timer_t *timer);

/* The link was full, or the judge slow. When it comes back from away it is asked anyway. */
static void retry(struct people *people)
{
    if (people->retry) /* not at the end */
        uv_timer_start(people->retry, on_retry, RETRY_MS, 0);
}

static void on_people(void *owner, json_t *body, const struct err *why)
{
    struct gateway *g = owner;
    struct people *people = people_of(g);
    bool refused = why && (why->kind == ERR_INPUT || why->kind == ERR_DENIED);

    people->asking = false;
    people->call = NULL;
    if (why)
        log_error("people_unknown", "code", why->code, "why", why->message, NULL);
    if (people->again) {
        people->again = false;
        ask(g); /* that was of the rules before */
        if (people->asking)
            return;
    }
    if (!why || refused) { /* a judge that will not say it knows of none */
        json_decref(people->told);
        people->told = why ? json_object() : json_incref(body);
        people->fresh = true;
        take_origins(g);
    } else {
        retry(people);
    }
    let_in(g);
}

static void ask(struct gateway *g)
{
    struct people *people = people_of(g);
    struct err err = {0};
    const struct link_request request = {.method = S("people"),
        .who = WHO,
        .body = S("{}"),
        .pace = LINK_FAST,
        .never_held = true,
        .answered = on_people,
        .owner = g};

    people->asking = link_ask(&g->link, &request, &people->call, &err);
    if (!people->asking)
        retry(people);
}

static void on_retry(uv_timer_t *timer)
{
    struct gateway *g = timer->data;

    if (!people_of(g)->fresh && !people_of(g)->asking && link_connected(&g->link))
        ask(g);
}

void people_init(struct gateway *g)
{
    struct people *people = people_of(g);

    people->retry = calloc(1, sizeof *people->retry);
    check(people->retry && uv_timer_init(&g->role->loop, people->retry) == 0);
    people->retry->data = g;
}

void people_changed(struct gateway *g)
{
    struct people *people = people_of(g);

    people->fresh = false;
    if (people->asking)
        people->again = true;
    else
        ask(g);
}

bool people_wait(struct gateway *g, struct exchange *ex)
{
    struct people *people = people_of(g);

    if (people->fresh || !link_connected(&g->link))
        return false;
    if (!people->asking && !uv_is_active((uv_handle_t *)people->retry))
        ask(g);
    if (!people->asking)
        return false;
    hold(g, ex);
    return true;
}

static void on_retry_closed(uv_handle_t *handle)
{
    free(handle);
}

void people_close(struct gateway *g)
{
    struct people *people = people_of(g);

    while (people->held) {
        struct held *held = people->held;
        people->held = held->next;
        exchange_reply(held->ex, 503, S(""), NULL, 0, S(""));
        free(held);
    }
    people->fresh = true; /* nobody waits any more */
    if (people->retry)
        uv_close((uv_handle_t *)people->retry, on_retry_closed);
    people->retry = NULL;
}

/* --- what it says --------------------------------------------------------------------------- */

bool people_known(const struct gateway *g)
{
    return people_of(g)->told != NULL;
}

static const json_t *row_of(const struct gateway *g, struct str person)
{
    const json_t *rows = json_object_get(people_of(g)->told, "people");

    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        if (person.len && str_eq(json_str(row, "person"), person))
            return row;
    }
    return NULL;
}

enum session_role people_role(const struct gateway *g, struct str person)
{
    const json_t *row = row_of(g, person), *roles = json_object_get(row, "roles");

    if (!row)
        return SESSION_NOBODY;
    for (size_t i = 0; i < json_array_size(roles); i++) {
        const char *role = json_string_value(json_array_get(roles, i));
        if (role && strcmp(role, "viewer") != 0)
            return SESSION_OPERATOR;
    }
    return SESSION_VIEWER;
}

const char *people_name(const struct gateway *g, struct str person)
{
    const char *name = json_string_value(json_object_get(row_of(g, person), "name"));

    return name && *name ? name : person.at;
}

static bool fits(const json_t *passkey, const char *member, struct str wanted)
{
    return wanted.len == 0 || str_eq(json_str(passkey, member), wanted);
}

const json_t *people_passkey(
    const struct gateway *g, struct str key_id, struct str credential_id, const char **ret_person)
{
    const json_t *rows = json_object_get(people_of(g)->told, "people");

    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i), *passkeys = json_object_get(row, "passkeys");
        const char *person = json_string_value(json_object_get(row, "person"));
        for (size_t k = 0; person && k < json_array_size(passkeys); k++) {
            const json_t *passkey = json_array_get(passkeys, k);
            if (!fits(passkey, "key_id", key_id) || !fits(passkey, "credential_id", credential_id))
                continue;
            *ret_person = person;
            return passkey;
        }
    }
    return NULL;
}

struct str people_origin(
    const struct gateway *g, struct exchange *ex, struct str *ret_host, bool *ret_passkeys)
{
    struct str host = exchange_header(ex, S("Host"));

    *ret_host = (struct str){0};
    *ret_passkeys = false;
    for (size_t i = 0; g->origins[i]; i++) {
        struct str text = str_from(g->origins[i]);
        const char *mark = strstr(text.at, "://");
        struct webauthn_origin origin;
        struct err err;
        if (!mark || !str_eq_nocase(str_from(mark + 3), host) ||
            !webauthn_origin_read(text, &origin, &err))
            continue;
        *ret_host = origin.host;
        *ret_passkeys = origin.passkeys;
        return text;
    }
    return S("");
}

struct str people_rp_id(const struct gateway *g, struct str host, bool *ret_some)
{
    const json_t *rows = json_object_get(people_of(g)->told, "people");

    *ret_some = false;
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *passkeys = json_object_get(json_array_get(rows, i), "passkeys");
        for (size_t k = 0; k < json_array_size(passkeys); k++) {
            struct str rp_id = json_str(json_array_get(passkeys, k), "rp_id");
            if (!webauthn_rp_fits(host, rp_id))
                continue;
            *ret_some = true;
            return rp_id;
        }
    }
    return host;
}
