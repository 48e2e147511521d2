/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/session.h"

#include "base/log.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "catalogue/document.h"
#include "gateway/inside.h"
#include "gateway/session_inside.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/random.h"
#include "json/json_take.h"
#include "json/json_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FINGERPRINT_BYTES 17
#define FILE_MODE 0600

static const struct document_form FORM = {
    .blank = "{\"schema\":\"logic-node/sessions/v1\",\"sessions\":[]}",
    .bytes_max = SESSION_FILE_BYTES_MAX,
};

/* --- the file ------------------------------------------------------------------------------- */

static void read_sessions(struct sessions *s)
{
    scoped(json_done) json_t *file = NULL;
    struct stat seen;
    struct err err = {0};

    if (stat(s->path, &seen) == 0 && (seen.st_mode & (S_IWGRP | S_IWOTH)))
        err_code(&err, ERR_SYSTEM, "sessions_exposed", NULL,
            "others may write '%s': everybody signs in again", s->path);
    else if (document_read(s->path, &FORM, &file, &err) &&
             session_book_read(&s->book, file, clock_civil_ms(), &err))
        return;
    log_error("sessions_refused", "code", err.code, "why", err.message, NULL);
}

static void on_worker(uv_work_t *work)
{
    struct gateway *g = work->data;
    struct sessions *s = g->sessions;

    s->write_err = (struct err){0};
    (void)file_replace(s->path, buf_str(&s->text), FILE_MODE, &s->write_err);
}

static void compose(struct sessions *s)
{
    scoped(json_done) json_t *file = session_book_file(&s->book);
    struct err err;

    buf_clear(&s->text);
    s->kept = s->book.changes;
    s->urgent = false;
    check(json_plain(file, &s->text, &err)); /* SESSIONS_MAX rows fit */
}

static void say_unwritten(const struct sessions *s)
{
    if (*s->write_err.message)
        log_error("sessions_not_kept", "why", s->write_err.message, NULL);
}

static void write_now(struct gateway *g)
{
    struct sessions *s = g->sessions;

    if (s->kept == s->book.changes)
        return;
    compose(s);
    s->work.data = g;
    on_worker(&s->work);
    say_unwritten(s);
}

static void after_worker(uv_work_t *work, int status);

static void begin_write(struct gateway *g)
{
    struct sessions *s = g->sessions;

    if (s->writing || s->closing || s->kept == s->book.changes)
        return;
    compose(s);
    s->writing = true;
    s->work.data = g;
    check(uv_queue_work(&g->role->loop, &s->work, on_worker, after_worker) == 0);
}

static void after_worker(uv_work_t *work, int status)
{
    struct gateway *g = work->data;
    struct sessions *s = g->sessions;

    check(status == 0);
    s->writing = false;
    say_unwritten(s);
    if (s->closing)
        write_now(g);
    else if (s->urgent)
        begin_write(g);
}

void sessions_keep(struct gateway *g)
{
    g->sessions->urgent = true;
    begin_write(g);
}

/* --- life ----------------------------------------------------------------------------------- */

bool sessions_open(struct gateway *g, struct err *err)
{
    const struct gateway_settings *settings = &g->settings;
    const struct session_times times = {.operator_ms = settings->session_ms,
        .operator_idle_ms = settings->session_idle_ms,
        .viewer_ms = settings->session_viewer_ms};
    struct sessions *s = calloc(1, sizeof *s);
    char folder[PATH_MAX];

    check(s);
    g->sessions = s;
    session_book_init(&s->book, (size_t)settings->sessions_max, &times);
    s->challenges = calloc((size_t)settings->challenges_max, sizeof *s->challenges);
    check(s->challenges);
    s->text = buf_of(SESSION_FILE_BYTES_MAX);
    if (gethostname(s->node, sizeof s->node - 1) != 0)
        snprintf(s->node, sizeof s->node, "node");
    role_path(g->role, "sessions", folder);
    role_path(g->role, "sessions/sessions.json", s->path);
    if (!file_make_folder(folder, 0700, err))
        return false;
    role_allow_write(g->role, folder);
    read_sessions(s);
    return true;
}

