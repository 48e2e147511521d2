/* SPDX-License-Identifier: Apache-2.0 */
#include "base/panic.h"
#include "base/scoped.h"
#include "net/tls_stream.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <openssl/x509.h>
#include <stdlib.h>

struct tls {
    SSL_CTX *context;
};

struct tls_stream {
    SSL *ssl;
    BIO *in, *out;      /* owned by ssl */
    const char *reason; /* it broke; a constant of OpenSSL's */
};

/* What OpenSSL says about the last failure; the rest of its queue is dropped. */
static const char *reason(void)
{
    unsigned long code = ERR_get_error();
    const char *text = code ? ERR_reason_error_string(code) : NULL;

    ERR_clear_error();
    return text ? text : "reason unknown";
}

static void context_done(SSL_CTX **at)
{
    SSL_CTX_free(*at);
    *at = NULL;
}

/* A page that was opened over HTTP/1.1 must not be told that we speak more: HTTP/2 joins here. */
static int choose_protocol(SSL *ssl, const unsigned char **ret, unsigned char *ret_len,
    const unsigned char *offered, unsigned int offered_len, void *unused)
{
    static const unsigned char OURS[] = "\x08http/1.1";
    (void)ssl, (void)unused;
    int answer = SSL_select_next_proto(
        (unsigned char **)(uintptr_t)ret, ret_len, OURS, sizeof OURS - 1, offered, offered_len);
    return answer == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

static bool load(SSL_CTX *context, const char *certificate_path, const char *key_path,
    const char *client_ca_path, struct err *err)
{
    if (SSL_CTX_use_certificate_chain_file(context, certificate_path) != 1)
        return err_set(
            err, ERR_SYSTEM, "cannot use the certificate %s: %s", certificate_path, reason());
    if (SSL_CTX_use_PrivateKey_file(context, key_path, SSL_FILETYPE_PEM) != 1)
        return err_set(err, ERR_SYSTEM, "cannot use the key %s: %s; is it the one of %s?", key_path,
            reason(), certificate_path);
    if (!client_ca_path)
        return true;
    if (SSL_CTX_load_verify_locations(context, client_ca_path, NULL) != 1)
        return err_set(
            err, ERR_SYSTEM, "cannot use the client authority %s: %s", client_ca_path, reason());
    SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(client_ca_path));
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    return true;
}

static struct tls *keep(SSL_CTX **context)
{
    struct tls *tls = malloc(sizeof *tls);

    check(tls);
    tls->context = *context;
    *context = NULL;
    return tls;
}

bool tls_open(const char *certificate_path, const char *key_path, const char *client_ca_path,
    struct tls **ret_tls, struct err *err)
{
    scoped(context_done) SSL_CTX *context = SSL_CTX_new(TLS_server_method());

