/* SPDX-License-Identifier: Apache-2.0
 *
 * The table: for each state, what each event does. A cell is a small function; NULL: nothing. After
 * the cell, settle() does what the state and the wishes ask for together, the same for all.
 */
#include "power/power.h"
#include "base/panic.h"

#include <string.h>

#define ETA_OVER_PART 4   /* over its usual time, a boot is thought to need a quarter more */
#define ETA_OVER_MS_MIN 1000
#define LEARN_MS_MIN 1000 /* sooner up than this: it was not asleep */

struct step {
    struct power *p;
    const struct power_event *event;
    struct power_effects *out;
    int64_t now_ms;
};

/* --- small parts */

static struct power_effect *effect(struct step *s, enum power_effect_kind kind)
{
    check(s->out->count < POWER_EFFECTS_MAX);
    struct power_effect *e = &s->out->list[s->out->count++];
    *e = (struct power_effect){.kind = kind};
    return e;
}

static void enter(struct step *s, enum power_state state)
{
    if (s->p->state != state)
        s->p->since_ms = s->now_ms;
    s->p->state = state;
}

static void ask_at(struct power *p, int64_t at_ms)
{
    if (p->asked_ms < 0 && (p->ask_at_ms < 0 || p->ask_at_ms > at_ms))
        p->ask_at_ms = at_ms;
}

static void words_set(struct power *p, const char *words, const char *otherwise)
{
    const char *from = words != NULL ? words : otherwise;
    size_t bytes = strnlen(from, sizeof p->words - 1);
    while (from[bytes] != 0 && bytes > 0 && ((unsigned char)from[bytes] & 0xC0) == 0x80)
        bytes--; /* no half character */
    memmove(p->words, from, bytes);
    p->words[bytes] = 0;
}

static int64_t retry_after(const struct step *s)
{
    int64_t ms = s->p->config.retry_first_ms;
    for (int i = 1; i < s->p->failures && ms < s->p->config.retry_max_ms; i++)
        ms *= 2;
    return s->event->retry_ms > 0 ? s->event->retry_ms
        : ms < s->p->config.retry_max_ms ? ms : s->p->config.retry_max_ms;
}

static void fail(struct step *s)
{
    struct power_effect *e = effect(s, POWER_DO_FAIL);
    e->words = s->p->words;
    e->retry_after_ms = !s->p->config.can_wake ? 0
        : s->p->retry_at_ms > s->now_ms ? s->p->retry_at_ms - s->now_ms : 1;
}

static void up(struct step *s)
{
    struct power *p = s->p;
    int64_t took_ms = p->wake_ms >= 0 ? s->now_ms - p->wake_ms : 0;
    if (took_ms >= LEARN_MS_MIN)
        p->boot_ms_learned =
            p->boot_ms_learned > 0 ? (p->boot_ms_learned + took_ms) / 2 : took_ms;
    p->wake_ms = -1;
    p->up_ms = s->now_ms;
    p->failures = p->lost = 0;
    p->retry_at_ms = 0;
    enter(s, POWER_AWAKE);
    effect(s, POWER_DO_UP);
}

static void down(struct step *s, enum power_state state)
{
    bool was_up = s->p->state == POWER_AWAKE; /* draining has told them already */
    s->p->lost = s->p->failures = 0;
    s->p->wake_ms = -1;
    s->p->retry_at_ms = 0;
    enter(s, state);
    if (was_up)
        effect(s, POWER_DO_DOWN);
}

/* --- the cells */

static void seen_again(struct step *s)
{
    s->p->lost = 0;
}

static void lost_first(struct step *s)
{
    down(s, POWER_ASLEEP);
}

static void lost_more(struct step *s)
{
    if (++s->p->lost >= s->p->config.lost_max)
        down(s, POWER_ASLEEP);
    else
        ask_at(s->p, s->now_ms + s->p->config.ask_ms);
}

static void look(struct step *s)
{
    ask_at(s->p, s->now_ms);
}

static void booting(struct step *s)
{
    enter(s, POWER_BOOTING);
}

static void wake_failed(struct step *s)
{
    struct power *p = s->p;
    words_set(p, s->event->words,
        s->event->kind == POWER_WAKE_DENIED ? "the host may not be woken now"
                                            : "the host did not wake up");
    p->failures++;
    p->wake_ms = -1;
    p->retry_at_ms = s->now_ms + retry_after(s);
    enter(s, POWER_FAILED);
    if (p->retry_at_ms - s->now_ms > p->config.hold_ms)
        fail(s);
}

