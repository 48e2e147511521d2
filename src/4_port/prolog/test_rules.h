/* SPDX-License-Identifier: Apache-2.0
 *
 * test_rules — the rules of test_kb/, started once for the tests of this folder, and a way to ask
 * and wait.
 */
#pragma once

#include "base/scoped.h"
#include "base/str.h"
#include "prolog/prolog.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#define TEST_WORKERS 2
#define TEST_QUESTIONS_MAX 512

static struct prolog *test_prolog;

static inline void test_stop(void)
{
    prolog_stop(test_prolog);
    test_prolog = NULL;
}

static inline struct prolog *test_rules(void)
{
    const struct prolog_settings settings = {.kb_folder = getenv("TEST_KB"),
        .site_folder = "/site of the test",
        .workers = TEST_WORKERS,
        .questions_max = TEST_QUESTIONS_MAX};
    struct err err;

    if (test_prolog)
        return test_prolog;
    if (!prolog_start(&settings, &test_prolog, &err)) {
        printf("Bail out! %s (set TEST_KB to the folder test_kb)\n", err.message);
        exit(1);
    }
    atexit(test_stop);
    return test_prolog;
}

static inline void test_wait(struct prolog *prolog)
{
    struct pollfd ready = {.fd = prolog_fd(prolog), .events = POLLIN};

    poll(&ready, 1, -1);
    prolog_collect(prolog);
}

struct test_answer {
    bool here;
    struct prolog_answer answer;
};

static inline void test_answered(void *context, struct prolog_answer *answer)
{
    struct test_answer *got = context;

    got->here = true;
    got->answer = *answer;
    answer->text = (struct buf){0};
    answer->value = NULL;
}

static inline void test_answer_done(struct test_answer *got)
{
    prolog_answer_done(&got->answer);
}

static inline struct test_answer test_ask(enum prolog_door door, json_t *in, int64_t deadline_ms)
{
    struct test_answer got = {0};
    struct err err;

    if (!prolog_ask(test_rules(), door, in, deadline_ms, test_answered, &got, &err)) {
        printf("# %s\n", err.message);
        return got;
    }
    while (!got.here)
        test_wait(test_rules());
    return got;
}

static inline json_t *test_query(const char *name, int64_t n)
{
    return json_pack("{s:s, s:I}", "name", name, "n", (json_int_t)n);
}
