/* SPDX-License-Identifier: Apache-2.0 */
#include "client/amounts.h"

#include "base/scoped.h"
#include "os/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MINUTE_S 60
#define HOUR_S 3600
#define DAY_S 86400
#define YEAR_S (366 * DAY_S)
#define AHEAD_MS_MAX 60000 /* clocks differ; more than this is said */
#define AT_BYTES 64

/* A unit that only needs a word, and what a thousand of it is divided by. */
static const struct unit {
    const char *unit, *words;
    int divide, decimals;
} UNITS[] = {
    {"permille", " %", 10, 1},
    {"millicelsius", " °C", 1000, 1},
    {"milliwatt", " W", 1000, 1},
    {"milli", "", 1000, 2},
    {"milli_per_s", " a second", 1000, 1},
    {"count", "", 1, 0},
    {"per_hour", " an hour", 1, 0},
    {"pages_per_s", " pages a second", 1, 0},
    {"rpm", " rpm", 1, 0},
    {"mbit", " Mbit/s", 1, 0},
    {"ms", " ms", 1, 0},
};

static void bytes_text(int64_t value, const char *behind, char text[AMOUNT_BYTES])
{
    static const char *const STEPS[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    double amount = (double)value;
    size_t step = 0;

    while ((amount >= 1024 || amount <= -1024) && step + 1 < COUNT(STEPS)) {
        amount /= 1024;
        step++;
    }
    snprintf(text, AMOUNT_BYTES, "%.*f %s%s", step ? 1 : 0, amount, STEPS[step], behind);
}

const char *amount_text(int64_t value, const char *unit, char text[AMOUNT_BYTES])
{
    if (strcmp(unit, "bool") == 0)
        return value ? "yes" : "no";
    if (strcmp(unit, "seconds") == 0)
        return span_text(value, text);
    if (strcmp(unit, "bytes") == 0 || strcmp(unit, "bytes_per_s") == 0) {
        bytes_text(value, unit[5] ? "/s" : "", text);
        return text;
    }
    for (size_t i = 0; i < COUNT(UNITS); i++)
        if (strcmp(unit, UNITS[i].unit) == 0) {
            snprintf(text, AMOUNT_BYTES, "%.*f%s", UNITS[i].decimals,
                (double)value / UNITS[i].divide, UNITS[i].words);
            return text;
        }
    snprintf(text, AMOUNT_BYTES, "%" PRId64 "%s%.24s", value, *unit ? " " : "", unit);
    return text;
}

const char *span_text(int64_t seconds, char text[AMOUNT_BYTES])
{
    int64_t s = seconds > 0 ? seconds : 0;

    if (s < 2 * MINUTE_S && s != MINUTE_S)
        snprintf(text, AMOUNT_BYTES, "%" PRId64 " s", s);
    else if (s < HOUR_S)
        snprintf(text, AMOUNT_BYTES, "%" PRId64 " min", s / MINUTE_S);
    else if (s < DAY_S && s % HOUR_S >= MINUTE_S)
        snprintf(
            text, AMOUNT_BYTES, "%" PRId64 " h %" PRId64 " min", s / HOUR_S, s % HOUR_S / MINUTE_S);
    else if (s < DAY_S)
        snprintf(text, AMOUNT_BYTES, "%" PRId64 " h", s / HOUR_S);
    else if (s < 10 * DAY_S && s % DAY_S >= HOUR_S)
        snprintf(text, AMOUNT_BYTES, "%" PRId64 " d %" PRId64 " h", s / DAY_S, s % DAY_S / HOUR_S);
    else
        snprintf(text, AMOUNT_BYTES, "%" PRId64 " d", s / DAY_S);
    return text;
}

const char *ago_text(struct str at, int64_t now_ms, char text[AMOUNT_BYTES])
{
    char copy[AT_BYTES], span[AMOUNT_BYTES];
    int64_t at_ms;

    *text = '\0';
    if (at.len >= sizeof copy)
        return text;
    snprintf(copy, sizeof copy, "%.*s", STR(at));
    if (!clock_from_text(copy, &at_ms))
        return text;
    if (at_ms > now_ms + AHEAD_MS_MAX)
        return "in the future";
    snprintf(text, AMOUNT_BYTES, "%.40s ago", span_text((now_ms - at_ms) / 1000, span));
    return text;
}

bool span_read(struct str text, const char *option, int64_t *ret_seconds, struct err *err)
{
    static const struct {
        char letter;
        int64_t seconds;
    } STEPS[] = {{'s', 1}, {'m', MINUTE_S}, {'h', HOUR_S}, {'d', DAY_S}};
    struct str digits = text;
    int64_t each = 1;
    uint64_t count;

    for (size_t i = 0; i < COUNT(STEPS) && text.len; i++)
        if (text.at[text.len - 1] == STEPS[i].letter) {
            each = STEPS[i].seconds;
            digits.len = text.len - 1;
        }
    if (!str_to_u64(digits, (uint64_t)(YEAR_S / each), &count) || !count)
        return err_set(err, ERR_INPUT,
            "--%s '%.40s' is no span of time: 90s, 15m, 1h, 2d; at most a year", option, text.at);
    *ret_seconds = (int64_t)count * each;
    return true;
}