static void wanted_failed(struct step *s)
{
    if (s->p->retry_at_ms - s->now_ms > s->p->config.hold_ms)
        fail(s);
}

static void withdraw(struct step *s)
{
    effect(s, POWER_DO_WITHDRAW_SLEEP);
}

static void sleeping(struct step *s)
{
    if (s->p->state == POWER_AWAKE)
        effect(s, POWER_DO_DOWN);
    enter(s, POWER_SLEEPING);
}

static void sleep_done(struct step *s)
{
    down(s, POWER_ASLEEP);
}

static void slept(struct step *s)
{
    if (s->p->out == POWER_OUT_NONE)
        down(s, POWER_ASLEEP);
}

static void sleep_off(struct step *s) /* denied or withdrawn: it stays up */
{
    if (s->event->kind != POWER_SLEEP_WITHDRAWN) {
        words_set(s->p, s->event->words, "the host may not sleep now");
        s->p->failures++;
        s->p->retry_at_ms = s->now_ms + retry_after(s);
    }
    s->p->unwanted_ms = s->now_ms;
    enter(s, POWER_AWAKE);
    effect(s, POWER_DO_UP);
}

static void sleep_unsure(struct step *s)
{
    words_set(s->p, s->event->words, "the host was told to sleep and did not confirm it");
    enter(s, POWER_UNKNOWN);
    s->p->lost = 0;
    s->p->retry_at_ms = s->now_ms + retry_after(s);
    ask_at(s->p, s->now_ms);
}

static void restarted(struct step *s)
{
    if (s->p->state != POWER_AWAKE)
        enter(s, POWER_UNKNOWN);
    s->p->lost = 0;
    s->p->wake_ms = -1;
    s->p->asked_ms = -1;
    ask_at(s->p, s->now_ms);
}

static void retry(struct step *s)
{
    if (s->now_ms < s->p->retry_at_ms || s->p->wanted)
        return; /* wanted: settle() wakes it */
    enter(s, POWER_UNKNOWN);
    ask_at(s->p, s->now_ms);
}

typedef void cell(struct step *s);

static cell *const TABLE[POWER_STATES][POWER_EVENTS] = {
    [POWER_UNKNOWN] = {[POWER_WANTED] = look, [POWER_WAKE_DONE] = look,
        [POWER_STAGE_AGENT_UP] = look, [POWER_SEEN] = up, [POWER_LOST] = lost_first,
        [POWER_SLEEP_DONE] = sleep_done, [POWER_SLEPT] = slept, [POWER_RESTARTED] = restarted},
    [POWER_ASLEEP] = {[POWER_WAKE_DONE] = look, [POWER_STAGE_AGENT_UP] = look,
        [POWER_SEEN] = up, [POWER_RESTARTED] = restarted},
    [POWER_WAKING] = {[POWER_WAKE_DONE] = up, [POWER_WAKE_DENIED] = wake_failed,
        [POWER_WAKE_FAILED] = wake_failed, [POWER_STAGE_BOOTING] = booting,
        [POWER_STAGE_AGENT_UP] = look, [POWER_SEEN] = up, [POWER_RESTARTED] = restarted},
    [POWER_BOOTING] = {[POWER_WAKE_DONE] = up, [POWER_WAKE_DENIED] = wake_failed,
        [POWER_WAKE_FAILED] = wake_failed, [POWER_STAGE_AGENT_UP] = look, [POWER_SEEN] = up,
        [POWER_RESTARTED] = restarted},
    [POWER_AWAKE] = {[POWER_SEEN] = seen_again, [POWER_LOST] = lost_more,
        [POWER_SLEEP_ACCEPTED] = sleeping, [POWER_SLEEP_DONE] = sleep_done,
        [POWER_SLEPT] = slept, [POWER_RESTARTED] = restarted},
    [POWER_DRAINING] = {[POWER_WANTED] = withdraw, [POWER_SEEN] = seen_again,
        [POWER_LOST] = lost_more, [POWER_SLEEP_ACCEPTED] = sleeping,
        [POWER_SLEEP_DONE] = sleep_done, [POWER_SLEEP_DENIED] = sleep_off,
        [POWER_SLEEP_FAILED] = sleep_unsure,
        [POWER_SLEEP_WITHDRAWN] = sleep_off, [POWER_RESTARTED] = restarted},
    [POWER_SLEEPING] = {[POWER_SLEEP_DONE] = sleep_done, [POWER_SLEEP_DENIED] = sleep_unsure,
        [POWER_SLEEP_FAILED] = sleep_unsure, [POWER_SLEEP_WITHDRAWN] = sleep_unsure,
        [POWER_RESTARTED] = restarted},
    [POWER_FAILED] = {[POWER_WANTED] = wanted_failed, [POWER_STAGE_AGENT_UP] = look,
        [POWER_SEEN] = up, [POWER_RESTARTED] = restarted, [POWER_TICK] = retry},
};

