/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/engine_log.h"

#include "base/buf.h"

#include <stdio.h>
#include <string.h>

#define MIB (1u << 20)
#define DOTS_WHOLE 100 /* llama.cpp prints one dot for each hundredth of the weights */

static const struct {
    const char *mark; /* behind the device's name */
    enum engine_buffer_kind kind;
} BUFFER_LINES[] = {
    {" model buffer size", ENGINE_BUFFER_MODEL},
    {" KV buffer size", ENGINE_BUFFER_KV},
    {" RS buffer size", ENGINE_BUFFER_RS},
    {" compute buffer size", ENGINE_BUFFER_COMPUTE},
    {" output buffer size", ENGINE_BUFFER_OUTPUT},
};

/* The first line that holds one of these tells what went wrong; earlier rows are surer. */
static const struct {
    const char *mark;
    enum engine_trouble trouble;
} TROUBLE_LINES[] = {
    {"out of memory", ENGINE_TROUBLE_MEMORY},
    {"failed to allocate", ENGINE_TROUBLE_MEMORY},
    {"unable to allocate", ENGINE_TROUBLE_MEMORY},
    {"ErrorOutOfDeviceMemory", ENGINE_TROUBLE_MEMORY},
    {"std::bad_alloc", ENGINE_TROUBLE_MEMORY},
    {"unknown model architecture", ENGINE_TROUBLE_ARCHITECTURE},
    {"unknown pre-tokenizer type", ENGINE_TROUBLE_ARCHITECTURE},
    {"invalid argument", ENGINE_TROUBLE_ARGUMENTS},
    {"error while handling argument", ENGINE_TROUBLE_ARGUMENTS},
    {"failed to create context", ENGINE_TROUBLE_ARGUMENTS},
    {"failed to create_context", ENGINE_TROUBLE_ARGUMENTS},
    {"couldn't bind", ENGINE_TROUBLE_ADDRESS},
    {"no CUDA-capable device", ENGINE_TROUBLE_DEVICE},
    {"failed to initialize CUDA", ENGINE_TROUBLE_DEVICE},
    {"CUDA driver version", ENGINE_TROUBLE_DEVICE},
    {"invalid device", ENGINE_TROUBLE_DEVICE},
    {"no backends are loaded", ENGINE_TROUBLE_DEVICE},
    {"invalid magic", ENGINE_TROUBLE_MODEL},
    {"tensor data is not within", ENGINE_TROUBLE_MODEL},
    {"error loading model", ENGINE_TROUBLE_MODEL},
    {"failed to load model", ENGINE_TROUBLE_MODEL},
};

static bool find(struct str in, const char *what, size_t *ret_at)
{
    const char *hit = memmem(in.at, in.len, what, strlen(what));

    if (hit)
        *ret_at = (size_t)(hit - in.at);
    return hit != NULL;
}

bool engine_device_is_host(const char *device)
{
    struct str name = str_from(device);

    return str_eq(name, S("CPU")) || str_starts(name, S("CPU_")) || str_starts(name, S("BLAS")) ||
           str_starts(name, S("AMX")) || str_ends(name, S("_Host"));
}

const char *engine_trouble_code(enum engine_trouble trouble)
{
    switch (trouble) {
    case ENGINE_TROUBLE_NONE:
        return "";
    case ENGINE_TROUBLE_MEMORY:
        return "out_of_memory";
    case ENGINE_TROUBLE_ARCHITECTURE:
        return "unknown_architecture";
    case ENGINE_TROUBLE_MODEL:
        return "model_broken";
    case ENGINE_TROUBLE_ARGUMENTS:
        return "engine_arguments";
    case ENGINE_TROUBLE_ADDRESS:
        return "engine_address";
    case ENGINE_TROUBLE_DEVICE:
        return "driver_not_ready";
    }
    return "";
}

/* "=  4096.00 MiB" at the head of `s`. */
static bool read_mib(struct str s, uint64_t *ret_bytes)
{
    uint64_t whole = 0, parts = 0, scale = 1;
    size_t at = 0, digits = 0;

    while (at < s.len && (s.at[at] == ' ' || s.at[at] == '='))
        at++;
    for (; at < s.len && s.at[at] >= '0' && s.at[at] <= '9'; at++, digits++) {
        whole = whole * 10 + (uint64_t)(s.at[at] - '0');
        if (whole > ENGINE_MIB_MAX)
            return false;
    }
    if (digits == 0)
        return false;
    if (at < s.len && s.at[at] == '.')
        for (at++; at < s.len && s.at[at] >= '0' && s.at[at] <= '9' && scale < 1000000; at++) {
            parts = parts * 10 + (uint64_t)(s.at[at] - '0');
            scale *= 10;
        }
    if (!str_starts((struct str){s.at + at, s.len - at}, S(" MiB")))
        return false;
    *ret_bytes = whole * MIB + parts * MIB / scale;
    return true;
}

static bool read_count(struct str s, size_t *at, uint32_t *ret_number)
{
    size_t from = *at;
    uint64_t number;

    while (*at < s.len && s.at[*at] >= '0' && s.at[*at] <= '9')
        ++*at;
    if (!str_to_u64((struct str){s.at + from, *at - from}, 1000000, &number))
        return false;
    *ret_number = (uint32_t)number;
    return true;
}

