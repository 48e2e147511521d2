/* SPDX-License-Identifier: Apache-2.0 */
#include "os/random.h"

#include "base/panic.h"

#include <string.h>
#include <sys/random.h>

static const char CROCKFORD[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

void random_bytes(void *ret_bytes, size_t count)
{
    char *at = ret_bytes;

    while (count) {
        ssize_t got = getrandom(at, count, 0);
        check(got > 0);
        at += got;
        count -= (size_t)got;
    }
}

void id_make(int64_t civil_ms, char ret_id[ID_BYTES])
{
    static _Thread_local uint64_t last_ms;
    static _Thread_local unsigned char tail[10];
    uint64_t ms = (uint64_t)civil_ms;

    if (ms <= last_ms) { /* same instant, or the clock stepped back: count on */
        ms = last_ms;
        for (int i = 9; i >= 0 && ++tail[i] == 0; i--)
            ;
    } else {
        last_ms = ms;
        random_bytes(tail, sizeof tail);
        tail[0] &= 0x7f; /* room to count */
    }
    for (int i = 9; i >= 0; i--, ms >>= 5)
        ret_id[i] = CROCKFORD[ms & 31];
    for (int group = 0; group < 2; group++) {
        uint64_t bits = 0;
        for (int i = 0; i < 5; i++)
            bits = bits << 8 | tail[group * 5 + i];
        for (int i = 7; i >= 0; i--, bits >>= 5)
            ret_id[10 + group * 8 + i] = CROCKFORD[bits & 31];
    }
    ret_id[26] = '\0';
}

bool id_valid(const char *text)
{
    return strlen(text) == ID_BYTES - 1 && strspn(text, CROCKFORD) == ID_BYTES - 1;
}
