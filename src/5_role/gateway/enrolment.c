/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/enrolment.h"

#include "base/log.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "gateway/body.h"
#include "gateway/inside.h"
#include "identity/enrolment_file.h"
#include "jwt/jwt.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/random.h"
#include "json/json_read.h"
#include "json/json_take.h"
#include "json/json_text.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#define CHALLENGE_BYTES 32
#define CODE_CHARS_MAX 32
#define TRANSPORT_CHARS_MAX 32
#define ORIGIN_FILE_BYTES_MAX 512
#define USER_ID_HEAD "logic-node/passkey-user/v1\n"

/* What a browser was asked to sign, by the code for which it asked. */
struct challenge {
    char id[ENROLMENT_ID_BYTES]; /* "": free */
    uint8_t bytes[CHALLENGE_BYTES];
    int64_t until_ms; /* steady */
};

struct enrolments {
    char codes[PATH_MAX], pending[PATH_MAX];
    struct challenge challenges[ENROLMENT_CODES_MAX]; /* more codes cannot be open at once */
};

/* --- opening --------------------------------------------------------------------------------- */

static bool origin_of(
    const struct gateway *g, const char *host, char ret_origin[WEBAUTHN_ORIGIN_BYTES])
{
    unsigned port = http_server_port(g->server);
    struct webauthn_origin read;
    struct err err;
    char shown[8] = "";

    if (port != (g->tls ? 443 : 80))
        snprintf(shown, sizeof shown, ":%u", port);
    return snprintf(ret_origin, WEBAUTHN_ORIGIN_BYTES, "%s://%s%s", g->tls ? "https" : "http", host,
               shown) < WEBAUTHN_ORIGIN_BYTES &&
           webauthn_origin_read(str_from(ret_origin), &read, &err) && read.passkeys;
}

/* Browsers give passkeys to https pages of a name, and to localhost. */
static bool likely_origin(const struct gateway *g, char ret_origin[WEBAUTHN_ORIGIN_BYTES])
{
    struct str listen = str_from(role_config_text(g->role, "listen"));

    for (size_t i = 0; g->tls && g->names[i]; i++)
        if (origin_of(g, g->names[i], ret_origin))
            return true;
    return (str_starts(listen, S("127.")) || str_starts(listen, S("localhost:")) ||
               str_starts(listen, S("[::1]:"))) &&
           origin_of(g, "localhost", ret_origin);
}

static bool write_origin(const struct gateway *g, struct err *err)
{
    scoped(buf_done) struct buf text = buf_of(ORIGIN_FILE_BYTES_MAX);
    char origin[WEBAUTHN_ORIGIN_BYTES], folder[PATH_MAX], path[PATH_MAX];
    bool known = likely_origin(g, origin);
    scoped(json_done) json_t *document = json_pack("{s:s?}", "origin", known ? origin : NULL);

    role_path(g->role, "run", folder);
    role_path(g->role, "run/page.json", path);
    return json_plain(document, &text, err) && file_make_folder(folder, 0700, err) &&
           file_replace(path, buf_str(&text), 0600, err);
}

bool enrolments_open(struct gateway *g, struct err *err)
{
    struct enrolments *e = calloc(1, sizeof *e);
    char folder[PATH_MAX];

    check(e);
    g->enrolments = e;
    role_path(g->role, "enrol", folder);
    role_path(g->role, "enrol/codes.json", e->codes);
    role_path(g->role, "enrol/pending", e->pending);
    if (!file_make_folder(folder, 0700, err) || !file_make_folder(e->pending, 0700, err) ||
        !write_origin(g, err))
        return false;
    role_allow_read(g->role, folder);
    role_allow_write(g->role, e->pending);
    return true;
}

void enrolments_close(struct gateway *g)
{
    free(g->enrolments);
    g->enrolments = NULL;
}

/* --- codes ----------------------------------------------------------------------------------- */

static void pending_path(const struct enrolments *e, const char *id, char ret_path[PATH_MAX])
{
    check(snprintf(ret_path, PATH_MAX, "%s/%s.json", e->pending, id) < PATH_MAX);
}

