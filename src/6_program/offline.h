/* SPDX-License-Identifier: Apache-2.0
 *
 * offline — what logicd does without a node: check rules, replay a ledger, list the settings.
 * Each gives the exit status: 0 yes, 1 no, 2 a wrong command line.
 */
#pragma once

int offline_kb_check(int argc, char **argv);
int offline_replay(int argc, char **argv);
int offline_settings(void);

/* logicd.c: the usage on stderr, with what was wrong. Returns 2. */
int usage(const char *why, const char *what);
