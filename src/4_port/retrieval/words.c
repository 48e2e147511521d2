/* SPDX-License-Identifier: Apache-2.0
 *
 * A question into an FTS5 expression. Each word stands in quotes of its own, so that nothing of the
 * question is ever syntax. */
#include "retrieval/retrieval.h"

#include <ctype.h>

#define WORD_BYTES_MAX 64

static const char *const COMMON[] = {"a", "an", "and", "are", "as", "at", "be", "by", "can", "do",
    "does", "for", "from", "has", "have", "how", "i", "if", "in", "is", "it", "its", "me", "my",
    "of", "on", "or", "should", "that", "the", "this", "to", "was", "what", "when", "where",
    "which", "who", "why", "will", "with", "you"};

static bool is_common(struct str word)
{
    for (size_t i = 0; i < sizeof COMMON / sizeof *COMMON; i++)
        if (str_eq_nocase(word, str_from(COMMON[i])))
            return true;
    return false;
}

static bool in_word(char c)
{
    return (unsigned char)c >= 0x80 || isalnum((unsigned char)c);
}

static struct str next_word(struct str *rest)
{
    size_t from = 0, to;

    while (from < rest->len && !in_word(rest->at[from]))
        from++;
    for (to = from; to < rest->len && in_word(rest->at[to]); to++)
        ;
    struct str word = {rest->at + from, to - from};
    *rest = (struct str){rest->at + to, rest->len - to};
    if (word.len > WORD_BYTES_MAX)
        word = str_utf8_prefix((struct str){word.at, WORD_BYTES_MAX});
    return word;
}

static size_t put(char *out, size_t at, struct str text)
{
    memcpy(out + at, text.at, text.len);
    return at + text.len;
}

/* All words, or those that are not common. */
static size_t write_words(struct str question, bool common_too, char *out, size_t bytes)
{
    size_t at = 0;

    for (int count = 0; question.len && count < RETRIEVAL_WORDS_MAX;) {
        struct str word = next_word(&question);
        if (word.len == 0 || (!common_too && is_common(word)))
            continue;
        if (at + word.len + sizeof "\"\" OR " > bytes)
            break;
        if (at)
            at = put(out, at, S(" OR "));
        at = put(out, at, S("\""));
        at = put(out, at, word);
        at = put(out, at, S("\""));
        count++;
    }
    out[at] = '\0';
    return at;
}

bool retrieval_expression(struct str question, char *ret_expression, size_t bytes)
{
    return write_words(question, false, ret_expression, bytes) > 0 ||
           write_words(question, true, ret_expression, bytes) > 0;
}
