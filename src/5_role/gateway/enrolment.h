/* SPDX-License-Identifier: Apache-2.0
 *
 * enrolment — a browser with a one-time code makes a passkey; it waits in HOME/enrol/pending until
 * the owner confirms it in a terminal (identity/enrolment_file.h, docs/dashboard.md §4).
 *
 * Until then the passkey is nothing: this writes no site fact and asks no judge. Codes are looked
 * for in the file at each request, so that logicctl may add and withdraw them at any time; wrong
 * ones count with the wrong tries of everybody (session.h).
 *
 * Also writes HOME/run/page.json, before the sandbox: {"origin": what a browser on this machine, or
 * by the first --name, would call the node; null if nobody can know}.
 *
 * owner    enrolments_open() … enrolments_close(), of the gateway
 * threads  the loop's only; the files are small and local
 * secrets  no code and no challenge is logged
 * limits   enrolments_max, enrolment_ms
 */
#pragma once

#include "base/err.h"

struct gateway;

/* When it listens, before the sandbox. errors  ERR_SYSTEM a folder cannot be made */
bool enrolments_open(struct gateway *gateway, struct err *err);
void enrolments_close(struct gateway *gateway);
