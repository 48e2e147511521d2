/* SPDX-License-Identifier: Apache-2.0
 * Requests are what ollama-js and Ollama's docs/api.md send. */
#include "base/scoped.h"
#include "ollama/ollama_models.h"
#include "ollama/ollama_request.h"
#include "tap.h"

/* The OpenAI body, or the code and the param of the refusal. Valid until the next call. */
static struct str read_as(
    enum ollama_route route, struct str text, struct ollama_request *ret_request)
{
    static struct buf out;
    struct err err;

    buf_done(&out);
    out = buf_of(OLLAMA_BODY_BYTES_MAX);
    if (ollama_request_read(route, text, ret_request, &out, &err))
        return buf_str(&out);
    buf_clear(&out);
    buf_printf(&out, "%s %s", err.code, err.param);
    return buf_str(&out);
}

static struct str body(enum ollama_route route, const char *text)
{
    struct ollama_request request;

    return read_as(route, str_from(text), &request);
}

#define STREAMS "\"stream\":true,\"stream_options\":{\"include_usage\":true},"

TEST(a_chat_becomes_a_chat)
{
    struct ollama_request r;

    CHECK_STR(
        read_as(OLLAMA_CHAT,
            S("{\"model\":\"m:latest\",\"messages\":[{\"role\":\"user\",\"content\":\"why?\"}],"
              "\"keep_alive\":\"5m\"}"),
            &r),
        "{\"model\":\"m\"," STREAMS "\"messages\":[{\"role\":\"user\",\"content\":\"why?\"}]}");
    CHECK(r.stream && !r.nothing && r.has_keep_alive);
    CHECK_INT(r.engine_route, OPENAI_CHAT);
    CHECK_INT(r.keep_alive_ms, 300000);
    CHECK_STR(ollama_request_model(&r), "m");
    CHECK_STR(read_as(OLLAMA_CHAT,
                  S("{\"model\":\"m\",\"stream\":false,\"messages\":[{\"role\":\"user\","
                    "\"content\":\"x\"}],"
                    "\"options\":{\"num_predict\":5,\"temperature\":0.5,\"top_k\":40,\"seed\":7,"
                    "\"stop\":[\"a\"],\"num_ctx\":8192,\"num_gpu\":99},\"format\":\"json\","
                    "\"think\":false}"),
                  &r),
        "{\"model\":\"m\",\"stream\":false,\"temperature\":0.5,\"top_k\":40,\"seed\":7,"
        "\"max_tokens\":5,\"stop\":[\"a\"],\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],"
        "\"response_format\":{\"type\":\"json_object\"},"
        "\"chat_template_kwargs\":{\"enable_thinking\":false}}");
    CHECK(!r.stream && !r.has_keep_alive);
    CHECK_INT(r.context, 8192);
    CHECK_STR(body(OLLAMA_CHAT,
                  "{\"model\":\"m\",\"stream\":false,\"messages\":[{\"role\":\"user\"}],\"think\":"
                  "\"high\",\"format\":{\"type\":\"object\"},\"options\":{\"num_predict\":-1},"
                  "\"tools\":[{\"type\":\"function\"}]}"),
        "{\"model\":\"m\",\"stream\":false,\"messages\":[{\"role\":\"user\",\"content\":\"\"}],"
        "\"tools\":[{\"type\":\"function\"}],\"response_format\":{\"type\":\"json_schema\","
        "\"json_schema\":{\"name\":\"format\",\"strict\":true,\"schema\":{\"type\":\"object\"}}},"
        "\"chat_template_kwargs\":{\"enable_thinking\":true},\"reasoning_effort\":\"high\"}");
}

TEST(images_become_parts)
{
    CHECK_STR(body(OLLAMA_CHAT,
                  "{\"model\":\"m\",\"stream\":false,\"messages\":[{\"role\":\"user\",\"content\":"
                  "\"see\",\"images\":[\"/9j/AA==\",\"iVBORw0K\"]}]}"),
        "{\"model\":\"m\",\"stream\":false,\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":"
        "\"text\",\"text\":\"see\"},{\"type\":\"image_url\",\"image_url\":{\"url\":"
        "\"data:image/jpeg;base64,/9j/AA==\"}},{\"type\":\"image_url\",\"image_url\":{\"url\":"
        "\"data:image/png;base64,iVBORw0K\"}}]}]}");
    CHECK_STR(body(OLLAMA_GENERATE,
                  "{\"model\":\"m\",\"stream\":false,\"images\":[\"R0lGOD\"],\"system\":\"s\"}"),
        "{\"model\":\"m\",\"stream\":false,\"messages\":[{\"role\":\"system\",\"content\":\"s\"},"
        "{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":"
        "\"data:image/gif;base64,R0lGOD\"}}]}]}");
    CHECK_STR(body(OLLAMA_CHAT,
                  "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"images\":[\"a,b\"]}]}"),
        "bad_type images");
}

