/* SPDX-License-Identifier: Apache-2.0
 *
 * head — a request head between bytes and struct, strictly: what could be read two ways is refused.
 *
 * Two steps. The guard looks at every byte once as it arrives, finds the end of the head and
 * refuses what no parser should ever guess about (bare CR or LF, NUL, folded lines). The whole head
 * then goes through llhttp in strict mode, or past it if it is of the plainest form (plain.h), and
 * what passes through our own rules. However the bytes were split, the answer is the same.
 *
 * threads  one at a time per struct
 * source   RFC 9112; the request battery of reference/http-stack.md
 */
#pragma once

#include "base/buf.h"
#include "base/str.h"
#include "http/http.h"

#include <stdint.h>

#define HTTP_HEAD_BYTES_LIMIT 61440 /* spans are 16 bits wide */
#define HTTP_FIELDS_MAX 100

/* Why a request was refused; the status says who must act. Constants, never freed. */
struct http_refusal {
    int status;
    const char *code;
    const char *message;
};

/* Zero it before each head. */
struct http_guard {
    uint32_t seen;  /* bytes looked at */
    uint32_t start; /* 2 behind an empty line in front of the head, else 0 */
    uint8_t state;
};

/* `bytes` is all there is since the head began; only what is new is looked at. NULL: fine so far,
 * and *ret_whole is the length of the head with its empty line, or 0 while more must come. */
const struct http_refusal *http_guard_look(
    struct http_guard *guard, struct str bytes, size_t head_bytes_max, size_t *ret_whole);

struct http_span {
    uint16_t at, len;
};

struct http_head {
    const char *bytes; /* what the spans count from; whoever moves the bytes sets it anew */
    uint64_t content_length;
    enum http_method method;
    uint8_t minor;         /* HTTP/1.minor */
    bool chunked;          /* else the body is content_length bytes */
    bool keep_alive;       /* the client wants to go on after the reply */
    bool expects_continue; /* it waits for 100 before it sends the body */
    uint16_t fields_count;
    struct http_span host, path, query; /* raw; path begins with '/', or is "*" for OPTIONS */
    struct http_head_field {
        struct http_span name, value;
    } fields[HTTP_FIELDS_MAX];
};

/* `bytes` is a whole head as the guard measured it (guard.start bytes may be left off). NULL:
 * *ret_head is set and points into bytes. */
const struct http_refusal *http_head_parse(struct str bytes, struct http_head *ret_head);

struct str http_head_str(const struct http_head *head, struct http_span span);
/* The first of this name, without case; .at is NULL if there is none. */
struct str http_head_field(const struct http_head *head, struct str name);

/* The reverse: canonical bytes of a request head. */
void http_head_encode(const struct http_head *head, struct buf *out);

enum http_framing {
    HTTP_LENGTH,      /* Content-Length: length */
    HTTP_CHUNKED,     /* Transfer-Encoding: chunked */
    HTTP_UNTIL_CLOSE, /* neither: for HTTP/1.0, and for 204 and 304, which have no body */
};

/* What a client sends: `target` as it shall stand there, `host` for the Host header. With
 * HTTP_LENGTH a Content-Length, with HTTP_UNTIL_CLOSE none and no body. false: the target or a
 * field is no legal one, or a field is about framing or the connection, which are ours; `out` is as
 * before. */
bool http_request_head_encode(enum http_method method, struct str target, struct str host,
    const struct http_field *fields, size_t fields_count, enum http_framing framing,
    uint64_t length, struct buf *out);

/* --- reply heads ------------------------------------------------------------------- */

struct http_reply_head {
    int status;
    enum http_framing framing;
    uint64_t length;
    bool close;              /* Connection: close */
    bool keep_alive;         /* Connection: keep-alive, which only HTTP/1.0 needs */
    struct str date;         /* http_date(); may be empty */
    struct str content_type; /* may be empty */
    const struct http_field *fields;
    size_t fields_count;
    bool checked; /* http_reply_head_valid() said yes */
};

/* All fields and the content type are legal headers. */
bool http_reply_head_valid(const struct http_reply_head *head);
/* false: a field is no legal header; `out` is as before. */
bool http_reply_head_encode(const struct http_reply_head *head, struct buf *out);

#define HTTP_DATE_BYTES 30 /* "Sat, 21 Nov 2026 02:47:01 GMT" and a terminator */
void http_date(int64_t civil_ms, char *ret_text);
