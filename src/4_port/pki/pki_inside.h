/* SPDX-License-Identifier: Apache-2.0
 *
 * pki_inside — what the two halves of pki share. Internal.
 */
#pragma once

#include "pki/pki.h"

#include <limits.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#define PKI_FILE_BYTES_MAX (64 * 1024)
#define PKI_FROM_S (-24 * 3600) /* before now */
#define PKI_DAY_S (24 * 3600)

void pki_key_done(EVP_PKEY **at);
void pki_x509_done(X509 **at);

/* FOLDER/NAME or PATH + SUFFIX. errors  ERR_LIMIT too long */
bool pki_path(const char *folder, const char *name, char ret_path[PATH_MAX], struct err *err);
bool pki_path_with(const char *path, const char *suffix, char ret_path[PATH_MAX], struct err *err);

bool pki_key_read(const char *path, EVP_PKEY **ret_key, struct err *err);
bool pki_key_write(const EVP_PKEY *key, const char *path, struct err *err);
bool pki_x509_read(const char *path, X509 **ret_certificate, struct err *err);
bool pki_x509_write(X509 *certificate, const char *path, struct err *err);
