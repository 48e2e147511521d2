/* SPDX-License-Identifier: Apache-2.0
 *
 * tls — a server's certificate and key, or whom a client trusts and what it shows. TLS 1.3 only.
 *
 * owner    whoever opened it; must outlive the servers and places that use it
 * threads  one at a time
 */
#pragma once

#include "base/err.h"

struct tls;

/* PEM files. `client_ca_path` (may be NULL): if given, clients must show a certificate of that CA.
 * errors  ERR_SYSTEM a file cannot be read, is no PEM, or the key does not fit the certificate */
bool tls_open(const char *certificate_path, const char *key_path, const char *client_ca_path,
    struct tls **ret_tls, struct err *err);
/* The client's side (upstream.h): servers must show a certificate of `ca_path`, always; the
 * certificate and key (both or neither NULL) are shown to a server that asks. errors  as above */
bool tls_client_open(const char *ca_path, const char *certificate_path, const char *key_path,
    struct tls **ret_tls, struct err *err);
/* The files anew, for connections that come; those that are there go on as they are. After an error
 * nothing is changed. errors  as above */
bool tls_client_renew(struct tls *tls, const char *ca_path, const char *certificate_path,
    const char *key_path, struct err *err);
/* A client may also show none: a caller with a token needs none. One that it shows must still be of
 * that CA, and then exchange_peer_name() tells its name. Call it before a server listens. */
void tls_certificate_optional(struct tls *tls);
/* For scoped(tls_close). */
void tls_close(struct tls **at);
