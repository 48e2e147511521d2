/* SPDX-License-Identifier: Apache-2.0
 * The real HTTP server of the gateway, before a FAKE judge (gateway_harness.h). */
#include "base/scoped.h"
#include "gateway/gateway_harness.h"
#include "gateway/route.h"
#include "os/fd.h"
#include "tap.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define CASE_PATH "/api/v1/cases/01J0000000000000000000000Z"
#define BODY_LIMIT 131072

static struct node node;
static struct fake_judge judge;

static void open_both(json_t *settings, json_t *more)
{
    judge_open(&judge, 5);
    node_open(&node, settings, more);
    judge_join(&judge, &node);
}

static void close_both(void)
{
    node_close(&node);
    judge_close(&judge);
}

static int post(const char *path, const char *head, const char *body, const char *code)
{
    struct reply reply;

    ask(&node, "POST", path, head, body, &reply);
    int status = reply.status;
    CHECK_TEXT(reply_code(&reply), code);
    reply_done(&reply);
    return status;
}

/* The gateway's own questions at the beginning were answered: its places are free, and it knows its
 * names. */
static void wait_ready(void)
{
    struct reply reply;
    int status;

    do {
        ask(&node, "GET", "/readyz", "", NULL, &reply);
        status = reply.status;
        reply_done(&reply);
    } while (status == 503);
}

TEST(a_question_goes_to_the_judge_and_comes_back)
{
    struct reply reply;

    open_both(NULL, NULL);
    ask(&node, "POST", "/api/v1/query", "Content-Type: application/x-www-form-urlencoded\r\n",
        "{\"query\":\"echo\",\"args\":{\"a\":1}}", &reply);
    CHECK_INT(reply.status, 200);
    CHECK_STR(reply.body,
        "{\"answers\":[{\"query\":\"echo\",\"args\":{\"a\":1}}],\"who\":{\"principal\":"
        "\"loopback\",\"channel\":\"http\"}}");
    CHECK(reply_has(&reply, "Cache-Control: no-store\r\n"));
    reply_done(&reply);
    ask(&node, "POST", "/api/v1/query", "", "{\"query\":\"raw\"}", &reply);
    CHECK_STR(reply.body, "{\"answers\": [ 1.50 ]}"); /* the judge's bytes */
    CHECK(reply_has(&reply, "Content-Type: application/json\r\n"));
    reply_done(&reply);
    CHECK_INT(post("/api/v1/query", "", "{\"query\":\"refuse\"}", "not_owned"), 403);
    close_both();
}

TEST(bad_input_never_reaches_the_judge)
{
    scoped(buf_done) struct buf deep = buf_of(65536), large = buf_of(BODY_LIMIT * 2);
    static const struct {
        const char *body, *code;
    } BAD[] = {{"", "bad_json"}, {"{\"query\":\"echo\"", "bad_json"},
        {"{\"query\":\"\xc0\xaf\"}", "bad_json"},
        {"{\"query\":\"echo\",\"query\":\"echo\"}", "bad_json"},
        {"{\"query\":\"\\u0000\"}", "bad_json"}, {"{\"query\":\"echo\"} x", "bad_json"},
        {"{\"query\":\"echo\",\"x\":1}", "unknown_field"},
        {"{\"query\":\"$(reboot)\"}", "bad_value"}, {"{\"query\":\"a:-b\"}", "bad_value"}};

    open_both(NULL, NULL);
    for (size_t i = 0; i < COUNT(BAD); i++)
        CHECK_INT(post("/api/v1/query", "", BAD[i].body, BAD[i].code), 400);
    buf_add(&deep, S("{\"query\":\"echo\",\"args\":"));
    for (int i = 0; i < 20000; i++)
        buf_add_char(&deep, '[');
    CHECK_INT(post("/api/v1/query", "", buf_text(&deep), "bad_json"), 400);
    for (int i = 0; i < BODY_LIMIT + 1; i++)
        buf_add_char(&large, ' ');
    struct reply reply;
    ask(&node, "POST", "/api/v1/query", "", buf_text(&large), &reply);
    CHECK_INT(reply.status, 413);
    reply_done(&reply);
    CHECK_INT(judge.asked, 0);
    CHECK_INT(post("/api/v1/query", "", "{\"query\":\"echo\"}", ""), 200);
    CHECK_INT(judge.asked, 1);
    close_both();
}

