/* SPDX-License-Identifier: Apache-2.0
 *
 * order_key — the node's key for orders to agents: made once, the private half in the actuator's
 * secrets (secret:agent/order), the public half in HOME/pki/order.pub for whoever configures an
 * agent.
 *
 * For logicctl and the supervisor; no role reads the private half but the actuator.
 *
 * threads  one; several processes wait for each other
 * errors   ERR_SYSTEM; "bad_secret" what is there is no key
 */
#pragma once

#include "crypto/crypto.h"

/* Make what is missing; the public half as text, "ed25519:…". */
bool order_key_ensure(const char *secrets_folder, const char *pki_folder,
    char ret_public[PUBLIC_KEY_TEXT_BYTES], struct err *err);
