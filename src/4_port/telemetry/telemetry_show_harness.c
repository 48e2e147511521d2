/* SPDX-License-Identifier: Apache-2.0
 *
 * telemetry_show — this machine's numbers on standard output, for telemetry_peer_test.py. */
#include "telemetry/telemetry.h"

#include "os/clock.h"

#include <stdio.h>

int main(void)
{
    struct buf text = buf_of(TELEMETRY_BYTES_MAX);

    telemetry_write(&(struct telemetry_roots){0}, clock_civil_ms(), &text);
    fwrite(text.at, 1, text.len, stdout);
    buf_done(&text);
    return 0;
}
