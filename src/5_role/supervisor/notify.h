/* SPDX-License-Identifier: Apache-2.0
 *
 * notify — tells systemd how we are: READY=1, STATUS=…, WATCHDOG=1, STOPPING=1.
 * source   sd_notify(3): a datagram to $NOTIFY_SOCKET. Without that variable nothing is done.
 */
#pragma once

#include <stdint.h>

void notify_send(const char *state);
/* Half of the watchdog's interval in milliseconds, 0 if there is none for this process. */
int64_t notify_watchdog_ms(void);
