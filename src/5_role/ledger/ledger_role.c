/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/ledger_role.h"

#include "base/log.h"
#include "base/panic.h"
#include "ledger/core.h"
#include "os/clock.h"
#include "os/fd.h"

#include <string.h>

#define LEDGER_ORIGIN "logic-node/ledger"

struct ledger_role {
    struct role *role;
    struct ledger_core *core;
    struct channel *judge;
    uv_check_t after_poll; /* the turn's messages are in: commit */
    uv_timer_t checkpoint;
    bool in_group;
};

static bool role_open(struct role *role, struct err *err)
{
    struct ledger_role *l = calloc(1, sizeof *l);
    const char *folder = role_config_text(role, "folder");
    const struct ledger_setup setup = {
        .folder = folder, .origin = LEDGER_ORIGIN, .now_ms = clock_civil_ms};

    check(l);
    role->state = l;
    l->role = role;
    role->deny =
        SANDBOX_DENY_NETWORK | SANDBOX_DENY_EXEC | SANDBOX_DENY_FORK | SANDBOX_DENY_SIGNALS;
    role_allow_write(role, folder);
    role_allow_read(role, "/dev/urandom");
    return ledger_open(&setup, &l->core, err);
}

static void reply(void *owner, json_t *message)
{
    struct ledger_role *l = owner;
    struct err err = {0};

    if (!channel_send(l->judge, message, &err))
        log_error("reply_lost", "message", err.message, NULL);
}

static void commit(struct ledger_role *l)
{
    if (!l->in_group)
        return;
    l->in_group = false;
    uv_check_stop(&l->after_poll);
    ledger_commit(l->core, reply, l);
    if (ledger_must_end(l->core)) {
        log_error("ledger_must_end", "remedy", "look at the disk; the ledger starts again", NULL);
        channel_flush(l->judge);
        role_end(l->role, 1);
    }
}

static void on_after_poll(uv_check_t *handle)
{
    commit(handle->data);
}

static void append(struct ledger_role *l, const json_t *message)
{
    if (l->in_group && !ledger_room(l->core))
        commit(l);
    if (!l->in_group) {
        ledger_begin(l->core);
        l->in_group = true;
        uv_check_start(&l->after_poll, on_after_poll);
    }
    ledger_add(l->core, message);
}

static void from_judge(void *owner, enum message_type type, json_t *message, int fd)
{
    struct ledger_role *l = owner;

    fd_done(&fd);
    if (type == MESSAGE_append) {
        append(l, message);
    } else if (type == MESSAGE_read) {
        commit(l); /* what was said before is read */
        reply(l, ledger_read(l->core, message));
    } else {
        log_error("message_refused", "from", "judge", "type", message_type_name(type), NULL);
    }
}

static void judge_gone(void *owner)
{
    struct ledger_role *l = owner;

    l->judge = NULL;
    commit(l);
}

static const struct channel_events JUDGE_EVENTS = {from_judge, judge_gone};

static void role_peer(struct role *role, const char *name, int fd)
{
    struct ledger_role *l = role->state;

    if (strcmp(name, "judge") != 0) {
        fd_done(&fd);
        return;
    }
    commit(l); /* what the judge before this one said comes first */
    channel_close(l->judge);
    l->judge = channel_open(&role->loop, fd, &JUDGE_EVENTS, l);
}

static void on_checkpoint(uv_timer_t *timer)
{
    struct ledger_role *l = timer->data;
    struct err err = {0};

    commit(l);
    if (!ledger_checkpoint(l->core, &err))
        log_error("checkpoint_failed", "message", err.message, NULL);
}

static void role_beat(struct role *role)
{
    struct ledger_role *l = role->state;

    role_stats(role, l->judge, ledger_stats(l->core));
}

static bool role_start(struct role *role, struct err *err)
{
    struct ledger_role *l = role->state;

    (void)err;
    uv_check_init(&role->loop, &l->after_poll);
    uv_timer_init(&role->loop, &l->checkpoint);
    l->after_poll.data = l->checkpoint.data = l;
    uv_timer_start(&l->checkpoint, on_checkpoint, LEDGER_CHECKPOINT_MS, LEDGER_CHECKPOINT_MS);
    return true;
}

static void role_joined(struct role *role, const char *name, int fd)
{
    role_peer(role, name, fd);
    role_ready(role);
}

static void role_stop(struct role *role)
{
    struct ledger_role *l = role->state;

    commit(l);
    ledger_close(&l->core); /* signs what is not signed yet */
    channel_flush(l->judge);
    role_end(role, 0);
}

const struct role_kind LEDGER_ROLE = {.name = "ledger",
    .open = role_open,
    .start = role_start,
    .peer = role_joined,
    .stop = role_stop,
    .beat = role_beat};
