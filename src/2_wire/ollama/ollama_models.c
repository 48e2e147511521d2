/* SPDX-License-Identifier: Apache-2.0 */
#include "ollama/ollama_models.h"

#include "json/json_text.h"

#include <time.h>

#define TIME_MS_MAX 253402300799999ll /* the last of 9999 */

void ollama_time_write(int64_t ms, struct buf *out)
{
    struct tm tm;

    if (ms < 0)
        ms = 0;
    if (ms > TIME_MS_MAX)
        ms = TIME_MS_MAX;
    time_t seconds = (time_t)(ms / 1000);
    gmtime_r(&seconds, &tm);
    buf_printf(out, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900, tm.tm_mon + 1,
        tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(ms % 1000));
}

static void add_text(struct buf *out, struct str name, struct str text)
{
    buf_add(out, name);
    json_add_string(out, str_utf8_prefix(text));
}

static void add_time(struct buf *out, struct str name, int64_t ms)
{
    buf_add(out, name);
    buf_add_char(out, '"');
    ollama_time_write(ms, out);
    buf_add_char(out, '"');
}

static void add_details(const struct ollama_model *model, struct buf *out)
{
    add_text(out, S("\"details\":{\"parent_model\":\"\",\"format\":\"gguf\",\"family\":"),
        model->architecture);
    add_text(out, S(",\"families\":["), model->architecture);
    add_text(out, S("],\"parameter_size\":"), model->parameters);
    add_text(out, S(",\"quantization_level\":"), model->quantisation);
    buf_add_char(out, '}');
}

/* Up to and with details, without the closing bracket. */
static void add_model(const struct ollama_model *model, bool modified, struct buf *out)
{
    add_text(out, S("{\"name\":"), model->name);
    add_text(out, S(",\"model\":"), model->name);
    if (modified)
        add_time(out, S(",\"modified_at\":"), model->modified_ms);
    buf_printf(out, ",\"size\":%llu", (unsigned long long)model->bytes);
    add_text(out, S(",\"digest\":"), model->sha256);
    buf_add_char(out, ',');
    add_details(model, out);
}

void ollama_tags_write(const struct ollama_model *models, size_t count, struct buf *out)
{
    buf_add(out, S("{\"models\":["));
    for (size_t i = 0; i < count; i++) {
        if (i)
            buf_add_char(out, ',');
        add_model(&models[i], true, out);
        buf_add_char(out, '}');
    }
    buf_add(out, S("]}"));
}

void ollama_ps_write(const struct ollama_model *models, size_t count, struct buf *out)
{
    buf_add(out, S("{\"models\":["));
    for (size_t i = 0; i < count; i++) {
        const struct ollama_model *model = &models[i];
        if (i)
            buf_add_char(out, ',');
        add_model(model, false, out);
        add_time(
            out, S(",\"expires_at\":"), model->expires_ms < 0 ? TIME_MS_MAX : model->expires_ms);
        buf_printf(out, ",\"size_vram\":%llu,\"context_length\":%llu}",
            (unsigned long long)model->vram_bytes, (unsigned long long)model->context);
    }
    buf_add(out, S("]}"));
}

static void add_capabilities(const struct ollama_model *model, struct buf *out)
{
    if (model->embedding) {
        buf_add(out, S("[\"embedding\"]"));
        return;
    }
    buf_add(out, S("[\"completion\""));
    if (model->tools)
        buf_add(out, S(",\"tools\""));
    if (model->vision)
        buf_add(out, S(",\"vision\""));
    if (model->thinking)
        buf_add(out, S(",\"thinking\""));
    buf_add_char(out, ']');
}

/* {"ARCHITECTURE.context_length":…}: the name is data, so it is written as a string too. */
static void add_context(const struct ollama_model *model, struct buf *out)
{
    struct buf name = buf_of(256);
    struct str architecture = str_utf8_prefix(model->architecture);

    buf_add(&name, architecture.len < 200 ? architecture : S("general"));
    buf_add(&name, S(".context_length"));
    buf_add_char(out, ',');
    json_add_string(out, buf_str(&name));
    buf_printf(out, ":%llu", (unsigned long long)model->context_max);
    buf_done(&name);
}

void ollama_show_write(const struct ollama_model *model, struct buf *out)
{
    buf_add(out, S("{\"modelfile\":\"\",\"parameters\":\"\",\"template\":\"\","));
    add_details(model, out);
    add_text(out, S(",\"model_info\":{\"general.architecture\":"), model->architecture);
    if (model->parameter_count)
        buf_printf(
            out, ",\"general.parameter_count\":%llu", (unsigned long long)model->parameter_count);
    if (model->context_max)
        add_context(model, out);
    buf_add(out, S("},\"capabilities\":"));
    add_capabilities(model, out);
    add_time(out, S(",\"modified_at\":"), model->modified_ms);
    buf_add_char(out, '}');
}

void ollama_version_write(struct buf *out)
{
    buf_add(out, S("{\"version\":\"" OLLAMA_VERSION "\"}"));
}
