/* SPDX-License-Identifier: Apache-2.0
 *
 * tap — unit tests in one header: names are sentences, the output is TAP.
 *
 *     TEST(cut_without_mark_returns_all) { … CHECK_STR(head, "abc"); }
 *     TAP_MAIN
 */
#pragma once

#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>

#define TAP_TESTS_MAX 256

static struct tap_test {
    const char *name;
    void (*run)(void);
} tap_tests[TAP_TESTS_MAX];
static size_t tap_count;
static int tap_failed_here;
static const char *tap_skipped_here;

#define TEST(test_name)                                                                            \
    static void test_name(void);                                                                   \
    __attribute__((constructor)) static void add_##test_name(void)                                 \
    {                                                                                              \
        if (tap_count == TAP_TESTS_MAX)                                                            \
            abort();                                                                               \
        tap_tests[tap_count++] = (struct tap_test){#test_name, test_name};                         \
    }                                                                                              \
    static void test_name(void)

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            printf("# %s:%d: not true: %s\n", __FILE__, __LINE__, #condition);                     \
            tap_failed_here++;                                                                     \
        }                                                                                          \
    } while (0)

/* Ends the test, for a condition without which the rest makes no sense. */
#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            printf("# %s:%d: not true: %s\n", __FILE__, __LINE__, #condition);                     \
            tap_failed_here++;                                                                     \
            return;                                                                                \
        }                                                                                          \
    } while (0)

/* Ends the test: what this machine cannot do, and why. */
#define SKIP(reason)                                                                               \
    do {                                                                                           \
        tap_skipped_here = (reason);                                                               \
        return;                                                                                    \
    } while (0)

#define CHECK_STR(slice, text)                                                                     \
    do {                                                                                           \
        struct str tap_got = (slice);                                                              \
        struct str tap_want = str_from(text);                                                      \
        if (!str_eq(tap_got, tap_want)) {                                                          \
            printf("# %s:%d: got '%.*s', wanted '%.*s'\n", __FILE__, __LINE__, STR(tap_got),       \
                STR(tap_want));                                                                    \
            tap_failed_here++;                                                                     \
        }                                                                                          \
    } while (0)

#define CHECK_TEXT(got, want) CHECK_STR(str_from(got), want)

#define CHECK_INT(got, want)                                                                       \
    do {                                                                                           \
        long long tap_got = (long long)(got), tap_want = (long long)(want);                        \
        if (tap_got != tap_want) {                                                                 \
            printf("# %s:%d: got %lld, wanted %lld\n", __FILE__, __LINE__, tap_got, tap_want);     \
            tap_failed_here++;                                                                     \
        }                                                                                          \
    } while (0)

#define TAP_MAIN                                                                                   \
    int main(void)                                                                                 \
    {                                                                                              \
        int failed = 0;                                                                            \
        setvbuf(stdout, NULL, _IOLBF, 0);                                                          \
        printf("1..%zu\n", tap_count);                                                             \
        for (size_t i = 0; i < tap_count; i++) {                                                   \
            tap_failed_here = 0;                                                                   \
            tap_skipped_here = NULL;                                                               \
            tap_tests[i].run();                                                                    \
            printf("%s %zu - %s%s%s\n", tap_failed_here ? "not ok" : "ok", i + 1,                  \
                tap_tests[i].name, tap_skipped_here ? " # SKIP " : "",                             \
                tap_skipped_here ? tap_skipped_here : "");                                         \
            failed += tap_failed_here != 0;                                                        \
        }                                                                                          \
        return failed != 0;                                                                        \
    }
