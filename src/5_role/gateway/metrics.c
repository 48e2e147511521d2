/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/metrics.h"

#include "base/scoped.h"
#include "base/str.h"
#include "os/fd.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

/* The last row stands for all others. */
static const int STATUSES[METRICS_STATUSES] = {200, 204, 304, 400, 401, 403, 404, 405, 408, 409,
    410, 413, 415, 421, 422, 429, 431, 499, 500, 501, 502, 503, 504, 0};

static const int64_t BOUNDS_US[METRICS_BUCKETS] = {
    50, 100, 250, 500, 1000, 2500, 5000, 10000, 25000, 100000, 500000, 2500000, 10000000, 60000000};

/* Of closed cases (case_status() of 3_domain/case): no other word becomes a label. */
static const char *const CASE_WORDS[] = {"success", "failed", "denied", "refused", "expired"};

void metrics_init(struct metrics *metrics)
{
    *metrics = (struct metrics){.statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)};
}

void metrics_done(struct metrics *metrics)
{
    fd_done(&metrics->statm);
}

void metrics_count(struct metrics *metrics, size_t route, int status, int64_t spent_ns)
{
    size_t row = 0, bucket = 0;

    while (STATUSES[row] && STATUSES[row] != status)
        row++;
    while (bucket < METRICS_BUCKETS && spent_ns > BOUNDS_US[bucket] * 1000)
        bucket++;
    metrics->replies[route][row]++;
    metrics->buckets[route][bucket]++;
    metrics->sum_ns[route] += (uint64_t)spent_ns;
}

static const char *route_label(size_t route)
{
    return route < ROUTES ? ROUTE_TABLE[route].name : "none";
}

static void head(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_printf(out, "# HELP logic_%s %s\n# TYPE logic_%s %s\n", name, help, name, type);
}

static void single(
    struct buf *out, const char *name, const char *type, const char *help, double value)
{
    head(out, name, type, help);
    buf_printf(out, "logic_%s %.17g\n", name, value);
}

static void write_requests(const struct metrics *metrics, struct buf *out)
{
    head(out, "http_requests_total", "counter", "Finished requests.");
    for (size_t route = 0; route <= ROUTES; route++)
        for (size_t row = 0; row < METRICS_STATUSES; row++) {
            char code[16] = "other";
            if (!metrics->replies[route][row])
                continue;
            if (STATUSES[row])
                snprintf(code, sizeof code, "%d", STATUSES[row]);
            buf_printf(out, "logic_http_requests_total{route=\"%s\",code=\"%s\"} %" PRIu64 "\n",
                route_label(route), code, metrics->replies[route][row]);
        }
}

static void write_latency(const struct metrics *metrics, size_t route, struct buf *out)
{
    const char *label = route_label(route);
    uint64_t below = 0;

    for (size_t i = 0; i < METRICS_BUCKETS; i++) {
        below += metrics->buckets[route][i];
        buf_printf(out, "logic_http_request_seconds_bucket{route=\"%s\",le=\"%g\"} %" PRIu64 "\n",
            label, (double)BOUNDS_US[i] / 1e6, below);
    }
    below += metrics->buckets[route][METRICS_BUCKETS];
    buf_printf(out,
        "logic_http_request_seconds_bucket{route=\"%s\",le=\"+Inf\"} %" PRIu64 "\n"
        "logic_http_request_seconds_sum{route=\"%s\"} %.9f\n"
        "logic_http_request_seconds_count{route=\"%s\"} %" PRIu64 "\n",
        label, below, label, (double)metrics->sum_ns[route] / 1e9, label, below);
}

static bool has_any(const struct metrics *metrics, size_t route)
{
    for (size_t i = 0; i <= METRICS_BUCKETS; i++)
        if (metrics->buckets[route][i])
            return true;
    return false;
}

