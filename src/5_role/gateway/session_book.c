/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/session_book.h"

#include "base/buf.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "coding/coding.h"
#include "jwt/jwt.h"
#include "os/clock.h"
#include "json/json_take.h"

#include <stdio.h>
#include <stdlib.h>

#define CSRF_WORDS S("logic-node/csrf/v1")
#define SESSION_SCHEMA "logic-node/sessions/v1"

static const char *const ROLES[] = {"nobody", "viewer", "operator"};
static const char *const HOWS[] = {"local", "token", "passkey"};

const char *session_role_word(enum session_role role)
{
    return ROLES[role];
}

const char *session_how_word(enum session_how how)
{
    return HOWS[how];
}

/* --- words of a request --------------------------------------------------------------------- */

bool session_cookie(struct str header, struct str name, struct str *ret_value)
{
    struct str value = {0};
    size_t count = 0;

    while (header.len) {
        struct str is, pair = str_trim(str_cut(header, ';', &header));
        struct str key = str_cut(pair, '=', &is);
        if (!str_eq(key, name))
            continue;
        value = is;
        count++;
    }
    if (count != 1)
        return false;
    *ret_value = value;
    return true;
}

/* The secret of a cookie; one text for one secret. */
static bool secret_of(struct str cookie, uint8_t ret_secret[SESSION_SECRET_BYTES])
{
    size_t count = 0;

    return cookie.len == SESSION_COOKIE_BYTES - 1 &&
           base64url_decode(cookie, SESSION_SECRET_BYTES, ret_secret, &count) &&
           count == SESSION_SECRET_BYTES;
}

static void word_of(const uint8_t bytes[SHA256_BYTES], char ret_text[SESSION_CSRF_BYTES])
{
    scoped(buf_done) struct buf text = buf_of(SESSION_CSRF_BYTES);

    base64url_encode((struct str){(const char *)bytes, SHA256_BYTES}, &text);
    check(text.len == SESSION_CSRF_BYTES - 1);
    memcpy(ret_text, buf_text(&text), SESSION_CSRF_BYTES);
}

void session_csrf(struct str cookie, char ret_csrf[SESSION_CSRF_BYTES])
{
    uint8_t secret[SESSION_SECRET_BYTES], code[SHA256_BYTES];

    *ret_csrf = '\0';
    if (!secret_of(cookie, secret))
        return;
    hmac_sha256((struct str){(const char *)secret, sizeof secret}, CSRF_WORDS, code);
    word_of(code, ret_csrf);
}

bool session_csrf_fits(struct str cookie, struct str shown)
{
    char wanted[SESSION_CSRF_BYTES];

    session_csrf(cookie, wanted);
    return *wanted && shown.at && crypto_equal(str_from(wanted), shown);
}

void session_browser(struct str user_agent, char ret_browser[SESSION_BROWSER_BYTES])
{
    size_t count = 0;

    for (size_t i = 0; i < user_agent.len && count < SESSION_BROWSER_BYTES - 1; i++)
        if (user_agent.at[i] >= ' ' && user_agent.at[i] <= '~')
            ret_browser[count++] = user_agent.at[i];
    ret_browser[count] = '\0';
}

/* --- the book ------------------------------------------------------------------------------- */

void session_book_init(struct session_book *book, size_t max, const struct session_times *times)
{
    check(max > 0 && max <= SESSIONS_MAX);
    *book =
        (struct session_book){.rows = calloc(max, sizeof *book->rows), .max = max, .times = *times};
    check(book->rows);
}

void session_book_done(struct session_book *book)
{
    free(book->rows);
    *book = (struct session_book){0};
}

static int64_t last_ms(const struct session_times *times, enum session_role role)
{
    return role == SESSION_OPERATOR ? times->operator_ms : times->viewer_ms;
}

bool session_is_over(
    const struct session *session, const struct session_times *times, int64_t now_ms)
{
    int64_t idle_ms =
        session->role == SESSION_OPERATOR ? times->operator_idle_ms : times->viewer_ms;

    return now_ms >= session->expires_at_ms || now_ms - session->seen_at_ms >= idle_ms ||
           now_ms >= session->created_at_ms + last_ms(times, session->role) ||
           now_ms < session->created_at_ms - SESSION_CLOCK_SLACK_MS;
}

void session_use(struct session_book *book, struct session *session, int64_t now_ms)
{
    if (session->seen_at_ms >= now_ms)
        return;
    session->seen_at_ms = now_ms;
    book->changes++;
}

