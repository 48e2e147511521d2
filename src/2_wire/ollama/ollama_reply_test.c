/* SPDX-License-Identifier: Apache-2.0
 * The frames are llama-server's own (b11669), recorded; tool calls and reasoning are its form. */
#include "base/scoped.h"
#include "ollama/ollama_reply.h"
#include "tap.h"

#define TAIL                                                                                       \
    "\"created\":1795241211,\"id\":\"chatcmpl-qBiDCuQiUAUpvwziF64myJz1VUXMMX8B\",\"model\":"       \
    "\"tiny-random\",\"system_fingerprint\":\"b11669-Debian\",\"object\":\"chat.completion."       \
    "chunk\""
#define CHUNK(finish, delta)                                                                       \
    "data: {\"choices\":[{\"finish_reason\":" finish ",\"index\":0,\"delta\":" delta "}]," TAIL    \
    "}\n\n"
#define USAGE                                                                                      \
    "data: {\"choices\":[]," TAIL ",\"usage\":{\"completion_tokens\":3,\"prompt_tokens\":22,"      \
    "\"total_tokens\":25,\"prompt_tokens_details\":{\"cached_tokens\":21}},\"timings\":{"          \
    "\"cache_n\":21,\"prompt_n\":1,\"prompt_ms\":0.25,\"predicted_n\":3,\"predicted_ms\":0.5}}"    \
    "\n\n"
#define DONE "data: [DONE]\n\n"
#define CALL(rest) CHUNK("null", "{\"tool_calls\":[{\"index\":" rest "}]}")

#define HEAD "{\"model\":\"m\",\"created_at\":\"1970-01-01T00:00:01.500Z\""
#define SAYS(text)                                                                                 \
    HEAD ",\"message\":{\"role\":\"assistant\",\"content\":" text "},\"done\":false}\n"
#define ENDS(reason)                                                                               \
    HEAD ",\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done_reason\":\"" reason        \
         "\",\"done\":true,\"total_duration\":9000,\"load_duration\":2000,\"prompt_eval_count\""   \
         ":22,\"prompt_eval_duration\":250000,\"eval_count\":3,\"eval_duration\":500000}\n"

static const struct ollama_moment MOMENT = {.now_ms = 1500, .load_ns = 2000, .total_ns = 9000};

static struct ollama_request request_of(enum ollama_route route)
{
    return (struct ollama_request){.route = route, .model = "m", .model_len = 1};
}

/* All in pieces of `step`; the code of the error behind what was written before it. */
static void play(enum ollama_route route, struct str bytes, size_t step, struct buf *out)
{
    struct ollama_request request = request_of(route);
    struct ollama_stream stream;
    struct err err;

    ollama_stream_init(&stream, &request);
    for (size_t at = 0; at < bytes.len; at += step) {
        size_t len = bytes.len - at < step ? bytes.len - at : step;
        if (!ollama_stream_read(&stream, (struct str){bytes.at + at, len}, &MOMENT, out, &err)) {
            buf_printf(out, "%s: %s", err.code, err.message);
            break;
        }
    }
    if (!stream.done)
        buf_add(out, S("\nnot done"));
    ollama_stream_done(&stream);
}

static void check_all_splits(enum ollama_route route, struct str bytes, const char *want)
{
    for (size_t step = 1; step <= bytes.len; step += step < 60 ? 1 : 37) {
        scoped(buf_done) struct buf out = buf_of(1 << 20);
        play(route, bytes, step, &out);
        if (str_eq(buf_str(&out), str_from(want)))
            continue;
        printf("# in steps of %zu\n", step);
        CHECK_STR(buf_str(&out), want);
        return;
    }
}

#define CHAT(bytes, want) check_all_splits(OLLAMA_CHAT, S(bytes), want)

