/* SPDX-License-Identifier: Apache-2.0 */
#include "power/power.h"
#include "base/scoped.h"
#include "tap.h"

#include <string.h>

static struct power host;
static struct power_effects effects;
static int64_t now_ms;

static void step_as(enum power_event_kind kind, const char *words, int64_t retry_ms)
{
    struct power_event event = {.kind = kind, .words = words, .retry_ms = retry_ms};
    power_step(&host, &event, now_ms, &effects);
}

static void step(enum power_event_kind kind)
{
    step_as(kind, NULL, 0);
}

static bool did(enum power_effect_kind kind)
{
    for (int i = 0; i < effects.count; i++)
        if (effects.list[i].kind == kind)
            return true;
    return false;
}

static const struct power_effect *failed_effect(void)
{
    for (int i = 0; i < effects.count; i++)
        if (effects.list[i].kind == POWER_DO_FAIL)
            return &effects.list[i];
    return NULL;
}

static void init(void)
{
    now_ms = 1000000;
    power_init(&host, &POWER_CONFIG_DEFAULT, 0, now_ms);
}

/* Into each state by the way it is really reached; nothing is being asked. */
static void bring(enum power_state state)
{
    init();
    step(POWER_TICK);
    if (state == POWER_UNKNOWN) {
        host.asked_ms = -1;
        return;
    }
    if (state == POWER_AWAKE || state == POWER_DRAINING || state == POWER_SLEEPING) {
        step(POWER_SEEN);
        if (state == POWER_AWAKE)
            return;
        now_ms += POWER_CONFIG_DEFAULT.min_on_ms;
        host.ask_at_ms = now_ms + 1000000;
        step(POWER_TICK);
        if (state == POWER_SLEEPING)
            step(POWER_SLEEP_ACCEPTED);
        return;
    }
    step(POWER_LOST);
    if (state == POWER_ASLEEP)
        return;
    step(POWER_WANTED);
    if (state == POWER_BOOTING)
        step(POWER_STAGE_BOOTING);
    if (state == POWER_FAILED)
        step_as(POWER_WAKE_FAILED, "no", 100000);
    now_ms += 10;
}

/* One letter per effect: W wake, S sleep, B withdraw, A ask, U up, D down, F fail.
 * One row per event, one column per state: the state after it (first letters) and the effects. */
static const char EFFECT_LETTERS[] = "WSBAUDF";
static const char *const STATE_LETTERS[POWER_STATES] = {
    "un", "as", "wa", "bo", "up", "dr", "sl", "fa"};

struct row {
    enum power_event_kind event;
    const char *cells[POWER_STATES];
};

/*                          unknown  asleep  waking  booting  awake  draining  sleeping  failed */
static const struct row ROWS[] = {
    {POWER_WANTED, {"unA", "waW", "wa", "bo", "up", "drB", "sl", "faF"}},
    {POWER_UNWANTED, {"un", "as", "wa", "bo", "up", "dr", "sl", "fa"}},
    {POWER_WAKE_ACCEPTED, {"un", "as", "wa", "bo", "up", "dr", "sl", "fa"}},
    {POWER_WAKE_DONE, {"un", "as", "upU", "upU", "up", "dr", "sl", "fa"}},
    {POWER_WAKE_DENIED, {"un", "as", "fa", "fa", "up", "dr", "sl", "fa"}},
    {POWER_WAKE_FAILED, {"un", "as", "fa", "fa", "up", "dr", "sl", "fa"}},
    {POWER_STAGE_BOOTING, {"un", "as", "bo", "bo", "up", "dr", "sl", "fa"}},
    {POWER_STAGE_AGENT_UP, {"unA", "asA", "waA", "boA", "up", "dr", "sl", "faA"}},
    {POWER_SEEN, {"upU", "upU", "upU", "upU", "up", "dr", "sl", "upU"}},
    {POWER_LOST, {"as", "as", "wa", "bo", "up", "dr", "sl", "fa"}},
    {POWER_SLEEP_ACCEPTED, {"un", "as", "wa", "bo", "up", "sl", "sl", "fa"}},
    {POWER_SLEEP_DONE, {"un", "as", "wa", "bo", "up", "as", "as", "fa"}},
    {POWER_SLEEP_DENIED, {"un", "as", "wa", "bo", "up", "upU", "unA", "fa"}},
    {POWER_SLEEP_FAILED, {"un", "as", "wa", "bo", "up", "unA", "unA", "fa"}},
    {POWER_SLEEP_WITHDRAWN, {"un", "as", "wa", "bo", "up", "upU", "unA", "fa"}},
    {POWER_SLEPT, {"as", "as", "wa", "bo", "asD", "dr", "sl", "fa"}},
    {POWER_RESTARTED, {"unA", "unA", "unA", "unA", "upA", "unA", "unA", "unA"}},
    {POWER_TICK, {"un", "as", "wa", "bo", "up", "dr", "sl", "fa"}},
};

