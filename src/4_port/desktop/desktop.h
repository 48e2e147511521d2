/* SPDX-License-Identifier: Apache-2.0
 *
 * desktop — a Windows session looked at, and its numbers pushed to a node. Only in logicagent.exe
 * (tools/cross.py --windows): the decisions and texts are 3_domain/presence, the same on Linux,
 * whose own looks are 5_role/agent/person.c and 4_port/telemetry.
 *
 *     static struct presence_look look;
 *     desktop_look(&look);                   all of it; busy_permille is the caller's
 *     desktop_front(&look);                  only who is there and what is in front: cheap, again
 *     desktop_push(&target, token, text, &err);
 *
 * Only the session of the process itself is seen. A service lives in session 0, where nobody ever
 * types and no window is in front: has_desktop is false there, and that is no "nobody".
 *
 * owner    none kept
 * threads  one at a time; desktop_push() blocks for at most DESKTOP_PUSH_MS or so
 * limits   PRESENCE_…_MAX; a processor group (64 processors)
 * source   Win32: Toolhelp, GetLastInputInfo, GetForegroundWindow, SHQueryUserNotificationState,
 *          NtQuerySystemInformation(SystemProcessorPerformanceInformation), WinHTTP
 */
#pragma once

#include "presence/presence.h"

#define DESKTOP_PUSH_MS 10000 /* to connect, to send, to answer: each */

void desktop_look(struct presence_look *ret_look);
/* has_desktop, idle_s, window, notice, front. */
void desktop_front(struct presence_look *look);
/* How long the processors did what; used between two looks. Returns how many there are. */
size_t desktop_cpus(struct presence_cpu ret_cpus[PRESENCE_CPUS_MAX]);

/* One POST of Prometheus text. No proxy, no redirect, no cookie; a certificate that Windows does
 * not trust ends it before the token is sent. errors  ERR_PEER "not_reached", "not_trusted",
 * "refused" */
bool desktop_push(
    const struct presence_target *target, struct str token, struct str text, struct err *err);