void session_book_end(struct session_book *book, struct session *session)
{
    struct session *last = &book->rows[--book->count];

    check(session >= book->rows && session <= last);
    *session = *last;
    explicit_bzero(last, sizeof *last);
    book->changes++;
}

size_t session_book_sweep(struct session_book *book, int64_t now_ms)
{
    size_t count = 0;

    for (size_t i = book->count; i-- > 0;)
        if (session_is_over(&book->rows[i], &book->times, now_ms)) {
            session_book_end(book, &book->rows[i]);
            count++;
        }
    return count;
}

static struct session *longest_unused(struct session_book *book)
{
    struct session *found = &book->rows[0];

    for (size_t i = 1; i < book->count; i++)
        if (book->rows[i].seen_at_ms < found->seen_at_ms)
            found = &book->rows[i];
    return found;
}

struct session *session_book_add(struct session_book *book, const struct session *fresh,
    const uint8_t secret[SESSION_SECRET_BYTES], const uint8_t name[SESSION_NAME_BYTES / 2],
    int64_t now_ms, struct session *ret_evicted)
{
    *ret_evicted = (struct session){0};
    session_book_sweep(book, now_ms);
    if (book->count == book->max) {
        struct session *old = longest_unused(book);
        *ret_evicted = *old;
        session_book_end(book, old);
    }
    struct session *session = &book->rows[book->count++];
    *session = *fresh;
    sha256((struct str){(const char *)secret, SESSION_SECRET_BYTES}, session->hash);
    hex_encode(name, SESSION_NAME_BYTES / 2, session->name);
    session->created_at_ms = session->seen_at_ms = now_ms;
    session->expires_at_ms = now_ms + last_ms(&book->times, session->role);
    book->changes++;
    return session;
}

/* Every row is compared, in equal time: how long it takes says nothing of a hash. */
struct session *session_book_find(struct session_book *book, struct str cookie, int64_t now_ms)
{
    uint8_t secret[SESSION_SECRET_BYTES], hash[SHA256_BYTES];
    struct session *found = NULL;

    if (!secret_of(cookie, secret))
        return NULL;
    sha256((struct str){(const char *)secret, sizeof secret}, hash);
    for (size_t i = 0; i < book->count; i++)
        if (crypto_equal((struct str){(const char *)hash, sizeof hash},
                (struct str){(const char *)book->rows[i].hash, SHA256_BYTES}))
            found = &book->rows[i];
    if (!found)
        return NULL;
    if (session_is_over(found, &book->times, now_ms)) {
        session_book_end(book, found);
        return NULL;
    }
    session_use(book, found, now_ms);
    return found;
}

struct session *session_book_named(struct session_book *book, struct str name)
{
    for (size_t i = 0; i < book->count; i++)
        if (str_eq(str_from(book->rows[i].name), name))
            return &book->rows[i];
    return NULL;
}

/* --- rows as JSON --------------------------------------------------------------------------- */

json_t *session_json(const struct session *session)
{
    char created[CLOCK_TEXT_BYTES], seen[CLOCK_TEXT_BYTES], expires[CLOCK_TEXT_BYTES];

    clock_text(session->created_at_ms, created);
    clock_text(session->seen_at_ms, seen);
    clock_text(session->expires_at_ms, expires);
    json_t *row = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "name", session->name,
        "principal", session->principal, "how", session_how_word(session->how), "role",
        session_role_word(session->role), "browser", session->browser, "address", session->address,
        "created_at", created, "seen_at", seen, "expires_at", expires);
    check(row);
    return row;
}

json_t *session_book_file(const struct session_book *book)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < book->count; i++) {
        const struct session *session = &book->rows[i];
        json_t *row = session_json(session);
        char hash[HEX_BYTES(SHA256_BYTES)];
        hex_encode(session->hash, SHA256_BYTES, hash);
        check(json_object_set_new(row, "sha256", json_string(hash)) == 0 &&
              json_object_set_new(row, "of", json_string(session->of)) == 0 &&
              json_array_append_new(rows, row) == 0);
    }
    json_t *file = json_pack("{s:s, s:o}", "schema", SESSION_SCHEMA, "sessions", rows);
    check(file);
    return file;
}

static bool word_in(struct str word, const char *const *words, int from, int to, int *ret_at)
{
    for (*ret_at = from; *ret_at <= to; (*ret_at)++)
        if (str_eq(word, str_from(words[*ret_at])))
            return true;
    return false;
}

