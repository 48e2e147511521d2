/* SPDX-License-Identifier: Apache-2.0 */
#include "judge/core.h"

#include "base/log.h"
#include "base/scoped.h"
#include "judge/pending.h"
#include "os/clock.h"

#include <stdio.h>
#include <string.h>

#define STAGE_BYTES_MAX 32
#define WORDS_BYTES_MAX 400

bool hands_send(struct judge *j, enum message_type type, json_t *fields, hands_done *done,
    void *context, struct err *err)
{
    struct pending_call call;

    if (type == MESSAGE_look && senses_is_look(fields)) /* the rules know it themselves */
        return senses_look(j, fields, done, context, err);
    int64_t id =
        j->actuator ? pending_add(&j->actuator_calls, (void (*)(void))done, context, NULL) : 0;

    if (!id) {
        json_decref(fields);
        return err_code(err, ERR_PEER, "actuator_away", NULL,
            "the actuator is away, so nothing was changed; ask again in a moment");
    }
    json_object_set_new(fields, "id", json_integer(id));
    json_t *message = message_make(type, "O", fields);
    json_decref(fields);
    if (channel_send(j->actuator, message, err))
        return true;
    (void)pending_take(&j->actuator_calls, id, &call);
    return false;
}

static bool is_stage(const char *word)
{
    size_t len = strspn(word, "abcdefghijklmnopqrstuvwxyz_");

    return len > 0 && len <= STAGE_BYTES_MAX && !word[len];
}

/* How far the hands are with a case: told on, never recorded. What fits no case under way, or no
 * line of a screen, is dropped. A gateway that is slow or away misses it. */
static void tell_stage(struct judge *j, const json_t *message)
{
    const char *id = message_text(message, "case"), *stage = message_text(message, "stage");
    const char *words = message_text(message, "words");
    const struct live *live = live_find(j, id);
    struct err err;

    if (!pending_has(&j->actuator_calls, message_int(message, "id")) || !live ||
        live->kase.state != CASE_ACTING || !is_stage(stage) || strlen(words) > WORDS_BYTES_MAX) {
        j->stages_dropped++;
        return;
    }
    if (j->gateway && channel_send(j->gateway,
                          message_make(MESSAGE_stage, "{s:s, s:s, s:s, s:I}", "case", id, "stage",
                              stage, "words", words, "at_ms", (json_int_t)clock_civil_ms()),
                          &err))
        j->stages_told++;
}

void hands_take(struct judge *j, enum message_type type, json_t *message)
{
    struct pending_call call;

    if (type == MESSAGE_hello) {
        snprintf(j->actuator_boot, sizeof j->actuator_boot, "%s", message_text(message, "boot"));
        recover_ask_outcomes(j);
        judge_maybe_open(j);
    } else if (type == MESSAGE_progress) {
        tell_stage(j, message);
    } else if (type != MESSAGE_done) {
        log_error("message_refused", "from", "actuator", "type", message_type_name(type), NULL);
    } else if (!pending_take(&j->actuator_calls, message_int(message, "id"), &call)) {
        log_error("answer_unasked", "from", "actuator", NULL);
    } else {
        ((hands_done *)call.done)(call.context, message);
        leave_when_done(j);
    }
}

void hands_lost(struct judge *j)
{
    struct pending_call call;

    j->actuator_boot[0] = '\0';
    while (pending_take_any(&j->actuator_calls, &call))
        ((hands_done *)call.done)(call.context, NULL);
    leave_when_done(j);
}
