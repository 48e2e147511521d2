/* SPDX-License-Identifier: Apache-2.0
 *
 * CPU per question through the workers, one at a time and many at once, and on the owner's own
 * engine. By hand: TEST_KB=…/test_kb prolog_bench. Figures in microseconds of CPU of the whole
 * process. */
#include "os/clock.h"
#include "prolog/test_rules.h"

#include <sys/resource.h>

#define ROUNDS 5
#define QUESTIONS 100000
#define DEADLINE_MS 60000

static int64_t cpu_us(void)
{
    struct rusage used;

    getrusage(RUSAGE_SELF, &used);
    return (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000 + used.ru_utime.tv_usec +
           used.ru_stime.tv_usec;
}

static void count_down(void *context, struct prolog_answer *answer)
{
    int64_t *left = context;

    (*left)--;
    if (!answer->ok) {
        fprintf(stderr, "%s\n", answer->err.message);
        exit(1);
    }
}

static json_t *question(int64_t i)
{
    return test_query("echo", i);
}

static void ask_now(int64_t count)
{
    struct prolog_answer answer;

    for (int64_t i = 0; i < count; i++) {
        prolog_ask_now(test_rules(), PROLOG_QUERY, question(i), DEADLINE_MS, &answer);
        prolog_answer_done(&answer);
    }
}

/* At most `together` under way. */
static void ask(int64_t count, int64_t together)
{
    int64_t left = count, asked = 0;
    struct err err;

    while (left > 0) {
        while (asked < count && asked - (count - left) < together)
            prolog_ask(test_rules(), PROLOG_QUERY, question(asked++), DEADLINE_MS, count_down,
                &left, &err);
        test_wait(test_rules());
    }
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return (left > right) - (left < right);
}

static void measure(const char *name, int64_t together)
{
    double cpu[ROUNDS], wall[ROUNDS];

    for (int i = 0; i < ROUNDS; i++) {
        int64_t cpu_before = cpu_us(), wall_before = clock_steady_ns();
        if (together)
            ask(QUESTIONS, together);
        else
            ask_now(QUESTIONS);
        cpu[i] = (double)(cpu_us() - cpu_before) / QUESTIONS;
        wall[i] = (double)(clock_steady_ns() - wall_before) / 1000 / QUESTIONS;
    }
    qsort(cpu, ROUNDS, sizeof *cpu, compare);
    qsort(wall, ROUNDS, sizeof *wall, compare);
    printf("figure: %s value=%.2f unit=us_cpu wall_us=%.2f median_of=%d\n", name, cpu[ROUNDS / 2],
        wall[ROUNDS / 2], ROUNDS);
}

int main(void)
{
    measure("door_own_engine", 0);
    measure("door_one_at_a_time", 1);
    measure("door_16_together", 16);
    measure("door_256_together", 256);
    return 0;
}