/* One answer for what is wrong, old, used and none: whoever guesses learns nothing of others. */
static bool bad_code(struct visit *visit, struct err *err)
{
    sessions_wrong_try(visit->gateway, visit->ex);
    return err_code(err, ERR_DENIED, "bad_code", "code",
        "this code is not good: mistyped, used, withdrawn, or older than %d minutes; the owner "
        "makes "
        "another with `logicctl operator enroll`",
        ENROLMENT_MS / 60000);
}

/* The row of a code that is good now; its texts live as long as *ret_codes. */
static bool find_code(struct visit *visit, struct str text, json_t **ret_codes,
    struct enrolment_code *ret_code, struct err *err)
{
    struct gateway *g = visit->gateway;
    scoped(json_done) json_t *codes = NULL;
    char sha256[SHA256_HEX_BYTES], path[PATH_MAX];
    int64_t now_ms = clock_civil_ms();
    const json_t *row;
    struct enrolment_code code;

    if (!sessions_may_try(g, visit->ex, err))
        return false;
    if (!enrolment_code_read(text, sha256))
        return bad_code(visit, err);
    if (!document_read(g->enrolments->codes, &ENROLMENT_CODES_FORM, &codes, err)) {
        log_error("enrolment_codes_refused", "message", err->message, NULL);
        return err_code(err, ERR_SYSTEM, "enrolment_unreadable", NULL,
            "the node cannot read its codes; its log says why");
    }
    if (!(row = enrolment_code_find(codes, str_from(sha256))))
        return bad_code(visit, err);
    enrolment_code_of(row, &code);
    pending_path(g->enrolments, code.id, path);
    if (now_ms < code.created_at_ms || now_ms >= code.expires_at_ms || file_exists(path))
        return bad_code(visit, err);
    *ret_codes = codes;
    codes = NULL;
    *ret_code = code;
    return true;
}

static void close_folder(DIR **folder)
{
    if (*folder)
        closedir(*folder);
}

static bool has_room(struct gateway *g, struct err *err)
{
    scoped(close_folder) DIR *folder = opendir(g->enrolments->pending);
    const struct dirent *entry;
    int64_t count = 0;

    if (!folder)
        return err_set(err, ERR_SYSTEM, "the folder of enrolments cannot be read: %m");
    while ((entry = readdir(folder)))
        count += *entry->d_name != '.';
    return count < g->settings.enrolments_max ||
           err_code(err, ERR_LIMIT, "too_many_enrolments", NULL,
               "%lld enrolments wait already, no more than that may: the owner looks at `logicctl "
               "operator pending`, and confirms or rejects",
               (long long)count);
}

/* --- what the browser is to sign ------------------------------------------------------------- */

static struct challenge *challenge_of(struct enrolments *e, const char *id)
{
    for (size_t i = 0; i < ENROLMENT_CODES_MAX; i++)
        if (strcmp(e->challenges[i].id, id) == 0)
            return &e->challenges[i];
    return NULL;
}

/* A code has one: who asks again gets another, and the one before is worth nothing. */
static struct challenge *new_challenge(struct gateway *g, const char *id)
{
    struct enrolments *e = g->enrolments;
    struct challenge *found = challenge_of(e, id);

    for (size_t i = 0; !found && i < ENROLMENT_CODES_MAX; i++)
        if (!*e->challenges[i].id)
            found = &e->challenges[i];
    for (size_t i = 0; !found && i < ENROLMENT_CODES_MAX; i++) /* of codes that are gone */
        if (e->challenges[i].until_ms < clock_steady_ms())
            found = &e->challenges[i];
    if (!found)
        found = &e->challenges[0];
    random_bytes(found->bytes, sizeof found->bytes);
    snprintf(found->id, sizeof found->id, "%s", id);
    found->until_ms = clock_steady_ms() + g->settings.enrolment_ms;
    return found;
}

/* It is used by this. */
static bool take_challenge(
    struct enrolments *e, const char *id, uint8_t ret_bytes[CHALLENGE_BYTES], struct err *err)
{
    struct challenge *found = challenge_of(e, id);

    if (!found || found->until_ms < clock_steady_ms())
        return err_code(err, ERR_DENIED, "bad_challenge", NULL,
            "the node does not wait for this passkey (too late, tried before, or it was "
            "restarted): "
            "begin again, the code is still good");
    memcpy(ret_bytes, found->bytes, CHALLENGE_BYTES);
    *found = (struct challenge){0};
    return true;
}

