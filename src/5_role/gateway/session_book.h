/* SPDX-License-Identifier: Apache-2.0
 *
 * session_book — the sessions of browsers as data: made, found by what a cookie says, at their end.
 *
 *     session_cookie(exchange_header(ex, S("Cookie")), S("logic_session"), &value)
 *     session = session_book_find(&book, value, now_ms)
 *     session_csrf_fits(value, exchange_header(ex, S("X-Logic-CSRF")))
 *
 * A cookie is 32 random bytes in base64url; kept is its SHA-256. The CSRF word is
 * HMAC-SHA256(cookie's bytes, "logic-node/csrf/v1"): whoever reads the file has neither.
 *
 * A session ends at expires_at_ms, or when it was unused for as long as its role may be, or when
 * the clock stands before its beginning (somebody set it: nobody knows how long it was used).
 *
 * owner    session_book_init() … session_book_done()
 * threads  one at a time; no clock and no chance of its own
 * limits   sessions_max; beyond, the one unused for longest goes first
 */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "crypto/crypto.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SESSION_SECRET_BYTES 32
#define SESSION_COOKIE_BYTES 44 /* base64url of the secret, with a terminator */
#define SESSION_CSRF_BYTES 44
#define SESSION_NAME_BYTES 17 /* 16 hex digits: no secret, for lists and logs */
#define SESSION_PRINCIPAL_BYTES 80
#define SESSION_OF_BYTES 80
#define SESSION_BROWSER_BYTES 121
#define SESSION_ADDRESS_BYTES 64
#define SESSION_FILE_BYTES_MAX (4 * 1024 * 1024)
#define SESSIONS_MAX 4096
#define SESSION_CLOCK_SLACK_MS 60000

enum session_role { SESSION_NOBODY, SESSION_VIEWER, SESSION_OPERATOR };
enum session_how { SESSION_LOCAL, SESSION_TOKEN, SESSION_PASSKEY };

struct session {
    char name[SESSION_NAME_BYTES];
    uint8_t hash[SHA256_BYTES];              /* of the cookie's bytes */
    enum session_how how;                    /* never SESSION_LOCAL */
    enum session_role role;                  /* when it began: how long it may last */
    char principal[SESSION_PRINCIPAL_BYTES]; /* "token:NAME", "person:NAME" */
    char of[SESSION_OF_BYTES]; /* what it hangs on: "row:ID", "file:FINGERPRINT", "key:KEY_ID" */
    char browser[SESSION_BROWSER_BYTES]; /* as it called itself: printable ASCII, cut */
    char address[SESSION_ADDRESS_BYTES]; /* from where it signed in */
    int64_t created_at_ms, seen_at_ms, expires_at_ms; /* civil */
};

struct session_times {
    int64_t operator_ms, operator_idle_ms, viewer_ms;
};

struct session_book {
    struct session *rows;
    size_t count, max;
    struct session_times times;
    uint64_t changes; /* one more with each that a file should know of */
};

void session_book_init(struct session_book *book, size_t max, const struct session_times *times);
void session_book_done(struct session_book *book);

/* `fresh` has how, role, principal, of, browser and address; `secret` and `name` are new random
 * bytes. *ret_evicted (name "" if there was none) had to go for it. The pointer is good until the
 * next call that adds or ends. */
struct session *session_book_add(struct session_book *book, const struct session *fresh,
    const uint8_t secret[SESSION_SECRET_BYTES], const uint8_t name[SESSION_NAME_BYTES / 2],
    int64_t now_ms, struct session *ret_evicted);
/* NULL: none, or it is over (it is then forgotten). It counts as used now. */
struct session *session_book_find(struct session_book *book, struct str cookie, int64_t now_ms);
struct session *session_book_named(struct session_book *book, struct str name);
bool session_is_over(
    const struct session *session, const struct session_times *times, int64_t now_ms);
/* It is used: by a stream, say. */
void session_use(struct session_book *book, struct session *session, int64_t now_ms);
void session_book_end(struct session_book *book, struct session *session);
/* All that are over. How many they were. */
size_t session_book_sweep(struct session_book *book, int64_t now_ms);

/* The file: {"schema","sessions":[…]}, hashes only. New reference. */
json_t *session_book_file(const struct session_book *book);
/* Into an empty book; those that are over are left out. errors  ERR_INPUT "bad_sessions" with the
 * row: nothing is taken then */
bool session_book_read(
    struct session_book *book, const json_t *file, int64_t now_ms, struct err *err);
/* One row as others may see it: no hash. New reference. */
json_t *session_json(const struct session *session);

const char *session_role_word(enum session_role role); /* "viewer", "operator" */
const char *session_how_word(enum session_how how);    /* "local", "token", "passkey" */

/* --- words of a request: pure --- */

/* The value of the cookie `name` in a Cookie header. One that stands there twice was set by
 * somebody else, who hopes that theirs is read: neither is. */
bool session_cookie(struct str header, struct str name, struct str *ret_value);
/* `cookie` must be one of ours by its form; "" otherwise. */
void session_csrf(struct str cookie, char ret_csrf[SESSION_CSRF_BYTES]);
bool session_csrf_fits(struct str cookie, struct str shown);
/* "token:NAME" or "person:NAME" in letters, digits, _ - . only: it stands in JSON as it is. */
bool session_principal_fits(struct str principal, enum session_how how);
/* Printable ASCII of what a browser calls itself, cut. */
void session_browser(struct str user_agent, char ret_browser[SESSION_BROWSER_BYTES]);
