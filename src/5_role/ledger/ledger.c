/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger.h"

#include "base/log.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "core.h"
#include "ledger/checkpoint.h"
#include "message/message.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/file.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ORIGIN_TAIL "/logic-node/ledger"

struct ledger {
    struct role *role;
    struct ledger_core *core;
    struct channel *judge;
    bool group_open;
    uv_check_t turn;    /* behind every reading of messages: commit what arrived */
    uv_timer_t pin;     /* a checkpoint now and then */
    uv_timer_t announce;
};

/* Named after this machine at the first start; later the name in the file counts. */
static void default_origin(char ret_origin[CHECKPOINT_ORIGIN_BYTES_MAX + 1])
{
    char host[HOST_NAME_MAX + 1] = "";

    (void)gethostname(host, sizeof host - 1);
    snprintf(ret_origin, CHECKPOINT_ORIGIN_BYTES_MAX + 1, "%s%s", host, ORIGIN_TAIL);
    if (!host[0] || !checkpoint_origin_valid(str_from(ret_origin)))
        snprintf(ret_origin, CHECKPOINT_ORIGIN_BYTES_MAX + 1, "node%s", ORIGIN_TAIL);
}

static bool role_open(struct role *role, struct err *err)
{
    char origin[CHECKPOINT_ORIGIN_BYTES_MAX + 1], folder[PATH_MAX];
    const char *given = role_config_text(role, "folder"), *name = role_config_text(role, "origin");
    struct ledger *ledger = calloc(1, sizeof *ledger);

    check(ledger);
    ledger->role = role;
    role->state = ledger;
    if (given[0])
        snprintf(folder, sizeof folder, "%s", given);
    else
        role_path(role, "ledger", folder);
    default_origin(origin);
    if (!file_make_folder(folder, 0700, err) ||
        !ledger_open(&(struct ledger_setup){folder, name[0] ? name : origin, clock_civil_ms},
            &ledger->core, err))
        return false;
    role->deny = SANDBOX_DENY_NETWORK | SANDBOX_DENY_LISTEN | SANDBOX_DENY_EXEC | SANDBOX_DENY_FORK |
                 SANDBOX_DENY_PTRACE;
    role_allow_write(role, folder);
    return true;
}

static void end_if_must(struct ledger *ledger)
{
    if (!ledger_must_end(ledger->core))
        return;
    channel_flush(ledger->judge);
    role_end(ledger->role, 1);
}

static void send_reply(void *owner, json_t *message)
{
    struct ledger *ledger = owner;
    struct err err;

    if (!channel_send(ledger->judge, message, &err))
        log_error("reply_lost", "message", err.message, NULL);
}

static void commit(struct ledger *ledger)
{
    if (!ledger->group_open)
        return;
    ledger->group_open = false;
    ledger_commit(ledger->core, send_reply, ledger);
    end_if_must(ledger);
}

static void on_turn(uv_check_t *turn)
{
    commit(turn->data);
}

static void on_append(struct ledger *ledger, const json_t *message)
{
    if (ledger->group_open && !ledger_room(ledger->core))
        commit(ledger);
    if (!ledger->group_open)
        ledger_begin(ledger->core);
    ledger->group_open = true;
    ledger_add(ledger->core, message);
}

static void from_judge(void *owner, enum message_type type, json_t *message, int fd)
{
    struct ledger *ledger = owner;

    fd_done(&fd);
    if (type == MESSAGE_append) {
        on_append(ledger, message);
    } else if (type == MESSAGE_read) {
        commit(ledger); /* who reads behind an append sees it */
        send_reply(ledger, ledger_read(ledger->core, message));
        end_if_must(ledger);
    } else {
        log_error("message_refused", "from", "judge", "type", message_type_name(type), NULL);
    }
}

static void judge_gone(void *owner)
{
    struct ledger *ledger = owner;

    ledger->judge = NULL;
    commit(ledger); /* what it asked for before is kept; it will read it at its next start */
}

static const struct channel_events JUDGE_EVENTS = {from_judge, judge_gone};

static void role_peer(struct role *role, const char *name, int fd)
{
    struct ledger *ledger = role->state;

    if (strcmp(name, "judge") != 0) {
        fd_done(&fd);
        return;
    }
    commit(ledger);
    channel_close(ledger->judge);
    ledger->judge = channel_open(&role->loop, fd, &JUDGE_EVENTS, ledger);
}

static void on_pin(uv_timer_t *timer)
{
    struct ledger *ledger = timer->data;
    struct err err;

    commit(ledger);
    if (!ledger_checkpoint(ledger->core, &err))
        log_error("checkpoint_not_signed", "code", err.code, "message", err.message, NULL);
    end_if_must(ledger);
}

static void on_announce(uv_timer_t *timer)
{
    struct ledger *ledger = timer->data;
    char size[24];

    snprintf(size, sizeof size, "%llu", (unsigned long long)ledger_size(ledger->core));
    log_event("ledger_opened", "entries", size, NULL);
    role_ready(ledger->role);
}

static bool role_start(struct role *role, struct err *err)
{
    struct ledger *ledger = role->state;

    (void)err;
    uv_check_init(&role->loop, &ledger->turn);
    uv_timer_init(&role->loop, &ledger->pin);
    uv_timer_init(&role->loop, &ledger->announce);
    ledger->turn.data = ledger->pin.data = ledger->announce.data = ledger;
    uv_check_start(&ledger->turn, on_turn);
    uv_timer_start(&ledger->pin, on_pin, LEDGER_CHECKPOINT_MS, LEDGER_CHECKPOINT_MS);
    uv_timer_start(&ledger->announce, on_announce, 0, 0); /* the control channel opens after this */
    return true;
}

static void role_stop(struct role *role)
{
    struct ledger *ledger = role->state;

    commit(ledger);
    channel_flush(ledger->judge);
    ledger_close(&ledger->core);
    uv_check_stop(&ledger->turn);
    uv_timer_stop(&ledger->pin);
    channel_close(ledger->judge);
    ledger->judge = NULL;
    role_end(role, 0);
}

const struct role_kind LEDGER_ROLE = {
    .name = "ledger", .open = role_open, .start = role_start, .peer = role_peer, .stop = role_stop};
