/* SPDX-License-Identifier: Apache-2.0
 *
 * Forms byte for byte; what is refused; and one try against a receiver of our own that misbehaves
 * in each way (a fake: it answers what the test says and keeps what it was sent). */
#include "notify/notice.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "os/fd.h"
#include "os/file.h"
#include "tap.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINK "https://node.home.arpa:30443/#/cases/C1"

/* One job; `changes` is a JSON object whose members replace those of a good one. */
static json_t *job_with(const char *changes)
{
    json_t *job = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:{s:s, s:s}, s:s, s:s}",
        "hand", "notify", "op", "send", "kind", "webhook", "where", "http://127.0.0.1:1/in",
        "title", "A <title> & *more*", "text", "line one\nline `two` ~x~ _y_", "link", LINK,
        "urgency", "high", "about", "what", "consent", "case", "C1", "node", "test-node", "at",
        "2026-11-21T08:00:00.000Z");
    scoped(json_done) json_t *more = json_loads(changes, 0, NULL);

    check(job && more);
    json_object_update(job, more);
    return job;
}

static bool formed(const char *changes, const char *url, struct buf *ret_url, struct buf *ret_body,
    struct err *err)
{
    scoped(json_done) json_t *job = job_with(changes);
    struct notice notice;

    *ret_url = buf_of(NOTICE_URL_BYTES_MAX + 1);
    *ret_body = buf_of(NOTICE_BODY_BYTES_MAX);
    return notice_read(job, &notice, err) &&
           notice_form(&notice, str_from(url), ret_url, ret_body, err);
}

static void check_form(
    const char *changes, const char *url, const char *want_url, const char *want_body)
{
    scoped(buf_done) struct buf to = {0}, body = {0};
    struct err err = {0};

    REQUIRE(formed(changes, url, &to, &body, &err));
    CHECK_STR(buf_str(&to), want_url);
    CHECK_STR(buf_str(&body), want_body);
}

TEST(a_webhook_gets_all_of_it)
{
    check_form("{}", "http://h/in?a=b", "http://h/in?a=b",
        "{\"v\":1,\"title\":\"A <title> & *more*\",\"text\":\"line one\\nline `two` ~x~ _y_\","
        "\"link\":\"" LINK
        "\",\"urgency\":\"high\",\"about\":{\"what\":\"consent\",\"case\":\"C1\"},"
        "\"node\":\"test-node\",\"at\":\"2026-11-21T08:00:00.000Z\"}");
}

TEST(without_a_page_the_link_is_null)
{
    scoped(buf_done) struct buf to = {0}, body = {0};
    struct err err = {0};

    REQUIRE(formed("{\"link\":null}", "http://h/", &to, &body, &err));
    CHECK(strstr(buf_text(&body), "\"link\":null") != NULL);
    CHECK(!strstr(buf_text(&body), "://"));
}

TEST(slack_gets_no_markup_but_ours)
{
    check_form("{\"kind\":\"slack\"}", "https://hooks.example/T/B/x", "https://hooks.example/T/B/x",
        "{\"text\":\"*A &lt;title&gt; &amp; \u2217more\u2217*\\nline one\\nline \u02CBtwo\u02CB "
        "\u223Cx\u223C \uFF3Fy\uFF3F\\n<" LINK "|Open>\",\"unfurl_links\":false,"
        "\"unfurl_media\":false}");
}

TEST(ntfy_gets_it_at_the_root_with_its_topic)
{
    check_form("{\"kind\":\"ntfy\"}", "https://:tk_1@ntfy.example/house?x=1",
        "https://:tk_1@ntfy.example/?x=1",
        "{\"topic\":\"house\",\"title\":\"A <title> & *more*\",\"message\":\"line one\\nline `two` "
        "~x~ _y_\",\"priority\":4,\"click\":\"" LINK "\"}");
    check_form(
        "{\"kind\":\"ntfy\",\"urgency\":\"low\",\"link\":null,\"title\":\"t\",\"text\":\"\"}",
        "http://h:81/below/a-b_9", "http://h:81/below/",
        "{\"topic\":\"a-b_9\",\"title\":\"t\",\"message\":\"\",\"priority\":2}");
}

