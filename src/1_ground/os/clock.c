/* SPDX-License-Identifier: Apache-2.0 */
#include "os/clock.h"

#include <stdio.h>
#include <time.h>

static int64_t now_ns(clockid_t which)
{
    struct timespec now;

    clock_gettime(which, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t clock_steady_ns(void)
{
    return now_ns(CLOCK_MONOTONIC);
}

int64_t clock_steady_ms(void)
{
    return now_ns(CLOCK_MONOTONIC) / 1000000;
}

int64_t clock_civil_ms(void)
{
    return now_ns(CLOCK_REALTIME) / 1000000;
}

void clock_text(int64_t civil_ms, char *ret_text)
{
    time_t seconds = (time_t)(civil_ms / 1000);
    struct tm utc;
    char stamp[24];

    gmtime_r(&seconds, &utc);
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(ret_text, CLOCK_TEXT_BYTES, "%s.%03dZ", stamp, (int)(civil_ms % 1000));
}

bool clock_from_text(const char *text, int64_t *ret_civil_ms)
{
    struct tm utc = {0};
    int ms = 0;
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &utc);

    if (!rest)
        return false;
    if (*rest == '.') {
        int used = 0;
        if (sscanf(rest, ".%3d%n", &ms, &used) != 1 || used != 4)
            return false;
        rest += used;
    }
    if (rest[0] != 'Z' || rest[1] != '\0')
        return false;
    *ret_civil_ms = (int64_t)timegm(&utc) * 1000 + ms;
    return true;
}
