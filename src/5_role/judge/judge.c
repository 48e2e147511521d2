/* SPDX-License-Identifier: Apache-2.0 */
#include "judge/judge.h"

#include "base/log.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "base/settings.h"
#include "judge/core.h"
#include "os/fd.h"
#include "os/file.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define TICK_MS 1000
#define SITE_MS 10000

static const struct setting SETTINGS[] = {
#define SETTING(name, min, max, standard, help)                                                    \
    {#name, min, max, standard, help, offsetof(struct settings_of_judge, name)},
#include "judge/settings.def"
#undef SETTING
};

/* --- proofs at load ----------------------------------------------------------------------- */

/* What must hold of rules and site together, e.g. that every tier which needs a signature has
 * somebody who can give it. A node whose site is not whole yet must start, so that its owner can
 * mend it: deny is the default, so an unproved tier is merely closed. It is said loudly. */
static bool look_at_proofs(struct judge *j, struct err *err)
{
    struct prolog_answer answer = {0};
    size_t i;
    json_t *proof;

    if (!prolog_ask_now(j->prolog, PROLOG_SITE, json_object(), SITE_MS, &answer)) {
        *err = answer.err;
        prolog_answer_done(&answer);
        return err_wrap(err, "looking at the site facts");
    }
    json_array_foreach (json_object_get(prolog_answer_json(&answer), "proofs"), i, proof)
        if (!message_true(proof, "holds"))
            log_error("proof_failed", "name", message_text(proof, "name"), "words",
                message_text(proof, "words"), NULL);
    prolog_answer_done(&answer);
    return true;
}

static bool start_prolog(struct judge *j, struct err *err)
{
    const struct prolog_settings settings = {
        .kb_folder = j->kb,
        .site_folder = j->site,
        .state_folder = NULL, /* state is rebuilt from the ledger, never read from the snapshot */
        .workers = (int)j->settings.workers,
        .stack_bytes_max = j->settings.stack_bytes_max,
        .questions_max = j->settings.questions_max,
        .answer_bytes_max = MESSAGE_BYTES_MAX - 4096,
    };

    return prolog_start(&settings, &j->prolog, err) && look_at_proofs(j, err);
}

static bool judge_open(struct role *role, struct err *err)
{
    struct judge *j = calloc(1, sizeof *j);

    check(j);
    role->state = j;
    j->role = role;
    j->waiting_gateway_fd = -1;
    j->brief = buf_of(MESSAGE_BYTES_MAX);
    j->rules = role_config_text(role, "rules");
    j->site_hash = role_config_text(role, "site_hash");
    j->kb = role_config_text(role, "kb");
    j->site = role_config_text(role, "site");
    j->state = role_config_text(role, "state");
    pending_init(&j->ledger_calls);
    pending_init(&j->actuator_calls);
    settings_default(SETTINGS, COUNT(SETTINGS), &j->settings);
    if (!settings_apply(
            SETTINGS, COUNT(SETTINGS), role_config(role, "settings"), &j->settings, err))
        return false;
    senses_init(j);
    notify_init(j);
    role->deny =
        SANDBOX_DENY_NETWORK | SANDBOX_DENY_EXEC | SANDBOX_DENY_FORK | SANDBOX_DENY_SIGNALS;
    role_allow_read(role, j->kb);
    role_allow_read(role, j->site);
    role_allow_write(role, j->state);
    role_allow_read(role, "/dev/null");
    role_allow_read(role, "/proc/self");
    return start_prolog(j, err);
}

/* --- answers of the rules --------------------------------------------------------------------- */

static void on_prolog(uv_poll_t *poll, int status, int events)
{
    struct judge *j = poll->data;

    (void)status;
    (void)events;
    prolog_collect(j->prolog);
}

/* --- the readable snapshot ---------------------------------------------------------------------
 */

static void write_file(struct judge *j, const json_t *file)
{
    char path[PATH_MAX * 2];
    struct err err = {0};
    const char *name = message_text(file, "name");

    if (!name[0] || strchr(name, '/') || name[0] == '.')
        return;
    snprintf(path, sizeof path, "%s/%s", j->state, name);
    if (!file_replace(path, str_from(message_text(file, "text")), 0644, &err))
        log_error("snapshot_not_written", "message", err.message, NULL);
}

static void on_state_text(void *context, struct prolog_answer *answer)
{
    struct judge *j = context;
    size_t i;
    json_t *file;

    json_array_foreach (
        json_object_get(answer->ok ? prolog_answer_json(answer) : NULL, "files"), i, file)
        write_file(j, file);
    door_answered(j);
}

static void on_snapshot(uv_timer_t *timer)
{
    struct judge *j = timer->data;
    struct err err;

    if (!ask_door(j, PROLOG_STATE_TEXT, json_object(), on_state_text, j, &err))
        judge_schedule_snapshot(j);
}

void judge_schedule_snapshot(struct judge *j)
{
    if (!uv_is_active((uv_handle_t *)&j->snapshot) && !j->stopping)
        uv_timer_start(&j->snapshot, on_snapshot, (uint64_t)j->settings.snapshot_ms, 0);
}

static void on_tick(uv_timer_t *timer)
{
    struct judge *j = timer->data;

    if (j->recovered && j->live_count)
        flow_tick(j);
}

static bool judge_start(struct role *role, struct err *err)
{
    struct judge *j = role->state;

    uv_poll_init(&role->loop, &j->prolog_poll, prolog_fd(j->prolog));
    j->prolog_poll.data = j;
    uv_poll_start(&j->prolog_poll, UV_READABLE, on_prolog);
    uv_timer_init(&role->loop, &j->tick);
    uv_timer_init(&role->loop, &j->snapshot);
    uv_timer_init(&role->loop, &j->patience);
    j->tick.data = j->snapshot.data = j->patience.data = j;
    leave_init(j);
    uv_timer_start(&j->tick, on_tick, TICK_MS, TICK_MS);
    senses_start(j);
    notify_start(j);
    (void)err;
    return true;
}

/* --- peers
 * ---------------------------------------------------------------------------------------- */

static void from_gateway(void *owner, enum message_type type, json_t *message, int fd)
{
    fd_done(&fd);
    if (type == MESSAGE_request)
        requests_take(owner, message);
    else if (type == MESSAGE_left)
        leave_told(owner);
    else
        log_error("message_refused", "from", "gateway", "type", message_type_name(type), NULL);
}

static void gateway_gone(void *owner)
{
    struct judge *j = owner;

    j->gateway = NULL;
    leave_gateway(j);
}

static void from_actuator(void *owner, enum message_type type, json_t *message, int fd)
{
    fd_done(&fd);
    if (type == MESSAGE_stats)
        stats_take(owner, "actuator", message);
    else
        hands_take(owner, type, message);
}

static void actuator_gone(void *owner)
{
    struct judge *j = owner;

    j->actuator = NULL;
    stats_forget(j, "actuator");
    hands_lost(j);
}

static void from_ledger(void *owner, enum message_type type, json_t *message, int fd)
{
    fd_done(&fd);
    if (type == MESSAGE_stats)
        stats_take(owner, "ledger", message);
    else
        records_take(owner, type, message);
}

/* Which of our records are durable is not known any more: end, and rebuild from what is there. */
static void ledger_gone(void *owner)
{
    struct judge *j = owner;

    j->ledger = NULL;
    log_error("ledger_lost", "remedy", "the judge starts again and rebuilds its cases", NULL);
    role_end(j->role, j->stopping ? 0 : 1);
}

static bool brief_from_gateway(void *owner, struct str text)
{
    return brief_take(owner, text);
}

static const struct channel_events GATEWAY_EVENTS = {
    from_gateway, gateway_gone, brief_from_gateway};
static const struct channel_events ACTUATOR_EVENTS = {from_actuator, actuator_gone};
static const struct channel_events LEDGER_EVENTS = {from_ledger, ledger_gone};

static void join_gateway(struct judge *j, int fd)
{
    channel_close(j->gateway);
    j->gateway_life++;
    j->gateway = channel_open(&j->role->loop, fd, &GATEWAY_EVENTS, j);
    leave_gateway(j);
    senses_tell_make_way(j);
}

/* Not before the hands have said who they are, the rules have told the sources and the sensor has
 * told what it knows: whoever asks in the first moment would hear that they are away, and that
 * nothing is known of the house. Who does not come is waited for so long and no longer. */
static void let_in(struct judge *j)
{
    int fd = j->waiting_gateway_fd;

    j->open = true;
    uv_timer_stop(&j->patience);
    j->waiting_gateway_fd = -1;
    if (fd >= 0)
        join_gateway(j, fd);
    role_ready(j->role);
}

static void on_impatient(uv_timer_t *timer)
{
    let_in(timer->data);
}

void judge_maybe_open(struct judge *j)
{
    if (!j->recovered || j->open)
        return;
    if (j->actuator_boot[0] && !senses_awaited(j))
        let_in(j);
    else if (!uv_is_active((uv_handle_t *)&j->patience))
        uv_timer_start(&j->patience, on_impatient, (uint64_t)j->settings.hands_wait_ms, 0);
}

static void judge_peer(struct role *role, const char *name, int fd)
{
    struct judge *j = role->state;

    if (strcmp(name, "gateway") == 0 && !j->open) {
        fd_done(&j->waiting_gateway_fd);
        j->waiting_gateway_fd = fd;
    } else if (strcmp(name, "gateway") == 0) {
        join_gateway(j, fd);
    } else if (strcmp(name, "actuator") == 0) {
        if (j->actuator) {
            channel_close(j->actuator);
            j->actuator = NULL;
            hands_lost(j);
        }
        j->actuator = channel_open(&role->loop, fd, &ACTUATOR_EVENTS, j);
    } else if (strcmp(name, "sensor") == 0) {
        senses_join(j, fd);
    } else if (strcmp(name, "ledger") == 0 && !j->ledger && !j->recovered) {
        j->ledger = channel_open(&role->loop, fd, &LEDGER_EVENTS, j);
        recover_start(j);
    } else if (strcmp(name, "ledger") == 0) { /* a new one before we saw the old one end */
        fd_done(&fd);
        ledger_gone(j);
    } else {
        fd_done(&fd);
    }
}

/* --- reload and end
 * ----------------------------------------------------------------------------------- */

static void judge_control(struct role *role, enum message_type type, json_t *message)
{
    if (type == MESSAGE_reloaded)
        leave_reloaded(role->state, message);
}

static void judge_stop(struct role *role)
{
    leave_begin(role->state);
}

const struct role_kind JUDGE_ROLE = {
    .name = "judge",
    .open = judge_open,
    .start = judge_start,
    .peer = judge_peer,
    .control = judge_control,
    .stop = judge_stop,
};