TEST(an_address_of_ntfy_names_a_topic)
{
    static const char *const URLS[] = {"https://h", "https://h/", "https://h/a/", "https://h/a.b",
        "https://h/?a",
        "https://h/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};

    for (size_t i = 0; i < COUNT(URLS); i++) {
        scoped(buf_done) struct buf to = {0}, body = {0};
        struct err err = {0};
        CHECK(!formed("{\"kind\":\"ntfy\"}", URLS[i], &to, &body, &err));
        CHECK_STR(str_from(err.code), "bad_receiver");
    }
}

TEST(what_is_no_http_address_is_no_receiver_and_is_not_named)
{
    static const char *const URLS[] = {"", "http://", "https:///x", "ftp://tokenic/x", "tokenic",
        "file:///etc/tokenic", "http://tokenic/a b", "http://tokenic/\n", "http://tokenic/#x",
        "http://tokenic/\x80", "http://:tokenic", "HTTP://tokenic"};

    for (size_t i = 0; i < COUNT(URLS); i++) {
        scoped(buf_done) struct buf to = {0}, body = {0};
        struct err err = {0};
        CHECK(!formed("{}", URLS[i], &to, &body, &err));
        CHECK_STR(str_from(err.code), "bad_receiver");
        CHECK(!strstr(err.message, "tokenic"));
    }
}

static void check_refused(const char *changes, const char *param)
{
    scoped(json_done) json_t *job = job_with(changes);
    struct notice notice;
    struct err err = {0};

    CHECK(!notice_read(job, &notice, &err));
    CHECK_STR(str_from(err.code), "bad_job");
    CHECK_STR(str_from(err.param), param);
}

TEST(a_job_that_is_none_is_refused_by_its_field)
{
    check_refused("{\"hand\":\"dns\"}", "op");
    check_refused("{\"op\":\"approve\"}", "op");
    check_refused("{\"kind\":\"mail\"}", "kind");
    check_refused("{\"urgency\":\"max\"}", "urgency");
    check_refused("{\"more\":1}", "more");
    check_refused("{\"title\":7}", "title");
    check_refused("{\"title\":\"\"}", "title");
    check_refused("{\"title\":\"a\\nb\"}", "title");
    check_refused("{\"title\":\"see http://evil.example\"}", "title");
    check_refused("{\"text\":\"see x://y\"}", "text");
    check_refused("{\"text\":\"a\\u0007b\"}", "text");
    check_refused("{\"text\":\"a\\u007fb\"}", "text");
    check_refused("{\"link\":\"javascript:alert(1)\"}", "link");
    check_refused("{\"link\":\"https://a/|b\"}", "link");
    check_refused("{\"link\":\"https://a/#/x>y\"}", "link");
    check_refused("{\"link\":\"https://a/#b#c\"}", "link");
    check_refused("{\"about\":[]}", "about");
}

/* `count` characters of two bytes each. */
static json_t *of_length(const char *member, size_t count)
{
    scoped(buf_done) struct buf text = buf_of(8192);

    for (size_t i = 0; i < count; i++)
        buf_add(&text, S("\u00e9"));
    json_t *job = job_with("{}");
    json_object_set_new(job, member, json_stringn(text.at, text.len));
    return job;
}

TEST(title_and_text_have_their_lengths)
{
    static const struct {
        const char *member;
        size_t most;
    } BOUNDS[] = {{"title", NOTICE_TITLE_CHARS_MAX}, {"text", NOTICE_TEXT_CHARS_MAX}};

    for (size_t i = 0; i < COUNT(BOUNDS); i++) {
        scoped(json_done) json_t *fits = of_length(BOUNDS[i].member, BOUNDS[i].most);
        scoped(json_done) json_t *longer = of_length(BOUNDS[i].member, BOUNDS[i].most + 1);
        struct notice notice;
        struct err err = {0};
        CHECK(notice_read(fits, &notice, &err));
        CHECK(!notice_read(longer, &notice, &err));
        CHECK_STR(str_from(err.param), BOUNDS[i].member);
    }
}

/* --- one try ------------------------------------------------------------------------------ */

struct receiver {
    int listener, port;
    const char *reply; /* NULL: says nothing */
    size_t more_bytes; /* behind it */
    char request[16384];
    pthread_t thread;
};

static bool whole(const char *request)
{
    const char *body = strstr(request, "\r\n\r\n"), *length = strstr(request, "Content-Length: ");

    return body && length && strlen(body + 4) >= strtoul(length + 16, NULL, 10);
}

static void *receive(void *context)
{
    struct receiver *r = context;
    size_t got = 0;
    ssize_t n = 1;
    scoped(fd_done) int fd = accept(r->listener, NULL, NULL);

    while (n > 0 && !whole(r->request) && got < sizeof r->request - 1) {
        n = read(fd, r->request + got, sizeof r->request - 1 - got);
        got += n > 0 ? (size_t)n : 0;
    }
    char filler[4096] = {0};
    if (r->reply) {
        n = send(fd, r->reply, strlen(r->reply), MSG_NOSIGNAL);
        for (size_t sent = 0; n >= 0 && sent < r->more_bytes; sent += sizeof filler)
            n = send(fd, filler, sizeof filler, MSG_NOSIGNAL);
    } else {
        n = read(fd, filler, 1); /* until the other side has had enough */
    }
    return NULL;
}

static void receiver_open(struct receiver *r)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof at;

    r->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(r->listener >= 0 && bind(r->listener, (struct sockaddr *)&at, sizeof at) == 0 &&
          listen(r->listener, 4) == 0 &&
          getsockname(r->listener, (struct sockaddr *)&at, &bytes) == 0);
    r->port = ntohs(at.sin_port);
    check(pthread_create(&r->thread, NULL, receive, r) == 0);
}

