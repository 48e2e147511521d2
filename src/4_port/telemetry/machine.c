/* SPDX-License-Identifier: Apache-2.0
 *
 * Processors, load, memory, time, networks: what stands in /proc. */
#include "telemetry/telemetry_inside.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- /proc/stat --------------------------------------------------------------------------------
 */

#define MODES 8
static const char *const MODE_NAMES[MODES] = {
    "user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"};

static void processor(struct page *page, const char *line)
{
    double ticks[MODES], a_second = (double)sysconf(_SC_CLK_TCK);
    char name[16];

    if (sscanf(line, "cpu%15[0-9] %lf %lf %lf %lf %lf %lf %lf %lf", name, &ticks[0], &ticks[1],
            &ticks[2], &ticks[3], &ticks[4], &ticks[5], &ticks[6], &ticks[7]) != MODES + 1)
        return;
    for (int i = 0; i < MODES; i++)
        page_sample(page, MARKS({"cpu", name}, {"mode", MODE_NAMES[i]}), ticks[i] / a_second);
}

static void stat_counts(struct page *page)
{
    static const struct {
        const char *word, *name, *kind, *help;
    } ROWS[] = {
        {"btime ", "node_boot_time_seconds", "gauge", "Node boot time, in unixtime."},
        {"ctxt ", "node_context_switches_total", "counter", "Total number of context switches."},
        {"processes ", "node_forks_total", "counter", "Total number of forks."},
        {"procs_blocked ", "node_procs_blocked", "gauge",
            "Number of processes blocked waiting for I/O to complete."},
        {"procs_running ", "node_procs_running", "gauge", "Number of processes in runnable state."},
    };
    char line[256];
    FILE *file = page_open(page->proc, "stat");

    /* the line of interrupts is long: fgets() gives it in pieces, which begin with no such word */
    while (file && fgets(line, sizeof line, file))
        for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++)
            if (strncmp(line, ROWS[i].word, strlen(ROWS[i].word)) == 0)
                page_one(page, ROWS[i].name, ROWS[i].kind, ROWS[i].help,
                    strtod(line + strlen(ROWS[i].word), NULL));
    if (file)
        fclose(file);
}

static void processors(struct page *page)
{
    char line[256];
    FILE *file = page_open(page->proc, "stat");
    int count = 0;

    if (!file)
        return;
    page_family(page, "node_cpu_seconds_total", "counter", "Seconds the CPUs spent in each mode.");
    while (count < TELEMETRY_CPUS_MAX && fgets(line, sizeof line, file)) {
        if (strncmp(line, "cpu", 3) != 0)
            break; /* they stand in front */
        if (line[3] != ' ') {
            processor(page, line);
            count++;
        }
    }
    fclose(file);
}

/* --- memory, load, time ------------------------------------------------------------------------
 */

/* "Active(anon):   12 kB" is node_memory_Active_anon_bytes, "HugePages_Total: 0" has no unit. */
static void memory_line(struct page *page, const char *line)
{
    char word[64], name[96], unit[8] = "";
    double value;
    size_t len = 0;

    if (sscanf(line, "%63[^:]: %lf %7s", word, &value, unit) < 2)
        return;
    for (const char *at = word; *at; at++)
        if (*at == '(')
            word[len++] = '_';
        else if (*at != ')')
            word[len++] = *at;
    word[len] = '\0';
    bool bytes = strcmp(unit, "kB") == 0;
    snprintf(name, sizeof name, "node_memory_%s%s", word, bytes ? "_bytes" : "");
    page_one(page, name, "gauge", "Memory information field.", bytes ? value * 1024 : value);
}

static void memory(struct page *page)
{
    char line[128];
    FILE *file = page_open(page->proc, "meminfo");

    while (file && fgets(line, sizeof line, file))
        memory_line(page, line);
    if (file)
        fclose(file);
}

static void load(struct page *page)
{
    char line[128];
    double load[3];

    if (!page_line(page->proc, "loadavg", line, sizeof line) ||
        sscanf(line, "%lf %lf %lf", &load[0], &load[1], &load[2]) != 3)
        return;
    page_one(page, "node_load1", "gauge", "1m load average.", load[0]);
    page_one(page, "node_load5", "gauge", "5m load average.", load[1]);
    page_one(page, "node_load15", "gauge", "15m load average.", load[2]);
}