static void on_tick(uv_timer_t *timer)
{
    struct gateway *g = timer->data;

    sessions_sweep(g);
    begin_write(g);
}

static bool session_lives(void *owner, const char *name, bool sees_queue);

void sessions_start(struct gateway *g)
{
    struct sessions *s = g->sessions;
    uint64_t keep_ms = (uint64_t)g->settings.session_keep_ms;

    s->tick = calloc(1, sizeof *s->tick);
    check(s->tick && uv_timer_init(&g->role->loop, s->tick) == 0);
    s->tick->data = g;
    people_init(g);
    check(uv_timer_start(s->tick, on_tick, keep_ms, keep_ms) == 0);
    g->hub.session_lives = session_lives;
    g->hub.owner = g;
}

static void on_tick_closed(uv_handle_t *handle)
{
    free(handle);
}

void sessions_close(struct gateway *g)
{
    struct sessions *s = g->sessions;

    if (!s || s->closing)
        return;
    people_close(g);
    s->closing = true;
    if (s->tick)
        uv_close((uv_handle_t *)s->tick, on_tick_closed);
    if (!s->writing)
        write_now(g);
}

void sessions_free(struct gateway *g)
{
    struct sessions *s = g->sessions;

    if (!s)
        return;
    session_book_done(&s->book);
    json_decref(s->people.told);
    buf_done(&s->text);
    free(s->challenges);
    free(s);
    g->sessions = NULL;
}

void sessions_judge(struct gateway *g)
{
    people_changed(g);
}

void sessions_event(struct gateway *g, const json_t *message)
{
    if (str_eq(json_str(message, "kind"), S("kb_loaded")))
        people_changed(g);
}

/* --- whose a cookie is ---------------------------------------------------------------------- */

static bool here_without_tls(struct exchange *ex)
{
    const struct exchange_peer *peer = exchange_peer(ex);

    return !peer->tls && peer->channel == EXCHANGE_LOOPBACK;
}

/* What proxies add by themselves. */
static bool is_forwarded(struct exchange *ex)
{
    static const struct str ADDED[] = {S("Forwarded"), S("X-Forwarded-For"), S("X-Forwarded-Host"),
        S("X-Forwarded-Proto"), S("X-Real-IP"), S("Via")};

    for (size_t i = 0; i < COUNT(ADDED); i++)
        if (exchange_header(ex, ADDED[i]).at)
            return true;
    return false;
}

/* With whatever port: who asks writes it. */
static bool host_has_tls(const struct gateway *g, struct str host)
{
    for (size_t i = 0; g->origins[i]; i++)
        if (str_starts(str_from(g->origins[i]), S("https://")) &&
            str_eq_nocase(str_from(g->names[g->names_own + i]), host))
            return true;
    return false;
}

bool sessions_by_proxy(const struct gateway *g, struct exchange *ex)
{
    struct str host = {0};

    if (!here_without_tls(ex))
        return false;
    if (is_forwarded(ex) || !http_host_name(exchange_header(ex, S("Host")), &host))
        return true;
    if (host_has_tls(g, host))
        return true;
    return !people_known(g) && !http_host_is_loopback(host); /* its page_origin may come yet */
}

bool sessions_by_tls(const struct gateway *g, struct exchange *ex)
{
    struct str host = {0};

    return exchange_peer(ex)->tls ||
           (here_without_tls(ex) && http_host_name(exchange_header(ex, S("Host")), &host) &&
               host_has_tls(g, host));
}

static struct str cookie_name(const struct gateway *g, struct exchange *ex)
{
    return sessions_by_tls(g, ex) ? S(SESSION_COOKIE_TLS) : S(SESSION_COOKIE_PLAIN);
}

