/* SPDX-License-Identifier: Apache-2.0
 *
 * panic — a broken invariant ends the process; the supervisor starts it again.
 *
 * For our own bugs only. What the outside does wrong is an error (err.h).
 */
#pragma once

/* One line on stderr with file and line, then abort(). Never returns. */
#define panic(...) panic_at(__FILE__, __LINE__, __VA_ARGS__)

/* Always on, in every build. */
#define check(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            panic("check failed: %s", #condition);                                                 \
    } while (0)

_Noreturn void panic_at(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
