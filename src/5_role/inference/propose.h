/* SPDX-License-Identifier: Apache-2.0
 *
 * propose — what inference asks of the judge: the table, looks, and the four actions in the node's
 * own name. Never is more than one proposal of a host or a pool out; its outcome comes back as an
 * event of drive.c. Internal.
 */
#pragma once

#include "inference/inside.h"

enum proposal_kind { PROPOSE_WAKE, PROPOSE_SLEEP, PROPOSE_LOAD, PROPOSE_UNLOAD };

void propose(struct inference *inf, enum proposal_kind kind, int at, int model);
void propose_forget_all(struct inference *inf);
void propose_table(struct inference *inf);
void propose_look(struct inference *inf, int host);
void propose_look_external(struct inference *inf, int pool);