bool sessions_shown(const struct gateway *g, struct exchange *ex)
{
    struct str value;

    return !exchange_header(ex, S("Authorization")).at && exchange_header(ex, S("Cookie")).at &&
           !exchange_header(ex, S("X-Api-Key")).at && exchange_peer(ex)->channel != EXCHANGE_UNIX &&
           session_cookie(exchange_header(ex, S("Cookie")), cookie_name(g, ex), &value);
}

static struct session *shown(struct gateway *g, struct exchange *ex, struct str *ret_cookie)
{
    struct str value;

    if (!session_cookie(exchange_header(ex, S("Cookie")), cookie_name(g, ex), &value))
        return NULL;
    *ret_cookie = value;
    return session_book_find(&g->sessions->book, value, clock_civil_ms());
}

/* Of a token of the --tokens file: it stands for the token without being its hash. */
static void fingerprint(const struct token *token, char ret_text[FINGERPRINT_BYTES])
{
    char hex[SHA256_HEX_BYTES];

    sha256_hex(str_from(token->sha256_hex), hex);
    snprintf(ret_text, FINGERPRINT_BYTES, "%.16s", hex);
}

void sessions_of_row(const struct token *token, char ret_of[SESSION_OF_BYTES])
{
    char text[FINGERPRINT_BYTES];

    fingerprint(token, text);
    snprintf(ret_of, SESSION_OF_BYTES, "file:%s", text);
}

static bool file_token_lives(
    const struct gateway *g, const struct session *session, const char *wanted)
{
    char is[FINGERPRINT_BYTES];

    for (size_t i = 0; i < g->tokens.count; i++) {
        fingerprint(&g->tokens.rows[i], is);
        if (strcmp(is, wanted) == 0 &&
            strcmp(g->tokens.rows[i].name, session->principal + strlen("token:")) == 0)
            return true;
    }
    return false;
}

static struct caller *row_caller(
    struct gateway *g, const struct session *session, struct exchange *ex)
{
    struct identity_refusal refusal;
    char name[EXCHANGE_NAME_BYTES];
    bool has_name = ex && exchange_peer_name(ex, name);
    const struct identity_shown is = {.certificate = has_name ? str_from(name) : S("")};

    if (!str_starts(str_from(session->of), S("row:")))
        return NULL;
    /* Without a request at hand (a stream) the certificate was looked at when it began. */
    return identity_row(g->front.identity, session->of + strlen("row:"), ex ? &is : NULL,
        identity_clock(), &refusal);
}

enum session_role sessions_role_of(uint32_t scopes)
{
    return scopes & CALLER_API    ? SESSION_OPERATOR
           : scopes & CALLER_VIEW ? SESSION_VIEWER
                                  : SESSION_NOBODY;
}

enum session_role sessions_source(
    struct gateway *g, const struct session *session, struct exchange *ex)
{
    struct str of = str_from(session->of);
    const char *person = NULL;

    if (str_starts(of, S("file:")))
        return file_token_lives(g, session, session->of + 5) ? SESSION_OPERATOR : SESSION_NOBODY;
    if (str_starts(of, S("row:"))) {
        const struct caller *caller = row_caller(g, session, ex);
        return caller ? sessions_role_of(caller->scopes) : SESSION_NOBODY;
    }
    if (!str_starts(of, S("key:")) ||
        !people_passkey(g, (struct str){of.at + 4, of.len - 4}, S(""), &person) ||
        strcmp(person, session->principal + strlen("person:")) != 0)
        return SESSION_NOBODY;
    return people_role(g, str_from(person));
}

void sessions_end(struct gateway *g, struct session *session, const char *why)
{
    char name[SESSION_NAME_BYTES];

    memcpy(name, session->name, sizeof name);
    log_event("session_ended", "name", name, "principal", session->principal, "why", why, NULL);
    session_book_end(&g->sessions->book, session);
    hub_end_session(&g->hub, name);
    sessions_keep(g);
}