TEST(content_goes_out_as_it_comes)
{
    CHAT(CHUNK("null", "{\"role\":\"assistant\",\"content\":null}") CHUNK("null",
             "{\"content\":\"\xc3\xa4 \\\"39\\\"\\n\"}") CHUNK("\"length\"", "{}") USAGE DONE,
        SAYS("\"\xc3\xa4 \\\"39\\\"\\n\"") ENDS("length"));
    CHAT(": ping\n\n" CHUNK("null", "{\"content\":\"a\"}") CHUNK("\"stop\"", "{}")
             USAGE DONE CHUNK("null", "{\"content\":\"late\"}"),
        SAYS("\"a\"") ENDS("stop"));
    /* NUL, which a model may say, is told as U+FFFD; the same letters behind a backslash are text
     */
    CHAT(CHUNK("null", "{\"content\":\"a\\u0000b\\\\u0000\"}") CHUNK("\"stop\"", "{}") USAGE DONE,
        SAYS("\"a\xef\xbf\xbd"
             "b\\\\u0000\"") ENDS("stop"));
    CHAT(CHUNK("null", "{\"reasoning_content\":\"hm\"}") CHUNK("\"stop\"", "{\"content\":\"x\"}")
             USAGE DONE,
        SAYS("\"\",\"thinking\":\"hm\"") SAYS("\"x\"") ENDS("stop"));
}

TEST(generate_and_completions_have_a_response)
{
    check_all_splits(OLLAMA_GENERATE,
        S("data: {\"choices\":[{\"text\":\"p\",\"index\":0,\"finish_reason\":null}]}\n\n"
          "data: {\"choices\":[{\"text\":\"\",\"index\":0,\"finish_reason\":\"length\"}],\"usage\":"
          "{\"completion_tokens\":3,\"prompt_tokens\":4}}\n\n" DONE),
        HEAD ",\"response\":\"p\",\"done\":false}\n" HEAD
             ",\"response\":\"\",\"done_reason\":\"length\",\"done\":true,\"total_duration\":9000,"
             "\"load_duration\":2000,\"prompt_eval_count\":4,\"prompt_eval_duration\":7000,"
             "\"eval_count\":3,\"eval_duration\":0}\n");
    check_all_splits(OLLAMA_GENERATE, S(CHUNK("\"stop\"", "{\"reasoning\":\"r\"}")),
        HEAD ",\"response\":\"\",\"thinking\":\"r\",\"done\":false}\n\nnot done");
}

TEST(tool_calls_are_told_whole)
{
    CHAT(CHUNK("null", "{\"content\":\"I look\"}")
             CALL("0,\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"f\","
                  "\"arguments\":\"\"}") CALL("0,\"function\":{\"arguments\":\"{\\\"a\\\":\\n\"}")
                 CALL("0,\"function\":{\"arguments\":\"[1, 0.1]}\"}")
                     CALL("1,\"function\":{\"name\":\"g\",\"arguments\":\"\"}")
                         CHUNK("\"tool_calls\"", "{}") USAGE DONE,
        SAYS("\"I look\"") SAYS(
            "\"\",\"tool_calls\":[{\"id\":\"c1\",\"function\":{\"name\":\"f\",\"arguments\":"
            "{\"a\": [1, 0.1]}}},{\"function\":{\"name\":\"g\",\"arguments\":{}}}]") ENDS("stop"));
    /* the limit came within a call: what is whole is told, and why it ends */
    CHAT(CALL("0,\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}")
             CALL("1,\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"a\"}")
                 CHUNK("\"length\"", "{}") USAGE DONE,
        SAYS("\"\",\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":{}}}]")
            ENDS("length"));
}

#define FAILED(words) "engine_failed: the engine failed: " words "\nnot done"

TEST(a_broken_stream_looks_broken)
{
    CHAT(CHUNK("null", "{\"content\":\"a\"}"), SAYS("\"a\"") "\nnot done");
    CHAT(CHUNK("null",
             "{\"content\":\"a\"}") "data: {\"error\":{\"code\":500,\"message\":\"oom\"}}\n\n",
        SAYS("\"a\"") FAILED("oom"));
    CHAT("data: {\"error\":{}}\n\n", FAILED("it gave no reason"));
    CHAT("data: <html>\n\n", FAILED("its answer is not a JSON object"));
    CHAT(CALL("0,\"function\":{\"name\":\"f\",\"arguments\":\"[]\"}") CHUNK("\"stop\"", "{}") DONE,
        FAILED("a tool call of the model has no name, or arguments that are no JSON object"));
    CHAT(CALL("1,\"function\":{\"name\":\"f\"}"),
        FAILED("it tells tool calls out of order, or too many"));
    CHAT(CALL("-1,\"function\":{\"name\":\"f\"}"),
        FAILED("it tells tool calls out of order, or too many"));
}

