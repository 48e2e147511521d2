/* SPDX-License-Identifier: Apache-2.0
 *
 * route — the table of everything that can be asked for, made from route.def.
 *
 * threads  any: no state
 */
#pragma once

#include "base/buf.h"
#include "base/str.h"
#include "http/http.h"

#include <stdbool.h>

enum route_id {
#define ROUTE(name, method, pattern, open, summary) ROUTE_##name,
#include "gateway/route.def"
#undef ROUTE
    ROUTES
};

struct visit;

struct route {
    enum route_id id;
    const char *name;
    enum http_method method;
    struct str pattern;
    bool open;
    const char *summary;
};

extern const struct route ROUTE_TABLE[ROUTES];

enum route_found {
    ROUTE_FOUND,
    ROUTE_WRONG_METHOD, /* the path is there; ret_allow holds the methods that are */
    ROUTE_UNKNOWN,
};

/* HEAD finds GET. The `id` of the pattern goes to *ret_id (.at NULL if it has none). */
enum route_found route_find(enum http_method method, struct str path,
    const struct route **ret_route, struct str *ret_id, struct buf *ret_allow);