TEST(unknown_places_methods_and_types_have_their_status)
{
    struct reply reply;

    open_both(NULL, NULL);
    CHECK_INT(post("/api/v1/nothing", "", "{}", "no_route"), 404);
    CHECK_INT(post("/api/v1/cases/42/consent", "", "{}", "no_route"), 404);
    ask(&node, "DELETE", "/api/v1/intent", "", NULL, &reply);
    CHECK_INT(reply.status, 405);
    CHECK(reply_has(&reply, "Allow: POST\r\n"));
    CHECK_TEXT(reply_code(&reply), "wrong_method");
    reply_done(&reply);
    CHECK_INT(
        post("/api/v1/query", "Content-Type: text/plain\r\n", "{}", "wrong_content_type"), 415);
    CHECK_INT(post("/api/v1/query", "Content-Type: application/json; charset=utf-8\r\n",
                  "{\"query\":\"echo\"}", ""),
        200);
    close_both();
}

TEST(a_page_of_another_site_changes_nothing)
{
    struct reply reply;
    char own[64];

    open_both(NULL, NULL);
    wait_ready();
    CHECK_INT(
        post("/api/v1/intent", "Sec-Fetch-Site: cross-site\r\n", "{\"nl\":\"x\"}", "cross_site"),
        403);
    CHECK_INT(
        post("/api/v1/intent", "Sec-Fetch-Site: same-site\r\n", "{\"nl\":\"x\"}", "cross_site"),
        403);
    ask(&node, "POST", "/api/v1/intent", "Origin: http://evil.example\r\n", "{\"nl\":\"x\"}",
        &reply);
    CHECK_INT(reply.status, 403);
    reply_done(&reply);
    ask(&node, "GET", "http://evil.example/api/v1/status", "", NULL, &reply);
    CHECK(reply.status == 421 || reply.status == 400);
    reply_done(&reply);
    CHECK_INT(judge.asked, 0);
    snprintf(own, sizeof own, "Origin: http://localhost:%u\r\nSec-Fetch-Site: same-origin\r\n",
        node.port);
    CHECK_INT(post("/api/v1/intent", own, "{\"nl\":\"x\"}", ""), 200);
    close_both();
}

TEST(the_host_must_be_ours)
{
    scoped(fd_done) int fd = -1;
    scoped(buf_done) struct buf text = buf_of(65536);

    open_both(NULL, NULL);
    wait_ready();
    fd = client_open(&node);
    client_send(
        fd, "GET /api/v1/status HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n");
    client_ended(fd, &text);
    CHECK(strncmp(buf_text(&text), "HTTP/1.1 421", 12) == 0);
    close_both();
}

TEST(every_documented_route_answers)
{
    struct reply document, reply;
    const char *path, *method;
    json_t *operations, *operation;
    int asked = 0;

    open_both(NULL, NULL);
    ask(&node, "GET", "/openapi.json", "", NULL, &document);
    REQUIRE(document.status == 200 && document.json);
    json_object_foreach (json_object_get(document.json, "paths"), path, operations)
        json_object_foreach (operations, method, operation) {
            char real[128], verb[8] = "GET";
            const char *mark = strchr(path, '{');
            snprintf(real, sizeof real, mark ? "%.*s%s%s" : "%.*s",
                (int)(mark ? mark - path : (long)strlen(path)), path, "01J0000000000000000000000Z",
                mark ? strchr(mark, '}') + 1 : "");
            if (strcmp(method, "post") == 0)
                memcpy(verb, "POST", 5);
            if (strcmp(method, "delete") == 0)
                memcpy(verb, "DELETE", 7);
            bool streams = strcmp(path, "/api/v1/events") == 0;
            ask(&node, streams ? "HEAD" : verb, real, "", *verb == 'P' ? "{}" : NULL, &reply);
            CHECK(reply.status >= 200 && reply.status != 405 && reply.status < 500);
            /* no page and no model in this test */
            CHECK(reply.status != 404 || strcmp(path, "/") == 0 || strstr(path, "{name}"));
            reply_done(&reply);
            asked++;
        }
    CHECK_INT(asked, ROUTES);
    reply_done(&document);
    close_both();
}

TEST(the_plan_is_sent_byte_for_byte_with_its_hash)
{
    struct reply reply;

    open_both(NULL, NULL);
    ask(&node, "GET", CASE_PATH "/plan", "", NULL, &reply);
    CHECK_STR(reply.body, "{\"a\":\"\xc3\xbc\"}");
    CHECK(reply_has(&reply, "Content-Type: application/vnd.logic-node.plan+json\r\n"));
    CHECK(
        reply_has(&reply, "X-Plan-SHA256: "
                          "fd621823002706e24604cb868a9f4f8850d6f01fb5040d49ba050482e1472437\r\n"));
    reply_done(&reply);
    close_both();
}

