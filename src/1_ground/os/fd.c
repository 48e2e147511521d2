/* SPDX-License-Identifier: Apache-2.0 */
#include "os/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

void fd_done(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

bool fd_pair(size_t message_bytes_max, int ret_ends[2], struct err *err)
{
    int ends[2];
    int bytes = (int)message_bytes_max * 4;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
        return err_set(err, ERR_SYSTEM, "cannot make a socket pair: %s", strerror(errno));
    for (int i = 0; i < 2; i++)
        if (setsockopt(ends[i], SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) != 0)
            (void)setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    ret_ends[0] = ends[0];
    ret_ends[1] = ends[1];
    return true;
}

bool fd_set_blocking(int fd, bool blocking, struct err *err)
{
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0 || fcntl(fd, F_SETFL, blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK) < 0)
        return err_set(err, ERR_SYSTEM, "cannot change descriptor %d: %s", fd, strerror(errno));
    return true;
}
