/* SPDX-License-Identifier: Apache-2.0
 *
 * consent — show the plan, ask, sign exactly the bytes that were shown.
 *
 * The order is the point: fetch bytes, check their hash against the case, show from these bytes,
 * ask, sign these bytes. Nothing is fetched again in between.
 */
#include "client/argument.h"
#include "client/case_view.h"
#include "client/client.h"
#include "client/home.h"
#include "client/plan_view.h"

#include "base/scoped.h"
#include "case/case.h"
#include "coding/coding.h"
#include "crypto/crypto.h"
#include "os/clock.h"
#include "json/json_read.h"

#include <stdio.h>
#include <string.h>

struct signing {
    char id[65];
    struct buf bytes; /* the plan as it came */
    char sha256[SHA256_HEX_BYTES];
    json_t *plan;
    struct plan_facts facts;
    struct sign_key *key;
    char key_id[KEY_ID_BYTES];
};

static void signing_done(struct signing *signing)
{
    buf_done(&signing->bytes);
    json_done(&signing->plan);
    sign_key_done(&signing->key);
}

static bool load_key(struct client *client, struct signing *signing, struct err *err)
{
    char standard[PATH_MAX];
    uint8_t public_key[PUBLIC_KEY_BYTES];
    const char *path = client->options.key;

    if (!path) {
        if (!home_path(&client->options, "keys/owner.pem", standard, err))
            return false;
        path = standard;
    }
    if (!sign_key_load(path, &signing->key, err))
        return err_wrap(err, "cannot use the key '%.200s' (--key FILE names another)", path);
    sign_key_public(signing->key, public_key);
    key_id_of(public_key, signing->key_id);
    return true;
}

/* The bytes, their hash as the case names it, and the case named in them must all agree. */
static bool fetch_plan(struct client *client, struct signing *signing, struct err *err)
{
    scoped(buf_done) struct buf text = buf_of(API_REPLY_BYTES_MAX);
    scoped(json_done) json_t *view = NULL;
    char path[API_PATH_BYTES_MAX];

    snprintf(path, sizeof path, "/api/v1/cases/%s", signing->id);
    if (!api_call(&client->api, "GET", path, NULL, &text, err))
        return false;
    if (!json_read(buf_str(&text), text.bytes_max, &view, err))
        return err_wrap(err, "the node's view of case %s", signing->id);
    struct str status = json_str(view, "status"), promised = json_str(view, "plan_sha256");
    if (!promised.len)
        return err_code(err, ERR_INPUT, "no_plan", NULL, "case %s has no plan to sign: it is %.*s",
            signing->id, STR(status));
    snprintf(path, sizeof path, "/api/v1/cases/%s/plan", signing->id);
    if (!api_call(&client->api, "GET", path, NULL, &signing->bytes, err))
        return false;
    sha256_hex(buf_str(&signing->bytes), signing->sha256);
    if (!str_eq(promised, str_from(signing->sha256)))
        return err_code(err, ERR_PEER, "plan_hash", NULL,
            "the plan's bytes do not have the hash that the case names (%.*s); nothing was signed",
            STR(promised));
    if (!plan_read(buf_str(&signing->bytes), &signing->plan, &signing->facts, err))
        return false;
    if (strcmp(signing->facts.case_id, signing->id) != 0)
        return err_code(err, ERR_PEER, "plan_case", NULL,
            "the plan sent for case %s belongs to case %.64s; nothing was signed", signing->id,
            signing->facts.case_id);
    return true;
}

static json_t *consent_body(const struct client *client, const struct signing *signing,
    const char *decision, struct str text)
{
    uint8_t signature[SIGNATURE_BYTES];
    scoped(buf_done) struct buf encoded = buf_of(BASE64_LENGTH(SIGNATURE_BYTES) + 1);

    sign_key_sign(signing->key, text, signature);
    base64_encode((struct str){(const char *)signature, sizeof signature}, &encoded);
    return json_pack("{s:s, s:s, s:s, s:s, s:s*}", "key_id", signing->key_id, "decision", decision,
        "plan_sha256", signing->sha256, "signature", buf_text(&encoded), "reason",
        client->options.reason);
}

static enum client_exit post(
    struct client *client, const struct signing *signing, const char *decision, struct str text)
{
    scoped(json_done) json_t *body = consent_body(client, signing, decision, text), *answer = NULL;
    char path[API_PATH_BYTES_MAX];
    enum client_exit code;

    snprintf(path, sizeof path, "/api/v1/cases/%s/consent", signing->id);
    if (!client_fetch(client, "POST", path, body, &answer, &code))
        return code;
    struct str status = json_str(answer, "status");
    bool refused = strcmp(decision, "refuse") == 0;
    if (!client->options.json)
        case_view_answer(&client->screen, answer);
    return refused && case_exit(status) == EXIT_DENIED ? EXIT_DONE : case_exit(status);
}

static bool begin(struct client *client, struct signing *signing, struct err *err)
{
    struct str id = str_from(client->options.args[0]);

    signing->bytes = buf_of(PLAN_BYTES_MAX);
    if (!argument_is_id(id))
        return err_set(err, ERR_INPUT,
            "'%.80s' is no id of a case; `logicctl cases --status awaiting_consent` lists them",
            id.at);
    snprintf(signing->id, sizeof signing->id, "%s", id.at);
    return load_key(client, signing, err) && api_open(&client->api, &client->options, err) &&
           fetch_plan(client, signing, err);
}

enum client_exit client_approve(struct client *client)
{
    scoped(signing_done) struct signing signing = {0};
    struct err err;

    if (!begin(client, &signing, &err))
        return client_fail(client, &err);
    int64_t now_ms = clock_civil_ms();
    if (!client->options.json)
        plan_view(&client->screen, signing.plan, now_ms);
    if (signing.facts.expires_at_ms <= now_ms) {
        char span[PLAN_SPAN_BYTES];
        plan_span(now_ms, signing.facts.expires_at_ms, span);
        err_set(&err, ERR_DENIED, "this plan %s; ask again for a new one", span);
        return client_fail(client, &err);
    }
    if (!client->options.yes && !client_ask_yes(client, "Sign?",
                                    "nothing was signed; the case waits as before", &err))
        return client_fail(client, &err);
    return post(client, &signing, "approve", buf_str(&signing.bytes));
}

enum client_exit client_refuse(struct client *client)
{
    scoped(signing_done) struct signing signing = {0};
    scoped(buf_done) struct buf text = buf_of(CASE_REFUSAL_BYTES_MAX);
    struct str reason = str_from(client->options.reason);
    struct err err;

    if ((reason.at && !case_reason_good(reason, &err)) || !begin(client, &signing, &err))
        return client_fail(client, &err);
    case_refusal_text(signing.sha256, reason, &text);
    return post(client, &signing, "refuse", buf_str(&text));
}
