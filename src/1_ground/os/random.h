/* SPDX-License-Identifier: Apache-2.0
 *
 * random — bytes nobody can guess, and ids made of them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ID_BYTES 27 /* 26 characters and a terminator */

/* From the kernel; panics if it has none to give. */
void random_bytes(void *ret_bytes, size_t count);

/* A ULID: 48 bits of civil milliseconds, 80 random bits, Crockford base32, 26 characters. Ids made
 * by one process sort in the order they were made. */
void id_make(int64_t civil_ms, char ret_id[ID_BYTES]);
/* The form only. */
bool id_valid(const char *text);