static void pressures(struct page *page)
{
    static const struct {
        const char *file, *word, *name, *help;
    } ROWS[] = {
        {"pressure/cpu", "some", "node_pressure_cpu_waiting_seconds_total",
            "Total time in seconds that processes have waited for CPU time"},
        {"pressure/io", "some", "node_pressure_io_waiting_seconds_total",
            "Total time in seconds that processes have waited due to IO congestion"},
        {"pressure/io", "full", "node_pressure_io_stalled_seconds_total",
            "Total time in seconds no process could make progress due to IO congestion"},
        {"pressure/memory", "some", "node_pressure_memory_waiting_seconds_total",
            "Total time in seconds that processes have waited for memory"},
        {"pressure/memory", "full", "node_pressure_memory_stalled_seconds_total",
            "Total time in seconds no process could make progress due to memory congestion"},
    };
    char line[128];

    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        FILE *file = page_open(page->proc, ROWS[i].file);
        while (file && fgets(line, sizeof line, file)) {
            const char *total = strstr(line, "total=");
            if (total && strncmp(line, ROWS[i].word, strlen(ROWS[i].word)) == 0)
                page_one(page, ROWS[i].name, "counter", ROWS[i].help,
                    strtod(total + strlen("total="), NULL) / 1e6);
        }
        if (file)
            fclose(file);
    }
}

void page_machine(struct page *page, int64_t civil_ms)
{
    char line[128];
    double used;

    processors(page);
    stat_counts(page);
    load(page);
    memory(page);
    pressures(page);
    if (page_line(page->proc, "sys/fs/file-nr", line, sizeof line) &&
        sscanf(line, "%lf", &used) == 1)
        page_one(
            page, "node_filefd_allocated", "gauge", "File descriptor statistics: allocated.", used);
    page_one(page, "node_time_seconds", "gauge", "System time in seconds since epoch (1970).",
        (double)civil_ms / 1000);
}

/* --- networks ----------------------------------------------------------------------------------
 */

#define COLUMNS 16
struct network {
    char name[32];
    double columns[COLUMNS];
};

static bool network_line(char *line, struct network *ret)
{
    char *colon = strrchr(line, ':'), *at, *end;

    if (!colon)
        return false;
    *colon = '\0';
    line += strspn(line, " ");
    if (!*line || strlen(line) >= sizeof ret->name || strcmp(line, "lo") == 0)
        return false; /* what a machine says to itself is no network of the house */
    snprintf(ret->name, sizeof ret->name, "%s", line);
    at = colon + 1;
    for (int i = 0; i < COLUMNS; i++, at = end) {
        ret->columns[i] = strtod(at, &end);
        if (end == at)
            return false;
    }
    return true;
}

static void network_columns(struct page *page, const struct network *networks, size_t count)
{
    static const struct {
        int column;
        const char *name, *help;
    } ROWS[] = {
        {0, "node_network_receive_bytes_total", "Network device statistic receive_bytes."},
        {1, "node_network_receive_packets_total", "Network device statistic receive_packets."},
        {2, "node_network_receive_errs_total", "Network device statistic receive_errs."},
        {3, "node_network_receive_drop_total", "Network device statistic receive_drop."},
        {8, "node_network_transmit_bytes_total", "Network device statistic transmit_bytes."},
        {9, "node_network_transmit_packets_total", "Network device statistic transmit_packets."},
        {10, "node_network_transmit_errs_total", "Network device statistic transmit_errs."},
        {11, "node_network_transmit_drop_total", "Network device statistic transmit_drop."},
    };

    for (size_t i = 0; count && i < sizeof ROWS / sizeof *ROWS; i++) {
        page_family(page, ROWS[i].name, "counter", ROWS[i].help);
        for (size_t k = 0; k < count; k++)
            page_sample(
                page, MARKS({"device", networks[k].name}), networks[k].columns[ROWS[i].column]);
    }
}

/* Whether it is up, and how fast its link is. */
static void network_state(struct page *page, const struct network *networks, size_t count)
{
    char tail[96], state[32];
    double mbit;

    if (count)
        page_family(
            page, "node_network_up", "gauge", "Value is 1 if operstate is 'up', 0 otherwise.");
    for (size_t k = 0; k < count; k++) {
        snprintf(tail, sizeof tail, "class/net/%.31s/operstate", networks[k].name);
        if (page_line(page->sys, tail, state, sizeof state))
            page_sample(page, MARKS({"device", networks[k].name}), strcmp(state, "up") == 0);
    }
    bool begun = false;
    for (size_t k = 0; k < count; k++) {
        snprintf(tail, sizeof tail, "class/net/%.31s/speed", networks[k].name);
        if (!page_number(page->sys, tail, &mbit) || mbit < 0)
            continue;
        if (!begun)
            page_family(page, "node_network_speed_bytes", "gauge", "Speed of the link.");
        begun = true;
        page_sample(page, MARKS({"device", networks[k].name}), mbit * 1e6 / 8);
    }
}

void page_networks(struct page *page)
{
    struct network networks[TELEMETRY_NETWORKS_MAX];
    size_t count = 0;
    char line[512];
    FILE *file = page_open(page->proc, "net/dev");

    while (file && count < TELEMETRY_NETWORKS_MAX && fgets(line, sizeof line, file))
        if (network_line(line, &networks[count]))
            count++;
    if (file)
        fclose(file);
    network_columns(page, networks, count);
    network_state(page, networks, count);
}
