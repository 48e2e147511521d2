/* SPDX-License-Identifier: Apache-2.0 */
#include "http/chunks.h"

#include "base/panic.h"

#include <llhttp.h>

#include <stdlib.h>

static const struct http_refusal MALFORMED = {400, "malformed_chunk",
    "the chunked body is malformed; extensions and trailers are not taken either"};
static const struct http_refusal WASTEFUL = {
    400, "wasteful_chunks", "the chunks are far larger than what they carry; send larger ones"};
static const struct http_refusal TOO_LONG = {
    413, "body_too_long", "the request body is longer than this server takes"};

struct http_chunks {
    llhttp_t parser;
    struct buf *body; /* only while feeding */
    uint64_t fed, carried;
    char tail[4]; /* the last bytes fed */
    bool in_body, whole;
};

/* Called for our own head too (in_body is false then); later it would be a trailer. */
static int on_field(llhttp_t *parser, const char *at, size_t len)
{
    (void)at, (void)len;
    return ((struct http_chunks *)parser->data)->in_body ? -1 : 0;
}

static int on_extension(llhttp_t *parser, const char *at, size_t len)
{
    (void)parser, (void)at, (void)len;
    return -1;
}

static int on_body(llhttp_t *parser, const char *at, size_t len)
{
    struct http_chunks *chunks = parser->data;

    chunks->carried += len;
    buf_add(chunks->body, (struct str){at, len});
    return chunks->body->overflowed ? -1 : 0;
}

static int on_message_complete(llhttp_t *parser)
{
    ((struct http_chunks *)parser->data)->whole = true;
    return HPE_PAUSED;
}

static const llhttp_settings_t SETTINGS = {
    .on_header_field = on_field,
    .on_chunk_extension_name = on_extension,
    .on_chunk_extension_value = on_extension,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

/* llhttp meets chunks only behind a head: it gets the smallest. */
struct http_chunks *http_chunks_make(void)
{
    static const char HEAD[] = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
    struct http_chunks *chunks = calloc(1, sizeof *chunks);

    check(chunks);
    llhttp_init(&chunks->parser, HTTP_REQUEST, &SETTINGS);
    chunks->parser.data = chunks;
    check(llhttp_execute(&chunks->parser, HEAD, sizeof HEAD - 1) == HPE_OK);
    chunks->in_body = true;
    return chunks;
}

void http_chunks_done(struct http_chunks **at)
{
    free(*at);
    *at = NULL;
}

static void keep_tail(struct http_chunks *chunks, struct str fed)
{
    if (fed.len >= sizeof chunks->tail) {
        memcpy(chunks->tail, fed.at + fed.len - sizeof chunks->tail, sizeof chunks->tail);
    } else if (fed.len) {
        memmove(chunks->tail, chunks->tail + fed.len, sizeof chunks->tail - fed.len);
        memcpy(chunks->tail + sizeof chunks->tail - fed.len, fed.at, fed.len);
    }
}

const struct http_refusal *http_chunks_feed(struct http_chunks *chunks, struct str bytes,
    struct buf *body, size_t *ret_used, bool *ret_whole)
{
    check(!chunks->whole);
    chunks->body = body;
    llhttp_errno_t error = llhttp_execute(&chunks->parser, bytes.at, bytes.len);
    if (body->overflowed)
        return &TOO_LONG;
    if (error != HPE_OK && !(error == HPE_PAUSED && chunks->whole))
        return &MALFORMED;
    *ret_used = bytes.len;
    if (chunks->whole)
        *ret_used = (size_t)(llhttp_get_error_pos(&chunks->parser) - bytes.at);
    chunks->fed += *ret_used;
    keep_tail(chunks, (struct str){bytes.at, *ret_used});
    if (chunks->whole && memcmp(chunks->tail, "\r\n\r\n", 4) != 0)
        return &MALFORMED; /* llhttp 8.1 lets a bare LF end the body */
    if (chunks->fed > HTTP_CHUNK_SPARE_BYTES + (HTTP_CHUNK_COST + 1) * chunks->carried)
        return &WASTEFUL;
    *ret_whole = chunks->whole;
    return NULL;
}
