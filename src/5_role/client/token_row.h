/* SPDX-License-Identifier: Apache-2.0
 *
 * token_row — rows and keys of tokens.json as `logicctl token` changes them; no files here.
 */
#pragma once

#include "client/options.h"
#include "identity/mint.h"

/* From the command line. The row still lacks kid, sha256 and fp6. errors  ERR_INPUT, the option
 * named */
bool token_row_make(const struct options *options, int64_t now_ms, json_t **ret_row,
    enum jwt_alg *ret_alg, struct err *err);
/* NULL: EdDSA. */
bool token_alg_from(const char *word, enum jwt_alg *ret_alg, struct err *err);

/* "90d", "12h", "30m", "never", or a time: the form of expires_at. */
bool token_expiry_from(const char *word, int64_t now_ms, int64_t *ret_expires_ms, struct err *err);

/* What the token itself says of its rights. New reference. */
json_t *token_row_rights(const json_t *row);
/* "good", "expired", "revoked". */
const char *token_row_state(const json_t *row, int64_t now_ms);
/* The row of this name that is not revoked; NULL: none. Borrowed. */
json_t *token_row_live(json_t *document, const char *name);
void token_row_stamp(json_t *row, const char *member, int64_t now_ms);

/* The name must be free (one that expired makes place), and the file not full (the oldest dead row
 * goes). errors  ERR_INPUT "name_taken", ERR_LIMIT "too_many_tokens" */
bool token_rows_make_room(json_t *document, const char *name, int64_t now_ms, struct err *err);

/* Keys of `alg` in use sign no more; their kids are appended to `retired`. */
void token_keys_retire(json_t *document, enum jwt_alg alg, int64_t now_ms, json_t *retired);
/* Tokens of these kids; how many were not yet revoked. */
size_t token_rows_revoke_of(json_t *document, const json_t *kids, int64_t now_ms);
/* Retired keys that no good row names go. */
void token_keys_prune(json_t *document, int64_t now_ms);