/* --- around the table */

/* What an event says whatever the state. False: it is about a proposal that is not out any more. */
static bool book(struct step *s)
{
    struct power *p = s->p;
    switch (s->event->kind) {
    case POWER_WANTED:
        p->wanted = true;
        return true;
    case POWER_UNWANTED:
        if (p->wanted)
            p->unwanted_ms = s->now_ms;
        p->wanted = false;
        return true;
    case POWER_WAKE_DONE:
    case POWER_WAKE_DENIED:
    case POWER_WAKE_FAILED:
        if (p->out != POWER_OUT_WAKE)
            return false;
        p->out = POWER_OUT_NONE;
        return true;
    case POWER_SLEEP_DONE:
    case POWER_SLEEP_DENIED:
    case POWER_SLEEP_FAILED:
    case POWER_SLEEP_WITHDRAWN:
        if (p->out != POWER_OUT_SLEEP)
            return false;
        p->out = POWER_OUT_NONE;
        return true;
    case POWER_SLEEP_ACCEPTED:
        return p->out == POWER_OUT_SLEEP;
    case POWER_SEEN:
    case POWER_LOST:
        p->asked_ms = p->ask_at_ms = -1;
        return true;
    case POWER_RESTARTED:
        p->out = POWER_OUT_NONE;
        return true;
    case POWER_WAKE_ACCEPTED:
    case POWER_STAGE_BOOTING:
    case POWER_STAGE_AGENT_UP:
    case POWER_SLEPT:
    case POWER_TICK:
    case POWER_EVENTS:
        break;
    }
    return true;
}

static void propose(struct step *s, enum power_out out)
{
    struct power *p = s->p;
    p->out = out;
    p->out_ms = s->now_ms;
    if (out == POWER_OUT_WAKE)
        p->wake_ms = s->now_ms;
    enter(s, out == POWER_OUT_WAKE ? POWER_WAKING : POWER_DRAINING);
    if (out == POWER_OUT_SLEEP)
        effect(s, POWER_DO_DOWN); /* nothing may be begun there any more */
    effect(s, out == POWER_OUT_WAKE ? POWER_DO_PROPOSE_WAKE : POWER_DO_PROPOSE_SLEEP);
}

/* When nobody may need it any more; −1: not at all. */
static int64_t sleep_at(const struct power *p)
{
    if (p->state != POWER_AWAKE || p->wanted || !p->config.can_sleep || p->out != POWER_OUT_NONE)
        return -1;
    int64_t at = p->unwanted_ms + p->config.idle_ms, on = p->up_ms + p->config.min_on_ms;
    at = at > on ? at : on;
    return at > p->retry_at_ms ? at : p->retry_at_ms;
}

/* How often it is looked at in this state; 0 = not. */
static int64_t watch(const struct power *p)
{
    switch (p->state) {
    case POWER_UNKNOWN:
        return p->config.ask_ms;
    case POWER_AWAKE:
    case POWER_DRAINING:
        return p->config.watch_ms;
    case POWER_ASLEEP:
        return p->config.watch_asleep_ms;
    case POWER_WAKING: /* whoever wakes it, or tells it to sleep, looks */
    case POWER_BOOTING:
    case POWER_SLEEPING:
    case POWER_FAILED:
    case POWER_STATES:
        break;
    }
    return 0;
}

static void settle(struct step *s)
{
    struct power *p = s->p;
    bool down_now = p->state == POWER_ASLEEP ||
        (p->state == POWER_FAILED && s->now_ms >= p->retry_at_ms);
    if (p->wanted && down_now && p->out == POWER_OUT_NONE) {
        if (p->config.can_wake) {
            propose(s, POWER_OUT_WAKE);
        } else if (s->event->kind == POWER_WANTED || s->event->kind == POWER_LOST) {
            words_set(p, NULL, "the host is away and cannot be woken by this node");
            fail(s);
        }
    }
    int64_t at = sleep_at(p);
    if (at >= 0 && s->now_ms >= at)
        propose(s, POWER_OUT_SLEEP);
    if (watch(p) > 0)
        ask_at(p, s->now_ms + watch(p));
    if (p->asked_ms >= 0 || p->ask_at_ms < 0 || s->now_ms < p->ask_at_ms)
        return;
    p->asked_ms = s->now_ms;
    p->ask_at_ms = -1;
    effect(s, POWER_DO_ASK);
}

