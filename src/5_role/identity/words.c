/* SPDX-License-Identifier: Apache-2.0 */
#include "base/scoped.h"
#include "identity/token_file.h"

static const char *const SCOPES[CALLER_SCOPES] = {"chat", "completions", "embeddings", "models",
    "queue", "usage", "api", "sense", "metrics", "view"};
static const char *const DIALECTS[] = {"comment", "chunk", "reasoning", "off"};
static const char *const PRIORITIES[] = {"interactive", "background"};
static const char *const KINDS[] = {"jwt", "opaque", "certificate"};

static bool place_of(const char *const *words, size_t count, struct str word, size_t *ret_place)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(word, str_from(words[i]))) {
            *ret_place = i;
            return true;
        }
    return false;
}

const char *caller_scope_word(enum caller_scope scope)
{
    for (size_t i = 0; i < CALLER_SCOPES; i++)
        if ((int)scope == 1 << i)
            return SCOPES[i];
    return "all";
}

bool caller_scope_from(struct str word, enum caller_scope *ret_scope)
{
    size_t place;

    if (!place_of(SCOPES, COUNT(SCOPES), word, &place))
        return false;
    *ret_scope = (enum caller_scope)(1 << place);
    return true;
}

const char *caller_dialect_word(enum caller_dialect dialect)
{
    return DIALECTS[dialect];
}

bool caller_dialect_from(struct str word, enum caller_dialect *ret_dialect)
{
    size_t place;

    if (!place_of(DIALECTS, COUNT(DIALECTS), word, &place))
        return false;
    *ret_dialect = (enum caller_dialect)place;
    return true;
}

const char *caller_priority_word(enum caller_priority priority)
{
    return PRIORITIES[priority];
}

bool caller_priority_from(struct str word, enum caller_priority *ret_priority)
{
    size_t place;

    if (!place_of(PRIORITIES, COUNT(PRIORITIES), word, &place))
        return false;
    *ret_priority = (enum caller_priority)place;
    return true;
}

const char *token_kind_word(enum token_kind kind)
{
    return KINDS[kind];
}

bool token_name_fits(struct str name)
{
    if (name.len == 0 || name.len >= CALLER_NAME_BYTES)
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (!name.at[i] || !strchr("abcdefghijklmnopqrstuvwxyz0123456789_-.", name.at[i]))
            return false;
    return true;
}

bool token_pattern_fits(struct str pattern)
{
    if (pattern.len == 0 || pattern.len > CALLER_MODEL_BYTES_MAX)
        return false;
    for (size_t i = 0; i < pattern.len; i++)
        if (pattern.at[i] <= ' ' || pattern.at[i] > '~' ||
            (pattern.at[i] == '*' && i + 1 < pattern.len))
            return false;
    return true;
}

bool token_pattern_matches(struct str pattern, struct str model)
{
    if (pattern.len && pattern.at[pattern.len - 1] == '*')
        return str_starts(model, (struct str){pattern.at, pattern.len - 1});
    return str_eq(pattern, model);
}
