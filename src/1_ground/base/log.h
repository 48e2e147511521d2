/* SPDX-License-Identifier: Apache-2.0
 *
 * log — structured lines on stderr: events, not sentences.
 *
 *     log_event("role_started", "role", "judge", "pid_n", "412", NULL);
 *     {"ts":"2026-11-21T02:47:01.123Z","role":"supervisor","event":"role_started","role_name":…}
 *
 * Names are nouns with a past participle. Keys and values are C strings, in pairs, ended
 * by NULL. No secret is ever a value: values come from terms that were typed and checked.
 *
 * threads  any: one write(2) per line
 */
#pragma once

/* The name of this process on every line; call once at start. `role` must stay alive. */
void log_open(const char *role);

/* Level info. */
void log_event(const char *event, ...) __attribute__((sentinel));
/* Level error: somebody should look. */
void log_error(const char *event, ...) __attribute__((sentinel));
