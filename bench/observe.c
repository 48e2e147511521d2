/* SPDX-License-Identifier: Apache-2.0
 *
 * observe — CPU of one reading: JSON text, terms, facts, conditions, alerts. 200 nodes tell 50
 * metrics each ten seconds, as a house does: most readings move a little, a few in a thousand cross
 * a threshold. Beside it: readings that nobody watches, and a house where everything is wrong.
 *
 *     bench_observe [KB]      default: kb
 *
 * The judge's part (channel, ledger) is not in it; prolog_bench says what a question costs at all.
 */
#include "base/panic.h"
#include "prolog/prolog.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NODES 200
#define METRICS 50
#define ROWS 500
#define ROUNDS 15
#define DEADLINE_MS 60000
#define TARGET_US 20.0

static const struct metric {
    const char *metric;
    const char *parts; /* how many, in one digit */
    int64_t good, bad, wander;
} SERIES[] = {
    {"cpu_busy", "1", 300, 990, 200},
    {"cpu_iowait", "1", 20, 400, 20},
    {"load_5", "1", 900, 90000, 300},
    {"cpu_cores", "1", 8, 8, 0},
    {"processes_running", "1", 3, 300, 2},
    {"io_pressure", "1", 20, 950, 20},
    {"memory_available", "1", 8000000000, 100000000, 50000000},
    {"memory_available_share", "1", 500, 10, 20},
    {"swap_used_share", "1", 100, 900, 5},
    {"swap_in", "1", 10, 50000, 10},
    {"swap_out", "1", 10, 50000, 10},
    {"oom_kills", "1", 0, 3, 0},
    {"cpu_temperature", "6", 55000, 99000, 3000},
    {"disk_temperature", "3", 40000, 80000, 500},
    {"fan_speed", "3", 900, 0, 50},
    {"power_draw", "2", 60000, 300000, 5000},
    {"disk_free", "3", 90000000000, 90000000000, 10000000},
    {"disk_used_share", "3", 600, 990, 1},
    {"filesystem_readonly", "3", 0, 1, 0},
    {"disk_busy", "3", 100, 1000, 50},
    {"network_received", "3", 100000, 100000000, 50000},
    {"network_errors", "3", 0, 100000, 0},
    {"network_carrier", "3", 1, 0, 0},
    {"uptime", "1", 1000000, 1000000, 5},
    {"clock_ahead", "1", 10, 90000, 20},
    {"memory_total", "1", 16000000000, 16000000000, 0},
};

static int64_t cpu_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * 1000000000 + now.tv_nsec;
}

static uint32_t dice(void)
{
    static uint32_t state = 2463534242;

    state ^= state << 13;
    state ^= state >> 17;
    return state ^= state << 5;
}

static int64_t value_of(const struct metric *series, bool wrong)
{
    if (wrong)
        return series->bad;
    int64_t wander = series->wander;
    return series->good + (wander ? (int64_t)(dice() % (uint32_t)(2 * wander + 1)) - wander : 0);
}

/* A house of its own: 200 nodes, each with a source. */
static void make_site(const char *folder)
{
    char path[256];
    snprintf(path, sizeof path, "%s/house.pl", folder);
    FILE *file = fopen(path, "w");

    check(file);
    for (int n = 0; n < NODES; n++)
        fprintf(file, "node(\"n%d\", \"127.0.0.1\", \"\").\n", n);
    for (int n = 0; n < NODES; n++)
        fprintf(
            file, "sense_source(\"s%d\", \"n%d\", exporter, \"http://127.0.0.1:1/\", 10).\n", n, n);
    check(fclose(file) == 0);
}

