/* SPDX-License-Identifier: Apache-2.0 */
#include "base/scoped.h"
#include "host/host_inside.h"
#include "os/fd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define DISCARD_PORT 9
#define PACKETS_AT_ONCE 3
#define INTERFACES_MAX 64

size_t host_packet_make(const uint8_t mac[HOST_MAC_BYTES], const uint8_t *secure_on,
    uint8_t ret_packet[HOST_PACKET_BYTES_MAX])
{
    size_t len = 6;

    memset(ret_packet, 0xff, 6);
    for (int i = 0; i < 16; i++, len += HOST_MAC_BYTES)
        memcpy(ret_packet + len, mac, HOST_MAC_BYTES);
    if (!secure_on)
        return len;
    memcpy(ret_packet + len, secure_on, HOST_MAC_BYTES);
    return len + HOST_MAC_BYTES;
}

static bool send_to(int fd, struct in_addr to, const uint8_t *packet, size_t len, int *why)
{
    const struct sockaddr_in where = {
        .sin_family = AF_INET, .sin_port = htons(DISCARD_PORT), .sin_addr = to};
    bool sent = false;

    for (int i = 0; i < PACKETS_AT_ONCE; i++) {
        if (sendto(fd, packet, len, MSG_NOSIGNAL, (const struct sockaddr *)&where, sizeof where) ==
            (ssize_t)len)
            sent = true;
        else
            *why = errno;
    }
    return sent;
}

/* By ioctl, not by getifaddrs(): that binds a socket. */
static bool send_to_all(int fd, const uint8_t *packet, size_t len, int *why)
{
    struct ifreq rows[INTERFACES_MAX];
    struct ifconf list = {.ifc_len = sizeof rows, .ifc_req = rows};
    bool sent = false;

    if (ioctl(fd, SIOCGIFCONF, &list) != 0) {
        *why = errno;
        return false;
    }
    for (size_t i = 0; i < (size_t)list.ifc_len / sizeof *rows; i++) {
        struct ifreq flags = rows[i], address = rows[i];
        if (ioctl(fd, SIOCGIFFLAGS, &flags) != 0 || !(flags.ifr_flags & IFF_UP) ||
            !(flags.ifr_flags & IFF_BROADCAST) || ioctl(fd, SIOCGIFBRDADDR, &address) != 0)
            continue;
        struct sockaddr_in broadcast;
        memcpy(&broadcast, &address.ifr_broadaddr, sizeof broadcast);
        if (broadcast.sin_addr.s_addr)
            sent = send_to(fd, broadcast.sin_addr, packet, len, why) || sent;
    }
    return sent;
}

bool host_packets_send(const struct host_job *job, const uint8_t *packet, size_t len,
    int64_t *packets, struct err *err)
{
    scoped(fd_done) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int yes = 1, why = ENETUNREACH;
    struct in_addr to;

    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &yes, sizeof yes) != 0)
        return err_code(err, ERR_SYSTEM, "not_sent", NULL, "cannot open a socket for broadcast: %s",
            strerror(errno));
    bool everywhere = !job->broadcast.len;
    if (!everywhere) {
        if (!host_address_read(job->broadcast, &to, err))
            return false;
        everywhere = to.s_addr == INADDR_BROADCAST;
    }
    bool sent =
        everywhere ? send_to_all(fd, packet, len, &why) : send_to(fd, to, packet, len, &why);
    if (!sent)
        return err_code(err, ERR_SYSTEM, "not_sent", "broadcast",
            "no magic packet could be sent to %s%.*s: %s", everywhere ? "any interface" : "",
            everywhere ? 0 : (int)job->broadcast.len, job->broadcast.len ? job->broadcast.at : "",
            strerror(why));
    *packets += PACKETS_AT_ONCE;
    return true;
}
