/* SPDX-License-Identifier: Apache-2.0
 *
 * token — who may speak from another machine: bearer tokens, of which only the hashes are kept.
 *
 * The file has one `NAME sha256:HEX` a line, # begins a comment. The hash is that of the token's
 * text: `printf %s "$TOKEN" | sha256sum`. A token has 32 to 256 characters.
 *
 * owner    whoever holds the struct
 * threads  any, once read
 */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "crypto/crypto.h"

#define TOKENS_MAX 256
#define TOKEN_NAME_BYTES 33
#define TOKEN_BYTES_MIN 32
#define TOKEN_BYTES_MAX 256
#define TOKEN_FILE_BYTES_MAX (64 * 1024)

struct tokens {
    size_t count;
    struct token {
        char name[TOKEN_NAME_BYTES];
        char sha256_hex[SHA256_HEX_BYTES];
    } * rows;
};

/* errors  ERR_SYSTEM cannot be read, others may write it; ERR_INPUT a line (by number) is not of
 * that form */
bool tokens_load(const char *path, struct tokens *ret_tokens, struct err *err);
bool tokens_read(struct str text, struct tokens *ret_tokens, struct err *err);
void tokens_done(struct tokens *tokens);

/* The name behind an Authorization header, NULL if it is none of ours. Takes as long for every row.
 */
const char *tokens_find(const struct tokens *tokens, struct str authorization);
/* The same, its row. */
const struct token *tokens_row(const struct tokens *tokens, struct str authorization);
