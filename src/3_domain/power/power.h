/* SPDX-License-Identifier: Apache-2.0
 *
 * power — the life of one host that may sleep, as a table: (state, event) → (state, effects).
 *
 * Pure: no clock (now_ms is a parameter, steady, never back), no I/O, no allocation. The gateway
 * keeps one struct power per host, feeds it what happened, and carries out the effects in their
 * order. A proposal goes to the judge like any other; never is more than one of a host out.
 *
 *   unknown ──seen──► awake ──idle──► draining ──accepted──► sleeping ──done──► asleep
 *      │                ▲                └──denied, withdrawn──► awake             │ wanted
 *      └──lost──► asleep└──seen, done── booting ◄──stage── waking ◄────────────────┘
 *   waking, booting ──denied, failed──► failed ──retry_at──► waking (wanted) or unknown (not)
 *
 * - "wanted" is what readiness says by want host / release host, summed over the host's pools: a
 *   pool that is not empty wants its host. Nothing is proposed to sleep while wanted; wanted while
 *   draining withdraws the sleep; wanted while sleeping wakes it right after.
 * - A denied or failed wake is tried again at its retry time, else after retry_first_ms doubling to
 *   retry_max_ms; until then waiters are failed at once, unless it is at most hold_ms away: then
 *   they are held. Having seen the agent forgets the failures.
 * - What the agent shows wins over what was expected. Silence counts after lost_max looks.
 * - When to step with POWER_TICK: power_wake_at_ms().
 *
 * source   docs/inference.md §4, issue 3 §5
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define POWER_WORDS_BYTES 160
#define POWER_EFFECTS_MAX 8

enum power_state {
    POWER_UNKNOWN, /* just started, or contradicted: looking */
    POWER_ASLEEP,
    POWER_WAKING,   /* the wake is proposed, or packets are on their way */
    POWER_BOOTING,  /* something answered */
    POWER_AWAKE,    /* the agent answers */
    POWER_DRAINING, /* the sleep is proposed */
    POWER_SLEEPING, /* the agent was told */
    POWER_FAILED,   /* the wake was denied or failed; see retry_at_ms */
    POWER_STATES,
};

enum power_event_kind {
    POWER_WANTED,        /* by the first pool */
    POWER_UNWANTED,      /* by the last pool */
    POWER_WAKE_ACCEPTED, /* the verdict permits, hands work */
    POWER_WAKE_DONE,
    POWER_WAKE_DENIED,   /* words, retry_ms */
    POWER_WAKE_FAILED,   /* words, retry_ms; also: its fate is not known */
    POWER_STAGE_BOOTING, /* progress of the wake */
    POWER_STAGE_AGENT_UP,
    POWER_SEEN, /* a status of the agent came */
    POWER_LOST, /* a look found nobody */
    POWER_SLEEP_ACCEPTED,
    POWER_SLEEP_DONE,   /* confirmed by silence */
    POWER_SLEEP_DENIED, /* words (the inhibitor), retry_ms */
    POWER_SLEEP_FAILED,
    POWER_SLEEP_WITHDRAWN, /* it did not get as far as a warrant */
    POWER_SLEPT, /* somebody else's sleep was done: the record says so */
    POWER_RESTARTED,       /* link to the judge came back: what was out is forgotten, look */
    POWER_TICK,
    POWER_EVENTS,
};

struct power_event {
    enum power_event_kind kind;
    const char *words; /* of a denial or failure; NULL = a general sentence; copied, cut */
    int64_t retry_ms;  /* from now, when it may be tried again; 0 = not said */
};

enum power_effect_kind {
    POWER_DO_PROPOSE_WAKE,   /* {action host_wake}; answer by POWER_WAKE_… */
    POWER_DO_PROPOSE_SLEEP,  /* {action host_sleep}; answer by POWER_SLEEP_… */
    POWER_DO_WITHDRAW_SLEEP, /* if it can be: POWER_SLEEP_WITHDRAWN; else nothing */
    POWER_DO_ASK,            /* a look at the agent: POWER_SEEN or POWER_LOST */
    POWER_DO_UP,             /* to its pools: READINESS_HOST_UP */
    POWER_DO_DOWN,           /* to its pools: READINESS_HOST_GONE (also when a sleep is proposed) */
    POWER_DO_FAIL,           /* to its pools: READINESS_HOST_FAILED with words and retry_after_ms */
    POWER_EFFECT_KINDS,
};