TEST(every_state_and_event_does_what_the_table_says)
{
    CHECK_INT(COUNT(ROWS), POWER_EVENTS);
    for (size_t r = 0; r < COUNT(ROWS); r++)
        for (int state = 0; state < POWER_STATES; state++) {
            char got[16] = "";
            bring((enum power_state)state);
            CHECK_INT(host.state, state);
            step(ROWS[r].event);
            size_t at = (size_t)snprintf(got, sizeof got, "%s", STATE_LETTERS[host.state]);
            for (int i = 0; i < effects.count; i++)
                got[at++] = EFFECT_LETTERS[effects.list[i].kind];
            if (strcmp(got, ROWS[r].cells[state]) != 0)
                printf("# %s, event %d\n", power_state_name((enum power_state)state), (int)r);
            CHECK_TEXT(got, ROWS[r].cells[state]);
        }
}

TEST(first_step_looks_and_silence_means_asleep)
{
    init();
    CHECK_INT(power_wake_at_ms(&host), now_ms);
    step(POWER_TICK);
    CHECK(did(POWER_DO_ASK));
    CHECK_INT(power_wake_at_ms(&host), now_ms + POWER_CONFIG_DEFAULT.look_limit_ms);
    now_ms = power_wake_at_ms(&host);
    step(POWER_TICK); /* no answer: as good as lost */
    CHECK_INT(host.state, POWER_ASLEEP);
    now_ms = power_wake_at_ms(&host);
    step(POWER_TICK);
    CHECK(did(POWER_DO_ASK)); /* somebody else may have woken it */
    step(POWER_SEEN);
    CHECK_INT(host.state, POWER_AWAKE);
    CHECK(did(POWER_DO_UP));
}

TEST(whole_day_of_a_host)
{
    bring(POWER_ASLEEP);
    CHECK_INT(power_eta_ms(&host, now_ms), POWER_CONFIG_DEFAULT.boot_limit_ms);
    step(POWER_WANTED);
    CHECK(did(POWER_DO_PROPOSE_WAKE));
    step(POWER_WAKE_ACCEPTED);
    CHECK_TEXT(power_stage(&host), "waking");
    now_ms += 20000;
    step(POWER_STAGE_BOOTING);
    CHECK_TEXT(power_stage(&host), "booting");
    CHECK_INT(power_eta_ms(&host, now_ms), POWER_CONFIG_DEFAULT.boot_limit_ms - 20000);
    now_ms += 20000;
    step(POWER_WAKE_DONE);
    CHECK(did(POWER_DO_UP));
    CHECK_TEXT(power_stage(&host), "agent_up");
    CHECK_INT(host.boot_ms_learned, 40000);
    CHECK_INT(power_eta_ms(&host, now_ms), 0);
    now_ms += 1000;
    step(POWER_UNWANTED);
    CHECK(!did(POWER_DO_PROPOSE_SLEEP)); /* neither idle for long nor on for long */
    int64_t due_ms = host.up_ms + POWER_CONFIG_DEFAULT.min_on_ms;
    for (; now_ms < due_ms; now_ms = power_wake_at_ms(&host)) {
        step(POWER_TICK);
        CHECK(!did(POWER_DO_PROPOSE_SLEEP));
        step(POWER_SEEN);
    }
    CHECK_INT(now_ms, due_ms);
    step(POWER_TICK);
    CHECK(did(POWER_DO_PROPOSE_SLEEP) && did(POWER_DO_DOWN));
    step(POWER_SLEEP_ACCEPTED);
    step(POWER_SLEEP_DONE);
    CHECK_INT(host.state, POWER_ASLEEP);
    step(POWER_WANTED);
    CHECK_INT(power_eta_ms(&host, now_ms), 40000);
    now_ms += 50000;
    CHECK_INT(power_eta_ms(&host, now_ms), 10000); /* late: some more */
}

