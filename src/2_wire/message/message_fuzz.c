/* SPDX-License-Identifier: Apache-2.0
 * Property: what is accepted is an object of a known type, and is accepted again when written anew.
 */
#include "base/panic.h"
#include "base/scoped.h"
#include "message/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {0};
    enum message_type type, again_type;
    scoped(json_done) json_t *message = NULL, *again = NULL;

    if (!message_read((struct str){(const char *)data, size}, &message, &type, &err))
        return 0;
    check(type < MESSAGE_TYPES);
    scoped(free_done) char *text = json_dumps(message, JSON_COMPACT);
    check(text && message_read(str_from(text), &again, &again_type, &err) && again_type == type);
    return 0;
}