static void write_process(const struct metrics *metrics, struct buf *out)
{
    struct rusage used;
    char text[128] = "";
    unsigned long total = 0, resident = 0;

    ssize_t got = metrics->statm >= 0 ? pread(metrics->statm, text, sizeof text - 1, 0) : -1;
    if (got > 0 && sscanf(text, "%lu %lu", &total, &resident) == 2) {
        single(out, "process_resident_memory_bytes", "gauge", "Memory of the gateway process.",
            (double)resident * (double)sysconf(_SC_PAGESIZE));
    }
    getrusage(RUSAGE_SELF, &used);
    single(out, "process_cpu_seconds_total", "counter", "CPU time of the gateway process.",
        (double)used.ru_utime.tv_sec + (double)used.ru_stime.tv_sec +
            (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6);
}

static void write_judge(const json_t *judge, struct buf *out)
{
    const json_t *open = json_object_get(judge, "open_cases");
    const json_t *closed = json_object_get(judge, "closed_cases");
    const json_t *queue = json_object_get(json_object_get(judge, "judge"), "under_way");

    if (json_is_integer(open)) {
        single(out, "cases_open", "gauge", "Cases under way or waiting for a signature.",
            (double)json_integer_value(open));
        head(out, "cases_closed_total", "counter", "Cases that ended, since the judge started.");
        for (size_t i = 0; i < COUNT(CASE_WORDS); i++) {
            const json_t *number = json_object_get(closed, CASE_WORDS[i]);
            if (json_is_integer(number))
                buf_printf(out,
                    "logic_cases_closed_total{status=\"%s\"} %" JSON_INTEGER_FORMAT "\n",
                    CASE_WORDS[i], json_integer_value(number));
        }
    }
    if (json_is_integer(queue))
        single(out, "judge_queue", "gauge", "Questions to the rules under way or waiting.",
            (double)json_integer_value(queue));
}

void metrics_write(const struct metrics *metrics, const struct metrics_now *now,
    const json_t *judge, struct buf *out)
{
    write_requests(metrics, out);
    head(out, "http_request_seconds", "histogram", "From the whole request to the reply.");
    for (size_t route = 0; route <= ROUTES; route++)
        if (has_any(metrics, route))
            write_latency(metrics, route, out);
    single(out, "in_flight", "gauge", "Requests that wait for the judge.", (double)now->in_flight);
    single(out, "sse_clients", "gauge", "Open event streams.", (double)now->subscribers);
    single(out, "sse_left_total", "counter",
        "Event streams that clients left or were dropped from.", (double)metrics->streams_left);
    single(out, "judge_connected", "gauge", "1 while a judge is joined.", now->judge_connected);
    single(out, "judge_ready", "gauge", "1 while the judge answers.", now->judge_ready);
    single(out, "judge_restarts_total", "counter", "Judges that went away.",
        (double)metrics->judge_restarts);
    single(out, "held_total", "counter", "Requests that waited for a judge to return.",
        (double)metrics->held);
    single(out, "messages_refused_total", "counter", "Messages that were not in the protocol.",
        (double)now->messages_refused);
    single(out, "connections_open", "gauge", "Open client connections.",
        (double)now->connections_open);
    single(out, "connections_total", "counter", "Accepted client connections.",
        (double)now->connections_accepted);
    single(out, "connections_refused_total", "counter", "Connections beyond the limit.",
        (double)now->connections_refused);
    single(out, "http_malformed_total", "counter", "Requests refused before a route was sought.",
        (double)now->requests_refused);
    single(out, "model_calls", "gauge", "Calls to the engine, running and waiting.",
        (double)now->model_calls);
    single(out, "model_asked_total", "counter", "Sentences given to the engine.",
        (double)metrics->model_asked);
    single(out, "model_answered_total", "counter", "Of these, answered with a proposal.",
        (double)metrics->model_answered);
    head(out, "build_info", "gauge", "Always 1; which version this is.");
    buf_printf(out, "logic_build_info{version=\"%s\"} 1\n", LOGIC_NODE_VERSION);
    write_judge(judge, out);
    write_process(metrics, out);
}
