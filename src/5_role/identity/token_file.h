/* SPDX-License-Identifier: Apache-2.0
 *
 * token_file — HOME/tokens/tokens.json: keys and rows, read strictly. Shared with `logicctl token`,
 * which writes it.
 *
 * Beside the members of docs/inference.md §6 a row may have `fp6` (of its token text, for whoever
 * reads logs) and `certificate` (the CN of a client certificate); with kind "certificate" there is
 * no token at all. Only name, id, kind, models and scopes (and sha256 or kid) must be there; a
 * number that is missing or 0 is no limit. Ids, kids and hashes are unique, and so are the names of
 * rows that are not revoked. A key's `public` is the base64 of 32 bytes (EdDSA) or of the 65 of an
 * uncompressed point (ES256); created_at and retired_at (no new tokens by this key) may be there.
 *
 * threads  any: no state
 */
#pragma once

#include "catalogue/document.h"
#include "crypto/es256.h"
#include "identity/bucket.h"
#include "identity/identity.h"
#include "jwt/jwt.h"

#define TOKEN_ISSUER "logic-node"
#define TOKEN_AUDIENCE "logic-node/gateway"
#define TOKEN_WEIGHT_MAX 1000
#define TOKEN_CONCURRENT_MAX 100000
#define TOKEN_FP6_BYTES 7
#define TOKEN_CERTIFICATE_BYTES 65

/* The schema, and whether all of it can be taken. */
extern const struct document_form TOKEN_FILE_FORM;

enum token_kind { TOKEN_JWT, TOKEN_OPAQUE, TOKEN_CERTIFICATE };
const char *token_kind_word(enum token_kind kind);

/* What a caller has beside its public part. */
struct caller_state {
    enum token_kind kind;
    uint8_t digest[SHA256_BYTES]; /* of an opaque token */
    char kid[JWT_TEXT_BYTES];     /* of a JWT */
    char certificate[TOKEN_CERTIFICATE_BYTES];
    json_t *models; /* texts */
    struct bucket requests, tokens, verifies;
    uint8_t proved[SHA256_BYTES]; /* the text whose signature was authentic last */
    bool has_proof;
    bool wanted; /* while a file is taken */
};

struct token_key {
    char kid[JWT_TEXT_BYTES];
    enum jwt_alg alg;
    struct verifier *verifier;
};

struct token_file {
    struct caller **callers;
    size_t callers_count;
    struct token_key keys[IDENTITY_KEYS_MAX];
    size_t keys_count;
};

/* `document` is of TOKEN_FILE_FORM's schema. errors  ERR_INPUT "bad_tokens" with the row's place */
bool token_file_read(const json_t *document, struct token_file *ret_file, struct err *err);
/* For scoped(). */
void token_file_done(struct token_file *file);

struct caller *caller_make(void);
void caller_free(struct caller *caller);

/* a-z 0-9 _ - . and shorter than CALLER_NAME_BYTES. */
bool token_name_fits(struct str name);
/* 1 to CALLER_MODEL_BYTES_MAX visible bytes; `*` only at the end. */
bool token_pattern_fits(struct str pattern);
bool token_pattern_matches(struct str pattern, struct str model);
/* The first six digits of SHA-256 over the token text. */
void token_fp6(const uint8_t digest[SHA256_BYTES], char ret_text[TOKEN_FP6_BYTES]);
