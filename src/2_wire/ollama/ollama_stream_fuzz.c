/* SPDX-License-Identifier: Apache-2.0
 * Properties: the same lines and the same end for every split; every line is a JSON object with
 * `done`, and only the last one is done; a whole reply is JSON too. */
#include "base/panic.h"
#include "base/scoped.h"
#include "ollama/ollama_reply.h"
#include "json/json_read.h"

#define OUT_BYTES_MAX (1 << 22)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct ollama_moment MOMENT = {1000, 2000, 3000};

static bool play(const struct ollama_request *request, struct str bytes, size_t step,
    struct buf *out, struct err *err)
{
    struct ollama_stream stream;
    bool good = true;

    ollama_stream_init(&stream, request);
    for (size_t at = 0; at < bytes.len && good; at += step) {
        size_t len = bytes.len - at < step ? bytes.len - at : step;
        scoped(free_done) char *piece = malloc(len);
        memcpy(piece, bytes.at + at, len);
        good = ollama_stream_read(&stream, (struct str){piece, len}, &MOMENT, out, err);
    }
    ollama_stream_done(&stream);
    return good;
}

static void check_lines(struct str lines)
{
    while (lines.len) {
        scoped(json_done) json_t *object = NULL;
        struct err err;
        struct str line = str_cut(lines, '\n', &lines);
        check(json_read(line, OUT_BYTES_MAX, &object, &err));
        check(json_is_boolean(json_object_get(object, "done")));
        check(json_is_true(json_object_get(object, "done")) <= !lines.len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    scoped(buf_done) struct buf one = buf_of(OUT_BYTES_MAX), other = buf_of(OUT_BYTES_MAX);
    struct ollama_request request = {.model = "m", .model_len = 1};
    struct err err, error;

    if (size < 2 || size > 8192)
        return 0;
    request.route = (enum ollama_route)(data[0] >> 6);
    struct str bytes = {(const char *)data + 1, size - 1};
    if (request.route == OLLAMA_CHAT || request.route == OLLAMA_GENERATE) {
        bool good = play(&request, bytes, size, &one, &err);
        check(play(&request, bytes, (data[0] & 0x3fu) + 1, &other, &error) == good);
        check(str_eq(buf_str(&one), buf_str(&other)));
        check(good || strcmp(err.message, error.message) == 0);
        check_lines(buf_str(&one));
        buf_clear(&one);
    }
    if (ollama_reply_write(&request, bytes, &MOMENT, &one, NULL, &err)) {
        scoped(json_done) json_t *object = NULL;
        check(request.route > OLLAMA_GENERATE || /* numbers there are only spans */
              json_read(buf_str(&one), OUT_BYTES_MAX, &object, &err));
    }
    return 0;
}
