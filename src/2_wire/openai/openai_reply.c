/* SPDX-License-Identifier: Apache-2.0 */
#include "openai/openai_reply.h"

#include "base/panic.h"
#include "json/json_text.h"

struct row {
    struct str word, type;
    int status;
    bool heals;
};

static const struct row ROWS[] = {
#define X(name, word_is, status_is, type_is, heals_is)                                             \
    [OPENAI_##name] = {                                                                            \
        {word_is, sizeof(word_is) - 1}, {type_is, sizeof(type_is) - 1}, status_is, heals_is},
    OPENAI_CODES(X)
#undef X
};

static const struct str DIALECTS[] = {
    [OPENAI_COMMENT] = {"comment", 7},
    [OPENAI_DELTA] = {"chunk", 5},
    [OPENAI_REASONING] = {"reasoning", 9},
    [OPENAI_OFF] = {"off", 3},
};

int openai_code_status(enum openai_code code)
{
    return ROWS[code].status;
}

struct str openai_code_word(enum openai_code code)
{
    return ROWS[code].word;
}

struct str openai_code_type(enum openai_code code)
{
    return ROWS[code].type;
}

bool openai_code_heals(enum openai_code code)
{
    return ROWS[code].heals;
}

bool openai_code_from(struct str word, enum openai_code *ret_code)
{
    for (size_t i = 0; i < OPENAI_CODE_COUNT; i++)
        if (str_eq(ROWS[i].word, word)) {
            *ret_code = (enum openai_code)i;
            return true;
        }
    return false;
}

bool openai_dialect_from(struct str word, enum openai_dialect *ret_dialect)
{
    for (size_t i = 0; i < sizeof DIALECTS / sizeof *DIALECTS; i++)
        if (str_eq(DIALECTS[i], word)) {
            *ret_dialect = (enum openai_dialect)i;
            return true;
        }
    return false;
}

struct str openai_dialect_word(enum openai_dialect dialect)
{
    return DIALECTS[dialect];
}

/* --- errors ------------------------------------------------------------------------------- */

static void add_text(struct buf *out, struct str name, struct str text)
{
    buf_add(out, name);
    json_add_string(out, str_utf8_prefix(text));
}

static void add_error(const struct openai_error *error, struct buf *out)
{
    add_text(out, S("{\"error\":{\"message\":"), error->message);
    add_text(out, S(",\"type\":"), ROWS[error->code].type);
    if (error->param.len)
        add_text(out, S(",\"param\":"), error->param);
    else
        buf_add(out, S(",\"param\":null"));
    add_text(
        out, S(",\"code\":"), error->code_word.len ? error->code_word : ROWS[error->code].word);
}

void openai_error_write(const struct openai_error *error, struct buf *out)
{
    add_error(error, out);
    buf_add(out, S("}}"));
}

void openai_error_frame(const struct openai_error *error, struct buf *out)
{
    buf_add(out, S("event: error\ndata: "));
    add_error(error, out);
    buf_add(out, ROWS[error->code].heals ? S(",\"retriable\":true") : S(",\"retriable\":false"));
    if (error->retry_after_ms > 0)
        buf_printf(out, ",\"retry_after_ms\":%lld", (long long)error->retry_after_ms);
    buf_add(out, S("}}\n\n"));
}

/* --- keep-alives -------------------------------------------------------------------------- */

static void add_stage(struct buf *out, struct str stage)
{
    for (size_t i = 0; i < stage.len; i++) {
        char c = stage.at[i];
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_')
            buf_add_char(out, c);
    }
}

static long long seconds(int64_t ms)
{
    return (long long)(ms / 1000 + (ms % 1000 != 0));
}

static void add_comment(const struct openai_beat *beat, struct buf *out)
{
    buf_add(out, S(": keep-alive "));
    add_stage(out, beat->stage);
    if (beat->eta_ms >= 0)
        buf_printf(out, " eta=%llds", seconds(beat->eta_ms));
    buf_add_char(out, '\n');
}

static void add_chunk(const struct openai_beat *beat, struct buf *out)
{
    bool chat = beat->route == OPENAI_CHAT;

    add_text(out, S("data: {\"id\":"), beat->id);
    buf_printf(out, ",\"object\":\"%s\",\"created\":%lld",
        chat ? "chat.completion.chunk" : "text_completion", (long long)beat->created_s);
    add_text(out, S(",\"model\":"), beat->model);
    if (!chat) {
        buf_add(out, S(",\"choices\":[{\"index\":0,\"text\":\"\",\"logprobs\":null"));
    } else {
        buf_add(out, S(",\"choices\":[{\"index\":0,\"delta\":{"));
        if (beat->dialect == OPENAI_REASONING) {
            buf_add(out, S("\"reasoning_content\":\"["));
            add_stage(out, beat->stage);
            if (beat->eta_ms >= 0)
                buf_printf(out, ", %lld s", seconds(beat->eta_ms));
            buf_add(out, S("]\\n\""));
        }
        buf_add_char(out, '}');
    }
    buf_add(out, S(",\"finish_reason\":null}]}\n\n"));
}

void openai_beat_write(const struct openai_beat *beat, struct buf *out)
{
    check(beat->route != OPENAI_EMBEDDINGS);
    switch (beat->dialect) {
    case OPENAI_COMMENT:
        add_comment(beat, out);
        break;
    case OPENAI_DELTA:
    case OPENAI_REASONING:
        add_chunk(beat, out);
        break;
    case OPENAI_OFF:
        break;
    }
}

/* --- models ------------------------------------------------------------------------------- */

void openai_model_write(const struct openai_model *model, struct buf *out)
{
    add_text(out, S("{\"id\":"), model->name);
    buf_printf(out, ",\"object\":\"model\",\"created\":%lld,\"owned_by\":\"logic-node\"",
        (long long)model->created_s);
    add_text(out, S(",\"status\":{\"value\":"), model->state);
    buf_add(out, S("},\"meta\":{"));
    if (model->context)
        buf_printf(out, "\"n_ctx_train\":%llu", (unsigned long long)model->context);
    if (model->bytes)
        buf_printf(
            out, "%s\"size\":%llu", model->context ? "," : "", (unsigned long long)model->bytes);
    buf_add_char(out, '}');
    if (model->context)
        buf_printf(out, ",\"context_length\":%llu", (unsigned long long)model->context);
    buf_add(out, model->embedding ? S(",\"embedding\":true}") : S(",\"embedding\":false}"));
}

void openai_models_write(const struct openai_model *models, size_t count, struct buf *out)
{
    buf_add(out, S("{\"object\":\"list\",\"data\":["));
    for (size_t i = 0; i < count; i++) {
        if (i)
            buf_add_char(out, ',');
        openai_model_write(&models[i], out);
    }
    buf_add(out, S("]}"));
}