TEST(health_readiness_and_metrics_say_what_is)
{
    struct reply reply;

    judge_open(&judge, 5);
    node_open(&node, json_pack("{s:i}", "judge_hold_ms", 50), NULL);
    ask(&node, "GET", "/healthz", "", NULL, &reply);
    CHECK_INT(reply.status, 200);
    reply_done(&reply);
    ask(&node, "GET", "/readyz", "", NULL, &reply);
    CHECK_INT(reply.status, 503);
    CHECK_TEXT(reply_code(&reply), "not_ready");
    reply_done(&reply);
    ask(&node, "GET", "/metrics", "", NULL, &reply);
    CHECK(strstr(reply.body.at, "logic_judge_connected 0\n") != NULL);
    CHECK(strstr(reply.body.at, "logic_role_cpu_seconds_total{role=\"gateway\"} ") != NULL);
    reply_done(&reply);
    judge_join(&judge, &node);
    CHECK_INT(post("/api/v1/query", "", "{\"query\":\"echo\"}", ""),
        200); /* behind `status` in its channel */
    ask(&node, "GET", "/readyz", "", NULL, &reply);
    CHECK_INT(reply.status, 200);
    reply_done(&reply);
    ask(&node, "GET", "/metrics", "", NULL, &reply);
    static const char *const WANTED[] = {
        "logic_http_requests_total{route=\"query\",code=\"200\"} 1\n",
        "logic_http_requests_total{route=\"readyz\",code=\"503\"} 1\n", "logic_judge_ready 1\n",
        "logic_cases_open 3\n", "logic_cases_closed_total{status=\"success\"} 7\n",
        "logic_judge_queue 1\n"};
    for (size_t i = 0; i < COUNT(WANTED); i++)
        if (!strstr(reply.body.at, WANTED[i]))
            CHECK_TEXT("missing", WANTED[i]);
    reply_done(&reply);
    close_both();
}

/* The rules name the page's addresses: before they did, its own page is no foreign one. */
TEST(before_the_rules_named_the_pages_addresses_nobody_is_foreign)
{
    static const char page[] = "Origin: https://node.home.arpa:7443\r\n";

    judge_open(&judge, 5);
    node_open(&node, json_object(), NULL);
    CHECK_INT(post("/api/v1/query", page, "{\"query\":\"echo\"}", "not_ready"), 503);
    judge_join(&judge, &node);
    wait_ready();
    CHECK_INT(post("/api/v1/query", page, "{\"query\":\"echo\"}", "cross_site"), 403);
    close_both();
}

TEST(a_silent_judge_is_504_and_a_full_house_503)
{
    struct reply reply;
    scoped(fd_done) int waiting = -1;

    open_both(json_pack("{s:i, s:i}", "judge_fast_ms", 100, "in_flight_max", 1), NULL);
    wait_ready();
    int status = 503; /* the node's own questions may have the one place */
    for (struct reply first; status == 503; reply_done(&first)) {
        ask(&node, "POST", "/api/v1/query", "", "{\"query\":\"silent\"}", &first);
        status = first.status;
    }
    CHECK_INT(status, 504);
    CHECK_INT(post("/api/v1/query", "", "{\"query\":\"echo\"}", ""), 200);
    node_close(&node);
    judge_die(&judge);
    node_open(&node, json_pack("{s:i}", "in_flight_max", 1), NULL);
    judge_join(&judge, &node);
    wait_ready();
    judge.asked = 0;
    waiting = client_open(&node);
    client_send(waiting,
        "POST /api/v1/query HTTP/1.1\r\nHost: localhost\r\nContent-Length: 18\r\n\r\n"
        "{\"query\":\"silent\"}");
    CHECK(judge_wait(&judge, &judge.asked, 1));
    ask(&node, "POST", "/api/v1/query", "", "{\"query\":\"echo\"}", &reply);
    CHECK_INT(reply.status, 503);
    CHECK_TEXT(reply_code(&reply), "busy");
    CHECK(reply_has(&reply, "Retry-After: 1\r\n"));
    reply_done(&reply);
    close_both();
}

TEST(the_unix_socket_names_the_user)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    scoped(fd_done) int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    scoped(buf_done) struct buf text = buf_of(65536);
    char wanted[96];

    open_both(NULL, NULL);
    snprintf(at.sun_path, sizeof at.sun_path, "%s/api.sock", node.home);
    REQUIRE(connect(fd, (struct sockaddr *)&at, sizeof at) == 0);
    client_send(fd, "POST /api/v1/query HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                    "Content-Length: 16\r\n\r\n{\"query\":\"echo\"}");
    client_ended(fd, &text);
    snprintf(
        wanted, sizeof wanted, "\"who\":{\"principal\":\"uid:%u\",\"channel\":\"unix\"}", getuid());
    CHECK(strstr(buf_text(&text), wanted) != NULL);
    close_both();
}

