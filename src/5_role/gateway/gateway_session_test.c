/* SPDX-License-Identifier: Apache-2.0
 * Sessions on the real gateway before a FAKE judge: every route of route.def, by its method and
 * whoever asks; signing in and out; what a page of another site tries. */
#include "base/scoped.h"
#include "crypto/crypto.h"
#include "gateway/gateway_harness.h"
#include "gateway/route.h"
#include "gateway/session_book.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/file.h"
#include "scratch.h"
#include "tap.h"

#include <ctype.h>
#include <sys/stat.h>

#define OPERATOR "operator-token-0123456789-0123456789"
#define EYES "viewer-token-0123456789-0123456789xx"
#define CHATS "chat-token-0123456789-0123456789xxxx"
#define PATH_ID "01J0000000000000000000000Z"

static struct node node;
static struct fake_judge judge;
static char home[96];

struct browser {
    char cookie[160], csrf[SESSION_CSRF_BYTES], name[SESSION_NAME_BYTES];
};

static void write_tokens(const char *eyes_scope)
{
    char path[128], text[2048], eyes[SHA256_HEX_BYTES], chats[SHA256_HEX_BYTES];
    struct err err;

    sha256_hex(S(EYES), eyes);
    sha256_hex(S(CHATS), chats);
    snprintf(text, sizeof text,
        "{\"schema\":\"logic-node/tokens/v1\",\"keys\":[],\"tokens\":["
        "{\"name\":\"eyes\",\"id\":\"t-eyes\",\"kind\":\"opaque\",\"models\":[\"*\"],"
        "\"scopes\":[%s],\"sha256\":\"%s\"},"
        "{\"name\":\"chats\",\"id\":\"t-chats\",\"kind\":\"opaque\",\"models\":[\"*\"],"
        "\"scopes\":[\"chat\"],\"sha256\":\"%s\"}]}",
        eyes_scope, eyes, chats);
    snprintf(path, sizeof path, "%s/tokens/tokens.json", home);
    CHECK(file_replace(path, str_from(text), 0600, &err));
}

static void open_both(json_t *settings)
{
    char tokens[128], folder[128], text[256], hex[SHA256_HEX_BYTES];
    struct err err;

    snprintf(home, sizeof home, "%s", scratch_folder());
    snprintf(folder, sizeof folder, "%s/tokens", home);
    mkdir(folder, 0700);
    snprintf(tokens, sizeof tokens, "%s/list", home);
    sha256_hex(S(OPERATOR), hex);
    snprintf(text, sizeof text, "desk sha256:%s\n", hex);
    CHECK(file_replace(tokens, str_from(text), 0600, &err));
    write_tokens("\"view\"");
    node_open(&node, settings, json_pack("{s:s, s:s}", "tokens", tokens, "home", home));
    judge_open(&judge, 10);
    judge_join(&judge, &node);
}

static void close_both(void)
{
    node_close(&node);
    judge_close(&judge);
}