static struct hand_end send_to(
    const char *where, struct secret_store *secrets, int64_t answer_ms, const atomic_bool *stop)
{
    const struct notice_limits limits = {.answer_ms = answer_ms, .reply_bytes_max = 4096};
    scoped(json_done) json_t *job = job_with("{}");
    struct notice notice;
    struct hand_end end;
    struct err err;

    json_object_set_new(job, "where", json_string(where));
    check(notice_read(job, &notice, &err));
    notice_send(&notice, secrets, &limits, stop, &end);
    return end;
}

/* What one try comes to, by the receiver's answer. */
static void check_try(const char *reply, size_t more_bytes, int64_t answer_ms, const char *want)
{
    struct receiver r = {.reply = reply, .more_bytes = more_bytes};
    scoped(secret_close) struct secret_store *secrets = secret_open("/nowhere");
    char where[64];

    receiver_open(&r);
    snprintf(where, sizeof where, "http://127.0.0.1:%d/token-in-path", r.port);
    struct hand_end end = send_to(where, secrets, answer_ms, NULL);
    pthread_join(r.thread, NULL);
    close(r.listener);
    CHECK(end.ok == (*want == '\0'));
    CHECK_STR(str_from(end.err.code), want);
    CHECK(!strstr(end.err.message, "token-in-path"));
    CHECK(end.changed == HAND_CHANGED_NO);
    CHECK(strncmp(r.request, "POST /token-in-path HTTP/1.1\r\n", 30) == 0);
    CHECK(strstr(r.request, "\"title\":\"A <title> & *more*\"") != NULL);
    hand_end_done(&end);
}

TEST(two_hundreds_are_good)
{
    check_try("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 0, 5000, "");
    check_try("HTTP/1.1 204 No Content\r\n\r\n", 0, 5000, "");
}

TEST(all_else_is_not)
{
    check_try("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", 0, 5000, "receiver_refused");
    check_try("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", 0, 5000, "receiver_refused");
    check_try("HTTP/1.1 302 There\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", 0,
        5000, "receiver_redirects");
    check_try(
        "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", 1000000, 5000, "receiver_too_long");
    check_try("SSH-2.0-OpenSSH_9.2\r\n", 0, 5000, "receiver_garbage");
    check_try("", 0, 5000, "receiver_garbage");
    check_try(NULL, 0, 200, "receiver_silent");
}

TEST(nobody_there)
{
    scoped(secret_close) struct secret_store *secrets = secret_open("/nowhere");
    struct hand_end end = send_to("http://127.0.0.1:1/token", secrets, 2000, NULL);

    CHECK(!end.ok);
    CHECK_STR(str_from(end.err.code), "receiver_away");
    hand_end_done(&end);
}

TEST(it_ends_when_the_actuator_does)
{
    struct receiver r = {.reply = NULL};
    scoped(secret_close) struct secret_store *secrets = secret_open("/nowhere");
    const atomic_bool stop = true;
    char where[64];

    receiver_open(&r);
    snprintf(where, sizeof where, "http://127.0.0.1:%d/", r.port);
    struct hand_end end = send_to(where, secrets, 60000, &stop);
    shutdown(r.listener, SHUT_RDWR);
    pthread_join(r.thread, NULL);
    close(r.listener);
    CHECK_STR(str_from(end.err.code), "stopped");
    hand_end_done(&end);
}

TEST(a_secret_address_is_used_and_named_nowhere)
{
    char folder[] = "/tmp/ln-notice-XXXXXX", value[128], path[PATH_MAX];
    struct receiver r = {.reply = "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"};
    struct err err = {0};

    check(mkdtemp(folder) && chmod(folder, 0700) == 0);
    receiver_open(&r);
    snprintf(value, sizeof value, "http://127.0.0.1:%d/very-secret-token", r.port);
    REQUIRE(secret_put(folder, S("secret:notify/phone"), str_from(value), &err));
    scoped(secret_close) struct secret_store *secrets = secret_open(folder);
    struct hand_end end = send_to("secret:notify/phone", secrets, 5000, NULL);
    pthread_join(r.thread, NULL);
    close(r.listener);
    CHECK_STR(str_from(end.err.code), "receiver_refused");
    CHECK(!strstr(end.err.message, "very-secret-token"));
    CHECK(strncmp(r.request, "POST /very-secret-token ", 24) == 0);
    hand_end_done(&end);
    end = send_to("secret:notify/none", secrets, 5000, NULL);
    CHECK_STR(str_from(end.err.code), "no_secret");
    hand_end_done(&end);
    snprintf(path, sizeof path, "%s/notify/phone", folder);
    unlink(path);
    snprintf(path, sizeof path, "%s/notify", folder);
    rmdir(path);
    rmdir(folder);
}

TAP_MAIN