bool session_principal_fits(struct str principal, enum session_how how)
{
    struct str head = how == SESSION_TOKEN ? S("token:") : S("person:");

    if (!str_starts(principal, head) || principal.len == head.len)
        return false;
    for (size_t i = head.len; i < principal.len; i++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.",
                principal.at[i]))
            return false;
    return true;
}

static bool printable(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] < ' ' || text.at[i] > '~')
            return false;
    return true;
}

/* `from` is followed by a terminator and fits. */
static void put(char *to, struct str from)
{
    memcpy(to, from.at, from.len + 1);
}

static bool read_row(json_t *row, struct session *ret_session, struct err *err)
{
    struct session session = {0};
    struct str name, sha256, how, role, principal, of, browser, address, created, seen, expires;
    uint8_t name_bytes[SESSION_NAME_BYTES / 2];
    int how_at, role_at;
    const struct json_field fields[] = {
        JSON_TAKE_TEXT("name", &name, SESSION_NAME_BYTES - 1, SESSION_NAME_BYTES - 1),
        JSON_TAKE_TEXT("sha256", &sha256, SHA256_HEX_BYTES - 1, SHA256_HEX_BYTES - 1),
        JSON_TAKE_TEXT("how", &how, 1, 16),
        JSON_TAKE_TEXT("role", &role, 1, 16),
        JSON_TAKE_TEXT("principal", &principal, 1, SESSION_PRINCIPAL_BYTES - 1),
        JSON_TAKE_TEXT("of", &of, 1, SESSION_OF_BYTES - 1),
        JSON_TAKE_TEXT("browser", &browser, 0, SESSION_BROWSER_BYTES - 1),
        JSON_TAKE_TEXT("address", &address, 0, SESSION_ADDRESS_BYTES - 1),
        JSON_TAKE_TEXT("created_at", &created, 1, CLOCK_TEXT_BYTES - 1),
        JSON_TAKE_TEXT("seen_at", &seen, 1, CLOCK_TEXT_BYTES - 1),
        JSON_TAKE_TEXT("expires_at", &expires, 1, CLOCK_TEXT_BYTES - 1),
    };

    if (!json_take(row, fields, COUNT(fields), err))
        return false;
    if (!hex_decode(name, sizeof name_bytes, name_bytes) ||
        !hex_decode(sha256, SHA256_BYTES, session.hash) ||
        !word_in(how, HOWS, SESSION_TOKEN, SESSION_PASSKEY, &how_at) ||
        !word_in(role, ROLES, SESSION_VIEWER, SESSION_OPERATOR, &role_at) ||
        !session_principal_fits(principal, (enum session_how)how_at) || !printable(of) ||
        !printable(browser) || !printable(address) ||
        !clock_from_text(created.at, &session.created_at_ms) ||
        !clock_from_text(seen.at, &session.seen_at_ms) ||
        !clock_from_text(expires.at, &session.expires_at_ms))
        return err_code(err, ERR_INPUT, "bad_sessions", NULL, "a member is not of its form");
    session.how = (enum session_how)how_at;
    session.role = (enum session_role)role_at;
    put(session.name, name);
    put(session.principal, principal);
    put(session.of, of);
    put(session.browser, browser);
    put(session.address, address);
    *ret_session = session;
    return true;
}

static bool is_double(const struct session_book *book, const struct session *session)
{
    for (size_t i = 0; i < book->count; i++)
        if (strcmp(book->rows[i].name, session->name) == 0 ||
            memcmp(book->rows[i].hash, session->hash, SHA256_BYTES) == 0)
            return true;
    return false;
}

bool session_book_read(
    struct session_book *book, const json_t *file, int64_t now_ms, struct err *err)
{
    json_t *rows = json_object_get(file, "sessions"), *row;
    struct session session;
    struct err why = {0};
    size_t i;

    check(book->count == 0);
    json_array_foreach (rows, i, row) {
        if (!json_is_object(row) || !read_row(row, &session, &why) || is_double(book, &session)) {
            explicit_bzero(book->rows, book->max * sizeof *book->rows);
            book->count = 0;
            return err_code(err, ERR_INPUT, "bad_sessions", NULL,
                "row %zu of the sessions is none of ours: %s", i + 1,
                *why.message ? why.message : "it is no object, or stands there twice");
        }
        if (book->count < book->max && !session_is_over(&session, &book->times, now_ms))
            book->rows[book->count++] = session;
    }
    if (!json_is_array(rows))
        return err_code(err, ERR_INPUT, "bad_sessions", NULL, "there is no list of sessions");
    return true;
}