TEST(every_limit_is_met_and_passed)
{
    struct ollama_request request = request_of(OLLAMA_CHAT);
    scoped(buf_done) struct buf out = buf_of(1 << 20), piece = buf_of(1 << 22);
    struct ollama_stream stream;
    struct err err;

    ollama_stream_init(&stream, &request);
    for (int i = 0; i < OLLAMA_CALLS_MAX; i++) {
        buf_clear(&piece);
        buf_printf(&piece, CALL("%d,\"function\":{\"name\":\"f\"}"), i);
        REQUIRE(ollama_stream_read(&stream, buf_str(&piece), &MOMENT, &out, &err));
    }
    buf_clear(&piece);
    buf_printf(&piece, CALL("%d,\"function\":{\"name\":\"f\"}"), OLLAMA_CALLS_MAX);
    CHECK(!ollama_stream_read(&stream, buf_str(&piece), &MOMENT, &out, &err));
    ollama_stream_done(&stream);

    ollama_stream_init(&stream, &request);
    buf_clear(&piece);
    buf_add(&piece, S("data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,"
                      "\"function\":{\"name\":\"f\",\"arguments\":\""));
    for (size_t i = 0; i < OLLAMA_ARGUMENTS_BYTES_MAX / 2; i++)
        buf_add_char(&piece, 'x');
    buf_add(&piece, S("\"}}]}}]}\n\n"));
    CHECK(ollama_stream_read(&stream, buf_str(&piece), &MOMENT, &out, &err));
    CHECK(ollama_stream_read(&stream, buf_str(&piece), &MOMENT, &out, &err));
    CHECK(!ollama_stream_read(&stream, buf_str(&piece), &MOMENT, &out, &err));
    CHECK_TEXT(err.code, "engine_failed");
    ollama_stream_done(&stream);

    ollama_stream_init(&stream, &request);
    scoped(free_done) char *line = malloc(OLLAMA_LINE_BYTES_MAX + 1);
    memset(line, 'x', OLLAMA_LINE_BYTES_MAX + 1);
    CHECK(!ollama_stream_read(
        &stream, (struct str){line, OLLAMA_LINE_BYTES_MAX + 1}, &MOMENT, &out, &err));
    CHECK_TEXT(err.code, "engine_line_too_long");
    ollama_stream_done(&stream);
}

/* The reply, or the code of the error. */
static struct str reply(enum ollama_route route, struct str body, struct buf *out)
{
    struct ollama_request request = request_of(route);
    struct openai_usage usage = {0};
    struct err err;

    buf_clear(out);
    if (!ollama_reply_write(&request, body, &MOMENT, out, &usage, &err)) {
        buf_clear(out);
        buf_add(out, str_from(err.message));
    }
    return buf_str(out);
}

TEST(whole_replies_are_one_line)
{
    scoped(buf_done) struct buf out = buf_of(1 << 20);

    CHECK_STR(reply(OLLAMA_CHAT,
                  S("{\"choices\":[{\"finish_reason\":\"length\",\"index\":0,\"message\":{\"role\":"
                    "\"assistant\",\"content\":\"#5\",\"reasoning_content\":\"r\"}}],\"usage\":{"
                    "\"completion_tokens\":3,\"prompt_tokens\":22},\"timings\":{\"prompt_ms\":0.25,"
                    "\"predicted_ms\":0.5}}"),
                  &out),
        HEAD ",\"message\":{\"role\":\"assistant\",\"content\":\"#5\",\"thinking\":\"r\"},"
             "\"done_reason\":\"length\",\"done\":true,\"total_duration\":9000,\"load_duration\":"
             "2000,\"prompt_eval_count\":22,\"prompt_eval_duration\":250000,\"eval_count\":3,"
             "\"eval_duration\":500000}");
    CHECK_STR(reply(OLLAMA_GENERATE,
                  S("{\"choices\":[{\"text\":\"t\",\"finish_reason\":\"stop\"}]}"), &out),
        HEAD ",\"response\":\"t\",\"done_reason\":\"stop\",\"done\":true,\"total_duration\":9000,"
             "\"load_duration\":2000,\"prompt_eval_count\":0,\"prompt_eval_duration\":0,"
             "\"eval_count\":0,\"eval_duration\":7000}");
    CHECK(strstr(
        reply(OLLAMA_CHAT,
            S("{\"choices\":[{\"finish_reason\":\"tool_calls\",\"message\":{\"content\":null,"
              "\"tool_calls\":[{\"id\":\"c\",\"function\":{\"name\":\"f\",\"arguments\":"
              "\"{\\\"a\\\":1}\"}}]}}]}"),
            &out)
            .at,
        "\"content\":\"\",\"tool_calls\":[{\"id\":\"c\",\"function\":{\"name\":\"f\",\"arguments\":"
        "{\"a\":1}}}]},\"done_reason\":\"stop\",\"done\":true"));
    CHECK_STR(
        reply(OLLAMA_CHAT, S("{\"error\":{\"message\":\"no\"}}"), &out), "the engine failed: no");
    CHECK_STR(reply(OLLAMA_CHAT, S("<html>"), &out),
        "the engine failed: its answer is not a JSON object");
    CHECK_STR(reply(OLLAMA_CHAT, S("{\"choices\":[]}"), &out),
        "the engine failed: its answer has no choice");
}

