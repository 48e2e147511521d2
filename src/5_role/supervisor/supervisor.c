/* SPDX-License-Identifier: Apache-2.0 */
#include "supervisor/supervisor.h"

#include "base/log.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "base/settings.h"
#include "common/role.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/file.h"
#include "restart/restart.h"
#include "supervisor/config.h"
#include "supervisor/notify.h"
#include "supervisor/process.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define TICK_MS 1000
#define STATS_TICKS 5

/* In the order in which they are ended: first who takes requests, last who keeps the record. */
enum role_id { GATEWAY, SENSOR, JUDGE, ACTUATOR, AGENT, LEDGER, ROLES };
static const char *const ROLE_NAMES[ROLES] = {
    "gateway", "sensor", "judge", "actuator", "agent", "ledger"};

struct settings_of_supervisor {
#define SETTING(name, min, max, standard, help) int64_t name;
#include "supervisor/settings.def"
#undef SETTING
};

static const struct setting SETTINGS[] = {
#define SETTING(name, min, max, standard, help)                                                    \
    {#name, min, max, standard, help, offsetof(struct settings_of_supervisor, name)},
#include "supervisor/settings.def"
#undef SETTING
};

struct slot {
    struct supervisor *supervisor;
    enum role_id id;
    struct process *process; /* NULL while it is down */
    struct restart history;
    uv_timer_t again;
    int64_t restarts;
    bool absent; /* this node has no such role */
};

struct supervisor {
    uv_loop_t loop;
    const struct supervisor_options *options;
    struct settings_of_supervisor settings;
    struct version version;
    struct slot slots[ROLES];
    struct process *successor; /* a judge with new rules, not yet in its slot */
    struct version successor_version;
    bool reloading, stopping, announced;
    int64_t stop_since_ms, ticks;
    int exit_status;
    uv_signal_t on_term, on_int;
    uv_timer_t tick;
};

static void on_message(void *owner, struct process *p, enum message_type type, json_t *message);
static void on_ended(void *owner, struct process *p, int64_t status, int signal);
static const struct process_events EVENTS = {on_message, on_ended};

static struct restart_policy policy_of(const struct settings_of_supervisor *s)
{
    return (struct restart_policy){.first_delay_ms = s->backoff_first_ms,
        .delay_max_ms = s->backoff_max_ms,
        .healthy_ms = s->healthy_ms,
        .window_ms = s->crash_window_ms,
        .crashes_max = s->crashes_max};
}

/* HOME/run/roles.json: who runs, for `logicctl status` and for tests that kill. */
static void write_roles(struct supervisor *s)
{
    char path[PATH_MAX];
    struct err err;
    scoped(json_done) json_t *roles = json_object();

    for (int i = 0; i < ROLES; i++)
        if (s->slots[i].process)
            json_object_set_new(roles, ROLE_NAMES[i],
                json_pack("{s:i, s:b}", "pid", (int)s->slots[i].process->handle.pid, "ready",
                    (int)s->slots[i].process->ready));
    scoped(free_done) char *text = json_dumps(roles, JSON_INDENT(2));
    snprintf(path, sizeof path, "%s/run/roles.json", s->options->home);
    if (!file_replace(path, str_from(text), 0644, &err))
        log_error("roles_not_written", "message", err.message, NULL);
}

/* --- joining ---------------------------------------------------------------------------- */

static void join(struct process *judge, struct process *other)
{
    int ends[2];
    struct err err = {0};

    if (!judge || !other || !judge->control || !other->control)
        return;
    if (!fd_pair(MESSAGE_BYTES_MAX, ends, &err) ||
        !channel_send_fd(
            other->control, message_make(MESSAGE_peer, "{s:s}", "role", "judge"), ends[0], &err) ||
        !channel_send_fd(judge->control, message_make(MESSAGE_peer, "{s:s}", "role", other->name),
            ends[1], &err))
        log_error("roles_not_joined", "judge_with", other->name, "message", err.message, NULL);
    fd_done(&ends[0]);
    fd_done(&ends[1]);
}

static void join_judge(struct supervisor *s)
{
    join(s->slots[JUDGE].process, s->slots[LEDGER].process);
    join(s->slots[JUDGE].process, s->slots[ACTUATOR].process);
    join(s->slots[JUDGE].process, s->slots[SENSOR].process);
    join(s->slots[JUDGE].process, s->slots[GATEWAY].process);
}

/* --- starting ---------------------------------------------------------------------------- */

static void give_up(struct supervisor *s, const char *role, const char *why);

static void start_role(struct slot *slot)
{
    struct supervisor *s = slot->supervisor;
    struct err err = {0};
    const char *name = ROLE_NAMES[slot->id];

    if (s->stopping || slot->absent)
        return;
    scoped(json_done) json_t *config = config_for(s->options, name, &s->version);
    if (!process_start(&s->loop, name, config, &EVENTS, s, &slot->process, &err)) {
        give_up(s, name, err.message);
        return;
    }
    log_event("role_started", "name", name, NULL);
    if (slot->id == JUDGE)
        join_judge(s);
    else if (slot->id != AGENT) /* which listens on its socket and speaks with no role */
        join(s->slots[JUDGE].process, slot->process);
    write_roles(s);
}

static void on_again(uv_timer_t *timer)
{
    start_role(timer->data);
}

static void announce(struct supervisor *s)
{
    for (int i = 0; i < ROLES; i++)
        if (!s->slots[i].absent && (!s->slots[i].process || !s->slots[i].process->ready))
            return;
    write_roles(s);
    notify_send(
        s->announced ? "STATUS=all roles are ready" : "READY=1\nSTATUS=all roles are ready");
    log_event("node_ready", "listen", s->options->listen, NULL);
    s->announced = true;
}

/* --- stopping ----------------------------------------------------------------------------- */

static void stop_next(struct supervisor *s)
{
    struct err err;

    for (int i = 0; i < ROLES; i++) {
        struct process *p = s->slots[i].process;
        if (!p)
            continue;
        if (!p->stopping) {
            p->stopping = true;
            s->stop_since_ms = clock_steady_ms();
            if (!channel_send(p->control, message_make(MESSAGE_stop, "{}"), &err))
                process_kill(p, SIGKILL);
        }
        return;
    }
    uv_stop(&s->loop);
}

static void stop(struct supervisor *s, int exit_status)
{
    if (s->stopping)
        return;
    s->stopping = true;
    s->exit_status = exit_status;
    notify_send("STOPPING=1");
    log_event("node_stopping", NULL);
    if (s->successor)
        process_kill(s->successor, SIGKILL);
    for (int i = 0; i < ROLES; i++)
        uv_timer_stop(&s->slots[i].again);
    stop_next(s);
}

static void give_up(struct supervisor *s, const char *role, const char *why)
{
    char status[512];

    snprintf(status, sizeof status, "STATUS=failed: role %s: %s", role, why);
    notify_send(status);
    log_error("node_failed", "name", role, "why", why, "remedy",
        "read the lines of that role above; start again when the cause is mended", NULL);
    stop(s, 1);
}

static void on_signal(uv_signal_t *handle, int number)
{
    (void)number;
    stop(handle->data, 0);
}

static void answer_reload(struct supervisor *s, bool ok, const char *words);

/* --- ends ----------------------------------------------------------------------------------- */

static void crashed(struct slot *slot, int64_t ran_ms, int64_t status, int signal)
{
    struct supervisor *s = slot->supervisor;
    const struct restart_policy policy = policy_of(&s->settings);
    int64_t delay_ms;
    char how[64], wait[32];

    if (status == ROLE_EXIT_CONFIG && !signal) {
        give_up(s, ROLE_NAMES[slot->id], "what it was given is refused, see the line above");
        return;
    }
    snprintf(
        how, sizeof how, signal ? "signal %d" : "exit status %d", signal ? signal : (int)status);
    if (!restart_after_crash(&slot->history, &policy, clock_steady_ms(), ran_ms, &delay_ms)) {
        char why[160];
        snprintf(why, sizeof why, "ended %lld times in %lld s, last with %s",
            (long long)slot->history.crashes, (long long)policy.window_ms / 1000, how);
        give_up(s, ROLE_NAMES[slot->id], why);
        return;
    }
    snprintf(wait, sizeof wait, "%lld", (long long)delay_ms);
    slot->restarts++;
    log_error("role_ended", "name", ROLE_NAMES[slot->id], "how", how, "restart_ms", wait, NULL);
    uv_timer_start(&slot->again, on_again, (uint64_t)delay_ms, 0);
}

/* The old judge is gone by agreement: its successor takes the slot and the peers. */
static void succeed(struct supervisor *s)
{
    const char *keep[] = {s->version.folder, s->successor_version.folder};

    version_prune(config_versions_folder(s->options), keep, COUNT(keep), s->settings.versions_max);
    s->slots[JUDGE].process = s->successor;
    s->version = s->successor_version;
    s->successor = NULL;
    s->reloading = false;
    log_event("rules_swapped", "rules", s->version.rules, NULL);
    join_judge(s);
    write_roles(s);
}

static void on_ended(void *owner, struct process *p, int64_t status, int signal)
{
    struct supervisor *s = owner;

    if (p == s->successor) {
        s->successor = NULL;
        s->reloading = false;
        if (!p->loaded)
            answer_reload(s, false, "the new judge ended while it loaded; the rules in force stay");
        log_error("successor_ended", "remedy", "the rules in force stay in force", NULL);
        return;
    }
    for (int i = 0; i < ROLES; i++) {
        struct slot *slot = &s->slots[i];
        if (slot->process != p)
            continue;
        slot->process = NULL;
        if (s->stopping)
            stop_next(s);
        else if (i == JUDGE && s->successor && s->successor->loaded)
            succeed(s);
        else
            crashed(slot, clock_steady_ms() - p->started_ms, status, signal);
        if (!s->stopping)
            write_roles(s);
        return;
    }
}

/* --- reload -------------------------------------------------------------------------------- */

static void answer_reload(struct supervisor *s, bool ok, const char *words)
{
    struct process *judge = s->slots[JUDGE].process;
    struct err err;

    if (!ok)
        s->reloading = false;
    if (judge)
        (void)channel_send(judge->control,
            message_make(MESSAGE_reloaded, "{s:b, s:s, s:s}", "ok", (int)ok, "rules",
                s->successor_version.rules, "words", words),
            &err);
}

static void on_checked(void *owner, bool sound, const char *report)
{
    struct supervisor *s = owner;
    struct err err = {0};

    if (s->stopping)
        return;
    if (!sound) {
        log_error("rules_refused", "report", report, NULL);
        answer_reload(s, false, report);
        return;
    }
    scoped(json_done) json_t *config = config_for(s->options, "judge", &s->successor_version);
    if (!process_start(&s->loop, "judge", config, &EVENTS, s, &s->successor, &err))
        answer_reload(s, false, err.message);
}

static void reload(struct supervisor *s)
{
    struct err err = {0};
    char site[PATH_MAX + 8], state[PATH_MAX];

    if (s->reloading) {
        struct process *judge = s->slots[JUDGE].process;
        if (judge)
            (void)channel_send(judge->control,
                message_make(MESSAGE_reloaded, "{s:b, s:s, s:s}", "ok", 0, "rules", "", "words",
                    "a reload is under way already; try again when it is done"),
                &err);
        return;
    }
    s->reloading = true;
    s->successor_version = (struct version){0};
    if (!config_version(s->options, &s->successor_version, &err)) {
        answer_reload(s, false, err.message);
        return;
    }
    snprintf(site, sizeof site, "%s/site", s->successor_version.folder);
    snprintf(state, sizeof state, "%s/state", s->options->home);
    if (!process_check(&s->loop, s->successor_version.folder, site, state,
            s->settings.check_timeout_ms, on_checked, s, &err))
        log_error("check_not_started", "message", err.message, NULL);
}

static void successor_loaded(struct supervisor *s)
{
    struct process *judge = s->slots[JUDGE].process;
    struct err err;

    answer_reload(s, true, "the new rules are sound and take over now");
    if (!judge) { /* it crashed meanwhile: the timer must not start the old rules again */
        uv_timer_stop(&s->slots[JUDGE].again);
        succeed(s);
        return;
    }
    judge->stopping = true;
    (void)channel_send(judge->control, message_make(MESSAGE_stop, "{}"), &err);
}

static void on_message(void *owner, struct process *p, enum message_type type, json_t *message)
{
    struct supervisor *s = owner;

    (void)message;
    if (type == MESSAGE_ready) {
        p->ready = true;
        log_event("role_ready", "name", p->name, NULL);
        announce(s);
    } else if (type == MESSAGE_loaded) {
        p->loaded = true;
        if (p == s->successor)
            successor_loaded(s);
    } else if (type == MESSAGE_reload && p == s->slots[JUDGE].process) {
        reload(s);
    } else {
        log_error("message_refused", "from", p->name, "type", message_type_name(type), NULL);
    }
}

/* --- the turn of the clock -------------------------------------------------------------------- */

static void watch(struct supervisor *s, struct process *p, int64_t now_ms)
{
    if (p && now_ms - p->last_beat_ms > s->settings.beat_timeout_ms) {
        log_error("role_stuck", "name", p->name, NULL);
        process_kill(p, SIGKILL);
    }
}

/* For /metrics: what only we know. */
static void tell_stats(struct supervisor *s)
{
    struct process *gateway = s->slots[GATEWAY].process;
    struct err err;

    if (!gateway || !gateway->control)
        return;
    scoped(json_done) json_t *values = json_object();
    for (int i = 0; i < ROLES; i++) {
        const struct slot *slot = &s->slots[i];
        char key[64];
        if (slot->absent)
            continue;
        snprintf(key, sizeof key, "restarts_%s", ROLE_NAMES[i]);
        json_object_set_new(values, key, json_integer(slot->restarts));
        snprintf(key, sizeof key, "up_%s", ROLE_NAMES[i]);
        json_object_set_new(values, key, json_integer(slot->process && slot->process->ready));
    }
    (void)channel_send(gateway->control,
        message_make(MESSAGE_stats, "{s:s, s:O}", "role", "supervisor", "values", values), &err);
}

static void on_tick(uv_timer_t *timer)
{
    struct supervisor *s = timer->data;
    int64_t now_ms = clock_steady_ms();

    if (notify_watchdog_ms())
        notify_send("WATCHDOG=1");
    watch(s, s->successor, now_ms);
    if (++s->ticks % STATS_TICKS == 0)
        tell_stats(s);
    for (int i = 0; i < ROLES; i++) {
        struct process *p = s->slots[i].process;
        watch(s, p, now_ms);
        if (s->stopping && p && p->stopping &&
            now_ms - s->stop_since_ms > s->settings.stop_timeout_ms)
            process_kill(p, SIGKILL);
    }
}

static bool prepare(struct supervisor *s, struct err *err)
{
    const char *keep[] = {s->version.folder};

    settings_default(SETTINGS, COUNT(SETTINGS), &s->settings);
    if (!settings_apply(SETTINGS, COUNT(SETTINGS),
            json_object_get(s->options->settings, "supervisor"), &s->settings, err) ||
        !config_prepare_home(s->options, err) || !config_version(s->options, &s->version, err))
        return false;
    version_prune(config_versions_folder(s->options), keep, COUNT(keep), s->settings.versions_max);
    return true;
}

static void watch_signals(struct supervisor *s)
{
    uv_signal_init(&s->loop, &s->on_term);
    uv_signal_init(&s->loop, &s->on_int);
    s->on_term.data = s->on_int.data = s;
    uv_signal_start(&s->on_term, on_signal, SIGTERM);
    uv_signal_start(&s->on_int, on_signal, SIGINT);
}

int supervisor_run(const struct supervisor_options *options)
{
    struct supervisor s = {.options = options};
    struct err err = {0};

    log_open("supervisor");
    signal(SIGPIPE, SIG_IGN);
    if (!prepare(&s, &err)) {
        log_error("node_not_started", "message", err.message, NULL);
        return err_exit_code(err.kind);
    }
    check(uv_loop_init(&s.loop) == 0);
    watch_signals(&s);
    uv_timer_init(&s.loop, &s.tick);
    s.tick.data = &s;
    int64_t watchdog_ms = notify_watchdog_ms();
    uint64_t tick_ms = watchdog_ms && watchdog_ms < TICK_MS ? (uint64_t)watchdog_ms : TICK_MS;
    uv_timer_start(&s.tick, on_tick, tick_ms, tick_ms);
    for (int i = ROLES - 1; i >= 0; i--) {
        s.slots[i] = (struct slot){.supervisor = &s, .id = (enum role_id)i};
        uv_timer_init(&s.loop, &s.slots[i].again);
        s.slots[i].again.data = &s.slots[i];
    }
    s.slots[AGENT].absent = !config_has_agent(options);
    for (int i = ROLES - 1; i >= 0; i--)
        start_role(&s.slots[i]);
    uv_run(&s.loop, UV_RUN_DEFAULT);
    log_event("node_stopped", NULL);
    return s.exit_status;
}