static void take_buffer(struct engine_buffers *buffers, struct str line)
{
    for (size_t i = 0; i < sizeof BUFFER_LINES / sizeof *BUFFER_LINES; i++) {
        size_t mark = 0;
        uint64_t bytes;
        if (!find(line, BUFFER_LINES[i].mark, &mark))
            continue;
        size_t behind = mark + strlen(BUFFER_LINES[i].mark);
        while (mark > 0 && line.at[mark - 1] == ' ')
            mark--;
        size_t from = mark;
        while (from > 0 && line.at[from - 1] > ' ' && line.at[from - 1] <= '~')
            from--;
        struct str device = {line.at + from, mark - from};
        if (device.len == 0 || device.len >= ENGINE_DEVICE_BYTES ||
            !read_mib((struct str){line.at + behind, line.len - behind}, &bytes))
            return;
        if (buffers->count == ENGINE_BUFFERS_MAX) {
            buffers->beyond++;
            return;
        }
        struct engine_buffer *buffer = &buffers->list[buffers->count++];
        *buffer = (struct engine_buffer){.kind = BUFFER_LINES[i].kind, .bytes = bytes};
        memcpy(buffer->device, device.at, device.len);
        return;
    }
}

static void take_offloaded(struct engine_buffers *buffers, struct str line)
{
    size_t at = 0;
    uint32_t done, all;

    if (!find(line, "offloaded ", &at))
        return;
    at += strlen("offloaded ");
    if (read_count(line, &at, &done) && at < line.len && line.at[at] == '/' &&
        (at++, read_count(line, &at, &all)) &&
        str_starts((struct str){line.at + at, line.len - at}, S(" layers"))) {
        buffers->offloaded_known = true;
        buffers->offloaded = done;
        buffers->layers = all;
    }
}

static void take_trouble(struct engine_log *log, struct str line)
{
    size_t at, len = 0;

    for (size_t i = 0; i < sizeof TROUBLE_LINES / sizeof *TROUBLE_LINES; i++) {
        /* a later, surer word replaces "failed to load model": the cause may follow it */
        if (!find(line, TROUBLE_LINES[i].mark, &at) || log->trouble == TROUBLE_LINES[i].trouble ||
            (log->trouble != ENGINE_TROUBLE_NONE && log->trouble != ENGINE_TROUBLE_MODEL &&
                log->trouble != ENGINE_TROUBLE_ARGUMENTS) ||
            (log->trouble != ENGINE_TROUBLE_NONE &&
                (TROUBLE_LINES[i].trouble == ENGINE_TROUBLE_MODEL ||
                    TROUBLE_LINES[i].trouble == ENGINE_TROUBLE_ARGUMENTS)))
            continue;
        log->trouble = TROUBLE_LINES[i].trouble;
        struct str shown = str_utf8_prefix(str_trim(line));
        for (size_t from = 0; from < shown.len && len < sizeof log->trouble_line - 1; from++)
            if ((unsigned char)shown.at[from] >= ' ' && shown.at[from] <= '~')
                log->trouble_line[len++] = shown.at[from];
        log->trouble_line[len] = '\0';
        return;
    }
}

static void take_line(struct engine_log *log)
{
    struct str line = {log->line, log->len};

    log->lines++;
    take_buffer(&log->buffers, line);
    take_offloaded(&log->buffers, line);
    take_trouble(log, line);
}

/* A line of nothing but dots grows while the weights are read. */
static void take_dots(struct engine_log *log)
{
    size_t dots = 0;

    while (dots < log->len && log->line[dots] == '.')
        dots++;
    if (dots == log->len && dots >= 1 && dots <= DOTS_WHOLE &&
        (double)dots / DOTS_WHOLE > log->fraction)
        log->fraction = (double)dots / DOTS_WHOLE;
}

void engine_log_init(struct engine_log *log)
{
    memset(log, 0, sizeof *log);
    log->fraction = -1;
}

void engine_log_add(struct engine_log *log, struct str bytes)
{
    log->bytes += bytes.len;
    while (bytes.len > 0) {
        const char *end = memchr(bytes.at, '\n', bytes.len);
        size_t len = end ? (size_t)(end - bytes.at) : bytes.len;
        size_t room = sizeof log->line - log->len;
        if (len > room && !log->cut) {
            log->cut = true;
            log->long_lines++;
        }
        memcpy(log->line + log->len, bytes.at, len < room ? len : room);
        log->len += len < room ? len : room;
        take_dots(log);
        if (end) {
            take_line(log);
            log->len = 0;
            log->cut = false;
            len++;
        }
        bytes.at += len;
        bytes.len -= len;
    }
}

void engine_buffers_sum(struct engine_buffers *buffers, const char *prefix)
{
    uint64_t most = 0;

    buffers->weights_bytes = buffers->kv_bytes = buffers->compute_bytes = 0;
    buffers->other_bytes = buffers->host_bytes = 0;
    memset(buffers->device, 0, sizeof buffers->device);
    for (size_t i = 0; i < buffers->count; i++) {
        const struct engine_buffer *buffer = &buffers->list[i];
        bool host = engine_device_is_host(buffer->device);
        bool ours =
            *prefix ? !host && str_starts(str_from(buffer->device), str_from(prefix)) : host;
        if (!ours) {
            buffers->host_bytes += buffer->bytes;
            continue;
        }
        if (buffer->bytes >= most) {
            most = buffer->bytes;
            memcpy(buffers->device, buffer->device, sizeof buffers->device);
        }
        switch (buffer->kind) {
        case ENGINE_BUFFER_MODEL:
            buffers->weights_bytes += buffer->bytes;
            break;
        case ENGINE_BUFFER_KV:
            buffers->kv_bytes += buffer->bytes;
            break;
        case ENGINE_BUFFER_COMPUTE:
            buffers->compute_bytes += buffer->bytes;
            break;
        case ENGINE_BUFFER_RS:
        case ENGINE_BUFFER_OUTPUT:
            buffers->other_bytes += buffer->bytes;
            break;
        }
    }
}