static void apply(struct step *s)
{
    cell *act = TABLE[s->p->state][s->event->kind];
    if (book(s) && act != NULL)
        act(s);
}

/* What time alone ends: a look without an answer, a proposal without an end. */
static void overdue(struct step *s)
{
    struct power *p = s->p;
    const struct power_event *event = s->event;
    struct power_event late = {.kind = POWER_LOST};
    s->event = &late;
    if (p->asked_ms >= 0 && s->now_ms - p->asked_ms >= p->config.look_limit_ms)
        apply(s);
    if (p->out != POWER_OUT_NONE && s->now_ms - p->out_ms >= p->config.case_limit_ms) {
        late.kind = p->out == POWER_OUT_WAKE ? POWER_WAKE_FAILED : POWER_SLEEP_FAILED;
        apply(s);
    }
    s->event = event;
}

void power_step(struct power *power, const struct power_event *event, int64_t now_ms,
    struct power_effects *ret_effects)
{
    struct step s = {power, event, ret_effects, now_ms};
    ret_effects->count = 0;
    overdue(&s);
    apply(&s);
    settle(&s);
}

void power_init(struct power *power, const struct power_config *config, int64_t boot_ms_learned,
    int64_t now_ms)
{
    *power = (struct power){.config = *config, .boot_ms_learned = boot_ms_learned,
        .since_ms = now_ms, .up_ms = now_ms, .unwanted_ms = now_ms, .wake_ms = -1,
        .ask_at_ms = now_ms, .asked_ms = -1};
}

void power_config_set(struct power *power, const struct power_config *config)
{
    power->config = *config;
}

void power_learn(struct power *power, int64_t boot_ms)
{
    power->boot_ms_learned = boot_ms;
}

static void sooner(int64_t *at, int64_t other)
{
    if (other >= 0 && (*at < 0 || other < *at))
        *at = other;
}

int64_t power_wake_at_ms(const struct power *p)
{
    int64_t at = -1;
    if (p->asked_ms >= 0)
        sooner(&at, p->asked_ms + p->config.look_limit_ms);
    else
        sooner(&at, p->ask_at_ms);
    if (p->out != POWER_OUT_NONE)
        sooner(&at, p->out_ms + p->config.case_limit_ms);
    if (p->state == POWER_FAILED && p->out == POWER_OUT_NONE)
        sooner(&at, p->retry_at_ms);
    sooner(&at, sleep_at(p));
    return at;
}

int64_t power_eta_ms(const struct power *p, int64_t now_ms)
{
    int64_t boot_ms = p->boot_ms_learned > 0 ? p->boot_ms_learned : p->config.boot_limit_ms;
    int64_t gone_ms = p->wake_ms >= 0 ? now_ms - p->wake_ms : 0, over_ms = boot_ms / ETA_OVER_PART;
    switch (p->state) {
    case POWER_AWAKE:
    case POWER_DRAINING:
        return 0;
    case POWER_WAKING:
    case POWER_BOOTING:
        if (gone_ms < boot_ms)
            return boot_ms - gone_ms;
        return over_ms > ETA_OVER_MS_MIN ? over_ms : ETA_OVER_MS_MIN;
    case POWER_FAILED:
        return boot_ms + (p->retry_at_ms > now_ms ? p->retry_at_ms - now_ms : 0);
    case POWER_SLEEPING:
        gone_ms = now_ms - p->since_ms;
        boot_ms += gone_ms < p->config.sleep_ms ? p->config.sleep_ms - gone_ms : 0;
        break;
    case POWER_UNKNOWN:
    case POWER_ASLEEP:
    case POWER_STATES:
        break;
    }
    return p->config.can_wake ? boot_ms : -1;
}

const char *power_state_name(enum power_state state)
{
    static const char *const NAMES[POWER_STATES] = {
        "unknown", "asleep", "waking", "booting", "awake", "draining", "sleeping", "failed"};
    return state >= 0 && state < POWER_STATES ? NAMES[state] : "?";
}

const char *power_stage(const struct power *power)
{
    static const char *const STAGES[POWER_STATES] = {
        "waking", "asleep", "waking", "booting", "agent_up", "agent_up", "sleeping", "asleep"};
    return STAGES[power->state];
}