static json_t *base64url_text(const void *bytes, size_t len)
{
    scoped(buf_done) struct buf text = buf_of(WEBAUTHN_TEXT_LENGTH(WEBAUTHN_CREDENTIAL_BYTES_MAX));

    base64url_encode((struct str){bytes, len}, &text);
    return json_stringn(text.at, text.len);
}

/* The same for one person always, so that an authenticator replaces their older passkey; says
 * nothing about them. */
static json_t *user_id(struct str person)
{
    const struct str parts[] = {S(USER_ID_HEAD), person};
    uint8_t digest[SHA256_BYTES];

    sha256_parts(parts, COUNT(parts), digest);
    return base64url_text(digest, sizeof digest);
}

void route_passkey_options(struct visit *visit)
{
    scoped(json_done) json_t *body = NULL, *codes = NULL;
    struct gateway *g = visit->gateway;
    struct enrolment_code code;
    struct str text;
    struct err err = {0};
    const struct json_field fields[] = {JSON_TAKE_TEXT("code", &text, 1, CODE_CHARS_MAX)};

    if (!json_read(exchange_body(visit->ex), BODY_BYTES_MAX, &body, &err) ||
        !json_take(body, fields, COUNT(fields), &err) ||
        !find_code(visit, text, &codes, &code, &err) || !has_room(g, &err)) {
        visit_reply_error(visit, &err);
        return;
    }
    const struct challenge *challenge = new_challenge(g, code.id);
    scoped(json_done) json_t *answer =
        json_pack("{s:s%, s:s%, s:s%, s:o, s:o, s:[i,i], s:O, s:I, s:s%}", "person", code.person.at,
            code.person.len, "name", code.name.at, code.name.len, "rp_id", code.rp_id.at,
            code.rp_id.len, "user_id", user_id(code.person), "challenge",
            base64url_text(challenge->bytes, CHALLENGE_BYTES), "algorithms", -7, -8, "exclude",
            code.exclude, "timeout_ms", (json_int_t)g->settings.enrolment_ms, "words",
            code.words.at, code.words.len);
    check(answer);
    visit_reply_json(visit, 200, answer);
}

/* --- the passkey ----------------------------------------------------------------------------- */

/* What the page sent: texts borrowed from its body, then bytes. */
struct made {
    struct str code, words, credential_id, authenticator_text, client_text;
    size_t authenticator_len, client_len;
    uint8_t authenticator[WEBAUTHN_AUTHENTICATOR_BYTES_MAX];
    uint8_t client[WEBAUTHN_CLIENT_BYTES_MAX];
};

/* Hints for the browser; they are looked at and not kept: no fact has a place for them. */
static bool transports_fit(const json_t *transports, struct err *err)
{
    const json_t *word;
    size_t i;

    json_array_foreach (transports, i, word)
        if (!json_is_string(word) || json_string_length(word) > TRANSPORT_CHARS_MAX)
            return err_code(err, ERR_INPUT, "bad_value", "transports",
                "transports[%zu] is no word of at most %d characters", i, TRANSPORT_CHARS_MAX);
    return true;
}

static bool read_bytes(const char *param, struct str text, size_t bytes_max, uint8_t *ret_bytes,
    size_t *ret_len, struct err *err)
{
    return base64url_decode(text, bytes_max, ret_bytes, ret_len) ||
           err_code(err, ERR_INPUT, "not_base64url", param,
               "%s is not base64url without `=`, or more than %zu bytes", param, bytes_max);
}

static bool read_made(const json_t *body, struct made *made, struct err *err)
{
    json_t *transports = NULL;
    const struct json_field fields[] = {
        JSON_TAKE_TEXT("code", &made->code, 1, CODE_CHARS_MAX),
        JSON_TAKE_TEXT("words", &made->words, 0, ENROLMENT_WORDS_BYTES_MAX),
        JSON_TAKE_TEXT("credential_id", &made->credential_id, 1,
            (int64_t)WEBAUTHN_TEXT_LENGTH(WEBAUTHN_CREDENTIAL_BYTES_MAX)),
        JSON_TAKE_TEXT("authenticator_data", &made->authenticator_text, 1,
            (int64_t)WEBAUTHN_TEXT_LENGTH(WEBAUTHN_AUTHENTICATOR_BYTES_MAX)),
        JSON_TAKE_TEXT("client_data_json", &made->client_text, 1,
            (int64_t)WEBAUTHN_TEXT_LENGTH(WEBAUTHN_CLIENT_BYTES_MAX)),
        JSON_MAY_ARRAY("transports", &transports, 0, ENROLMENT_TRANSPORTS_MAX),
    };

    return json_take(body, fields, COUNT(fields), err) && transports_fit(transports, err) &&
           read_bytes("authenticator_data", made->authenticator_text, sizeof made->authenticator,
               made->authenticator, &made->authenticator_len, err) &&
           read_bytes("client_data_json", made->client_text, sizeof made->client, made->client,
               &made->client_len, err);
}

