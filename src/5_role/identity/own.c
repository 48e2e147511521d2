/* SPDX-License-Identifier: Apache-2.0
 *
 * The node itself as a caller: two tokens that nobody can have, for they never leave this process
 * but over the loopback or its own socket. */
#include "identity/inside.h"

#include "base/panic.h"
#include "coding/coding.h"
#include "os/random.h"

#include <stdio.h>

#define PREFIX "node_"
#define SECRET_BYTES 32

_Static_assert(sizeof PREFIX + 2 * SECRET_BYTES <= IDENTITY_OWN_TOKEN_BYTES, "a token has room");

static struct caller *own_caller(enum caller_priority priority)
{
    struct caller *caller = caller_make();

    snprintf(caller->name, sizeof caller->name, "node");
    snprintf(caller->id, sizeof caller->id, "node:%s", caller_priority_word(priority));
    snprintf(caller->label, sizeof caller->label, "node");
    caller->scopes = CALLER_CHAT | CALLER_EMBEDDINGS;
    caller->priority = priority;
    caller->weight = 1;
    caller->state->models = json_pack("[s]", "*");
    caller->state->wanted = true;
    check(caller->state->models);
    return caller;
}

void identity_own_open(struct identity *identity)
{
    for (int i = 0; i <= CALLER_BACKGROUND; i++) {
        struct own *own = &identity->own[i];
        uint8_t secret[SECRET_BYTES];
        own->caller = own_caller((enum caller_priority)i);
        identity_place(identity, own->caller);
        random_bytes(secret, sizeof secret);
        memcpy(own->token, PREFIX, sizeof PREFIX);
        hex_encode(secret, sizeof secret, own->token + sizeof PREFIX - 1);
    }
}

const char *identity_own_token(const struct identity *identity, enum caller_priority priority)
{
    return identity->own[priority].token;
}

struct caller *identity_own_find(
    const struct identity *identity, const struct identity_shown *shown)
{
    struct str rest = shown->authorization;

    if (!shown->local || !str_starts(rest, S("Bearer " PREFIX)))
        return NULL;
    rest = (struct str){rest.at + 7, rest.len - 7};
    for (int i = 0; i <= CALLER_BACKGROUND; i++)
        if (crypto_equal(rest, str_from(identity->own[i].token)))
            return identity->own[i].caller;
    return NULL;
}
