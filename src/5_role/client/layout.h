/* SPDX-License-Identifier: Apache-2.0
 *
 * layout — where things of an installed node lie, as deploy/layout.tmpfiles makes them.
 *
 * threads  one: it asks for the names of users
 */
#pragma once

#include <jansson.h>
#include <stddef.h>

/* A row for each place below `home`: {"path","wanted","owner","is","fine"}. Returns how many are
 * not as they should be. */
size_t layout_look(const char *home, json_t *rows);
