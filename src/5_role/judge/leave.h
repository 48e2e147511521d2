/* SPDX-License-Identifier: Apache-2.0
 *
 * leave — how a judge makes way for the next one, and asks for it; for the files of this folder.
 *
 * A reload is one at a time: those asked meanwhile wait here, and are handed back when the next
 * judge takes over, for that one to begin. The end has three parts: nothing new is begun (what
 * still comes is handed back: `judge_leaving`), the gateway is told and says when nothing more of
 * its can be on the way, what was begun is finished. What is not finished when drain_ms are over is
 * handed over by the name of its case, which the next judge answers (request `await`). So a change
 * of judges costs nobody an answer, and nothing is begun twice.
 */
#pragma once

#include "message/message.h"

#include <stdbool.h>

struct judge;
struct asked;
struct err;

void leave_init(struct judge *j);
/* What the supervisor says of the reload that is with it. */
void leave_reloaded(struct judge *j, const json_t *message);
/* Begin nothing more, and end when nothing is owed. Calling it again changes nothing. */
void leave_begin(struct judge *j);
/* There is another gateway, or none. */
void leave_gateway(struct judge *j);
/* Nothing more of the gateway's is on the way. */
void leave_told(struct judge *j);
/* Something that was owed is done. */
void leave_when_done(struct judge *j);

/* --- requests */
bool leave_reload(struct asked *a, struct err *err);
/* The end of a case that the judge before this one had begun. */
bool leave_await(struct asked *a, struct err *err);