TEST(embeddings_keep_their_digits)
{
    scoped(buf_done) struct buf out = buf_of(1 << 20);
    struct str body = S("{\"data\":[{\"index\":0,\"embedding\":[0.1,-2e-3]},{\"embedding\":[ ],"
                        "\"object\":\"embedding\",\"index\":1}],\"usage\":{\"prompt_tokens\":6}}");

    CHECK_STR(reply(OLLAMA_EMBED, body, &out),
        "{\"model\":\"m\",\"embeddings\":[[0.1,-2e-3],[ ]],\"total_duration\":9000,"
        "\"load_duration\":2000,\"prompt_eval_count\":6}");
    CHECK_STR(reply(OLLAMA_EMBEDDINGS, S("{\"data\":[{\"embedding\":[1]}]}"), &out),
        "{\"embedding\":[1]}");
    static const char *const BAD[] = {"{}", "{\"data\":{}}", "{\"data\":[{}]}", "[]",
        "{\"data\":[{\"embedding\":[\"x\"]}]}", "{\"data\":[{\"embedding\":\"AAAA\"}]}",
        "{\"data\":[{\"index\":1,\"embedding\":[1]}]}", "{\"data\":[]", "{\"data\":[]}x"};
    for (size_t i = 0; i < COUNT(BAD); i++)
        CHECK_STR(reply(OLLAMA_EMBED, str_from(BAD[i]), &out),
            "the engine failed: its answer has no list of embeddings");
    CHECK_STR(reply(OLLAMA_EMBEDDINGS, body, &out),
        "the engine failed: its answer has no list of embeddings");
    CHECK_STR(reply(OLLAMA_EMBEDDINGS, S("{\"data\":[]}"), &out),
        "the engine failed: its answer has no list of embeddings");
    CHECK_STR(reply(OLLAMA_EMBED, S("{\"error\":\"no\"}"), &out), "the engine failed: no");
    scoped(buf_done) struct buf small = buf_of(32);
    CHECK_STR(reply(OLLAMA_EMBED, body, &small), "");
}

TEST(what_we_write_ourselves)
{
    scoped(buf_done) struct buf out = buf_of(4096);
    struct ollama_request chat = request_of(OLLAMA_CHAT), generate = request_of(OLLAMA_GENERATE);

    ollama_beat_write(&chat, S(""), 1500, &out);
    CHECK_STR(buf_str(&out), SAYS("\"\""));
    buf_clear(&out);
    ollama_beat_write(&generate, S("[loading]"), 1500, &out);
    CHECK_STR(
        buf_str(&out), HEAD ",\"response\":\"\",\"thinking\":\"[loading]\",\"done\":false}\n");
    buf_clear(&out);
    generate.has_keep_alive = generate.stream = true;
    ollama_nothing_write(&generate, &MOMENT, &out);
    CHECK_STR(buf_str(&out), HEAD ",\"response\":\"\",\"done_reason\":\"unload\",\"done\":true}\n");
    buf_clear(&out);
    ollama_nothing_write(&chat, &MOMENT, &out);
    CHECK_STR(buf_str(&out), HEAD ",\"message\":{\"role\":\"assistant\",\"content\":\"\"},"
                                  "\"done_reason\":\"load\",\"done\":true}");
    buf_clear(&out);
    ollama_error_write(S("a \"b\"\n"), &out);
    CHECK_STR(buf_str(&out), "{\"error\":\"a \\\"b\\\"\\n\"}\n");
}

TAP_MAIN
