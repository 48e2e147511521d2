/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes that are UTF-8: pieces lie in the text, in order, bounded; the expression is quoted
 * words. */
#include "base/panic.h"
#include "retrieval/retrieval.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct str text = str_utf8_prefix((struct str){(const char *)bytes, count});
    struct str rest = text, section = {0};
    struct retrieval_chunk chunk;
    const char *end = text.at;
    char out[4 * RETRIEVAL_QUERY_BYTES_MAX];

    while (retrieval_chunk_next(&rest, &section, &chunk)) {
        check(chunk.text.at >= end && chunk.text.len > 0);
        check(chunk.text.len <= RETRIEVAL_CHUNK_BYTES_MAX && str_is_utf8(chunk.text));
        end = chunk.text.at + chunk.text.len;
        check(end <= text.at + text.len);
    }
    if (text.len <= RETRIEVAL_QUERY_BYTES_MAX && retrieval_expression(text, out, sizeof out)) {
        size_t quotes = 0;
        for (const char *at = out; *at; at++)
            quotes += *at == '"';
        check(quotes % 2 == 0 && out[0] == '"');
    }
    return 0;
}
