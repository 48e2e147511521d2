/* SPDX-License-Identifier: Apache-2.0
 *
 * boot — Prolog inside this process: initialised, our few predicates (boot.pl) there, files
 * loaded with their messages caught. Inside of port prolog; others use prolog.h and check.h.
 *
 * owner    the thread that called boot_start(): it has the main engine
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <SWI-Prolog.h>

#define BOOT_MODULE "logic_node_boot"

struct boot_settings {
    const char *home; /* NULL: SWIPL_HOME of the build */
    int64_t stack_bytes_max, table_bytes_max;
};

/* Once per process. errors  ERR_SYSTEM */
bool boot_start(const struct boot_settings *settings, struct err *err);

/* user:ln_folder(which, folder). */
void boot_folder(const char *which, const char *folder);

/* Load a file. Every error and warning is added as a line to `report` (may be NULL).
 * errors  ERR_INPUT "bad_rules" the first of them, with file and line, and how many there are */
bool boot_load(const char *file, struct buf *report, struct err *err);

/* The same from a text that is compiled into the program; `name` stands for the file. */
bool boot_load_text(const char *name, const char *text, struct err *err);

/* From here on messages are lines in `report`, until it is NULL: then they go to the log. */
void boot_listen(struct buf *report);

/* The rules define door_NAME:NAME/2. */
bool boot_has_door(const char *name);

/* Autoload off, Prolog's collector thread on. */
void boot_loaded(void);

/* End of Prolog; every thread of ours that had an engine is joined. */
void boot_stop(void);

/* The anonymous signal that ends whatever a worker does; PL_thread_raise() it. */
int boot_kill_signal(void);
