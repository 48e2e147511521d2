/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/token.h"

#include "base/buf.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "os/file.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

static bool name_fits(struct str name)
{
    if (name.len == 0 || name.len >= TOKEN_NAME_BYTES)
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789_-.", name.at[i]) || !name.at[i])
            return false;
    return true;
}

static bool hash_fits(struct str hash)
{
    if (hash.len != SHA256_HEX_BYTES - 1)
        return false;
    for (size_t i = 0; i < hash.len; i++)
        if (!strchr("0123456789abcdef", hash.at[i]) || !hash.at[i])
            return false;
    return true;
}

static bool read_line(struct str line, struct token *ret_token)
{
    struct str rest, name = str_cut(line, ' ', &rest);
    struct str hash = str_trim(rest);

    if (!name_fits(name) || !str_starts(hash, S("sha256:")))
        return false;
    hash = (struct str){hash.at + 7, hash.len - 7};
    if (!hash_fits(hash))
        return false;
    snprintf(ret_token->name, sizeof ret_token->name, "%.*s", STR(name));
    snprintf(ret_token->sha256_hex, sizeof ret_token->sha256_hex, "%.*s", STR(hash));
    return true;
}

bool tokens_read(struct str text, struct tokens *ret_tokens, struct err *err)
{
    struct tokens tokens = {.rows = calloc(TOKENS_MAX, sizeof *tokens.rows)};

    check(tokens.rows);
    for (size_t number = 1; text.len; number++) {
        struct str line = str_trim(str_cut(text, '\n', &text));
        if (line.len == 0 || line.at[0] == '#')
            continue;
        if (tokens.count == TOKENS_MAX || !read_line(line, &tokens.rows[tokens.count])) {
            tokens_done(&tokens);
            return err_code(err, ERR_INPUT, "bad_tokens", "tokens",
                "line %zu of the token file is not `NAME sha256:HEX` (64 digits, lower case), or "
                "is "
                "beyond the %d tokens allowed",
                number, TOKENS_MAX);
        }
        tokens.count++;
    }
    *ret_tokens = tokens;
    return true;
}

bool tokens_load(const char *path, struct tokens *ret_tokens, struct err *err)
{
    scoped(buf_done) struct buf text = buf_of(TOKEN_FILE_BYTES_MAX);
    struct stat what;

    if (stat(path, &what) != 0)
        return err_set(
            err, ERR_SYSTEM, "cannot look at the token file '%s': %s", path, strerror(errno));
    if (what.st_mode & (S_IWGRP | S_IWOTH))
        return err_set(
            err, ERR_SYSTEM, "the token file '%s' can be written by others: chmod 600", path);
    return file_read(path, &text, err) && tokens_read(buf_str(&text), ret_tokens, err);
}

void tokens_done(struct tokens *tokens)
{
    free(tokens->rows);
    *tokens = (struct tokens){0};
}

const struct token *tokens_row(const struct tokens *tokens, struct str authorization)
{
    struct str token, scheme = str_cut(authorization, ' ', &token);
    char hex[SHA256_HEX_BYTES];
    const struct token *row = NULL;

    token = str_trim(token);
    if (!str_eq_nocase(scheme, S("bearer")) || token.len < TOKEN_BYTES_MIN ||
        token.len > TOKEN_BYTES_MAX)
        return NULL;
    sha256_hex(token, hex);
    for (size_t i = 0; i < tokens->count; i++)
        if (crypto_equal(str_from(hex), str_from(tokens->rows[i].sha256_hex)))
            row = &tokens->rows[i];
    return row;
}

const char *tokens_find(const struct tokens *tokens, struct str authorization)
{
    const struct token *row = tokens_row(tokens, authorization);

    return row ? row->name : NULL;
}
