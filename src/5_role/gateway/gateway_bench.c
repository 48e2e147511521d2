/* SPDX-License-Identifier: Apache-2.0
 * gateway_bench PORT — the gateway before a FAKE judge process that answers every request with the
 * same short body: what POST /api/v1/query costs the gateway alone. For wrk; /metrics tells its CPU
 * time. */
#include "base/panic.h"
#include "base/scoped.h"
#include "gateway/gateway.h"
#include "os/fd.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void answer_for_ever(int fd)
{
    static char packet[MESSAGE_BYTES_MAX], reply[512];
    ssize_t got;

    while ((got = recv(fd, packet, sizeof packet - 1, 0)) > 0) {
        packet[got] = '\0';
        for (const char *request = packet; request < packet + got; request += strlen(request) + 1) {
            const char *id = strstr(request, "\"id\":");
            int len = snprintf(reply, sizeof reply,
                "{\"v\":1,\"type\":\"reply\",\"id\":%lld,\"ok\":true,\"body\":{\"answers\":[{"
                "\"name\":"
                "\"nas\","
                "\"address\":\"192.168.1.20\",\"kind\":\"host\"}]}}",
                id ? strtoll(id + 5, NULL, 10) : 0);
            if (send(fd, reply, (size_t)len, MSG_NOSIGNAL) < 0)
                return;
        }
    }
}

int main(int count, char **words)
{
    struct role role = {.kind = &GATEWAY_ROLE};
    char listen[64], home[] = "/tmp/gateway_bench.XXXXXX", socket_path[64];
    struct err err = {0};
    int ends[2];

    if (count != 2 || !mkdtemp(home))
        return 2;
    check(fd_pair(MESSAGE_BYTES_MAX, ends, &err) && fd_set_blocking(ends[1], true, &err));
    if (fork() == 0) {
        close(ends[0]);
        answer_for_ever(ends[1]);
        _exit(0);
    }
    close(ends[1]);
    snprintf(listen, sizeof listen, "127.0.0.1:%s", words[1]);
    snprintf(socket_path, sizeof socket_path, "%s/api.sock", home);
    role.config =
        json_pack("{s:s, s:s, s:s}", "home", home, "listen", listen, "socket", socket_path);
    check(uv_loop_init(&role.loop) == 0);
    if (!GATEWAY_ROLE.open(&role, &err) || !GATEWAY_ROLE.start(&role, &err))
        panic("%s", err.message);
    GATEWAY_ROLE.peer(&role, "judge", ends[0]);
    while (!role.ended)
        uv_run(&role.loop, UV_RUN_DEFAULT);
    return 0;
}
