/* SPDX-License-Identifier: Apache-2.0 */
#include "base/scoped.h"
#include "identity/identity.h"
#include "tap.h"

#include <stdio.h>

static struct identity *opened(void)
{
    struct identity_config config = {0};
    struct identity *identity = NULL;
    struct err err = {0};

    identity_limits_default(&config.limits);
    CHECK(identity_open(&config, &identity, &err));
    return identity;
}

static struct caller *found(struct identity *identity, const char *authorization, bool local)
{
    const struct identity_shown shown = {.authorization = str_from(authorization), .local = local};
    return identity_own_find(identity, &shown);
}

static void bearer(const struct identity *identity, enum caller_priority p, char text[128])
{
    snprintf(text, 128, "Bearer %s", identity_own_token(identity, p));
}

TEST(node_is_a_caller_of_its_own)
{
    struct identity *identity = opened();
    struct identity_refusal refusal;
    char urgent[128], idle[128];

    bearer(identity, CALLER_INTERACTIVE, urgent);
    bearer(identity, CALLER_BACKGROUND, idle);
    const struct caller *one = found(identity, urgent, true), *two = found(identity, idle, true);
    CHECK(one && two && one != two && one->number != two->number && one->number && two->number);
    CHECK(one->priority == CALLER_INTERACTIVE && two->priority == CALLER_BACKGROUND);
    CHECK(strcmp(one->name, "node") == 0 && strcmp(two->label, "node") == 0 && !one->is_local);
    CHECK(identity_may(one, CALLER_CHAT, S("any-model"), &refusal));
    CHECK(identity_may(two, CALLER_EMBEDDINGS, S("any-model"), &refusal));
    CHECK(!identity_may(one, CALLER_API, S(""), &refusal) && refusal.status == 403);
    identity_close(&identity);
}

TEST(nobody_else_is)
{
    struct identity *identity = opened(), *other = opened();
    char text[128];

    bearer(identity, CALLER_BACKGROUND, text);
    CHECK(!found(identity, text, false)); /* from another machine */
    CHECK(!found(other, text, true));     /* of another start */
    text[strlen(text) - 1] ^= 1;
    CHECK(!found(identity, text, true));
    text[strlen(text) - 1] = '\0';
    CHECK(!found(identity, text, true));
    CHECK(!found(identity, "Bearer node_", true) && !found(identity, "Bearer ", true));
    CHECK(!found(identity, "", true) &&
          !identity_own_find(identity, &(struct identity_shown){.local = true}));
    identity_close(&identity);
    identity_close(&other);
}

TEST(it_is_in_no_list)
{
    struct identity *identity = opened();
    scoped(json_done) json_t *rows = identity_json(identity);

    CHECK(json_array_size(rows) == 0 && identity_counts(identity).callers == 0);
    CHECK(!identity_poll(identity, identity_clock()));
    char text[128];
    bearer(identity, CALLER_BACKGROUND, text);
    CHECK(found(identity, text, true));
    identity_close(&identity);
}

TEST(a_session_is_a_caller_while_it_asks)
{
    struct identity *identity = opened();
    struct identity_refusal refusal;
    struct caller *fia = identity_session(identity, "person:fia", CALLER_CHAT, true);
    struct caller *guest = identity_session(identity, "person:guest", CALLER_MODELS, false);

    CHECK(fia && guest && fia != guest && fia->number != guest->number);
    CHECK(identity_may(fia, CALLER_CHAT, S("any-model"), &refusal) && fia->is_local);
    CHECK(!identity_may(guest, CALLER_CHAT, S(""), &refusal) && refusal.status == 403);
    CHECK(!guest->is_local);
    CHECK(identity_enter(fia, identity_clock(), &refusal));
    identity_poll(identity, identity_clock());
    /* inside it stays who it is; the other is made anew when it asks again */
    CHECK(identity_session(identity, "person:fia", CALLER_CHAT, true) == fia);
    CHECK(identity_session(identity, "person:guest", CALLER_MODELS, false) != NULL);
    identity_leave(fia, 0, identity_clock());
    for (int i = 0; i < 5000; i++) { /* more than there are places: those unused make room */
        char name[32];
        snprintf(name, sizeof name, "person:p%d", i);
        CHECK(identity_session(identity, name, CALLER_MODELS, false) != NULL);
    }
    CHECK(!identity_row(identity, "person:p1", NULL, identity_clock(), &refusal));
    CHECK(refusal.status == 401);
    identity_close(&identity);
}

TEST(sessions_beyond_all_places_are_told_so)
{
    struct identity *identity = opened();
    struct identity_refusal refusal;
    struct caller *all[3000];
    size_t count = 0;

    for (; count < COUNT(all); count++) {
        char name[32];
        snprintf(name, sizeof name, "person:p%zu", count);
        all[count] = identity_session(identity, name, CALLER_CHAT, true);
        if (!all[count])
            break;
        CHECK(identity_enter(all[count], identity_clock(), &refusal));
    }
    CHECK(count > IDENTITY_CALLERS_MAX && count < COUNT(all));
    while (count)
        identity_leave(all[--count], 0, identity_clock());
    identity_close(&identity);
}

TAP_MAIN