void sessions_sweep(struct gateway *g)
{
    struct session_book *book = &g->sessions->book;
    int64_t now_ms = clock_civil_ms();

    for (size_t i = book->count; i-- > 0;)
        if (session_is_over(&book->rows[i], &book->times, now_ms))
            sessions_end(g, &book->rows[i], "its time is over");
}

/* A role that grew is not a session's that began with less: those last longer. */
static enum session_role role_now(
    struct gateway *g, struct session *session, struct exchange *ex, const char **ret_why)
{
    enum session_role role = sessions_source(g, session, ex);

    *ret_why = role == SESSION_NOBODY ? "what it was signed in with is no longer good"
               : role > session->role ? "it may more than when it began"
                                      : NULL;
    return role;
}

bool sessions_wait(struct gateway *g, struct exchange *ex)
{
    struct str cookie;
    const struct session *session = shown(g, ex, &cookie);

    return session && session->how == SESSION_PASSKEY && people_wait(g, ex);
}

bool sessions_find(struct gateway *g, struct exchange *ex, struct visitor *ret_visitor,
    char ret_principal[SESSION_PRINCIPAL_BYTES], struct err *err)
{
    struct str cookie;
    const char *why;
    struct session *session = shown(g, ex, &cookie);

    *ret_visitor = (struct visitor){0};
    if (!session)
        return true;
    if (session->how == SESSION_PASSKEY && !people_known(g))
        return err_code(err, ERR_PEER, "judge_away", NULL,
            "the judge is away, and with it who may do what; try again");
    enum session_role role = role_now(g, session, ex, &why);
    if (why) {
        sessions_end(g, session, why);
        return true;
    }
    ret_visitor->role = role;
    ret_visitor->how = session->how;
    ret_visitor->cookie = cookie;
    memcpy(ret_visitor->session, session->name, SESSION_NAME_BYTES);
    memcpy(ret_principal, session->principal, SESSION_PRINCIPAL_BYTES);
    return true;
}

bool sessions_guard(const struct visitor *visitor, struct exchange *ex, struct err *err)
{
    struct str word = exchange_header(ex, S("X-Logic-CSRF"));

    if (!*visitor->session || session_csrf_fits(visitor->cookie, word))
        return true;
    return err_code(err, ERR_DENIED, "csrf", NULL,
        word.at ? "X-Logic-CSRF is not that of this session: take `csrf` of GET /api/v1/session"
                : "with a session a change needs the header X-Logic-CSRF: `csrf` of GET "
                  "/api/v1/session");
}

/* An operator, or whose token has the scope. */
static bool may_see_queue(struct gateway *g, const struct session *session, enum session_role role)
{
    const struct caller *caller = row_caller(g, session, NULL);

    return role == SESSION_OPERATOR || (caller && caller->scopes & CALLER_QUEUE);
}

/* A stream is open: is its session still one, and what it was when the stream began? */
static bool session_lives(void *owner, const char *name, bool sees_queue)
{
    struct gateway *g = owner;
    struct sessions *s = g->sessions;
    struct session *session = session_book_named(&s->book, str_from(name));
    int64_t now_ms = clock_civil_ms();
    const char *why = NULL;
    bool sees = true; /* as long as nobody can say otherwise */

    if (!session)
        return false;
    if (session_is_over(session, &s->book.times, now_ms))
        why = "its time is over";
    else if (session->how != SESSION_PASSKEY || people_known(g))
        sees = may_see_queue(g, session, role_now(g, session, NULL, &why));
    if (!why) {
        session_use(&s->book, session, now_ms);
        return sees || !sees_queue;
    }
    log_event("session_ended", "name", name, "principal", session->principal, "why", why, NULL);
    session_book_end(&s->book, session);
    sessions_keep(g);
    return false;
}

