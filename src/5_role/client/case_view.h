/* SPDX-License-Identifier: Apache-2.0
 *
 * case_view — answers and cases for a person: what happened, why, and what to type next.
 */
#pragma once

#include "client/client.h"

/* The exit code for a status word of docs/protocol.md §6 (answers) or §4 (cases). */
enum client_exit case_exit(struct str status);

/* Green for done, yellow for waiting, red for no. */
enum style case_style(struct str status);

/* Is nothing more going to happen? */
bool case_ended(struct str state);

/* One answer of /api/v1/intent or /api/v1/proposals; also a list of them. */
enum client_exit case_view_answer(const struct screen *screen, const json_t *answer);

/* One case in full. */
void case_view_full(const struct screen *screen, const json_t *view);

/* Verdict, reasons, proof, and what would change it. */
void case_view_why(const struct screen *screen, const json_t *verdict);

/* "name=test.local type=A" from the parameters, for tables. */
void case_view_params(struct buf *out, const json_t *params);

/* "2026-11-21 02:47:01" from RFC 3339. */
#define CASE_TIME_BYTES 24
struct str case_view_time(struct str at, char scratch[CASE_TIME_BYTES]);
