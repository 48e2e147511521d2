/* SPDX-License-Identifier: Apache-2.0
 *
 * open_api — /openapi.json out of the route table, the operations in open_api.c and the catalogue.
 *
 * threads  any: no state
 * source   OpenAPI 3.1.0
 */
#pragma once

#include <jansson.h>

/* `catalogue` is the judge's answer to `actions`. Owned by the caller. */
json_t *open_api_make(const json_t *catalogue);
