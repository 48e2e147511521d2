/* SPDX-License-Identifier: Apache-2.0
 *
 * scoped — release at the end of the block, whichever way it is left.
 *
 *     scoped(fd_done) int fd = open(…);
 *     scoped(buf_done) struct buf out = {0};
 *
 * A destructor takes a pointer to the variable and accepts an empty one.
 */
#pragma once

#ifndef _WIN32 /* the agent of Windows is made without it */
#include <jansson.h>
#endif
#include <stdlib.h>

#define scoped(destructor) __attribute__((cleanup(destructor)))

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static inline void free_done(void *at)
{
    free(*(void **)at);
    *(void **)at = NULL;
}

#ifndef _WIN32
static inline void json_done(json_t **at)
{
    json_decref(*at);
    *at = NULL;
}
#endif