TEST(wanted_while_draining_withdraws_and_while_sleeping_wakes_right_after)
{
    bring(POWER_DRAINING);
    step(POWER_WANTED);
    CHECK(did(POWER_DO_WITHDRAW_SLEEP));
    step(POWER_SLEEP_WITHDRAWN);
    CHECK_INT(host.state, POWER_AWAKE);
    CHECK(did(POWER_DO_UP));
    bring(POWER_SLEEPING);
    step(POWER_WANTED);
    CHECK_INT(effects.count, 0);
    CHECK(power_eta_ms(&host, now_ms) > POWER_CONFIG_DEFAULT.boot_limit_ms);
    step(POWER_SLEEP_DONE);
    CHECK(did(POWER_DO_PROPOSE_WAKE));
}

TEST(failed_wakes_back_off_doubling_to_the_most)
{
    bring(POWER_ASLEEP);
    step(POWER_WANTED);
    int64_t want_ms = POWER_CONFIG_DEFAULT.retry_first_ms;
    for (int i = 0; i < 9; i++) {
        step(POWER_WAKE_FAILED);
        CHECK_INT(host.retry_at_ms - now_ms, want_ms);
        bool held = want_ms <= POWER_CONFIG_DEFAULT.hold_ms;
        CHECK_INT(did(POWER_DO_FAIL), !held);
        if (!held) {
            CHECK_INT(failed_effect()->retry_after_ms, want_ms);
            CHECK_TEXT(failed_effect()->words, "the host did not wake up");
        }
        now_ms = host.retry_at_ms - 1;
        step(POWER_TICK);
        CHECK(!did(POWER_DO_PROPOSE_WAKE));
        now_ms++;
        step(POWER_TICK);
        CHECK(did(POWER_DO_PROPOSE_WAKE));
        want_ms = want_ms * 2 < POWER_CONFIG_DEFAULT.retry_max_ms
            ? want_ms * 2 : POWER_CONFIG_DEFAULT.retry_max_ms;
    }
    step(POWER_SEEN);
    CHECK_INT(host.failures, 0);
}

TEST(denial_says_when_and_why)
{
    bring(POWER_WAKING);
    step_as(POWER_WAKE_DENIED, "quiet hours until 21:00", 3600000);
    REQUIRE(failed_effect() != NULL);
    CHECK_TEXT(failed_effect()->words, "quiet hours until 21:00");
    CHECK_INT(failed_effect()->retry_after_ms, 3600000);
    step(POWER_UNWANTED);
    now_ms += 600000;
    step(POWER_WANTED);
    REQUIRE(failed_effect() != NULL); /* at once, to whoever comes meanwhile */
    CHECK_INT(failed_effect()->retry_after_ms, 3000000);
    step(POWER_UNWANTED);
    now_ms = host.retry_at_ms;
    step(POWER_TICK);
    CHECK_INT(host.state, POWER_UNKNOWN); /* nobody wants it: look, then rest */
    CHECK(did(POWER_DO_ASK));
}