static const char *text_at(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

/* The status. */
static int sign_in(const char *token, const char *head, struct browser *ret_browser)
{
    char body[256];
    struct reply reply;

    *ret_browser = (struct browser){0};
    snprintf(body, sizeof body, "{\"token\":\"%s\"}", token);
    ask(&node, "POST", "/api/v1/session", head, body, &reply);
    int status = reply.status;
    const char *at = strstr(buf_text(&reply.text), "Set-Cookie: ");
    if (at) {
        const char *end = strchr(at, ';');
        snprintf(ret_browser->cookie, sizeof ret_browser->cookie, "Cookie: %.*s\r\n",
            (int)(end - at - 12), at + 12);
        snprintf(ret_browser->csrf, SESSION_CSRF_BYTES, "%s", text_at(reply.json, "csrf"));
        CHECK(strncmp(at + 12, "logic_session=", 14) == 0); /* this machine, without TLS */
        CHECK(strstr(at, "; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=") != NULL);
    }
    reply_done(&reply);
    return status;
}

/* Status, and error.code into *ret_code. */
static int request(const char *method, const char *path, const struct browser *browser,
    const char *csrf, const char *more, const char *body, char ret_code[32])
{
    char head[512];
    struct reply reply;

    snprintf(head, sizeof head, "%s%s%s%s%s", browser ? browser->cookie : "",
        csrf ? "X-Logic-CSRF: " : "", csrf ? csrf : "", csrf ? "\r\n" : "", more);
    ask(&node, method, path, head, body, &reply);
    int status = reply.status;
    snprintf(ret_code, 32, "%s", reply_code(&reply) ? reply_code(&reply) : "");
    reply_done(&reply);
    return status;
}

static void path_of(const struct route *route, char ret_path[128])
{
    const char *mark = memchr(route->pattern.at, '{', route->pattern.len);

    snprintf(ret_path, 128, mark ? "%.*s%s%s" : "%.*s",
        mark ? (int)(mark - route->pattern.at) : (int)route->pattern.len, route->pattern.at,
        PATH_ID, mark ? strchr(mark, '}') + 1 : "");
}

static bool reads(const struct route *route)
{
    return route->method == METHOD_GET;
}

TEST(with_a_cookie_every_route_that_changes_needs_the_word_of_this_session)
{
    struct browser browser, other;
    char path[128], code[32];
    int guarded = 0;

    open_both(NULL);
    CHECK_INT(sign_in(OPERATOR, "", &browser), 200);
    CHECK_INT(sign_in(OPERATOR, "", &other), 200);
    for (size_t i = 0; i < ROUTES; i++) {
        const struct route *route = &ROUTE_TABLE[i];
        if (reads(route))
            continue;
        const char *method = http_method_name(route->method);
        const char *const WRONG[] = {NULL, "", "x", other.csrf};
        path_of(route, path);
        for (size_t w = 0; w < COUNT(WRONG); w++) {
            CHECK_INT(request(method, path, &browser, WRONG[w], "", "{}", code), 403);
            CHECK_TEXT(code, "csrf");
        }
        guarded++;
    }
    CHECK(guarded > 15);
    CHECK_INT(judge.asked, 0);
    for (size_t i = 0; i < ROUTES; i++) { /* with it none of them minds */
        const struct route *route = &ROUTE_TABLE[i];
        path_of(route, path);
        if (!reads(route) && strcmp(route->name, "sign_out") != 0) {
            (void)request(
                http_method_name(route->method), path, &browser, browser.csrf, "", "{}", code);
            CHECK(strcmp(code, "csrf") != 0 && strcmp(code, "viewer") != 0);
        }
    }
    close_both();
}

TEST(no_route_is_open_to_a_page_of_another_site_with_or_without_a_cookie)
{
    static const char *const HEADS[] = {"Sec-Fetch-Site: cross-site\r\n",
        "Sec-Fetch-Site: same-site\r\n", "Origin: http://evil.example\r\n", "Origin: null\r\n"};
    struct browser browser;
    char path[128], code[32];

    open_both(NULL);
    CHECK_INT(sign_in(OPERATOR, "", &browser), 200);
    for (size_t i = 0; i < ROUTES; i++) {
        const struct route *route = &ROUTE_TABLE[i];
        path_of(route, path);
        for (size_t h = 0; h < 2 * COUNT(HEADS); h++) {
            bool cookie = h & 1;
            if (reads(route) && (route->open || h >= 4)) /* Origin is for changes */
                continue;
            CHECK_INT(request(http_method_name(route->method), path, cookie ? &browser : NULL,
                          cookie ? browser.csrf : NULL, HEADS[h / 2], "{}", code),
                403);
        }
    }
    CHECK_INT(judge.asked, 0);
    close_both();
}

/* By method, not by route: what a viewer may ask for in another way is no reason to let it pass. */
TEST(who_only_looks_is_refused_by_name_wherever_something_changes)
{
    static const char *const MAY[] = {
        "query", "sign_in", "sign_out", "challenge"}; /* and intents that only parse, below */
    struct browser browser;
    char path[128], code[32];
    int refused = 0;

    open_both(NULL);
    CHECK_INT(sign_in(EYES, "", &browser), 200);
    for (size_t i = 0; i < ROUTES; i++) {
        const struct route *route = &ROUTE_TABLE[i];
        const char *method = http_method_name(route->method);
        bool may = reads(route) || route->open;
        for (size_t m = 0; m < COUNT(MAY); m++)
            may = may || strcmp(MAY[m], route->name) == 0;
        path_of(route, path);
        if (may || strcmp(route->name, "senses") == 0)
            continue;
        CHECK_INT(request(method, path, &browser, browser.csrf, "", "{}", code), 403);
        CHECK_TEXT(code, "viewer");
        if (strncmp(path, "/api/v1/", 8) == 0 && strcmp(route->name, "session_end") != 0) {
            /* its token alone says the same */
            CHECK_INT(
                request(method, path, NULL, NULL, "Authorization: Bearer " EYES "\r\n", "{}", code),
                403);
            CHECK_TEXT(code, "viewer");
        }
        refused++;
    }
    CHECK(refused > 10);
    CHECK_INT(judge.asked, 0);
    CHECK_INT(request("POST", "/api/v1/intent", &browser, browser.csrf, "",
                  "{\"nl\":\"x\",\"parse_only\":true}", code),
        200);
    CHECK_INT(request("POST", "/api/v1/intent", &browser, browser.csrf, "",
                  "{\"nl\":\"x\",\"parse_only\":false}", code),
        403);
    CHECK_INT(request("POST", "/api/v1/intent", &browser, browser.csrf, "",
                  "{\"nl\":\"x\",\"parse_only\":true,\"model\":true}", code),
        403); /* that may wake a machine */
    CHECK_INT(
        request("POST", "/api/v1/query", &browser, browser.csrf, "", "{\"query\":\"echo\"}", code),
        200);
    CHECK_INT(request("GET", "/api/v1/cases", &browser, NULL, "", NULL, code), 200);
    CHECK_INT(request("GET", "/v1/models", &browser, NULL, "", NULL, code), 200);
    CHECK_INT(request("GET", "/api/v1/cases", NULL, NULL, "Authorization: Bearer " EYES "\r\n",
                  NULL, code),
        200);
    CHECK_INT(request("DELETE", "/api/v1/session", &browser, browser.csrf, "", NULL, code), 200);
    close_both();
}

/* What the judge is asked by a GET is one of the questions that record nothing. */
TEST(no_route_that_reads_asks_for_a_change)
{
    static const char *const CHANGES[] = {
        "intent", "proposal", "consent", "kb_reload", "alert_acknowledge", "senses"};
    struct browser browser;
    char path[128], code[32];
    int asked = 0;

    open_both(NULL);
    CHECK_INT(sign_in(OPERATOR, "", &browser), 200);
    for (size_t i = 0; i < ROUTES; i++) {
        const struct route *route = &ROUTE_TABLE[i];
        if (!reads(route) || strcmp(route->name, "events") == 0)
            continue;
        path_of(route, path);
        json_decref(judge.last);
        judge.last = NULL;
        int before = judge.asked;
        (void)request("GET", path, &browser, NULL, "", NULL, code);
        CHECK(strcmp(code, "csrf") != 0 && strcmp(code, "viewer") != 0);
        asked += judge.asked > before;
        for (size_t c = 0; judge.last && c < COUNT(CHANGES); c++)
            CHECK(strcmp(text_at(judge.last, "method"), CHANGES[c]) != 0);
    }
    CHECK(asked > 5);
    close_both();
}

#define SECRET "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE" /* 32 bytes 1 */

/* As if the node had been stopped with a person signed in. */
static void write_person(void)
{
    char path[128], text[1024], hash[SHA256_HEX_BYTES], now[32], later[32];
    uint8_t secret[SESSION_SECRET_BYTES];
    struct err err;

    memset(secret, 1, sizeof secret);
    sha256_hex((struct str){(const char *)secret, sizeof secret}, hash);
    clock_text(clock_civil_ms(), now);
    clock_text(clock_civil_ms() + 3600000, later);
    snprintf(text, sizeof text,
        "{\"schema\":\"logic-node/sessions/v1\",\"sessions\":[{\"name\":\"0123456789abcdef\","
        "\"sha256\":\"%s\",\"how\":\"passkey\",\"role\":\"operator\",\"principal\":"
        "\"person:fia\",\"of\":\"key:00112233aabbccdd\",\"browser\":\"\",\"address\":\"\","
        "\"created_at\":\"%s\",\"seen_at\":\"%s\",\"expires_at\":\"%s\"}]}",
        hash, now, now, later);
    snprintf(path, sizeof path, "%s/sessions", home);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/sessions/sessions.json", home);
    CHECK(file_replace(path, str_from(text), 0600, &err));
}

static json_t *people_with(const char *key_id, const char *role)
{
    return json_pack("{s:[{s:s, s:s, s:[s], s:[{s:s, s:s, s:s, s:s, s:s}]}], s:[]}", "people",
        "person", "fia", "name", "Fia", "roles", role, "passkeys", "key_id", key_id,
        "credential_id", "x", "public_key", "x", "rp_id", "x", "words", "x", "origins");
}

static const char *const PERSON_HEAD = "Cookie: logic_session=" SECRET "\r\n";

static void open_with_person(void)
{
    snprintf(home, sizeof home, "%s", scratch_folder());
    write_person();
    node_open(&node, NULL, json_pack("{s:s}", "home", home));
    judge_open(&judge, 10);
}

static void person_is(const char *principal, const char *role)
{
    struct reply reply;

    ask(&node, "GET", "/api/v1/session", PERSON_HEAD, NULL, &reply);
    CHECK_INT(reply.status, 200);
    CHECK_TEXT(text_at(reply.json, "principal"), principal);
    CHECK_TEXT(text_at(reply.json, "role"), role);
    reply_done(&reply);
}

TEST(a_person_is_believed_when_the_judge_has_said_who_there_is)
{
    struct reply reply;

    open_with_person();
    ask(&node, "GET", "/api/v1/session", PERSON_HEAD, NULL, &reply);
    CHECK_INT(reply.status, 503);
    CHECK_TEXT(reply_code(&reply), "judge_away");
    reply_done(&reply);
    ask(&node, "GET", "/healthz", PERSON_HEAD, NULL, &reply); /* that needs nobody */
    CHECK_INT(reply.status, 200);
    reply_done(&reply);
    judge_answers(&judge, "people", people_with("00112233aabbccdd", "owner"));
    judge_join(&judge, &node);
    person_is("person:fia", "operator");
    ask(&node, "POST", "/api/v1/query", PERSON_HEAD, "{\"query\":\"echo\"}", &reply);
    CHECK_TEXT(reply_code(&reply), "csrf");
    reply_done(&reply);
    judge_answers(&judge, "people", people_with("00112233aabbccdd", "viewer"));
    judge_die(&judge);
    person_is("person:fia", "operator"); /* nobody put other rules in force */
    judge_join(&judge, &node);
    person_is("person:fia", "viewer");
    judge_answers(&judge, "people", people_with("ffffffffffffffff", "owner"));
    judge_die(&judge);
    judge_join(&judge, &node);
    person_is("loopback", "operator"); /* the passkey left: nobody's cookie, and this machine */
    close_both();
}

/* Without a token, at GET /api/v1/cases. */
static int status_at(const char *host, const char *more)
{
    scoped(fd_done) int fd = client_open(&node);
    scoped(buf_done) struct buf request = buf_of(1024), text = buf_of(1 << 20);

    buf_printf(&request, "GET /api/v1/cases HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n%s\r\n",
        host, more);
    client_send(fd, buf_text(&request));
    CHECK(client_ended(fd, &text) && strncmp(buf_text(&text), "HTTP/1.1 ", 9) == 0);
    return (int)strtol(buf_text(&text) + 9, NULL, 10);
}

/* Host is written by whoever asks, and a proxy hands it on. */
TEST(who_comes_through_a_proxy_is_not_this_machine_whatever_it_writes)
{
    static const char *const ADDED[] = {"X-Forwarded-For: 10.0.0.9\r\n", "Via: 1.1 proxy\r\n",
        "Forwarded: for=10.0.0.9\r\n", "X-Forwarded-Proto: https\r\n", "X-Real-IP: 10.0.0.9\r\n",
        "X-Forwarded-Host: node.home.arpa\r\n"};
    static const char *const HOSTS[] = {
        "node.home.arpa:7443", "node.home.arpa", "node.home.arpa:443", "NODE.home.arpa:1"};

    snprintf(home, sizeof home, "%s", scratch_folder());
    node_open(&node, NULL, json_pack("{s:s, s:[s]}", "home", home, "names", "node.home.arpa"));
    judge_open(&judge, 10);
    CHECK_INT(status_at("node.home.arpa", ""), 401); /* nobody knows yet how browsers come there */
    CHECK_INT(status_at("localhost", ""), 503);      /* this machine, and no judge */
    judge_answers(&judge, "people",
        json_pack("{s:[], s:[s]}", "people", "origins", "https://node.home.arpa:7443"));
    judge_join(&judge, &node);
    CHECK_INT(status_at("localhost", ""), 200);
    CHECK_INT(status_at("127.0.0.1:80", ""), 200);
    for (size_t i = 0; i < COUNT(HOSTS); i++)
        CHECK_INT(status_at(HOSTS[i], ""), 401);
    for (size_t i = 0; i < COUNT(ADDED); i++)
        CHECK_INT(status_at("localhost", ADDED[i]), 401);
    close_both();
}

TEST(a_session_names_the_principal_and_ends_when_it_is_signed_out)
{
    struct browser browser;
    struct reply reply;
    char code[32];

    open_both(NULL);
    ask(&node, "GET", "/api/v1/session", "", NULL, &reply);
    CHECK_INT(reply.status, 200);
    CHECK(json_is_false(json_object_get(reply.json, "signed_in")));
    CHECK_TEXT(text_at(reply.json, "how"), "local");
    CHECK_TEXT(text_at(reply.json, "role"), "operator");
    CHECK(json_is_null(json_object_get(reply.json, "csrf")));
    CHECK(json_is_null(json_object_get(reply.json, "rp_id")));
    reply_done(&reply);
    CHECK_INT(sign_in(OPERATOR, "", &browser), 200);
    CHECK_INT(
        request("POST", "/api/v1/query", &browser, browser.csrf, "", "{\"query\":\"echo\"}", code),
        200);
    CHECK_TEXT(text_at(json_object_get(judge.last, "who"), "principal"), "token:desk");
    ask(&node, "GET", "/api/v1/session", browser.cookie, NULL, &reply);
    CHECK(json_is_true(json_object_get(reply.json, "signed_in")));
    CHECK_TEXT(text_at(reply.json, "principal"), "token:desk");
    CHECK_TEXT(text_at(reply.json, "name"), "desk");
    CHECK_TEXT(text_at(reply.json, "how"), "token");
    CHECK_TEXT(text_at(reply.json, "csrf"), browser.csrf);
    reply_done(&reply);
    ask(&node, "GET", "/api/v1/sessions", browser.cookie, NULL, &reply);
    const json_t *row = json_array_get(json_object_get(reply.json, "sessions"), 0);
    CHECK(json_is_true(json_object_get(row, "this")));
    CHECK(!json_object_get(row, "sha256") && !json_object_get(row, "of"));
    reply_done(&reply);
    CHECK_INT(request("DELETE", "/api/v1/session", &browser, browser.csrf, "", NULL, code), 200);
    ask(&node, "GET", "/api/v1/session", browser.cookie, NULL, &reply);
    CHECK(json_is_false(json_object_get(reply.json, "signed_in")));
    reply_done(&reply);
    close_both();
}

TEST(wrong_tries_of_everybody_together_have_a_limit_too)
{
    struct reply reply;

    open_both(json_pack("{s:i}", "session_tries_of_all", 2));
    for (int i = 0; i < 2; i++) {
        char head[64];
        snprintf(head, sizeof head, "X-Forwarded-For: 192.0.2.%d\r\n", i);
        ask(&node, "POST", "/api/v1/session", head, "{\"token\":\"x\"}", &reply);
        CHECK_INT(reply.status, 401);
        reply_done(&reply);
    }
    ask(&node, "POST", "/api/v1/session", "X-Forwarded-For: 192.0.2.9\r\n",
        "{\"token\":\"" OPERATOR "\"}", &reply);
    CHECK_INT(reply.status, 429);
    CHECK(strstr(reply.body.at, "of everybody together"));
    reply_done(&reply);
    close_both();
}

TEST(wrong_tries_are_counted_and_then_that_address_may_not_try)
{
    struct browser browser;
    char code[32];

    open_both(json_pack("{s:i}", "session_tries_per_minute", 3));
    CHECK_INT(sign_in("nobody-has-this-token-0123456789-012345", "", &browser), 401);
    CHECK_INT(sign_in("x", "", &browser), 401);
    CHECK_INT(sign_in(CHATS, "", &browser), 403); /* it is good, but not for this */
    CHECK_INT(request("POST", "/api/v1/session", NULL, NULL, "", "{\"passkey\":{}}", code), 400);
    CHECK_INT(request("POST", "/api/v1/session", NULL, NULL, "", "{}", code), 400);
    CHECK_INT(sign_in("nobody-has-this-token-0123456789-012345", "", &browser), 401);
    CHECK_INT(sign_in(OPERATOR, "", &browser), 429);
    CHECK_INT(
        request("POST", "/api/v1/session", NULL, NULL, "", "{\"token\":\"" OPERATOR "\"}", code),
        429);
    CHECK_TEXT(code, "too_many_tries");
    close_both();
}

/* At the look at the token file that follows. */
static bool ends(const struct browser *browser)
{
    for (int i = 0; i < 50 * WAIT_MAX_S; i++) {
        struct reply reply;
        ask(&node, "GET", "/api/v1/session", browser->cookie, NULL, &reply);
        bool ended = json_is_false(json_object_get(reply.json, "signed_in"));
        reply_done(&reply);
        if (ended)
            return true;
        usleep(20000);
    }
    return false;
}

TEST(a_session_ends_when_its_token_may_more_or_nothing_any_more)
{
    struct browser browser;
    char code[32];

    open_both(json_pack("{s:i}", "poll_ms", 50));
    CHECK_INT(sign_in(EYES, "", &browser), 200);
    write_tokens("\"api\""); /* thirty days were not promised to who operates */
    CHECK(ends(&browser));
    CHECK_INT(sign_in(EYES, "", &browser), 200);
    CHECK_INT(
        request("POST", "/api/v1/query", &browser, browser.csrf, "", "{\"query\":\"echo\"}", code),
        200);
    write_tokens("\"chat\"");
    CHECK(ends(&browser));
    close_both();
}

static int stream_of(const struct browser *browser, struct buf *text, const char *mark)
{
    char bytes[512];
    int fd = client_open(&node);

    snprintf(bytes, sizeof bytes,
        "GET /api/v1/events?with=queue HTTP/1.1\r\nHost: localhost\r\n%s\r\n", browser->cookie);
    client_send(fd, bytes);
    CHECK(client_until(fd, text, mark));
    return fd;
}

TEST(a_stream_ends_with_its_session_s_time_or_when_it_may_see_less)
{
    struct browser browser, eyes;

    open_both(json_pack("{s:i, s:i, s:i}", "poll_ms", 50, "heartbeat_ms", 50, "session_ms", 1000));
    scoped(buf_done) struct buf text = buf_of(1 << 20), other = buf_of(1 << 20);
    scoped(fd_done) int fd = -1;
    for (bool begun = false; !begun;) { /* its time may be over before: the machine is busy */
        fd_done(&fd);
        buf_clear(&text);
        CHECK_INT(sign_in(OPERATOR, "", &browser), 200);
        fd = stream_of(&browser, &text, "\r\n\r\n");
        begun = strstr(buf_text(&text), "HTTP/1.1 200") != NULL;
    }
    CHECK(client_until(fd, &text, "\r\n0\r\n\r\n"));
    CHECK(ends(&browser));
    write_tokens("\"view\",\"queue\"");
    CHECK_INT(sign_in(EYES, "", &eyes), 200);
    scoped(fd_done) int seen = -1;
    for (bool sees = false; !sees; close(seen)) { /* the file is looked at each poll_ms */
        buf_clear(&other);
        seen = stream_of(&eyes, &other, "queue");
        sees = strstr(buf_text(&other), "event: queue\n") != NULL;
    }
    buf_clear(&other);
    seen = stream_of(&eyes, &other, "event: queue\n");
    write_tokens("\"view\"");
    CHECK(client_until(seen, &other, "\r\n0\r\n\r\n"));
    buf_clear(&other);
    scoped(fd_done) int again = stream_of(&eyes, &other, ": queue: this caller may not");
    CHECK(again >= 0); /* its session goes on */
    close_both();
}

/* Its stream goes, its question is answered or not, and the node ends: nothing is touched twice. */
TEST(a_session_ends_while_its_stream_and_its_question_are_open)
{
    static const char SILENT[] = "{\"query\":\"silent\"}";
    struct browser browser, other;
    char code[32];

    open_both(NULL);
    CHECK_INT(sign_in(OPERATOR, "", &browser), 200);
    CHECK_INT(sign_in(OPERATOR, "", &other), 200);
    scoped(fd_done) int stream = client_open(&node), question = client_open(&node);
    scoped(buf_done) struct buf text = buf_of(1 << 20), bytes = buf_of(4096);
    buf_printf(&bytes, "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n%s\r\n", browser.cookie);
    client_send(stream, buf_text(&bytes));
    CHECK(client_until(stream, &text, "events follow"));
    buf_clear(&bytes);
    buf_printf(&bytes,
        "POST /api/v1/query HTTP/1.1\r\nHost: localhost\r\n%sX-Logic-CSRF: %s\r\n"
        "Content-Length: %zu\r\n\r\n%s",
        browser.cookie, browser.csrf, strlen(SILENT), SILENT);
    int before = judge.asked;
    client_send(question, buf_text(&bytes));
    CHECK(judge_wait(&judge, &judge.asked, before + 1));
    CHECK_INT(request("DELETE", "/api/v1/session", &browser, browser.csrf, "", NULL, code), 200);
    CHECK_INT(request("GET", "/api/v1/cases", &other, NULL, "", NULL, code), 200);
    CHECK(client_until(stream, &text, "\r\n0\r\n\r\n"));
    close_both();
}

TAP_MAIN