/* --- as a caller of inference --------------------------------------------------------------- */

struct caller *sessions_caller(
    struct gateway *g, const struct visitor *visitor, struct exchange *ex, uint32_t scope)
{
    struct session *session = session_book_named(&g->sessions->book, str_from(visitor->session));
    bool reads = !http_method_changes(exchange_method(ex));
    bool operates = visitor->role == SESSION_OPERATOR;

    check(session);
    struct caller *caller = row_caller(g, session, ex);
    if (caller && (!reads || (!operates && caller->scopes & scope)))
        return caller; /* what it spends is the token's */
    return identity_session(g->front.identity, session->principal,
        !operates ? CALLER_MODELS
        : caller
            ? CALLER_MODELS | CALLER_QUEUE
            : CALLER_CHAT | CALLER_COMPLETIONS | CALLER_EMBEDDINGS | CALLER_MODELS | CALLER_QUEUE,
        operates);
}

/* --- challenges ------------------------------------------------------------------------------ */

/* The oldest first, so those that are over are at the front. */
static void drop_challenges(struct sessions *s, size_t from, size_t count)
{
    memmove(s->challenges + from, s->challenges + from + count,
        (s->challenge_count - from - count) * sizeof *s->challenges);
    s->challenge_count -= count;
}

static void drop_old_challenges(struct sessions *s, size_t max)
{
    int64_t now_ms = clock_steady_ms();
    size_t old = 0;

    while (old < s->challenge_count &&
           (s->challenges[old].until_ms <= now_ms || s->challenge_count - old > max))
        old++;
    drop_challenges(s, 0, old);
}

void sessions_challenge(struct gateway *g, const char *address, uint8_t ret_bytes[CHALLENGE_BYTES])
{
    struct sessions *s = g->sessions;
    size_t max = (size_t)g->settings.challenges_max, own = 0;

    drop_old_challenges(s, max);
    while (own < s->challenge_count && strcmp(s->challenges[own].address, address) != 0)
        own++;
    if (s->challenge_count == max)
        drop_challenges(s, own < max ? own : 0, 1);
    struct challenge *challenge = &s->challenges[s->challenge_count++];
    random_bytes(challenge->bytes, sizeof challenge->bytes);
    challenge->until_ms = clock_steady_ms() + g->settings.challenge_ms;
    snprintf(challenge->address, sizeof challenge->address, "%s", address);
    memcpy(ret_bytes, challenge->bytes, CHALLENGE_BYTES);
}

bool sessions_challenge_take(struct gateway *g, struct str bytes)
{
    struct sessions *s = g->sessions;

    drop_old_challenges(s, (size_t)g->settings.challenges_max);
    for (size_t i = 0; i < s->challenge_count; i++) {
        struct str is = {(const char *)s->challenges[i].bytes, CHALLENGE_BYTES};
        if (!crypto_equal(is, bytes))
            continue;
        drop_challenges(s, i, 1);
        return true;
    }
    return false;
}

/* --- numbers -------------------------------------------------------------------------------- */

void sessions_metrics(const struct gateway *g, struct buf *out)
{
    static const char *const OUTCOMES[SIGN_INS] = {"done", "wrong", "not_allowed", "limited"};
    const struct sessions *s = g->sessions;

    buf_printf(out,
        "# HELP logic_node_sessions Browsers that are signed in.\n"
        "# TYPE logic_node_sessions gauge\nlogic_node_sessions %zu\n"
        "# HELP logic_node_sign_ins_total Tries to sign in, by outcome.\n"
        "# TYPE logic_node_sign_ins_total counter\n",
        s->book.count);
    for (int i = 0; i < SIGN_INS; i++)
        buf_printf(out, "logic_node_sign_ins_total{outcome=\"%s\"} %" PRIu64 "\n", OUTCOMES[i],
            s->sign_ins[i]);
}
