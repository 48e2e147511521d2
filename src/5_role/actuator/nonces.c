/* SPDX-License-Identifier: Apache-2.0 */
#include "actuator/nonces.h"

#include "base/panic.h"
#include "crypto/crypto.h"

#include <stdlib.h>

void nonces_init(struct nonces *nonces, size_t count_max)
{
    *nonces = (struct nonces){.count_max = count_max, .slot_count = 2 * count_max};
    nonces->slots = calloc(nonces->slot_count, sizeof *nonces->slots);
    check(nonces->slots);
}

void nonces_done(struct nonces *nonces)
{
    free(nonces->slots);
    *nonces = (struct nonces){0};
}

static void id_of(struct str text, uint8_t ret_id[NONCE_ID_BYTES])
{
    uint8_t digest[SHA256_BYTES];

    sha256(text, digest);
    memcpy(ret_id, digest, NONCE_ID_BYTES);
}

/* Its slot, or the empty one where it would be. */
static struct nonce *slot_of(const struct nonces *nonces, const uint8_t id[NONCE_ID_BYTES])
{
    uint64_t start;

    memcpy(&start, id, sizeof start);
    for (size_t i = 0;; i++) {
        struct nonce *slot = &nonces->slots[(start + i) % nonces->slot_count];
        if (slot->until_ms == 0 || memcmp(slot->id, id, NONCE_ID_BYTES) == 0)
            return slot;
    }
}

bool nonces_has(const struct nonces *nonces, struct str text)
{
    uint8_t id[NONCE_ID_BYTES];

    id_of(text, id);
    return slot_of(nonces, id)->until_ms != 0;
}

static void forget_old(struct nonces *nonces, int64_t now_ms)
{
    struct nonces fresh;

    nonces_init(&fresh, nonces->count_max);
    for (size_t i = 0; i < nonces->slot_count; i++)
        if (nonces->slots[i].until_ms > now_ms) {
            *slot_of(&fresh, nonces->slots[i].id) = nonces->slots[i];
            fresh.count++;
        }
    nonces_done(nonces);
    *nonces = fresh;
}

bool nonces_add(struct nonces *nonces, struct str text, int64_t now_ms, int64_t until_ms)
{
    uint8_t id[NONCE_ID_BYTES];

    check(until_ms > 0);
    id_of(text, id);
    if (nonces->count == nonces->count_max)
        forget_old(nonces, now_ms);
    if (nonces->count == nonces->count_max)
        return false;
    struct nonce *slot = slot_of(nonces, id);
    nonces->count += slot->until_ms == 0;
    memcpy(slot->id, id, sizeof slot->id);
    slot->until_ms = until_ms;
    return true;
}
