/* SPDX-License-Identifier: Apache-2.0
 *
 * clock — the two times. Intervals and deadlines use the steady one, records the civil one.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define CLOCK_TEXT_BYTES 32

/* Never goes back, also when somebody sets the clock. */
int64_t clock_steady_ms(void);
int64_t clock_steady_ns(void);
/* Since 1970, UTC; may step. */
int64_t clock_civil_ms(void);
/* "2026-11-21T02:47:01.123Z" into at least CLOCK_TEXT_BYTES bytes. */
void clock_text(int64_t civil_ms, char *ret_text);
/* The reverse, milliseconds optional; false if it is not that form. */
bool clock_from_text(const char *text, int64_t *ret_civil_ms);
