/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include "base/buf.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define LOG_LINE_BYTES_MAX 8192

static const char *log_role = "-";

void log_open(const char *role)
{
    log_role = role;
}

static void add_quoted(struct buf *out, const char *text)
{
    struct str s = str_utf8_prefix(str_from(text));

    buf_add_char(out, '"');
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.at[i];
        if (c == '"' || c == '\\')
            buf_printf(out, "\\%c", c);
        else if (c < 0x20)
            buf_printf(out, "\\u%04x", c);
        else
            buf_add_char(out, (char)c);
    }
    buf_add_char(out, '"');
}

static void write_line(const char *level, const char *event, va_list args)
{
    struct buf line = buf_of(LOG_LINE_BYTES_MAX);
    struct timespec now;
    struct tm utc;
    char stamp[32];

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &utc);
    buf_printf(&line, "{\"ts\":\"%s.%03ldZ\",\"level\":\"%s\",\"role\":\"%s\",\"event\":\"%s\"",
        stamp, now.tv_nsec / 1000000, level, log_role, event);
    for (const char *key; (key = va_arg(args, const char *));) {
        const char *value = va_arg(args, const char *);
        size_t before = line.len;
        buf_printf(&line, ",\"%s\":", key);
        add_quoted(&line, value ? value : "");
        if (line.overflowed || line.len + 2 > LOG_LINE_BYTES_MAX) {
            line.len = before; /* a value too long for a line is left out whole */
            line.overflowed = false;
        }
    }
    line.bytes_max += 4;
    buf_add(&line, S("}\n"));
    ssize_t written = write(STDERR_FILENO, line.at, line.len);
    (void)written; /* nowhere left to complain */
    buf_done(&line);
}

void log_event(const char *event, ...)
{
    va_list args;

    va_start(args, event);
    write_line("info", event, args);
    va_end(args);
}

void log_error(const char *event, ...)
{
    va_list args;

    va_start(args, event);
    write_line("error", event, args);
    va_end(args);
}
