/* SPDX-License-Identifier: Apache-2.0 */
#include "base/panic.h"
#include "base/scoped.h"
#include "net_test_client.h"
#include "os/fd.h"
#include "tap.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#define H "Host: localhost\r\n"

static char folder[64], certificate_path[96], key_path[96], other_key_path[96];

static EVP_PKEY *write_key(const char *path)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    FILE *file = fopen(path, "w");

    check(key && file && PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1);
    fclose(file);
    return key;
}

/* One self-signed certificate is server, client and authority at once. */
__attribute__((constructor)) static void make_certificate(void)
{
    snprintf(folder, sizeof folder, "/tmp/net_tls_test.XXXXXX");
    check(mkdtemp(folder));
    snprintf(certificate_path, sizeof certificate_path, "%s/certificate", folder);
    snprintf(key_path, sizeof key_path, "%s/key", folder);
    snprintf(other_key_path, sizeof other_key_path, "%s/other", folder);
    EVP_PKEY *key = write_key(key_path);
    EVP_PKEY_free(write_key(other_key_path));
    X509 *certificate = X509_new();
    FILE *file = fopen(certificate_path, "w");
    check(certificate && file);
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_NAME *name = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(
        name, "CN", MBSTRING_ASC, (const unsigned char *)"localhost", -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    X509_set_pubkey(certificate, key);
    X509_EXTENSION *is_ca =
        X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "critical,CA:TRUE");
    check(is_ca && X509_add_ext(certificate, is_ca, -1) == 1);
    X509_EXTENSION_free(is_ca);
    check(X509_sign(certificate, key, EVP_sha256()) > 0 && PEM_write_X509(file, certificate) == 1);
    fclose(file);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

__attribute__((destructor)) static void remove_certificate(void)
{
    unlink(certificate_path);
    unlink(key_path);
    unlink(other_key_path);
    rmdir(folder);
}

static void open_tls_site(struct site *site, bool client_certificates)
{
    struct err err;

    site_init(site);
    site->config.limits.body_bytes_max = 8 << 20;
    if (!tls_open(certificate_path, key_path, client_certificates ? certificate_path : NULL,
            &site->tls, &err))
        panic("%s", err.message);
    site_open(site);
}

static void close_tls_site(struct site *site)
{
    site_close(site);
    tls_close(&site->tls);
}

struct client {
    SSL_CTX *context;
    SSL *ssl;
    int fd;
};

/* Shake hands; false if either side refuses (with TLS 1.3 a refused client may see it only when it
 * reads). */
static bool client_open(
    struct client *client, struct site *site, int version, bool show_certificate)
{
    static const unsigned char ALPN[] = "\x02h2\x08http/1.1";

    client->context = SSL_CTX_new(TLS_client_method());
    check(SSL_CTX_set_max_proto_version(client->context, version) == 1);
    check(SSL_CTX_load_verify_locations(client->context, certificate_path, NULL) == 1);
    SSL_CTX_set_verify(client->context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_alpn_protos(client->context, ALPN, sizeof ALPN - 1);
    if (show_certificate)
        check(SSL_CTX_use_certificate_file(client->context, certificate_path, SSL_FILETYPE_PEM) ==
                  1 &&
              SSL_CTX_use_PrivateKey_file(client->context, key_path, SSL_FILETYPE_PEM) == 1);
    client->ssl = SSL_new(client->context);
    client->fd = client_connect(site);
    SSL_set_fd(client->ssl, client->fd);
    return SSL_connect(client->ssl) == 1;
}

static void client_close(struct client *client)
{
    SSL_free(client->ssl);
    SSL_CTX_free(client->context);
    close(client->fd);
}

static void client_say(struct client *client, struct str bytes)
{
    size_t written;

    check(SSL_write_ex(client->ssl, bytes.at, bytes.len, &written) == 1 && written == bytes.len);
}

/* true: the server said an orderly end. */
static bool client_hear(struct client *client, struct buf *out)
{
    char piece[16384];
    size_t got;

    while (SSL_read_ex(client->ssl, piece, sizeof piece, &got) == 1)
        buf_add(out, (struct str){piece, got});
    return SSL_get_error(client->ssl, 0) == SSL_ERROR_ZERO_RETURN;
}

TEST(a_request_goes_through_tls_1_3_and_ends_orderly)
{
    scoped(buf_done) struct buf out = buf_of(4096);
    struct client client;
    struct site site;
    const unsigned char *protocol;
    unsigned len;

    open_tls_site(&site, false);
    REQUIRE(client_open(&client, &site, TLS1_3_VERSION, false));
    SSL_get0_alpn_selected(client.ssl, &protocol, &len);
    CHECK_STR(((struct str){(const char *)protocol, len}), "http/1.1");
    client_say(&client, S("GET /peer HTTP/1.1\r\n" H "Connection: close\r\n\r\n"));
    CHECK(client_hear(&client, &out));
    CHECK_INT(client_count(buf_str(&out), "tls=1"), 1);
    CHECK_INT(client_count(buf_str(&out), "name=-"), 1);
    client_close(&client);
    close_tls_site(&site);
}

TEST(megabytes_go_both_ways_through_tls)
{
    scoped(buf_done) struct buf in = buf_of(16 << 20), out = buf_of(16 << 20);
    struct client client;
    struct site site;

    open_tls_site(&site, false);
    REQUIRE(client_open(&client, &site, TLS1_3_VERSION, false));
    buf_add(&in, S("POST / HTTP/1.1\r\n" H "Connection: close\r\nContent-Length: 4000000\r\n\r\n"));
    size_t start = in.len;
    for (unsigned i = 0; i < 4000000; i++)
        buf_add_char(&in, (char)(i % 253));
    client_say(&client, buf_str(&in));
    CHECK(client_hear(&client, &out));
    CHECK(str_ends(buf_str(&out), (struct str){in.at + start, 4000000}));
    client_close(&client);
    close_tls_site(&site);
}

TEST(tls_1_2_and_plain_text_get_no_answer)
{
    scoped(buf_done) struct buf out = buf_of(4096);
    struct client client;
    struct site site;

    open_tls_site(&site, false);
    CHECK(!client_open(&client, &site, TLS1_2_VERSION, false));
    client_close(&client);
    client_ask(&site, S("GET / HTTP/1.1\r\n" H "\r\n"), &out);
    CHECK_INT(client_status(buf_str(&out)), 0);
    close_tls_site(&site);
    CHECK_INT(site.requests, 0);
}

TEST(a_client_certificate_is_wanted_where_an_authority_is_named)
{
    scoped(buf_done) struct buf out = buf_of(4096), none = buf_of(4096);
    struct client client;
    struct site site;

    open_tls_site(&site, true);
    bool shaken = client_open(&client, &site, TLS1_3_VERSION, false);
    CHECK(!shaken || !client_hear(&client, &none));
    CHECK_INT(none.len, 0);
    client_close(&client);
    REQUIRE(client_open(&client, &site, TLS1_3_VERSION, true));
    client_say(&client, S("GET /peer HTTP/1.1\r\n" H "Connection: close\r\n\r\n"));
    CHECK(client_hear(&client, &out));
    CHECK_INT(client_status(buf_str(&out)), 200);
    CHECK_INT(client_count(buf_str(&out), "name=localhost"), 1);
    client_close(&client);
    close_tls_site(&site);
    CHECK_INT(site.requests, 1);
}

TEST(a_handshake_that_stops_is_given_up)
{
    scoped(buf_done) struct buf out = buf_of(4096);
    struct site site;
    struct err err;

    site_init(&site);
    site.config.limits.head_ms = 100;
    check(tls_open(certificate_path, key_path, NULL, &site.tls, &err));
    site_open(&site);
    client_ask(&site, S("\x16\x03\x01\x02"), &out);
    CHECK_INT(out.len, 0);
    close_tls_site(&site);
}

TEST(a_client_that_leaves_is_noticed_through_tls)
{
    struct client client;
    struct site site;

    open_tls_site(&site, false);
    for (int orderly = 0; orderly < 2; orderly++) {
        REQUIRE(client_open(&client, &site, TLS1_3_VERSION, false));
        client_say(&client, S("GET /hold HTTP/1.1\r\n" H "\r\n"));
        CHECK(site_wait(&site, &site.held_count, orderly + 1));
        if (orderly)
            SSL_shutdown(client.ssl);
        client_close(&client);
        CHECK(site_wait(&site, &site.gone, orderly + 1));
    }
    close_tls_site(&site);
}

TEST(wrong_files_are_errors_with_their_names)
{
    struct tls *tls = NULL;
    struct err err;

    CHECK(!tls_open("/nonexistent/c", key_path, NULL, &tls, &err));
    CHECK(err.kind == ERR_SYSTEM && strstr(err.message, "/nonexistent/c"));
    CHECK(!tls_open(certificate_path, other_key_path, NULL, &tls, &err));
    CHECK(strstr(err.message, other_key_path));
    CHECK(!tls_open(certificate_path, key_path, key_path, &tls, &err));
    CHECK(!tls);
}

TAP_MAIN
