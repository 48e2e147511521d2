/* SPDX-License-Identifier: Apache-2.0 */
#include "judge/core.h"

#include "base/log.h"
#include "base/scoped.h"
#include "judge/pending.h"

#include <stdio.h>

bool hands_send(struct judge *j, enum message_type type, json_t *fields, hands_done *done,
    void *context, struct err *err)
{
    struct pending_call call;
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

void hands_take(struct judge *j, enum message_type type, json_t *message)
{
    struct pending_call call;

    if (type == MESSAGE_hello) {
        snprintf(j->actuator_boot, sizeof j->actuator_boot, "%s", message_text(message, "boot"));
        recover_ask_outcomes(j);
    } else if (type != MESSAGE_done) {
        log_error("message_refused", "from", "actuator", "type", message_type_name(type), NULL);
    } else if (!pending_take(&j->actuator_calls, message_int(message, "id"), &call)) {
        log_error("answer_unasked", "from", "actuator", NULL);
    } else {
        ((hands_done *)call.done)(call.context, message);
    }
}

void hands_lost(struct judge *j)
{
    struct pending_call call;

    j->actuator_boot[0] = '\0';
    while (pending_take_any(&j->actuator_calls, &call))
        ((hands_done *)call.done)(call.context, NULL);
}
