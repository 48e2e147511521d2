/* SPDX-License-Identifier: Apache-2.0
 * Properties: any text is read or refused; what is written is a body that openai_request accepts
 * for the route that was told, with the same model, and asks for usage when it streams. */
#include "base/panic.h"
#include "base/scoped.h"
#include "ollama/ollama_request.h"

#define FUZZ_BYTES_MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    scoped(buf_done) struct buf body = buf_of(16 * FUZZ_BYTES_MAX);
    struct ollama_request request;
    struct openai_request openai;
    struct err err;
    int64_t ms;

    if (size < 1 || size > FUZZ_BYTES_MAX)
        return 0;
    enum ollama_route route = (enum ollama_route)(data[0] % 4);
    struct str text = {(const char *)data + 1, size - 1};
    if (ollama_duration_read(text, &ms))
        check(ms >= -1 && ms <= OLLAMA_KEEP_ALIVE_MS_MAX);
    if (!ollama_request_read(route, text, &request, &body, &err)) {
        check(err.message[0]);
        return 0;
    }
    if (request.nothing) {
        check(body.len == 0);
        return 0;
    }
    if (openai_request_scan(request.engine_route, buf_str(&body), &openai, &err)) {
        check(str_eq(ollama_request_model(&request), openai_request_model(&openai)));
        check(openai.stream == request.stream && openai.include_usage == request.stream);
        check(openai.prompt_tokens < UINT32_MAX);
    } else { /* what is too large or too deep for it, but never what is no JSON */
        check(err.kind == ERR_LIMIT || strcmp(err.code, "missing_field") == 0);
    }
    return 0;
}
