/* SPDX-License-Identifier: Apache-2.0
 *
 * fd — file descriptors: closing, pairs, and passing one to another process.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

/* For scoped(fd_done): closes if >= 0, then -1. */
void fd_done(int *fd);

/* Two ends of a SOCK_SEQPACKET pair, close-on-exec, non-blocking, with send buffers of at
 * least `message_bytes_max` where the kernel allows. */
bool fd_pair(size_t message_bytes_max, int ret_ends[2], struct err *err);

/* The flag O_NONBLOCK on or off. */
bool fd_set_blocking(int fd, bool blocking, struct err *err);
