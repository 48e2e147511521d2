/* SPDX-License-Identifier: Apache-2.0
 *
 * verdict — CPU of one question to the rules as shipped, without a node around them: the judge door
 * before and after the hands have looked, a denial, the sentence behind it, and the query door.
 *
 *     bench_verdict [KB [SITE]]      default: kb kb/site
 *
 * On the owner's own engine: what the rules and the terms cost. Through the workers, one at a time,
 * two thread switches are added; prolog_bench says what those are.
 */
#include "base/panic.h"
#include "prolog/prolog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS 7
#define ROUND_NS 300000000
#define DEADLINE_MS 10000
#define BY "\"by\":{\"principal\":\"loopback\",\"via\":\"grammar\"},\"now_ms\":1795228235550"
#define ADD                                                                                        \
    "{\"action\":\"dns_record_add\"," BY                                                           \
    ",\"params\":{\"name\":\"nas.home.arpa\",\"type\":\"A\",\"value\":\"10.0.0.5\"},\"seen\":"

static const struct question {
    const char *name;
    enum prolog_door door;
    const char *in;
    const char *expected; /* in the answer: a bench of refusals would be fast and worthless */
    double target_us;
} QUESTIONS[] = {
    {"verdict_first", PROLOG_JUDGE, ADD "null}", "\"look\":{", 200},
    {"verdict_second", PROLOG_JUDGE,
        ADD "{\"coverage\":{\"changed\":0,\"ok\":1,\"skipped\":0,\"unsupported\":0},\"rrsets\":[],"
            "\"zone_serial\":1}}",
        "\"plan\":{", 200},
    {"verdict_deny", PROLOG_JUDGE,
        "{\"action\":\"dns_zone_delete\"," BY ",\"params\":{\"name\":\"home.arpa\"},\"seen\":null}",
        "\"verdict\":\"deny\"", 200},
    {"parse_sentence", PROLOG_PARSE,
        "{\"nl\":\"delete the zone home.arpa\",\"principal\":\"loopback\"}", "\"understood\"", 0},
    {"query_zone_of", PROLOG_QUERY, "{\"args\":{\"name\":\"nas.home.arpa\"},\"query\":\"zone_of\"}",
        "\"home.arpa\"", 0},
};

static int64_t cpu_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * 1000000000 + now.tv_nsec;
}

static void ask(struct prolog *prolog, const struct question *question, json_t *in)
{
    struct prolog_answer answer;

    if (!prolog_ask_now(prolog, question->door, json_incref(in), DEADLINE_MS, &answer) ||
        !strstr(buf_text(&answer.text), question->expected))
        panic("%s: %s", question->name, answer.ok ? buf_text(&answer.text) : answer.err.message);
    prolog_answer_done(&answer);
}

/* Microseconds of CPU a question. */
static double round_us(struct prolog *prolog, const struct question *question, json_t *in)
{
    int64_t before = cpu_ns(), used = 0, asked = 0;

    for (; used < ROUND_NS; used = cpu_ns() - before, asked += 16)
        for (int i = 0; i < 16; i++)
            ask(prolog, question, in);
    return (double)used / 1000 / (double)asked;
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return (left > right) - (left < right);
}

static void print(const struct question *question, double *us)
{
    qsort(us, ROUNDS, sizeof *us, compare);
    printf("figure: %s value=%.1f unit=us_cpu", question->name, us[ROUNDS / 2]);
    if (question->target_us > 0)
        printf(" target=%.0f %s", question->target_us,
            us[ROUNDS / 2] <= question->target_us ? "ok" : "short");
    printf(" # median of %d, %.1f … %.1f\n", ROUNDS, us[0], us[ROUNDS - 1]);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    const struct prolog_settings settings = {.kb_folder = argc > 1 ? argv[1] : "kb",
        .site_folder = argc > 2 ? argv[2] : "kb/site",
        .workers = 1};
    struct prolog *prolog;
    struct err err = {0};

    if (!prolog_start(&settings, &prolog, &err))
        panic("%s", err.message);
    for (size_t i = 0; i < sizeof QUESTIONS / sizeof *QUESTIONS; i++) {
        double us[ROUNDS];
        json_t *in = json_loads(QUESTIONS[i].in, 0, NULL);
        check(in);
        round_us(prolog, &QUESTIONS[i], in);
        for (int r = 0; r < ROUNDS; r++)
            us[r] = round_us(prolog, &QUESTIONS[i], in);
        print(&QUESTIONS[i], us);
        json_decref(in);
    }
    prolog_stop(prolog);
    return 0;
}
