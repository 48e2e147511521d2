/* SPDX-License-Identifier: Apache-2.0
 * Client certificates that are not demanded, against real clients: curl and openssl s_client. */
#include "base/panic.h"
#include "base/scoped.h"
#include "net_test_client.h"
#include "patience.h"
#include "scratch.h"
#include "tap.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define SAN "subjectAltName=DNS:localhost"

static const char *folder;

/* A shell command in the scratch folder; what it printed. */
static int shell(struct buf *out, const char *format, ...)
{
    char command[2048], line[4096];
    size_t got;
    va_list args;
    int len = snprintf(command, sizeof command, "cd %s && ", folder);

    va_start(args, format);
    vsnprintf(command + len, sizeof command - (size_t)len, format, args);
    va_end(args);
    FILE *pipe = popen(command, "r");
    check(pipe);
    buf_clear(out);
    while ((got = fread(line, 1, sizeof line, pipe)) > 0)
        buf_add(out, (struct str){line, got});
    return pclose(pipe);
}

/* NAME.crt and NAME.key, signed by CA.crt, for `use`. */
static void make_pair(
    struct buf *out, const char *name, const char *ca, const char *subject, const char *use)
{
    check(shell(out,
              "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout %s.key -out "
              "%s.csr -subj '%s' 2>/dev/null && printf '" SAN "\\nextendedKeyUsage=%s\\n' > %s.ext "
              "&& openssl x509 -req -in %s.csr -CA %s.crt -CAkey %s.key -CAcreateserial -days 2 "
              "-extfile %s.ext -out %s.crt 2>/dev/null",
              name, name, subject, use, name, name, ca, ca, name, name) == 0);
}

static void make_ca(struct buf *out, const char *name)
{
    check(shell(out,
              "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "
              "%s.key -out %s.crt -days 2 -subj '/CN=%s' 2>/dev/null",
              name, name, name) == 0);
}

static void open_site(struct site *site, bool optional)
{
    char paths[3][200];
    struct err err;

    site_init(site);
    snprintf(paths[0], sizeof paths[0], "%s/server.crt", folder);
    snprintf(paths[1], sizeof paths[1], "%s/server.key", folder);
    snprintf(paths[2], sizeof paths[2], "%s/ca.crt", folder);
    if (!tls_open(paths[0], paths[1], paths[2], &site->tls, &err))
        panic("%s", err.message);
    if (optional)
        tls_certificate_optional(site->tls);
    site_open(site);
}

static void make_all(struct buf *out)
{
    if (folder)
        return;
    folder = scratch_folder();
    make_ca(out, "ca");
    make_ca(out, "foreign");
    make_pair(out, "server", "ca", "/CN=localhost", "serverAuth");
    make_pair(out, "laptop", "ca", "/O=home/CN=laptop.home", "clientAuth");
    make_pair(out, "stranger", "foreign", "/CN=laptop.home", "clientAuth");
    make_pair(out, "wrong_use", "ca", "/CN=laptop.home", "serverAuth");
    make_pair(out, "two_names", "ca", "/CN=laptop.home/CN=admin.home", "clientAuth");
}

static int curl(struct buf *out, struct site *site, const char *certificate)
{
    char pair[128] = "";

    if (certificate)
        snprintf(pair, sizeof pair, "--cert %s.crt --key %s.key", certificate, certificate);
    return shell(out, "curl -sS --max-time %d --cacert ca.crt %s https://localhost:%d/peer 2>&1",
        patience(10), pair, (int)http_server_port(site->server));
}

TEST(curl_with_and_without_a_certificate_is_let_in_and_only_ours_has_a_name)
{
    scoped(buf_done) struct buf out = buf_of(1 << 20);
    struct site site;

    make_all(&out);
    open_site(&site, true);
    CHECK_INT(curl(&out, &site, NULL), 0);
    CHECK(str_ends(buf_str(&out), S("name=-")));
    CHECK_INT(curl(&out, &site, "laptop"), 0);
    CHECK(str_ends(buf_str(&out), S("name=laptop.home")));
    CHECK_INT(curl(&out, &site, "two_names"), 0);
    CHECK(str_ends(buf_str(&out), S("name=-"))); /* which of them? none */
    CHECK(curl(&out, &site, "stranger") != 0);
    CHECK(curl(&out, &site, "wrong_use") != 0);
    site_close(&site);
    tls_close(&site.tls);
    CHECK_INT(site.requests, 3);
}

TEST(a_demanded_certificate_is_still_demanded)
{
    scoped(buf_done) struct buf out = buf_of(1 << 20);
    struct site site;

    make_all(&out);
    open_site(&site, false);
    CHECK(curl(&out, &site, NULL) != 0);
    CHECK_INT(curl(&out, &site, "laptop"), 0);
    site_close(&site);
    tls_close(&site.tls);
    CHECK_INT(site.requests, 1);
}

static int s_client(struct buf *out, struct site *site, const char *session)
{
    return shell(out,
        "(printf 'GET /peer HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n'; "
        "sleep "
        "1) | timeout %d openssl s_client -connect 127.0.0.1:%d -CAfile ca.crt -tls1_3 -ign_eof "
        "-cert laptop.crt -key laptop.key %s 2>/dev/null",
        patience(10), (int)http_server_port(site->server), session);
}

TEST(a_resumed_session_of_s_client_keeps_its_name)
{
    scoped(buf_done) struct buf out = buf_of(1 << 20);
    struct site site;

    make_all(&out);
    open_site(&site, true);
    CHECK_INT(s_client(&out, &site, "-sess_out session"), 0);
    CHECK(client_count(buf_str(&out), "name=laptop.home") == 1);
    CHECK(client_count(buf_str(&out), "New, TLSv1.3") > 0);
    CHECK_INT(s_client(&out, &site, "-sess_in session"), 0);
    CHECK(client_count(buf_str(&out), "name=laptop.home") == 1);
    CHECK(client_count(buf_str(&out), "Reused, TLSv1.3") > 0);
    site_close(&site);
    tls_close(&site.tls);
}

TAP_MAIN
