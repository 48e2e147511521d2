/* SPDX-License-Identifier: Apache-2.0
 *
 * tls — the server's certificate and key, TLS 1.3 only.
 *
 * owner    whoever opened it; must outlive the servers that use it
 * threads  one at a time
 */
#pragma once

#include "base/err.h"

struct tls;

/* PEM files. `client_ca_path` (may be NULL): if given, clients must show a certificate of that CA.
 * errors  ERR_SYSTEM a file cannot be read, is no PEM, or the key does not fit the certificate */
bool tls_open(const char *certificate_path, const char *key_path, const char *client_ca_path,
    struct tls **ret_tls, struct err *err);
/* For scoped(tls_close). */
void tls_close(struct tls **at);