    check(context);
    check(SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_id_context(context, (const unsigned char *)"logic", 5);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
    if (!load(context, certificate_path, key_path, client_ca_path, err))
        return false;
    *ret_tls = keep(&context);
    return true;
}

void tls_certificate_optional(struct tls *tls)
{
    if (SSL_CTX_get_verify_mode(tls->context) != SSL_VERIFY_NONE) /* an authority is named */
        SSL_CTX_set_verify(tls->context, SSL_VERIFY_PEER, NULL);
}

static bool load_client(SSL_CTX *context, const char *ca_path, const char *certificate_path,
    const char *key_path, struct err *err)
{
    if (SSL_CTX_load_verify_locations(context, ca_path, NULL) != 1)
        return err_set(err, ERR_SYSTEM, "cannot use the authority %s: %s", ca_path, reason());
    if (!certificate_path)
        return true;
    return load(context, certificate_path, key_path, NULL, err);
}

static bool make_client(const char *ca_path, const char *certificate_path, const char *key_path,
    SSL_CTX **ret_context, struct err *err)
{
    static const unsigned char PROTOCOLS[] = "\x08http/1.1";
    scoped(context_done) SSL_CTX *context = SSL_CTX_new(TLS_client_method());

    check(context && ca_path && !certificate_path == !key_path);
    check(SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    check(SSL_CTX_set_alpn_protos(context, PROTOCOLS, sizeof PROTOCOLS - 1) == 0);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    if (!load_client(context, ca_path, certificate_path, key_path, err))
        return false;
    *ret_context = context;
    context = NULL;
    return true;
}

bool tls_client_open(const char *ca_path, const char *certificate_path, const char *key_path,
    struct tls **ret_tls, struct err *err)
{
    SSL_CTX *context = NULL;

    if (!make_client(ca_path, certificate_path, key_path, &context, err))
        return false;
    *ret_tls = keep(&context);
    return true;
}

bool tls_client_renew(struct tls *tls, const char *ca_path, const char *certificate_path,
    const char *key_path, struct err *err)
{
    SSL_CTX *context = NULL;

    if (!make_client(ca_path, certificate_path, key_path, &context, err))
        return false;
    SSL_CTX_free(tls->context); /* each connection holds its own reference */
    tls->context = context;
    return true;
}

void tls_close(struct tls **at)
{
    if (*at)
        SSL_CTX_free((*at)->context);
    free(*at);
    *at = NULL;
}

static struct tls_stream *stream_make(struct tls *tls)
{
    struct tls_stream *stream = malloc(sizeof *stream);

    check(stream);
    *stream = (struct tls_stream){
        .ssl = SSL_new(tls->context), .in = BIO_new(BIO_s_mem()), .out = BIO_new(BIO_s_mem())};
    check(stream->ssl && stream->in && stream->out);
    SSL_set_bio(stream->ssl, stream->in, stream->out);
    return stream;
}

struct tls_stream *tls_stream_open(struct tls *tls)
{
    struct tls_stream *stream = stream_make(tls);

    SSL_set_accept_state(stream->ssl);
    return stream;
}

struct tls_stream *tls_stream_open_client(struct tls *tls, const char *name)
{
    struct tls_stream *stream = stream_make(tls);
    X509_VERIFY_PARAM *param = SSL_get0_param(stream->ssl);

    SSL_set_connect_state(stream->ssl);
    if (X509_VERIFY_PARAM_set1_ip_asc(param, name) == 1)
        return stream;
    ERR_clear_error();
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    check(SSL_set1_host(stream->ssl, name) == 1);
    check(SSL_set_tlsext_host_name(stream->ssl, name) == 1);
    return stream;
}

bool tls_stream_agreed(const struct tls_stream *stream)
{
    return SSL_is_init_finished(stream->ssl);
}

const char *tls_stream_reason(const struct tls_stream *stream)
{
    return stream->reason ? stream->reason : "reason unknown";
}

static void note_reason(struct tls_stream *stream)
{
    long verdict = SSL_get_verify_result(stream->ssl);

    if (verdict != X509_V_OK)
        stream->reason = X509_verify_cert_error_string(verdict);
    else
        stream->reason = ERR_reason_error_string(ERR_peek_error());
    ERR_clear_error();
}

void tls_stream_close(struct tls_stream **at)
{
    if (*at)
        SSL_free((*at)->ssl);
    free(*at);
    *at = NULL;
}

size_t tls_stream_input(struct tls_stream *stream, struct str bytes)
{
    int len = bytes.len < INT_MAX ? (int)bytes.len : INT_MAX;

    check(BIO_write(stream->in, bytes.at, len) == len);
    return (size_t)len;
}

enum tls_answer tls_stream_decrypt(struct tls_stream *stream, char *at, size_t max, size_t *ret_len)
{
    ERR_clear_error();
    if (SSL_read_ex(stream->ssl, at, max, ret_len) == 1)
        return TLS_BYTES;
    switch (SSL_get_error(stream->ssl, 0)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return TLS_WAIT;
    case SSL_ERROR_ZERO_RETURN:
        return TLS_END;
    default:
        note_reason(stream);
        return TLS_BROKEN;
    }
}

bool tls_stream_encrypt(struct tls_stream *stream, struct str plain)
{
    size_t written;

    ERR_clear_error();
    if (!plain.len)
        return true;
    bool good = SSL_is_init_finished(stream->ssl) &&
                SSL_write_ex(stream->ssl, plain.at, plain.len, &written) == 1 &&
                written == plain.len;
    ERR_clear_error();
    return good;
}

bool tls_stream_output(struct tls_stream *stream, struct str *ret_bytes)
{
    char *at;
    long len = BIO_get_mem_data(stream->out, &at);

    if (len <= 0)
        return false;
    *ret_bytes = (struct str){at, (size_t)len};
    return true;
}

void tls_stream_output_done(struct tls_stream *stream)
{
    (void)BIO_reset(stream->out);
}

void tls_stream_end(struct tls_stream *stream)
{
    ERR_clear_error();
    if (SSL_is_init_finished(stream->ssl))
        (void)SSL_shutdown(stream->ssl);
    ERR_clear_error();
}

static void text_done(unsigned char **at)
{
    OPENSSL_free(*at);
    *at = NULL;
}

bool tls_stream_peer_name(const struct tls_stream *stream, char *ret_name, size_t bytes_max)
{
    X509 *certificate = SSL_get0_peer_certificate(stream->ssl);
    scoped(text_done) unsigned char *text = NULL;

    if (!certificate || SSL_get_verify_result(stream->ssl) != X509_V_OK ||
        SSL_get_verify_mode(stream->ssl) == SSL_VERIFY_NONE)
        return false;
    X509_NAME *name = X509_get_subject_name(certificate);
    int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
    if (at < 0 || X509_NAME_get_index_by_NID(name, NID_commonName, at) >= 0) /* one, no more */
        return false;
    int len = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
    if (len <= 0 || (size_t)len >= bytes_max || memchr(text, 0, (size_t)len))
        return false;
    memcpy(ret_name, text, (size_t)len);
    ret_name[len] = '\0';
    return true;
}
