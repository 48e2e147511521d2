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

/* It is in no file, so the next look at the file frees it, unless it is inside. */
static struct caller *new_session(struct identity *identity, const char *principal)
{
    struct caller *caller = caller_make();

    snprintf(caller->name, sizeof caller->name, "%s", principal);
    snprintf(caller->id, sizeof caller->id, "%s", principal);
    snprintf(caller->label, sizeof caller->label, "session");
    caller->weight = 1;
    caller->state->models = json_pack("[s]", "*");
    check(caller->state->models);
    identity_place(identity, caller);
    return caller;
}

struct caller *identity_session(
    struct identity *identity, const char *principal, uint32_t scopes, bool sees_all)
{
    struct caller *caller = NULL;

    for (size_t i = 1; i < SLOTS_MAX && !caller; i++) {
        struct caller *is = identity->slots[i];
        if (is && !is->state->wanted && strcmp(is->label, "session") == 0 &&
            strncmp(is->id, principal, sizeof is->id - 1) == 0)
            caller = is;
    }
    if (!caller && !identity_room(identity))
        return NULL;
    if (!caller)
        caller = new_session(identity, principal);
    caller->scopes = scopes;
    caller->is_local = caller->speaks_for_users = sees_all;
    return caller;
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
