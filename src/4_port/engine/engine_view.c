/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/inside.h"

enum engine_state engine_state(const struct engine *engine)
{
    return engine->state;
}

const char *engine_state_word(enum engine_state state)
{
    static const char *const WORDS[] = {
        "starting", "verifying", "loading", "ready", "draining", "empty", "failed"};

    return WORDS[state];
}

const char *engine_stage_word(enum engine_stage stage)
{
    static const char *const WORDS[] = {
        "driver_ready", "engine_starting", "verifying", "loading", "ready"};

    return WORDS[stage];
}

pid_t engine_pid(const struct engine *engine)
{
    return engine->child ? child_pid(engine->child) : 0;
}

const char *engine_endpoint(const struct engine *engine)
{
    return engine->endpoint;
}

const char *engine_socket(const struct engine *engine)
{
    return engine->socket_path;
}

struct str engine_tail(struct engine *engine)
{
    return engine_record_tail(&engine->record);
}

const struct engine_buffers *engine_buffers(const struct engine *engine)
{
    return &engine->log.buffers;
}
