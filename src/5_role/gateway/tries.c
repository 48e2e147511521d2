/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/tries.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define MINUTE_MS 60000
#define NETWORK_BYTES 8 /* of an IPv6 address: what one customer has */

static bool is_in_v6(const struct in6_addr *address)
{
    return IN6_IS_ADDR_V4MAPPED(address);
}

void tries_address(struct str address, char ret_text[TRIES_ADDRESS_BYTES])
{
    struct in6_addr six;

    snprintf(ret_text, TRIES_ADDRESS_BYTES, "%.*s", STR(address));
    if (inet_pton(AF_INET6, ret_text, &six) != 1)
        return;
    if (is_in_v6(&six)) {
        inet_ntop(AF_INET, six.s6_addr + 12, ret_text, TRIES_ADDRESS_BYTES);
        return;
    }
    memset(six.s6_addr + NETWORK_BYTES, 0, sizeof six.s6_addr - NETWORK_BYTES);
    inet_ntop(AF_INET6, &six, ret_text, TRIES_ADDRESS_BYTES);
}

struct str tries_forwarded(struct str header)
{
    struct str rest = header, last = {0};
    char text[INET6_ADDRSTRLEN];
    uint8_t bytes[sizeof(struct in6_addr)];

    while (rest.len)
        last = str_trim(str_cut(rest, ',', &rest));
    if (!last.len || last.len >= sizeof text)
        return (struct str){0};
    snprintf(text, sizeof text, "%.*s", STR(last));
    if (inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1)
        return last;
    return (struct str){0};
}

static const struct tries_row *find(const struct tries *tries, const char *address)
{
    for (size_t i = 0; i < TRIES_ADDRESSES_MAX; i++)
        if (strcmp(tries->rows[i].address, address) == 0)
            return &tries->rows[i];
    return NULL;
}

/* Its row, or a free one, or that of who was unused for longest. */
static struct tries_row *row_of(struct tries *tries, const char *address)
{
    struct tries_row *row = (struct tries_row *)find(tries, address);

    if (row)
        return row;
    row = &tries->rows[0];
    for (size_t i = 0; i < TRIES_ADDRESSES_MAX && *row->address; i++)
        if (!*tries->rows[i].address || tries->rows[i].used_ms < row->used_ms)
            row = &tries->rows[i];
    *row = (struct tries_row){0};
    snprintf(row->address, sizeof row->address, "%s", address);
    return row;
}

static bool has_one(struct bucket looked, int64_t count, int64_t now_ms, int64_t *ret_wait_ms)
{
    return bucket_take(&looked, (struct rate){count, MINUTE_MS}, now_ms, ret_wait_ms);
}

bool tries_may(const struct tries *tries, const struct tries_limits *limits, struct str address,
    int64_t now_ms, int64_t *ret_wait_ms, bool *ret_all)
{
    char is[TRIES_ADDRESS_BYTES];

    tries_address(address, is);
    const struct tries_row *row = *is ? find(tries, is) : NULL;
    *ret_all = !has_one(tries->all, limits->of_all, now_ms, ret_wait_ms);
    return !*ret_all && (!row || has_one(row->bucket, limits->of_one, now_ms, ret_wait_ms));
}

void tries_wrong(
    struct tries *tries, const struct tries_limits *limits, struct str address, int64_t now_ms)
{
    char is[TRIES_ADDRESS_BYTES];
    int64_t wait_ms;

    (void)bucket_take(&tries->all, (struct rate){limits->of_all, MINUTE_MS}, now_ms, &wait_ms);
    tries_address(address, is);
    if (!*is) /* "" is a free row */
        return;
    struct tries_row *row = row_of(tries, is);
    row->used_ms = now_ms;
    (void)bucket_take(&row->bucket, (struct rate){limits->of_one, MINUTE_MS}, now_ms, &wait_ms);
}