TEST(tool_calls_of_the_history_get_their_answers)
{
    CHECK_STR(body(OLLAMA_CHAT, "{\"model\":\"m\",\"stream\":false,\"messages\":["
                                "{\"role\":\"assistant\",\"thinking\":\"hm\",\"tool_calls\":["
                                "{\"function\":{\"name\":\"a\",\"arguments\":{\"x\":[1,\"y\"]}}},"
                                "{\"id\":\"mine\",\"function\":{\"name\":\"b\"}}]},"
                                "{\"role\":\"tool\",\"tool_name\":\"b\",\"content\":\"2\"},"
                                "{\"role\":\"tool\",\"content\":\"1\"},"
                                "{\"role\":\"tool\",\"content\":\"0\"}]}"),
        "{\"model\":\"m\",\"stream\":false,\"messages\":["
        "{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":["
        "{\"id\":\"call_0\",\"type\":\"function\",\"function\":{\"name\":\"a\",\"arguments\":"
        "\"{\\\"x\\\":[1,\\\"y\\\"]}\"}},"
        "{\"id\":\"mine\",\"type\":\"function\",\"function\":{\"name\":\"b\",\"arguments\":\"{}\"}}"
        "],\"reasoning_content\":\"hm\"},"
        "{\"role\":\"tool\",\"content\":\"2\",\"tool_call_id\":\"mine\"},"
        "{\"role\":\"tool\",\"content\":\"1\",\"tool_call_id\":\"call_0\"},"
        "{\"role\":\"tool\",\"content\":\"0\",\"tool_call_id\":\"call_none\"}]}");
    CHECK_STR(
        body(OLLAMA_CHAT, "{\"model\":\"m\",\"messages\":[{\"role\":\"assistant\","
                          "\"tool_calls\":[{\"function\":{\"name\":\"a\",\"arguments\":\"\"}}]}]}"),
        "bad_type tool_calls");
}

TEST(generate_is_a_chat_and_raw_a_completion)
{
    struct ollama_request r;

    CHECK_STR(read_as(OLLAMA_GENERATE, S("{\"model\":\"m\",\"prompt\":\"p\",\"context\":[1]}"), &r),
        "{\"model\":\"m\"," STREAMS "\"messages\":[{\"role\":\"user\",\"content\":\"p\"}]}");
    CHECK_INT(r.engine_route, OPENAI_CHAT);
    CHECK_STR(read_as(OLLAMA_GENERATE,
                  S("{\"model\":\"m\",\"prompt\":\"p\",\"raw\":true,\"stream\":false}"), &r),
        "{\"model\":\"m\",\"stream\":false,\"prompt\":\"p\"}");
    CHECK_INT(r.engine_route, OPENAI_COMPLETIONS);
    CHECK_STR(body(OLLAMA_GENERATE, "{\"model\":\"m\",\"prompt\":\"p\",\"suffix\":\"s\"}"),
        "not_supported suffix");
    CHECK_STR(body(OLLAMA_GENERATE, "{\"model\":\"m\",\"prompt\":\"p\",\"template\":\"s\"}"),
        "not_supported template");
    CHECK_STR(body(OLLAMA_GENERATE,
                  "{\"model\":\"m\",\"prompt\":\"p\",\"raw\":true,\"images\":[\"AAAA\"]}"),
        "not_supported images");
}

TEST(a_request_without_a_prompt_only_loads)
{
    struct ollama_request r;

    CHECK_STR(read_as(OLLAMA_GENERATE, S("{\"model\":\"m\",\"keep_alive\":0}"), &r), "");
    CHECK(r.nothing && r.has_keep_alive);
    CHECK_INT(r.keep_alive_ms, 0);
    CHECK_STR(
        read_as(OLLAMA_CHAT, S("{\"model\":\"m\",\"messages\":[],\"keep_alive\":-1}"), &r), "");
    CHECK(r.nothing);
    CHECK_INT(r.keep_alive_ms, -1);
    CHECK_STR(read_as(OLLAMA_EMBED, S("{\"model\":\"m\",\"input\":[]}"), &r), "");
    CHECK(r.nothing && !r.stream);
}

TEST(embeddings_old_and_new)
{
    struct ollama_request r;

    CHECK_STR(
        read_as(OLLAMA_EMBED,
            S("{\"model\":\"m\",\"input\":[\"a\",\"b\"],\"truncate\":true,\"dimensions\":8}"), &r),
        "{\"model\":\"m\",\"input\":[\"a\",\"b\"],\"dimensions\":8}");
    CHECK_INT(r.engine_route, OPENAI_EMBEDDINGS);
    CHECK_STR(body(OLLAMA_EMBED, "{\"model\":\"m\",\"input\":\"a\"}"),
        "{\"model\":\"m\",\"input\":\"a\"}");
    CHECK_STR(body(OLLAMA_EMBEDDINGS, "{\"model\":\"m\",\"prompt\":\"a\"}"),
        "{\"model\":\"m\",\"input\":\"a\"}");
    CHECK_STR(body(OLLAMA_EMBED, "{\"model\":\"m\",\"input\":[1]}"), "bad_type input");
    CHECK_STR(body(OLLAMA_EMBEDDINGS, "{\"model\":\"m\",\"prompt\":[\"a\"]}"), "bad_type prompt");
}

TEST(what_is_wrong_is_refused_by_name)
{
    static const struct {
        const char *text, *refusal;
    } WRONG[] = {
        {"", "bad_json "},
        {"[]", "bad_json "},
        {"{\"messages\":[]}", "missing_field model"},
        {"{\"model\":7}", "bad_type model"},
        {"{\"model\":\"\"}", "out_of_range model"},
        {"{\"model\":\":latest\"}", "out_of_range model"},
        {"{\"model\":\"m\",\"model\":\"m\"}", "bad_json "},
        {"{\"model\":\"m\",\"stream\":1}", "bad_type stream"},
        {"{\"model\":\"m\",\"messages\":{}}", "bad_type messages"},
        {"{\"model\":\"m\",\"messages\":[1]}", "bad_type messages"},
        {"{\"model\":\"m\",\"messages\":[{}]}", "missing_field role"},
        {"{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":[]}]}", "bad_type content"},
        {"{\"model\":\"m\",\"options\":[]}", "bad_type options"},
        {"{\"model\":\"m\",\"options\":{\"top_p\":\"1\"}}", "bad_type top_p"},
        {"{\"model\":\"m\",\"options\":{\"num_predict\":1.5}}", "bad_type num_predict"},
        {"{\"model\":\"m\",\"options\":{\"num_ctx\":-1}}", "bad_type num_ctx"},
        {"{\"model\":\"m\",\"options\":{\"stop\":[1]}}", "bad_type stop"},
        {"{\"model\":\"m\",\"format\":\"xml\"}", "bad_type format"},
        {"{\"model\":\"m\",\"think\":\"max\"}", "bad_type think"},
        {"{\"model\":\"m\",\"think\":1}", "bad_type think"},
        {"{\"model\":\"m\",\"keep_alive\":\"5\"}", "bad_type keep_alive"},
        {"{\"model\":\"m\",\"tools\":{}}", "bad_type tools"},
    };

    for (size_t i = 0; i < COUNT(WRONG); i++)
        CHECK_STR(body(OLLAMA_CHAT, WRONG[i].text), WRONG[i].refusal);
}