/* The id that the browser names must be the one that the authenticator says; and a new one. */
static bool check_id(const struct made *made, const struct enrolment_code *code,
    const struct webauthn_authenticator *said, struct err *err)
{
    scoped(json_done) json_t *text =
        base64url_text(said->credential_id.at, said->credential_id.len);
    const json_t *known;
    size_t i;

    if (!str_eq(str_from(json_string_value(text)), made->credential_id))
        return err_code(err, ERR_INPUT, "bad_credential_id", "credential_id",
            "credential_id is not the one that the authenticator names");
    json_array_foreach (code->exclude, i, known)
        if (json_equal(known, text))
            return err_code(err, ERR_DENIED, "passkey_known", "credential_id",
                "this passkey is enrolled already");
    return true;
}

static bool check_made(struct gateway *g, const struct made *made,
    const struct enrolment_code *code, struct enrolment *ret_enrolment, struct err *err)
{
    struct str authenticator = {(const char *)made->authenticator, made->authenticator_len};
    struct str client = {(const char *)made->client, made->client_len};
    struct webauthn_authenticator said;
    struct webauthn_expected expected;
    uint8_t challenge[CHALLENGE_BYTES];
    struct str words = code->words.len ? code->words : made->words;

    if (!enrolment_words_fit(words, err) ||
        !take_challenge(g->enrolments, code->id, challenge, err))
        return false;
    passkey_expect(&expected, WEBAUTHN_CREATE,
        (struct str){(const char *)challenge, sizeof challenge}, &code->origin, 1, code->rp_id);
    if (!passkey_check_new(&expected, authenticator, client, &said, err) ||
        !check_id(made, code, &said, err))
        return false;
    *ret_enrolment = (struct enrolment){.person = code->person,
        .words = words,
        .credential_id = made->credential_id,
        .origin = code->origin,
        .rp_id = code->rp_id,
        .key = said.key,
        .created_at_ms = clock_civil_ms()};
    memcpy(ret_enrolment->id, code->id, sizeof code->id);
    return true;
}

/* From here on the code is used. */
static bool keep(const struct gateway *g, const struct enrolment *enrolment, struct err *err)
{
    scoped(json_done) json_t *document = enrolment_document(enrolment);
    scoped(buf_done) struct buf text = buf_of(ENROLMENT_PENDING_FORM.bytes_max);
    char path[PATH_MAX];

    pending_path(g->enrolments, enrolment->id, path);
    return json_plain(document, &text, err) && file_replace(path, buf_str(&text), 0600, err);
}

void route_passkeys(struct visit *visit)
{
    scoped(json_done) json_t *body = NULL, *codes = NULL;
    struct gateway *g = visit->gateway;
    struct enrolment enrolment;
    struct enrolment_code code;
    struct made made = {0};
    struct err err = {0};
    char key_id[KEY_ID_BYTES];

    if (!json_read(exchange_body(visit->ex), BODY_BYTES_MAX, &body, &err) ||
        !read_made(body, &made, &err) || !find_code(visit, made.code, &codes, &code, &err) ||
        !has_room(g, &err) || !check_made(g, &made, &code, &enrolment, &err) ||
        !keep(g, &enrolment, &err)) {
        visit_reply_error(visit, &err);
        return;
    }
    passkey_key_id(&enrolment.key, key_id);
    scoped(json_done) json_t *answer = json_pack("{s:s, s:s, s:s%}", "enrolment", enrolment.id,
        "key_id", key_id, "person", enrolment.person.at, enrolment.person.len);
    check(answer);
    log_event("passkey_waits", "enrolment", enrolment.id, "key_id", key_id, "person",
        json_string_value(json_object_get(answer, "person")), NULL);
    visit_reply_json(visit, 201, answer);
}
