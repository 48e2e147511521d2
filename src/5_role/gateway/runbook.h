/* SPDX-License-Identifier: Apache-2.0
 *
 * runbook — for each alert a text by a model, or the reason why there is none.
 *
 * The judge tells of an alert; it gives the prompt (request runbook_prompt), a model answers it,
 * the judge checks the answer, words it and records it (request runbook_add). What the model wrote
 * is never looked at here and goes nowhere else. With --runbook-model NAME the model is asked
 * through this node's own front door, with the node's own token, so that it waits, wakes and is
 * counted like every request: at background priority, or interactive for a critical alert. Without,
 * the engine of --llm is asked; without that too, each alert says "no_model".
 *
 * One at a time, critical ones first; RUNBOOK_WAITING_MAX wait, one more is recorded as failed
 * "too_many". After each start, and each time a judge comes, open alerts without a runbook are
 * asked for, so nothing is lost when a role ends in between; and the judge keeps one for each
 * alert, so nothing is made twice.
 *
 * owner    runbooks_open() … runbooks_close()
 * threads  the loop's only; the model is asked on a worker
 * limits   gateway.runbook_ms from the prompt to the answer; gateway.runbook_tokens_max
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <jansson.h>

#define RUNBOOK_WAITING_MAX 16
#define RUNBOOK_REFUSALS_MAX 64 /* being recorded at once */

struct gateway;
struct runbooks;

/* Before the sandbox, and after the engine and identity were opened. */
bool runbooks_open(struct gateway *gateway, struct err *err);
/* A ledger entry as made. */
void runbooks_event(struct gateway *gateway, const json_t *event);
/* There is a judge that answers: what is still open? */
void runbooks_judge(struct gateway *gateway);
/* Nothing new; what is under way is forgotten, and asked for again after the next start. */
void runbooks_stop(struct gateway *gateway);
void runbooks_close(struct gateway *gateway);

/* For /metrics. */
void runbooks_metrics(const struct gateway *gateway, struct buf *out);
