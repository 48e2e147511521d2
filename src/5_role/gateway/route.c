/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/route.h"

#include "os/random.h"

const struct route ROUTE_TABLE[ROUTES] = {
#define ROUTE(name_is, method_is, pattern_is, open_is, summary_is)                                 \
    {ROUTE_##name_is, #name_is, METHOD_##method_is, S(pattern_is), open_is, summary_is},
#include "gateway/route.def"
#undef ROUTE
};

static bool is_id(struct str s)
{
    char text[ID_BYTES];

    if (s.len != ID_BYTES - 1)
        return false;
    memcpy(text, s.at, s.len);
    text[s.len] = '\0';
    return id_valid(text);
}

static bool pattern_fits(struct str pattern, struct str path, struct str *ret_id)
{
    const char *mark = memchr(pattern.at, '{', pattern.len);

    *ret_id = (struct str){0};
    if (!mark)
        return str_eq(pattern, path);
    struct str head = {pattern.at, (size_t)(mark - pattern.at)};
    bool any = mark[1] == 'n';
    size_t word = any ? strlen("{name}") : strlen("{id}");
    struct str tail = {mark + word, pattern.len - head.len - word};
    if (path.len < head.len + tail.len || !str_starts(path, head) || !str_ends(path, tail))
        return false;
    *ret_id = (struct str){path.at + head.len, path.len - head.len - tail.len};
    return any ? ret_id->len && !memchr(ret_id->at, '/', ret_id->len) : is_id(*ret_id);
}

enum route_found route_find(enum http_method method, struct str path,
    const struct route **ret_route, struct str *ret_id, struct buf *ret_allow)
{
    enum http_method sought = method == METHOD_HEAD ? METHOD_GET : method;

    for (size_t i = 0; i < ROUTES; i++) {
        const struct route *route = &ROUTE_TABLE[i];
        struct str id;
        if (!pattern_fits(route->pattern, path, &id))
            continue;
        if (route->method == sought) {
            *ret_route = route;
            *ret_id = id;
            return ROUTE_FOUND;
        }
        if (ret_allow->len)
            buf_add(ret_allow, S(", "));
        buf_add(ret_allow, str_from(http_method_name(route->method)));
        if (route->method == METHOD_GET)
            buf_add(ret_allow, S(", HEAD"));
    }
    return ret_allow->len ? ROUTE_WRONG_METHOD : ROUTE_UNKNOWN;
}