TEST(a_token_names_its_holder_and_a_wrong_one_nobody)
{
    char path[] = "/tmp/gateway_tokens.XXXXXX";
    /* of "0123456789012345678901234567890123456789" */
    static const char FILE_TEXT[] =
        "ada sha256:fb526cd4ad0ec978c1a9e78f7c0728711139978424d618eb228be59e21188970\n";
    struct reply reply;
    int fd = mkstemp(path);

    (void)!write(fd, FILE_TEXT, sizeof FILE_TEXT - 1);
    close(fd);
    open_both(NULL, json_pack("{s:s}", "tokens", path));
    CHECK_INT(post("/api/v1/query", "Authorization: Bearer 00000000000000000000000000000000000\r\n",
                  "{\"query\":\"echo\"}", "no_token"),
        401);
    ask(&node, "GET", "/api/v1/status", "Authorization: Basic x\r\n", NULL, &reply);
    CHECK_INT(reply.status, 401);
    CHECK(reply_has(&reply, "WWW-Authenticate: Bearer\r\n"));
    reply_done(&reply);
    CHECK_INT(judge.asked, 0);
    ask(&node, "POST", "/api/v1/query",
        "Authorization: Bearer 0123456789012345678901234567890123456789\r\n",
        "{\"query\":\"echo\"}", &reply);
    CHECK(strstr(reply.body.at, "\"who\":{\"principal\":\"token:ada\",\"channel\":\"http\"}") !=
          NULL);
    reply_done(&reply);
    close_both();
    unlink(path);
}

TEST(an_open_address_without_locks_is_refused_with_the_remedy)
{
    struct err err = {0};

    CHECK(!node_try(json_pack("{s:s}", "listen", "0.0.0.0:0"), &err));
    CHECK_TEXT(err.code, "open_without_lock");
    CHECK(strstr(err.message, "--tls-cert") && strstr(err.message, "127.0.0.1"));
    CHECK(!node_try(json_pack("{s:s}", "listen", "127.0.0.1"), &err));
    CHECK_TEXT(err.code, "bad_listen");
    CHECK(!node_try(json_pack("{s:s}", "tls_cert", "/x"), &err));
    CHECK_TEXT(err.code, "half_tls");
    CHECK(!node_try(json_pack("{s:s}", "llm", "file:///etc/passwd"), &err));
    CHECK_TEXT(err.code, "bad_llm_url");
    CHECK(!node_try(json_pack("{s:{s:i}}", "settings", "in_flight_max", 0), &err));
    CHECK_TEXT(err.param, "in_flight_max");
    CHECK(node_try(json_pack("{s:s}", "listen", "localhost:0"), &err));
}

TEST(the_page_is_served_from_memory_with_a_strict_policy)
{
    char folder[] = "/tmp/gateway_web.XXXXXX", path[96];
    struct reply reply;
    char tag[128];

    REQUIRE(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/index.html", folder);
    FILE *file = fopen(path, "w");
    fputs("<!doctype html>", file);
    fclose(file);
    open_both(NULL, json_pack("{s:s}", "web", folder));
    unlink(path);
    rmdir(folder);
    ask(&node, "GET", "/", "Accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8\r\n", NULL,
        &reply);
    CHECK_INT(reply.status, 200);
    CHECK_STR(reply.body, "<!doctype html>");
    CHECK(reply_has(&reply, "Vary: Accept, Accept-Encoding\r\n"));
    CHECK(reply_has(&reply, "Content-Security-Policy: default-src 'none'"));
    CHECK(reply_has(&reply, "; require-trusted-types-for 'script'\r\n"));
    CHECK(!reply_has(&reply, "Strict-Transport-Security"));
    CHECK(reply_has(&reply, "X-Content-Type-Options: nosniff\r\n"));
    const char *at = strstr(reply.text.at, "ETag: ");
    snprintf(tag, sizeof tag, "If-None-Match: %.34s\r\n", at ? at + 6 : "");
    reply_done(&reply);
    ask(&node, "GET", "/index.html", tag, NULL, &reply);
    CHECK_INT(reply.status, 304);
    reply_done(&reply);
    close_both();
}

TEST(who_reads_no_html_is_told_at_the_root_that_ollama_is_running)
{
    static const char *const HEADS[] = {"", "Accept: */*\r\n", "Accept: application/json\r\n"};
    struct reply reply;

    open_both(NULL, NULL);
    for (size_t i = 0; i < sizeof HEADS / sizeof *HEADS; i++) {
        ask(&node, "GET", "/", HEADS[i], NULL, &reply);
        CHECK_INT(reply.status, 200);
        CHECK_STR(reply.body, "Ollama is running");
        CHECK(reply_has(&reply, "Content-Type: text/plain; charset=utf-8\r\n"));
        CHECK(reply_has(&reply, "Vary: Accept\r\n"));
        reply_done(&reply);
    }
    ask(&node, "GET", "/", "Accept: text/html\r\n", NULL, &reply);
    CHECK_INT(reply.status, 404); /* this node has no page */
    reply_done(&reply);
    ask(&node, "POST", "/", "", "{}", &reply);
    CHECK_INT(reply.status, 405);
    reply_done(&reply);
    close_both();
}

TAP_MAIN