struct power_effect {
    enum power_effect_kind kind;
    const char *words;      /* of POWER_DO_FAIL, valid until the next step */
    int64_t retry_after_ms; /* of POWER_DO_FAIL: when a wake will be tried; 0 = never */
};

struct power_effects {
    struct power_effect list[POWER_EFFECTS_MAX];
    int count;
};

/* POWER_CONFIG_DEFAULT has a value for each. */
struct power_config {
    bool can_wake;  /* a host_wake fact is there */
    bool can_sleep; /* host_sleep is not `never` */
    int64_t boot_limit_ms; /* BootS: the estimate until one is learned */
    int64_t min_on_ms;     /* no sleep is proposed sooner after it came up */
    int64_t idle_ms;       /* so long unwanted before a sleep is proposed */
    int64_t retry_first_ms, retry_max_ms, hold_ms;
    int64_t ask_ms;        /* between two looks while it is not known how it is */
    int64_t watch_ms;      /* the same while awake */
    int64_t watch_asleep_ms; /* and while asleep: somebody else may wake it */
    int64_t look_limit_ms; /* a look without an answer is POWER_LOST */
    int64_t case_limit_ms; /* a proposal without an end has failed */
    int64_t sleep_ms;      /* what a sleep takes, for the estimate */
    int lost_max;          /* looks in a row that find nobody before it counts as gone */
};
#define POWER_CONFIG_DEFAULT                                                                       \
    ((struct power_config){.can_wake = true, .can_sleep = true, .boot_limit_ms = 180000,           \
        .min_on_ms = 600000, .idle_ms = 60000, .retry_first_ms = 30000, .retry_max_ms = 900000,    \
        .hold_ms = 30000, .ask_ms = 2000, .watch_ms = 15000, .watch_asleep_ms = 60000,             \
        .look_limit_ms = 10000, .case_limit_ms = 900000, .sleep_ms = 20000, .lost_max = 3})

enum power_out { POWER_OUT_NONE, POWER_OUT_WAKE, POWER_OUT_SLEEP };

/* May be read by anybody, changed only by the functions below. */
struct power {
    struct power_config config;
    enum power_state state;
    bool wanted;
    enum power_out out;            /* the proposal whose end is not known yet */
    int64_t since_ms;              /* in this state */
    int64_t up_ms, unwanted_ms;    /* since when awake; since when nobody wants it */
    int64_t wake_ms, out_ms;       /* when the wake, the proposal, began */
    int64_t retry_at_ms;           /* no wake (failed) or sleep (awake) is proposed before */
    int64_t ask_at_ms, asked_ms;   /* the next look; when the one that runs began; −1 none */
    int64_t boot_ms_learned;       /* 0 = not yet */
    int failures, lost;            /* in a row */
    char words[POWER_WORDS_BYTES]; /* of the last denial or failure */
};

/* A host of which nothing is known: the first effect of the first step (any event) is a look.
 * boot_ms_learned 0 = not known. */
void power_init(struct power *power, const struct power_config *config, int64_t boot_ms_learned,
    int64_t now_ms);
/* New facts while it lives. */
void power_config_set(struct power *power, const struct power_config *config);
void power_learn(struct power *power, int64_t boot_ms); /* boot_ms_learned of the record */

/* *ret_effects is set anew; it may be empty. Every event is fine in every state. */
void power_step(struct power *power, const struct power_event *event, int64_t now_ms,
    struct power_effects *ret_effects);

/* When a POWER_TICK is due; −1 never. */
int64_t power_wake_at_ms(const struct power *power);
/* How long until it is up, if it is wanted now: 0 up, −1 never (it cannot be woken). */
int64_t power_eta_ms(const struct power *power, int64_t now_ms);

/* unknown asleep waking booting awake draining sleeping failed */
const char *power_state_name(enum power_state state);
/* The stage of docs/inference.md §4: waking booting agent_up sleeping asleep (draining is the
 * pools'). */
const char *power_stage(const struct power *power);