TEST(inhibited_sleep_is_tried_again_later_and_ever_later)
{
    bring(POWER_DRAINING);
    step_as(POWER_SLEEP_DENIED, "anna is at the machine", 0);
    CHECK_INT(host.state, POWER_AWAKE);
    CHECK_INT(host.retry_at_ms - now_ms, POWER_CONFIG_DEFAULT.retry_first_ms);
    now_ms = host.retry_at_ms;
    if (now_ms < host.unwanted_ms + POWER_CONFIG_DEFAULT.idle_ms)
        now_ms = host.unwanted_ms + POWER_CONFIG_DEFAULT.idle_ms;
    step(POWER_TICK);
    CHECK(did(POWER_DO_PROPOSE_SLEEP));
    step(POWER_SLEEP_DENIED);
    CHECK_INT(host.retry_at_ms - now_ms, 2 * POWER_CONFIG_DEFAULT.retry_first_ms);
}

TEST(one_lost_look_is_not_believed)
{
    bring(POWER_AWAKE);
    step(POWER_WANTED);
    for (int i = 1; i < POWER_CONFIG_DEFAULT.lost_max; i++) {
        step(POWER_LOST);
        CHECK_INT(host.state, POWER_AWAKE);
        CHECK_INT(power_wake_at_ms(&host), now_ms + POWER_CONFIG_DEFAULT.ask_ms);
        now_ms = power_wake_at_ms(&host);
        step(POWER_TICK);
        CHECK(did(POWER_DO_ASK));
    }
    step(POWER_LOST);
    CHECK(did(POWER_DO_DOWN) && did(POWER_DO_PROPOSE_WAKE)); /* it is wanted */
}

TEST(host_that_cannot_be_woken_says_so)
{
    struct power_config config = POWER_CONFIG_DEFAULT;
    config.can_wake = config.can_sleep = false;
    bring(POWER_ASLEEP);
    power_config_set(&host, &config);
    step(POWER_WANTED);
    REQUIRE(failed_effect() != NULL);
    CHECK_INT(failed_effect()->retry_after_ms, 0);
    CHECK_INT(power_eta_ms(&host, now_ms), -1);
    step(POWER_SEEN); /* a person switched it on */
    CHECK(did(POWER_DO_UP));
    step(POWER_UNWANTED);
    now_ms += 100 * POWER_CONFIG_DEFAULT.min_on_ms;
    step(POWER_TICK);
    CHECK(!did(POWER_DO_PROPOSE_SLEEP));
}

TEST(proposal_without_an_end_has_failed)
{
    bring(POWER_WAKING);
    now_ms = host.out_ms + POWER_CONFIG_DEFAULT.case_limit_ms;
    step(POWER_TICK);
    CHECK_INT(host.out, POWER_OUT_NONE);
    CHECK_INT(host.state, POWER_FAILED);
    bring(POWER_SLEEPING);
    now_ms = host.out_ms + POWER_CONFIG_DEFAULT.case_limit_ms;
    step(POWER_TICK);
    CHECK_INT(host.state, POWER_UNKNOWN);
}

TEST(words_are_cut_at_a_whole_character)
{
    char words[POWER_WORDS_BYTES * 2];
    bring(POWER_WAKING);
    memset(words, 'a', sizeof words);
    words[sizeof words - 1] = 0;
    memcpy(words + POWER_WORDS_BYTES - 2, "\xC3\xA9", 2);
    step_as(POWER_WAKE_DENIED, words, 100000);
    CHECK_INT(strlen(host.words), POWER_WORDS_BYTES - 2);
}

TEST(learned_boot_time_of_the_record_is_used)
{
    init();
    power_learn(&host, 33000);
    CHECK_INT(power_eta_ms(&host, now_ms), 33000);
}

TAP_MAIN
