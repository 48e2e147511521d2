/* SPDX-License-Identifier: Apache-2.0
 *
 * key_file — private keys as PEM files; for the files of this folder only.
 */
#pragma once

#include "base/err.h"

#include <openssl/evp.h>
#include <stdbool.h>

/* An unencrypted private key of `algorithm` ("ED25519", "EC") that only its owner may read.
 * `words` names it in errors. errors  as sign_key_load() */
bool key_file_load(const char *path, const char *algorithm, const char *words, EVP_PKEY **ret_pair,
    struct err *err);
/* As sign_key_save(). */
bool key_file_save(EVP_PKEY *pair, const char *path, struct err *err);
