/* SPDX-License-Identifier: Apache-2.0
 *
 * mint — making tokens and the keys that sign them; for `logicctl token` and for tests. No role
 * calls this: the private keys lie where no role can read.
 *
 * threads  one at a time
 */
#pragma once

#include "base/buf.h"
#include "identity/token_file.h"

#define MINT_OPAQUE_MARK "ln_"
#define MINT_RANDOM_BYTES 32 /* of an opaque token: 43 letters behind the mark */
#define MINT_ID_BYTES 33     /* 128 random bits as hex, and a terminator */

struct mint_key {
    enum jwt_alg alg;
    struct sign_key *ed25519;
    struct es256_key *es256;
};

void mint_key_make(enum jwt_alg alg, struct mint_key *ret_key);
/* errors  as sign_key_load(), sign_key_save() */
bool mint_key_load(enum jwt_alg alg, const char *path, struct mint_key *ret_key, struct err *err);
bool mint_key_save(const struct mint_key *key, const char *path, struct err *err);
/* For scoped(). */
void mint_key_done(struct mint_key *key);
/* {"kid","alg","public"} for tokens.json; the kid is of the public key. New reference. */
json_t *mint_key_row(const struct mint_key *key);

/* The whole token is appended. errors  as jwt_write() */
bool mint_jwt(const struct mint_key *key, const char *kid, const struct jwt_claims *claims,
    struct buf *out, struct err *err);
void mint_opaque(struct buf *out);
void mint_id(char ret_id[MINT_ID_BYTES]);
