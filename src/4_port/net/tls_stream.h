/* SPDX-License-Identifier: Apache-2.0
 *
 * tls_stream — TLS on one connection, between two lots of bytes: no socket. Internal to net/.
 */
#pragma once

#include "base/str.h"
#include "net/tls.h"

#include <stdbool.h>
#include <stddef.h>

struct tls_stream;

enum tls_answer {
    TLS_BYTES,  /* some plain bytes */
    TLS_WAIT,   /* more must come */
    TLS_END,    /* the client said it sends nothing more */
    TLS_BROKEN, /* not TLS, a bad certificate: close; an alert may be waiting in the output */
};

struct tls_stream *tls_stream_open(struct tls *tls);
/* Ours to a server, of a tls_client_open(): its certificate must carry `name`, a host name or an
 * address. */
struct tls_stream *tls_stream_open_client(struct tls *tls, const char *name);
/* The handshake is done. */
bool tls_stream_agreed(const struct tls_stream *stream);
/* Why it is TLS_BROKEN, in a few words; of a bad certificate what is bad about it. */
const char *tls_stream_reason(const struct tls_stream *stream);
/* NULL is fine. */
void tls_stream_close(struct tls_stream **at);

/* Take encrypted bytes in; returns how many (always more than 0). */
size_t tls_stream_input(struct tls_stream *stream, struct str bytes);
/* Up to `max` plain bytes out. */
enum tls_answer tls_stream_decrypt(
    struct tls_stream *stream, char *at, size_t max, size_t *ret_len);
/* false: the stream is broken or its handshake is not done. */
bool tls_stream_encrypt(struct tls_stream *stream, struct str plain);
/* The common name in the other side's verified certificate, with a terminator; false: there is none
 * of at most bytes_max - 1 bytes. */
bool tls_stream_peer_name(const struct tls_stream *stream, char *ret_name, size_t bytes_max);
/* Encrypted bytes that wait to be sent; false if there are none. Valid until _done(). */
bool tls_stream_output(struct tls_stream *stream, struct str *ret_bytes);
void tls_stream_output_done(struct tls_stream *stream);
/* Say that nothing more will come. */
void tls_stream_end(struct tls_stream *stream);