/* Rows of ten nodes as the sensor sends them: METRICS a node, `wrong_permille` of them bad. */
static size_t message(
    char *text, size_t size, int first_node, int64_t now_ms, uint32_t wrong_permille)
{
    size_t len = (size_t)snprintf(text, size, "{\"now_ms\":%" PRId64 ",\"rows\":[", now_ms);
    int rows = 0;

    for (int n = first_node; n < first_node + ROWS / METRICS; n++)
        for (size_t i = 0; i < sizeof SERIES / sizeof *SERIES; i++)
            for (int part = 0; part < SERIES[i].parts[0] - '0'; part++, rows++)
                len += (size_t)snprintf(text + len, size - len,
                    "%s[\"n%d\",\"%s\",\"%s%.*d\",%" PRId64 ",%" PRId64 "]", rows ? "," : "", n,
                    SERIES[i].metric, SERIES[i].parts[0] == '1' ? "" : "part/",
                    SERIES[i].parts[0] == '1' ? 0 : 1, SERIES[i].parts[0] == '1' ? 0 : part,
                    value_of(&SERIES[i], dice() % 1000 < wrong_permille), now_ms);
    check(rows == ROWS && len + 3 < size);
    return len + (size_t)snprintf(text + len, size - len, "]}");
}

/* All nodes once; the rules are told nothing of what they gave out, so pending alerts stay so. */
static double round_us(struct prolog *prolog, int64_t now_ms, uint32_t wrong_permille)
{
    static char text[ROWS * 100];
    int64_t used = 0;

    for (int node = 0; node < NODES; node += ROWS / METRICS) {
        size_t len = message(text, sizeof text, node, now_ms + node, wrong_permille);
        struct prolog_answer answer;
        int64_t before = cpu_ns();
        json_t *in = json_loadb(text, len, 0, NULL);
        check(in);
        if (!prolog_ask_now(prolog, PROLOG_OBSERVE, in, DEADLINE_MS, &answer))
            panic("observe: %s", answer.err.message);
        used += cpu_ns() - before;
        if (!strstr(buf_text(&answer.text), "\"refused\":0"))
            panic("observe: %.300s", buf_text(&answer.text));
        prolog_answer_done(&answer);
    }
    return (double)used / 1000 / (NODES * METRICS);
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return (left > right) - (left < right);
}

static void measure(struct prolog *prolog, const char *name, int64_t *now_ms,
    uint32_t wrong_permille, double target)
{
    double us[ROUNDS];

    for (int i = -3; i < ROUNDS; i++) {
        *now_ms += 10000;
        double took = round_us(prolog, *now_ms, wrong_permille);
        if (i >= 0)
            us[i] = took;
    }
    qsort(us, ROUNDS, sizeof *us, compare);
    printf("figure: %s value=%.2f unit=us_cpu", name, us[ROUNDS / 2]);
    if (target > 0)
        printf(" target=%.0f %s", target, us[ROUNDS / 2] <= target ? "ok" : "short");
    printf(" # a reading; median of %d rounds of %d, %.2f … %.2f; %.2f %% of a core at 1,000 a "
           "second\n",
        ROUNDS, NODES * METRICS, us[0], us[ROUNDS - 1], us[ROUNDS / 2] / 10);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    char folder[] = "/tmp/bench_observe.XXXXXX", path[256];
    struct prolog_settings settings = {.kb_folder = argc > 1 ? argv[1] : "kb", .workers = 1};
    struct prolog *prolog;
    struct err err = {0};
    int64_t now_ms = 1795228235000;

    check(mkdtemp(folder));
    make_site(folder);
    settings.site_folder = folder;
    if (!prolog_start(&settings, &prolog, &err))
        panic("%s", err.message);
    measure(prolog, "observe_reading", &now_ms, 0, TARGET_US);
    measure(prolog, "observe_reading_3_permille_bad", &now_ms, 3, TARGET_US);
    measure(prolog, "observe_reading_all_bad", &now_ms, 1000, 0);
    prolog_stop(prolog);
    snprintf(path, sizeof path, "%s/house.pl", folder);
    unlink(path);
    rmdir(folder);
    return 0;
}
