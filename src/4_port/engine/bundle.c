/* SPDX-License-Identifier: Apache-2.0 */
#include "base/panic.h"
#include "engine/provider_inside.h"

#include <stdio.h>
#include <string.h>

#define BLOCK_BYTES 512
#define CHECKSUM_AT 148

/* POSIX.1-1988 ustar: owner 0, time 0, mode 0644. */
void bundle_add(struct buf *tar, const char *name, struct str bytes)
{
    static const char ZEROS[BLOCK_BYTES];
    char head[BLOCK_BYTES] = {0};
    unsigned sum = 0;

    check(strlen(name) < 100 && bytes.len < (1ULL << 33));
    memcpy(head, name, strlen(name));
    memcpy(head + 100, "0000644", 7);
    memcpy(head + 108, "0000000", 7);
    memcpy(head + 116, "0000000", 7);
    (void)snprintf(head + 124, 12, "%011llo", (unsigned long long)bytes.len);
    memcpy(head + 136, "00000000000", 11);
    memset(head + CHECKSUM_AT, ' ', 8);
    head[156] = '0';
    memcpy(head + 257, "ustar\00000", 8);
    for (size_t i = 0; i < sizeof head; i++)
        sum += (unsigned char)head[i];
    (void)snprintf(head + CHECKSUM_AT, 8, "%06o", sum);
    buf_add(tar, (struct str){head, sizeof head});
    buf_add(tar, bytes);
    buf_add(tar, (struct str){ZEROS, (BLOCK_BYTES - bytes.len % BLOCK_BYTES) % BLOCK_BYTES});
}

void bundle_end(struct buf *tar)
{
    static const char ZEROS[2 * BLOCK_BYTES];

    buf_add(tar, (struct str){ZEROS, sizeof ZEROS});
}
