/* SPDX-License-Identifier: Apache-2.0
 *
 * http — the words both sides of HTTP/1 share: methods, fields, status phrases, paths, queries.
 *
 * threads  any: no state
 * source   RFC 9110, RFC 3986
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

/* What a server of ours may be asked to do; every other method gets 501. */
enum http_method {
    METHOD_GET,
    METHOD_HEAD,
    METHOD_POST,
    METHOD_PUT,
    METHOD_PATCH,
    METHOD_DELETE,
    METHOD_OPTIONS,
};

const char *http_method_name(enum http_method method);
/* POST, PUT, PATCH, DELETE: what a foreign web page must never make a browser send us. */
bool http_method_changes(enum http_method method);

/* One header line. */
struct http_field {
    struct str name, value;
};

/* "OK", "Not Found"; "Status" for a number without a name here. */
const char *http_status_phrase(int status);

/* A name is a token, a value has no control character but TAB: so no line can be smuggled into a
 * head. */
bool http_field_valid(struct http_field field);

/* The path of a request, percent-decoded into `ret_path` (raw.len bytes are enough). false, and the
 * bytes there are undefined, for anything that could mean two paths: no leading '/', a broken
 * escape, an encoded '/' or control character, a segment "." or "..", bytes that are not UTF-8. */
bool http_path_decode(struct str raw, char *ret_path, size_t *ret_len);

/* The part-th segment (from 0) of a decoded path, "/a/b" has "a" and "b"; .at is NULL behind the
 * last. */
struct str http_path_segment(struct str path, size_t part);

/* Append the decoded value of the first `name` in a raw query ("a=1&b=two%20words") to `out`.
 * *ret_found is false if there is none. errors  ERR_INPUT a broken escape, a control character, not
 * UTF-8 (param is the name) */
bool http_query_value(
    struct str query, struct str name, struct buf *out, bool *ret_found, struct err *err);

/* The name or address in a Host or authority ("[::1]:80" gives "[::1]"); false if it is not
 * host or host:port with a port of 1 to 65535. */
bool http_host_name(struct str authority, struct str *ret_name);
/* localhost, *.localhost, 127.x.x.x, [::1]. */
bool http_host_is_loopback(struct str name);
