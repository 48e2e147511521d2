/* SPDX-License-Identifier: Apache-2.0
 * The client's TLS against a server of ours and against plain OpenSSL: whom it believes, what it
 * shows, and what a torn stream is. */
#include "base/panic.h"
#include "base/scoped.h"
#include "net/http_server.h"
#include "tap.h"
#include "upstream_fake_engine.h"

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <unistd.h>

#define OK "HTTP/1.1 200 OK\r\n"

static char folder[64];

static const char *path_of(const char *name)
{
    static char paths[8][128];
    static size_t next;
    char *path = paths[next++ % COUNT(paths)];

    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void add_extension(X509 *certificate, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

    check(extension && X509_add_ext(certificate, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

struct identity {
    EVP_PKEY *key;
    X509 *certificate;
};

/* NAME.crt and NAME.key, signed by `authority` (NULL: by itself, and it is one). */
static struct identity issue(const char *name, const char *names, const struct identity *authority)
{
    struct identity made = {EVP_EC_gen("P-256"), X509_new()};
    X509 *certificate = made.certificate;
    char file_name[64];
    static long serial;

    check(made.key && certificate);
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
        (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(
        certificate, X509_get_subject_name(authority ? authority->certificate : certificate));
    X509_set_pubkey(certificate, made.key);
    add_extension(
        certificate, NID_basic_constraints, authority ? "critical,CA:FALSE" : "critical,CA:TRUE");
    if (names)
        add_extension(certificate, NID_subject_alt_name, names);
    check(X509_sign(certificate, authority ? authority->key : made.key, EVP_sha256()) > 0);
    snprintf(file_name, sizeof file_name, "%s.key", name);
    FILE *file = fopen(path_of(file_name), "w");
    check(file && PEM_write_PrivateKey(file, made.key, NULL, NULL, 0, NULL, NULL) == 1);
    fclose(file);
    snprintf(file_name, sizeof file_name, "%s.crt", name);
    file = fopen(path_of(file_name), "w");
    check(file && PEM_write_X509(file, certificate) == 1);
    fclose(file);
    return made;
}

static const char *const NAMES[] = {"ca", "other", "server", "client", "stranger"};

__attribute__((constructor)) static void issue_all(void)
{
    struct identity made[COUNT(NAMES)];

    snprintf(folder, sizeof folder, "/tmp/upstream_tls_test.XXXXXX");
    check(mkdtemp(folder));
    made[0] = issue("ca", NULL, NULL);
    made[1] = issue("other", NULL, NULL);
    made[2] = issue("server", "DNS:tower.home.arpa,DNS:localhost,IP:127.0.0.1", &made[0]);
    made[3] = issue("client", NULL, &made[0]);
    made[4] = issue("stranger", NULL, &made[1]);
    for (size_t i = 0; i < COUNT(made); i++) {
        EVP_PKEY_free(made[i].key);
        X509_free(made[i].certificate);
    }
}

__attribute__((destructor)) static void remove_all(void)
{
    char name[64];

    for (size_t i = 0; i < COUNT(NAMES); i++) {
        snprintf(name, sizeof name, "%s.crt", NAMES[i]);
        unlink(path_of(name));
        snprintf(name, sizeof name, "%s.key", NAMES[i]);
        unlink(path_of(name));
    }
    rmdir(folder);
}

/* --- a server of ours on the same loop -------------------------------------------------------- */

static void on_request(struct exchange *ex, void *user)
{
    struct str body = exchange_body(ex);

    (*(int *)user)++;
    exchange_reply(ex, 200, S("text/plain"), NULL, 0, body.len ? body : S("nothing"));
}

struct setup {
    const char *client_ca;   /* of the server */
    const char *ca, *shown;  /* of the client; `shown` a name or NULL */
    const char *server_name; /* NULL: that of the URL */
    const char *host;
};

/* Ask a server of ours; *ret_requests is how many requests it saw. */
static struct seen ask(const struct setup *setup, struct str body, int calls, int *ret_requests)
{
    struct http_server_config config = {.handle = on_request, .user = ret_requests};
    struct upstream_limits limits;
    struct tls *server_tls = NULL, *client_tls = NULL;
    struct client client;
    struct seen seen = {0};
    struct err err;
    char url[64], certificate[64], key[64];

    *ret_requests = 0;
    http_limits_default(&config.limits);
    config.limits.body_bytes_max = 32 << 20;
    upstream_limits_default(&limits);
    snprintf(certificate, sizeof certificate, "%s.crt", setup->shown ? setup->shown : "");
    snprintf(key, sizeof key, "%s.key", setup->shown ? setup->shown : "");
    if (!tls_open(path_of("server.crt"), path_of("server.key"),
            setup->client_ca ? path_of(setup->client_ca) : NULL, &server_tls, &err) ||
        !tls_client_open(path_of(setup->ca), setup->shown ? path_of(certificate) : NULL,
            setup->shown ? path_of(key) : NULL, &client_tls, &err))
        panic("%s", err.message);
    client_open(&client, &limits, "unix:/unused", NULL, NULL);
    struct http_server *server = http_server_make(&client.loop, &config);
    check(http_server_listen_tcp(server, "127.0.0.1", 0, server_tls, &err));
    snprintf(url, sizeof url, "https://%s:%u", setup->host, http_server_port(server));
    if (!upstream_place_open(
            client.upstream, url, client_tls, setup->server_name, &client.place, &err))
        panic("%s", err.message);
    for (int i = 0; i < calls; i++) {
        seen_done(&seen);
        seen = (struct seen){0};
        seen_send(&seen, &client, METHOD_POST, "/", body);
        CHECK(client_turn(&client, &seen.ends, 1));
    }
    if (seen.how == UPSTREAM_WHOLE)
        CHECK(upstream_place_counts(client.place).connects == 1);
    http_server_close(server, NULL, NULL);
    client_close(&client);
    tls_close(&server_tls);
    tls_close(&client_tls);
    return seen;
}

TEST(a_server_of_our_authority_is_believed_by_name_and_by_address)
{
    static const struct setup GOOD[] = {
        {.ca = "ca.crt", .host = "127.0.0.1"},
        {.ca = "ca.crt", .host = "localhost"},
        {.ca = "ca.crt", .host = "127.0.0.1", .server_name = "tower.home.arpa"},
        {.ca = "ca.crt", .host = "127.0.0.1", .client_ca = "ca.crt", .shown = "client"},
        {.ca = "ca.crt", .host = "127.0.0.1", .shown = "client"},
    };
    for (size_t i = 0; i < COUNT(GOOD); i++) {
        int requests;
        scoped(seen_done) struct seen seen = ask(&GOOD[i], S("hello"), 3, &requests);
        CHECK(seen.how == UPSTREAM_WHOLE && seen.sent);
        CHECK_STR(buf_str(&seen.body), "hello");
        CHECK_INT(requests, 3);
    }
}

TEST(a_large_body_goes_through)
{
    static const struct setup SETUP = {.ca = "ca.crt", .host = "127.0.0.1"};
    size_t len = 24u << 20;
    scoped(free_done) char *body = malloc(len);
    int requests;

    check(body);
    for (size_t i = 0; i < len; i++)
        body[i] = (char)(i * 2654435761u >> 11);
    scoped(seen_done) struct seen seen = ask(&SETUP, (struct str){body, len}, 1, &requests);
    CHECK(seen.how == UPSTREAM_WHOLE);
    CHECK(str_eq(buf_str(&seen.body), (struct str){body, len}));
}

TEST(a_server_that_is_not_who_it_should_be_hears_nothing)
{
    static const struct setup BAD[] = {
        {.ca = "other.crt", .host = "127.0.0.1"},
        {.ca = "ca.crt", .host = "127.0.0.1", .server_name = "attic.home.arpa"},
        {.ca = "ca.crt", .host = "127.0.0.1", .server_name = "127.0.0.2"},
        {.ca = "client.crt", .host = "127.0.0.1"},
    };
    for (size_t i = 0; i < COUNT(BAD); i++) {
        int requests;
        scoped(seen_done) struct seen seen = ask(&BAD[i], S("secret"), 1, &requests);
        CHECK(seen.how == UPSTREAM_REFUSED && !seen.sent && !seen.began);
        CHECK_TEXT(seen.code, "tls_failed");
        CHECK_INT(requests, 0);
    }
}

TEST(a_server_that_wants_another_certificate_refuses_us)
{
    static const struct setup BAD[] = {
        {.ca = "ca.crt", .host = "127.0.0.1", .client_ca = "ca.crt"},
        {.ca = "ca.crt", .host = "127.0.0.1", .client_ca = "ca.crt", .shown = "stranger"},
    };
    for (size_t i = 0; i < COUNT(BAD); i++) {
        int requests;
        scoped(seen_done) struct seen seen = ask(&BAD[i], S("hello"), 1, &requests);
        CHECK(seen.how == UPSTREAM_REFUSED || seen.how == UPSTREAM_TORN);
        if (seen.how == UPSTREAM_REFUSED)
            CHECK_TEXT(seen.code, "tls_failed");
        printf("# %s\n", seen.message);
        CHECK_INT(requests, 0);
    }
}

TEST(files_that_do_not_fit_are_refused_at_once)
{
    struct tls *tls = NULL;
    struct err err;

    CHECK(!tls_client_open(path_of("missing"), NULL, NULL, &tls, &err));
    CHECK(err.kind == ERR_SYSTEM && strstr(err.message, "missing"));
    CHECK(!tls_client_open(
        path_of("ca.crt"), path_of("client.crt"), path_of("server.key"), &tls, &err));
    CHECK(!tls_client_open(path_of("ca.key"), NULL, NULL, &tls, &err));
    CHECK(!tls);
}

/* --- plain OpenSSL, which may break the rules ---------------------------------------------------
 */

static int max_version, say_goodbye;
static struct str now_sent;

static bool speak_tls(struct fake *fake, int fd, int number)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    char in[4096];

    (void)number, (void)fake;
    check(context && SSL_CTX_use_certificate_chain_file(context, path_of("server.crt")) == 1 &&
          SSL_CTX_use_PrivateKey_file(context, path_of("server.key"), SSL_FILETYPE_PEM) == 1);
    if (max_version)
        SSL_CTX_set_max_proto_version(context, max_version);
    SSL *ssl = SSL_new(context);
    SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) == 1 && SSL_read(ssl, in, sizeof in) > 0) {
        fake->requests++;
        SSL_write(ssl, now_sent.at, (int)now_sent.len);
        if (say_goodbye)
            SSL_shutdown(ssl);
    }
    SSL_free(ssl);
    SSL_CTX_free(context);
    return false;
}

static struct seen ask_openssl(struct str bytes, bool goodbye, int version)
{
    struct upstream_limits limits;
    struct tls *tls = NULL;
    struct client client;
    struct seen seen = {0};
    struct fake fake;
    struct err err;
    char url[64];

    now_sent = bytes;
    say_goodbye = goodbye;
    max_version = version;
    upstream_limits_default(&limits);
    check(tls_client_open(path_of("ca.crt"), NULL, NULL, &tls, &err));
    fake_open(&fake, speak_tls, NULL);
    snprintf(url, sizeof url, "https://localhost:%u", fake.port);
    client_open(&client, &limits, url, tls, NULL);
    seen_send(&seen, &client, METHOD_GET, "/", S(""));
    CHECK(client_turn(&client, &seen.ends, 1));
    client_close(&client);
    fake_close(&fake);
    tls_close(&tls);
    return seen;
}

TEST(a_reply_until_the_end_is_whole_only_if_the_end_was_said)
{
    scoped(seen_done) struct seen whole = ask_openssl(S(OK "\r\nall"), true, 0);
    CHECK(whole.how == UPSTREAM_WHOLE);
    CHECK_STR(buf_str(&whole.body), "all");
    scoped(seen_done) struct seen torn = ask_openssl(S(OK "\r\nall"), false, 0);
    CHECK(torn.how == UPSTREAM_TORN);
    CHECK_TEXT(torn.code, "reply_torn");
    scoped(seen_done) struct seen framed =
        ask_openssl(S(OK "Content-Length: 3\r\n\r\nall"), false, 0);
    CHECK(framed.how == UPSTREAM_WHOLE);
}

TEST(old_tls_is_not_spoken)
{
    scoped(seen_done) struct seen seen = ask_openssl(S(OK "\r\n"), true, TLS1_2_VERSION);
    CHECK(seen.how == UPSTREAM_REFUSED && !seen.sent);
    CHECK_TEXT(seen.code, "tls_failed");
}

static bool speak_plain(struct fake *fake, int fd, int number)
{
    (void)number;
    fake_send(fake, fd, S("HTTP/1.1 400 The plain HTTP request was sent to HTTPS port\r\n\r\n"));
    fake_hang(fake, fd);
    return false;
}

static bool say_nothing(struct fake *fake, int fd, int number)
{
    (void)number;
    fake_hang(fake, fd);
    return false;
}

TEST(what_is_no_tls_is_refused_and_silence_times_out)
{
    bool (*const scripts[])(struct fake *, int, int) = {speak_plain, say_nothing};
    for (size_t i = 0; i < COUNT(scripts); i++) {
        struct upstream_limits limits;
        struct tls *tls = NULL;
        struct client client;
        struct seen seen = {0};
        struct fake fake;
        struct err err;
        char url[64];

        upstream_limits_default(&limits);
        limits.upstream_connect_ms = 300;
        check(tls_client_open(path_of("ca.crt"), NULL, NULL, &tls, &err));
        fake_open(&fake, scripts[i], NULL);
        snprintf(url, sizeof url, "https://localhost:%u", fake.port);
        client_open(&client, &limits, url, tls, NULL);
        seen_send(&seen, &client, METHOD_GET, "/", S(""));
        CHECK(client_turn(&client, &seen.ends, 1));
        CHECK(seen.how == (i ? UPSTREAM_TIMED_OUT : UPSTREAM_REFUSED) && !seen.sent);
        CHECK_TEXT(seen.code, i ? "connect_timeout" : "tls_failed");
        client_close(&client);
        seen_done(&seen);
        fake_close(&fake);
        tls_close(&tls);
    }
}

TAP_MAIN
