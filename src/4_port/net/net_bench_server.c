/* SPDX-License-Identifier: Apache-2.0
 * net_bench_server PORT — answers every request with 100 bytes of JSON; for wrk. Prints its counts
 * at SIGTERM. */
#include "base/panic.h"
#include "net/http_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

static void on_request(struct exchange *ex, void *user)
{
    static const char BODY[] = "{\"status\":\"success\",\"case\":\"01JD5V4Q4M8Q2Z3X7K9T6W5R1N\","
                               "\"text\":\"a hundred bytes, all told..\"}\n";
    (void)user;
    exchange_reply(ex, 200, S("application/json"), NULL, 0, (struct str){BODY, sizeof BODY - 1});
}

static void on_signal(uv_signal_t *signal, int number)
{
    (void)number;
    uv_stop(signal->loop);
}

int main(int count, char **words)
{
    struct http_server_config config = {.handle = on_request};
    uv_loop_t *loop = uv_default_loop();
    uv_signal_t term;
    struct rusage usage;
    struct err err;

    check(count == 2);
    http_limits_default(&config.limits);
    struct http_server *server = http_server_make(loop, &config);
    if (!http_server_listen_tcp(
            server, "127.0.0.1", (uint16_t)strtoul(words[1], NULL, 10), NULL, &err))
        panic("%s", err.message);
    uv_signal_init(loop, &term);
    uv_signal_start(&term, on_signal, SIGTERM);
    uv_run(loop, UV_RUN_DEFAULT);
    getrusage(RUSAGE_SELF, &usage);
    double cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
                 (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
    struct http_server_counts counts = http_server_counts(server);
    printf("requests %llu, cpu %.2f us per request (user %.2f), peak RSS %ld KiB\n",
        (unsigned long long)counts.requests, cpu / (double)counts.requests,
        ((double)usage.ru_utime.tv_sec * 1e6 + (double)usage.ru_utime.tv_usec) /
            (double)counts.requests,
        usage.ru_maxrss);
    return 0;
}
