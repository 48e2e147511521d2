/* SPDX-License-Identifier: Apache-2.0
 *
 * reply — an HTTP/1 reply as a client reads it, strictly: what could be read two ways is refused.
 *
 * The head goes through the guard and llhttp as a request's does (head.h). A body is framed by
 * Content-Length, by chunks, by the connection's end, or is none (HEAD, 204, 304). Chunk extensions
 * and trailers are dropped, within bounds; replies 1xx are skipped, 101 is refused. However the
 * bytes were split, the answer is the same.
 *
 * memory   none of its own but while a head has come only in part
 * threads  one at a time per struct
 * source   RFC 9112
 */
#pragma once

#include "base/buf.h"
#include "base/str.h"
#include "http/head.h"
#include "http/http.h"

#include <stdbool.h>
#include <stdint.h>

#define HTTP_INFORMATIONAL_MAX 16      /* replies 1xx in front of one reply */
#define HTTP_CHUNK_LINE_BYTES_MAX 1024 /* a chunk's size with its extensions */
#define HTTP_TRAILER_BYTES_MAX 8192    /* all trailers of one reply */

enum http_body {
    HTTP_BODY_NONE,
    HTTP_BODY_LENGTH,
    HTTP_BODY_CHUNKED,
    HTTP_BODY_UNTIL_CLOSE,
};

struct http_reply {
    const char *bytes; /* what the spans count from */
    uint64_t length;   /* HTTP_BODY_LENGTH */
    int status;        /* 200 to 599 */
    enum http_body framing;
    uint8_t minor;   /* HTTP/1.minor */
    bool keep_alive; /* the server would go on behind this reply */
    uint16_t fields_count;
    struct http_head_field fields[HTTP_FIELDS_MAX];
};

/* The first of this name, without case; .at is NULL if there is none. */
struct str http_reply_field(const struct http_reply *reply, struct str name);
/* i < fields_count */
struct http_field http_reply_field_at(const struct http_reply *reply, size_t i);

/* Between two replies it holds nothing. */
struct http_reply_reader {
    struct buf kept; /* a head of which more must come */
    struct http_guard guard;
    uint32_t line_bytes; /* of the chunk line or the trailers */
    uint64_t left;       /* of the body, or of the chunk */
    uint16_t head_bytes_max;
    uint8_t state, digits, informational;
    bool to_head_request, keep_alive;
};

/* For the reply to a request; `head_bytes_max` as of http_guard_look(). */
void http_reply_begin(
    struct http_reply_reader *reader, enum http_method method, size_t head_bytes_max);

struct http_reply_news {
    bool head;       /* *reply is set */
    bool end;        /* the reply is whole */
    bool keep_alive; /* with end: the connection may be used again (if nothing was left over) */
    size_t used;     /* less than fed only at the end */
    struct str body; /* what came of it; lies in what was fed */
};

/* Take in what came. The bytes are moved about in place: the body's pieces come to lie side by
 * side. NULL: fine, and *ret_news (and *ret_reply, if news.head) hold until http_reply_settle().
 * Else why it is refused, status 502; feed nothing more. codes  reply_head_too_long
 * too_many_headers bad_line_end control_character folded_header malformed_head bad_status
 * bad_content_length bad_transfer_encoding too_many_informational malformed_chunk
 * chunk_line_too_long trailers_too_long */
const struct http_refusal *http_reply_feed(struct http_reply_reader *reader, char *at, size_t len,
    struct http_reply *ret_reply, struct http_reply_news *ret_news);
/* The news are used: free what they lay in. Call it after each feed. */
void http_reply_settle(struct http_reply_reader *reader);
/* The connection ended. true: that was the end of the reply, which is whole. */
bool http_reply_ends_at_close(const struct http_reply_reader *reader);
/* At any time; it holds nothing afterwards. */
void http_reply_reader_done(struct http_reply_reader *reader);
