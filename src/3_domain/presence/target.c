/* SPDX-License-Identifier: Apache-2.0 */
#include "presence/presence.h"

#include <stdio.h>

static bool bad(struct err *err, const char *why)
{
    return err_code(err, ERR_INPUT, "bad_url", "to",
        "the address is https://HOST[:PORT]/api/v1/senses/NAME, or http://127.0.0.1:PORT/…: %s",
        why);
}

static bool is_host_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.';
}

static bool is_path_byte(char c)
{
    return is_host_byte(c) || c == '/' || c == '_' || c == '~';
}

static bool take_port(struct str text, bool https, uint16_t *ret_port, struct err *err)
{
    uint64_t port = 443;

    if (text.at && (!str_to_u64(text, 65535, &port) || port == 0))
        return bad(err, "the port is a number from 1 to 65535");
    if (!text.at && !https)
        return bad(err, "http needs a port");
    *ret_port = (uint16_t)port;
    return true;
}

bool presence_target(struct str url, struct presence_target *ret_target, struct err *err)
{
    struct presence_target target = {.https = str_starts(url, S("https://"))};
    size_t scheme = target.https ? 8 : 7, end, colon;

    if (url.len > PRESENCE_URL_BYTES_MAX)
        return bad(err, "it is longer than 500 bytes");
    if (!target.https && !str_starts(url, S("http://")))
        return bad(err, "it begins with neither");
    struct str rest = {url.at + scheme, url.len - scheme};
    for (end = 0; end < rest.len && rest.at[end] != '/';)
        end++;
    for (colon = 0; colon < end && rest.at[colon] != ':';)
        colon++;
    struct str host = {rest.at, colon}, port = {NULL, 0};
    struct str path = end < rest.len ? (struct str){rest.at + end, rest.len - end} : S("/");
    if (colon < end)
        port = (struct str){rest.at + colon + 1, end - colon - 1};
    for (size_t i = 0; i < host.len; i++)
        if (!is_host_byte(host.at[i]))
            return bad(err, "the host is a name or an IPv4 address");
    for (size_t i = 0; i < path.len; i++)
        if (!is_path_byte(path.at[i]))
            return bad(err, "the path holds letters, digits and /._~- only");
    if (!host.len)
        return bad(err, "there is no host");
    if (!target.https && !str_eq(host, S("127.0.0.1")))
        return bad(err, "without https everybody on the way could read the token");
    if (!take_port(port, target.https, &target.port, err))
        return false;
    snprintf(target.host, sizeof target.host, "%.*s", STR(host));
    snprintf(target.path, sizeof target.path, "%.*s", STR(path));
    *ret_target = target;
    return true;
}

bool presence_token(struct str file, struct str *ret_token, struct err *err)
{
    struct str token = str_trim(file);

    if (!token.len || token.len > PRESENCE_TOKEN_BYTES_MAX)
        return err_code(err, ERR_INPUT, "bad_token", "token-file",
            "the file holds %d bytes and not a token; logicctl token create --scopes sense prints "
            "one",
            (int)token.len);
    for (size_t i = 0; i < token.len; i++)
        if (token.at[i] <= ' ' || token.at[i] > '~')
            return err_code(err, ERR_INPUT, "bad_token", "token-file",
                "the file holds more than a token: byte %d is none of one", (int)i + 1);
    *ret_token = token;
    return true;
}