/* {"model":"m","messages":[{"role":"user" HEAD ONE,ONE,… TAIL */
static struct str many(
    struct buf *out, const char *head, const char *one, size_t count, const char *tail)
{
    buf_clear(out);
    buf_add(out, str_from(head));
    for (size_t i = 0; i < count; i++) {
        if (i)
            buf_add_char(out, ',');
        buf_add(out, str_from(one));
    }
    buf_add(out, str_from(tail));
    return buf_str(out);
}

TEST(every_limit_is_met_and_passed)
{
    scoped(buf_done) struct buf out = buf_of(1 << 20);
    struct ollama_request r;
    const char *head = "{\"model\":\"m\",\"messages\":[", *tail = "]}";

    for (size_t more = 0; more < 2; more++) {
        struct str got = read_as(OLLAMA_CHAT,
            many(&out, head, "{\"role\":\"user\"}", OLLAMA_MESSAGES_MAX + more, tail), &r);
        CHECK(str_eq(got, S("too_many messages")) == more);
        got = read_as(OLLAMA_CHAT,
            many(&out, "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"images\":[", "\"AAAA\"",
                OLLAMA_IMAGES_MAX + more, "]}]}"),
            &r);
        CHECK(str_eq(got, S("too_many images")) == more);
        got = read_as(OLLAMA_CHAT,
            many(&out, "{\"model\":\"m\",\"messages\":[{\"role\":\"assistant\",\"tool_calls\":[",
                "{\"function\":{\"name\":\"f\"}}", OLLAMA_CALLS_MAX + more, "]}]}"),
            &r);
        CHECK(str_eq(got, S("too_many tool_calls")) == more);
    }
    scoped(buf_done) struct buf small = buf_of(16);
    struct err err;
    CHECK(!ollama_request_read(
        OLLAMA_EMBED, S("{\"model\":\"m\",\"input\":\"0123456789\"}"), &r, &small, &err));
    CHECK_INT(err.kind, ERR_LIMIT);
}

