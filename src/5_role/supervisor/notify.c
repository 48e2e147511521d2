/* SPDX-License-Identifier: Apache-2.0 */
#include "supervisor/notify.h"

#include "base/scoped.h"
#include "base/str.h"
#include "os/fd.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void notify_send(const char *state)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    struct str path = str_from(getenv("NOTIFY_SOCKET"));

    if (path.len == 0 || path.len >= sizeof to.sun_path || (path.at[0] != '/' && path.at[0] != '@'))
        return;
    memcpy(to.sun_path, path.at, path.len);
    if (path.at[0] == '@')
        to.sun_path[0] = '\0'; /* the abstract namespace */
    scoped(fd_done) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0)
        (void)sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&to,
            (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.len));
}

int64_t notify_watchdog_ms(void)
{
    uint64_t pid, interval_us;
    struct str for_pid = str_from(getenv("WATCHDOG_PID"));

    if (for_pid.len && (!str_to_u64(for_pid, INT32_MAX, &pid) || (pid_t)pid != getpid()))
        return 0;
    if (!str_to_u64(str_from(getenv("WATCHDOG_USEC")), INT64_MAX, &interval_us))
        return 0;
    return (int64_t)(interval_us / 2000);
}