TEST(durations_are_gos)
{
    static const struct {
        const char *text;
        int64_t ms;
    } GOOD[] = {{"5m", 300000}, {"1h30m", 5400000}, {"1.5s", 1500}, {"300ms", 300}, {"-1s", -1},
        {"-1ns", -1}, {"0", 0}, {"+2s", 2000}, {"24h0m0s", 86400000}, {"10us", 0},
        {"999999999h", OLLAMA_KEEP_ALIVE_MS_MAX}};
    static const char *const BAD[] = {"", "5", "m", "-", "5 m", "5x", "5m3", ".", "s5"};
    int64_t ms;

    for (size_t i = 0; i < COUNT(GOOD); i++) {
        CHECK(ollama_duration_read(str_from(GOOD[i].text), &ms));
        CHECK_INT(ms, GOOD[i].ms);
    }
    for (size_t i = 0; i < COUNT(BAD); i++)
        CHECK(!ollama_duration_read(str_from(BAD[i]), &ms));
}

TEST(a_name_is_read_for_show)
{
    char name[8];
    size_t len;
    struct err err;

    REQUIRE(ollama_name_read(S("{\"name\":\"a:latest\",\"verbose\":true}"), 8, name, &len, &err));
    CHECK_STR(((struct str){name, len}), "a");
    CHECK(!ollama_name_read(S("{\"model\":\"123456789\"}"), 8, name, &len, &err));
    CHECK_TEXT(err.code, "out_of_range");
    CHECK(!ollama_name_read(S("{}"), 8, name, &len, &err));
    CHECK_TEXT(err.code, "missing_field");
}

static const struct ollama_model MODEL = {
    .name = {"tiny", 4},
    .sha256 = {"abc", 3},
    .architecture = {"llama", 5},
    .parameters = {"7.6B", 4},
    .quantisation = {"Q4_K_M", 6},
    .modified_ms = 1795241211123,
    .bytes = 100,
    .context_max = 8192,
    .parameter_count = 7600000000,
    .tools = true,
    .vram_bytes = 90,
    .context = 4096,
    .expires_ms = -1,
};

#define DETAILS                                                                                    \
    "\"details\":{\"parent_model\":\"\",\"format\":\"gguf\",\"family\":\"llama\",\"families\":["   \
    "\"llama\"],\"parameter_size\":\"7.6B\",\"quantization_level\":\"Q4_K_M\"}"

TEST(the_catalogue_is_told)
{
    scoped(buf_done) struct buf out = buf_of(4096);

    ollama_tags_write(&MODEL, 0, &out);
    CHECK_STR(buf_str(&out), "{\"models\":[]}");
    buf_clear(&out);
    ollama_tags_write(&MODEL, 1, &out);
    CHECK_STR(buf_str(&out),
        "{\"models\":[{\"name\":\"tiny\",\"model\":\"tiny\",\"modified_at\":"
        "\"2026-11-21T06:06:51.123Z\",\"size\":100,\"digest\":\"abc\"," DETAILS "}]}");
    buf_clear(&out);
    ollama_ps_write(&MODEL, 1, &out);
    CHECK_STR(buf_str(&out),
        "{\"models\":[{\"name\":\"tiny\",\"model\":\"tiny\",\"size\":100,"
        "\"digest\":\"abc\"," DETAILS ",\"expires_at\":"
        "\"9999-12-31T23:59:59.999Z\",\"size_vram\":90,\"context_length\":4096}]}");
    buf_clear(&out);
    ollama_show_write(&MODEL, &out);
    CHECK_STR(buf_str(&out),
        "{\"modelfile\":\"\",\"parameters\":\"\",\"template\":\"\"," DETAILS
        ",\"model_info\":{\"general.architecture\":\"llama\","
        "\"general.parameter_count\":7600000000,\"llama.context_length\":8192},"
        "\"capabilities\":[\"completion\",\"tools\"],"
        "\"modified_at\":\"2026-11-21T06:06:51.123Z\"}");
    buf_clear(&out);
    ollama_version_write(&out);
    CHECK_STR(buf_str(&out), "{\"version\":\"" OLLAMA_VERSION "\"}");
    buf_clear(&out);
    ollama_time_write(0, &out);
    CHECK_STR(buf_str(&out), "1970-01-01T00:00:00.000Z");
    CHECK_INT(out.len, OLLAMA_TIME_BYTES);
}

TAP_MAIN
