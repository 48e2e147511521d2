/* SPDX-License-Identifier: Apache-2.0 */
#include "base/scoped.h"
#include "openai/openai_reply.h"
#include "openai/openai_request.h"
#include "tap.h"
#include "json/json_read.h"

#define CHAT "\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]"

static bool scan(enum openai_route route, const char *body, struct openai_request *ret)
{
    struct err err;

    return openai_request_scan(route, str_from(body), ret, &err);
}

/* The code of the refusal, "" for none; param behind a blank. */
static struct str refusal(enum openai_route route, struct str body)
{
    static char text[ERR_CODE_BYTES_MAX + ERR_PARAM_BYTES_MAX + 2];
    struct openai_request request;
    struct err err;

    if (openai_request_scan(route, body, &request, &err))
        return S("");
    snprintf(text, sizeof text, "%s %s", err.code, err.param);
    return str_from(text);
}

static struct str forwarded(const char *body, struct str model)
{
    static char text[1024];
    struct openai_request request;
    struct openai_parts parts;
    size_t len = 0;

    if (!scan(OPENAI_CHAT, body, &request))
        return S("refused");
    openai_request_forward(&request, model, &parts);
    for (size_t i = 0; i < parts.count; i++) {
        memcpy(text + len, parts.part[i].at, parts.part[i].len);
        len += parts.part[i].len;
    }
    if (len != parts.bytes)
        return S("wrong count of bytes");
    return (struct str){text, len};
}

TEST(the_members_of_a_request_are_found)
{
    struct openai_request r;

    REQUIRE(scan(OPENAI_CHAT,
        " {\"temperature\":0.5,\"mod\\u0065l\":\"org\\/m\\u00fc\",\"stream\":true,\"n\":2,"
        "\"user\":\"a@b\",\"stream_options\":{\"x\":[1],\"include_usage\":true},\"max_tokens\":5,"
        "\"max_completion_tokens\":9,\"tools\":[{\"type\":\"function\"}],"
        "\"messages\":[{\"role\":\"user\",\"content\":\"hello\"},{\"content\":null}]} ",
        &r));
    CHECK_STR(openai_request_model(&r), "org/m\xc3\xbc");
    CHECK_STR(openai_request_user(&r), "a@b");
    CHECK(r.stream && r.include_usage && r.tools);
    CHECK_INT(r.choices, 2);
    CHECK_INT(r.max_tokens, 9);
    CHECK_INT(r.inputs, 2);
    /* user 1, hello 2, two messages 4 each; tools: {"type":"function"}] is 20 bytes */
    CHECK_INT(r.prompt_tokens, 1 + 2 + 8 + 5);
    REQUIRE(scan(OPENAI_CHAT, "{" CHAT "}", &r));
    CHECK(!r.stream && !r.include_usage && !r.tools && !r.user_len);
    CHECK_INT(r.choices, 1);
    CHECK_INT(r.max_tokens, -1);
    REQUIRE(scan(OPENAI_CHAT,
        "{\"stream\":null,\"stream_options\":null,\"n\":null,\"user\":null,"
        "\"tools\":null,\"functions\":[],\"max_tokens\":null," CHAT "}",
        &r));
    CHECK(!r.stream && !r.include_usage && !r.tools);
    CHECK_INT(r.max_tokens, -1);
}

TEST(a_prompt_is_measured)
{
    struct openai_request r;

    REQUIRE(scan(OPENAI_COMPLETIONS, "{\"model\":\"m\",\"prompt\":\"123456789\"}", &r));
    CHECK_INT(r.prompt_tokens, 3);
    CHECK_INT(r.inputs, 1);
    REQUIRE(scan(OPENAI_EMBEDDINGS, "{\"model\":\"m\",\"input\":[\"one\",\"two\"]}", &r));
    CHECK_INT(r.prompt_tokens, 2);
    CHECK_INT(r.inputs, 2);
    REQUIRE(scan(OPENAI_EMBEDDINGS, "{\"model\":\"m\",\"input\":[1,2,3]}", &r));
    CHECK_INT(r.prompt_tokens, 3);
    CHECK_INT(r.inputs, 1);
    REQUIRE(scan(OPENAI_COMPLETIONS, "{\"model\":\"m\",\"prompt\":[[1,2],[3]]}", &r));
    CHECK_INT(r.prompt_tokens, 3);
    CHECK_INT(r.inputs, 2);
    REQUIRE(scan(OPENAI_CHAT,
        "{\"model\":\"m\",\"messages\":[{\"content\":[{\"image_url\":{\"url\":\"data:"
        "aaaaaaaaaaaa\"}},"
        "{\"input_audio\":{\"data\":\"bbbb\"}},{\"image_url\":{\"url\":\"http\"}}]}]}",
        &r));
    CHECK_INT(r.prompt_tokens, 4 + 2 * OPENAI_TOKENS_PER_MEDIA + 1);
    /* what another route knows is unknown here */
    REQUIRE(scan(OPENAI_EMBEDDINGS,
        "{\"model\":\"m\",\"input\":\"x\",\"stream\":7,\"messages\":0,\"n\":\"\"}", &r));
    CHECK(!r.stream);
}

TEST(what_is_wrong_is_refused_by_name)
{
    CHECK_STR(refusal(OPENAI_CHAT, S("")), "bad_json ");
    CHECK_STR(refusal(OPENAI_CHAT, S("[]")), "bad_type ");
    CHECK_STR(refusal(OPENAI_CHAT, S("{" CHAT "}x")), "bad_json ");
    CHECK_STR(refusal(OPENAI_CHAT, S("{" CHAT ",}")), "bad_json ");
    CHECK_STR(refusal(OPENAI_CHAT, S("{" CHAT ",\"x\":\"\xff\"}")), "bad_json x");
    CHECK_STR(refusal(OPENAI_CHAT, S("{" CHAT ",\"x\":\"\\u0000\"}")), "bad_json x");
    CHECK_STR(refusal(OPENAI_CHAT, S("{" CHAT ",\"x\":\"\\ud800\"}")), "bad_json x");
    CHECK_STR(refusal(OPENAI_CHAT, S("{" CHAT ",\"x\":01}")), "bad_json x");
    CHECK_STR(refusal(OPENAI_CHAT, S("{" CHAT ",\"model\":\"n\"}")), "duplicate_key model");
    CHECK_STR(refusal(OPENAI_CHAT, S("{" CHAT ",\"m\\u006fdel\":\"n\"}")), "duplicate_key model");
    CHECK_STR(
        refusal(OPENAI_CHAT, S("{" CHAT ",\"x\":{\"a\":[],\"\\u0061\":1}}")), "duplicate_key x");
    CHECK_STR(refusal(OPENAI_CHAT, S("{" CHAT ",\"x\":{\"a key of more than eight bytes\":0,"
                                     "\"a key of\\u0020more than eight byt\\u0065s\":1}}")),
        "duplicate_key x");
    CHECK_STR(refusal(OPENAI_CHAT, S("{" CHAT ",\"x\":{\"\\u00e4\\ud83d\\ude00456789\":0,"
                                     "\"\xc3\xa4\xf0\x9f\x98\x80" "456789\":1}}")),
        "duplicate_key x");
    CHECK_STR(refusal(OPENAI_CHAT, S("{" CHAT ",\"stream_options\":{\"include_usage\":true,"
                                     "\"include_usage\":false}}")),
        "duplicate_key stream_options");
    CHECK_STR(refusal(OPENAI_CHAT, S("{" CHAT ",\"stream\":\"true\"}")), "bad_type stream");
    CHECK_STR(
        refusal(OPENAI_CHAT, S("{" CHAT ",\"stream_options\":[]}")), "bad_type stream_options");
    CHECK_STR(refusal(OPENAI_CHAT, S("{" CHAT ",\"stream_options\":{\"include_usage\":1}}")),
        "bad_type stream_options.include_usage");
    CHECK_STR(refusal(OPENAI_CHAT, S("{" CHAT ",\"max_tokens\":1.5}")), "bad_type max_tokens");
    CHECK_STR(refusal(OPENAI_CHAT, S("{" CHAT ",\"max_tokens\":-2}")), "out_of_range max_tokens");
    CHECK_STR(refusal(OPENAI_CHAT, S("{" CHAT ",\"max_completion_tokens\":2147483648}")),
        "out_of_range max_completion_tokens");
    CHECK_STR(refusal(OPENAI_CHAT, S("{" CHAT ",\"n\":0}")), "out_of_range n");
    CHECK_STR(refusal(OPENAI_CHAT, S("{" CHAT ",\"n\":129}")), "out_of_range n");
    CHECK_STR(refusal(OPENAI_CHAT, S("{" CHAT ",\"tools\":{}}")), "bad_type tools");
    CHECK_STR(refusal(OPENAI_CHAT, S("{" CHAT ",\"user\":5}")), "bad_type user");
    CHECK_STR(refusal(OPENAI_CHAT, S("{\"model\":\"m\"}")), "missing_field messages");
    CHECK_STR(
        refusal(OPENAI_CHAT, S("{\"model\":\"m\",\"messages\":[]}")), "missing_field messages");
    CHECK_STR(
        refusal(OPENAI_CHAT, S("{\"model\":\"m\",\"messages\":[\"x\"]}")), "bad_type messages");
    CHECK_STR(refusal(OPENAI_CHAT, S("{\"messages\":[{}]}")), "missing_field model");
    CHECK_STR(refusal(OPENAI_CHAT, S("{\"model\":null,\"messages\":[{}]}")), "bad_type model");
    CHECK_STR(refusal(OPENAI_CHAT, S("{\"model\":\"\",\"messages\":[{}]}")), "out_of_range model");
    CHECK_STR(
        refusal(OPENAI_CHAT, S("{\"model\":\"a\\nb\",\"messages\":[{}]}")), "out_of_range model");
    CHECK_STR(refusal(OPENAI_EMBEDDINGS, S("{\"model\":\"m\",\"input\":5}")), "bad_type input");
    CHECK_STR(refusal(OPENAI_COMPLETIONS, S("{\"model\":\"m\",\"prompt\":null}")),
        "missing_field prompt");
}

/* {CHAT,"x": then `head` `count` times, `middle`, `tail` `count` times, } */
static struct str nested(
    struct buf *out, const char *head, const char *middle, const char *tail, size_t count)
{
    buf_clear(out);
    buf_add(out, S("{" CHAT ",\"x\":"));
    for (size_t i = 0; i < count; i++)
        buf_add(out, str_from(head));
    buf_add(out, str_from(middle));
    for (size_t i = 0; i < count; i++)
        buf_add(out, str_from(tail));
    buf_add_char(out, '}');
    return buf_str(out);
}

TEST(every_limit_is_met_and_passed)
{
    scoped(buf_done) struct buf out = buf_of(1 << 20);

    CHECK_STR(refusal(OPENAI_CHAT, nested(&out, "[", "", "]", OPENAI_DEPTH_MAX - 1)), "");
    CHECK_STR(refusal(OPENAI_CHAT, nested(&out, "[", "", "]", OPENAI_DEPTH_MAX)), "too_deep x");
    for (size_t more = 0; more < 2; more++) {
        buf_clear(&out);
        buf_add(&out, S("{" CHAT ",\"x\":{\"k\":0")); /* with the three outside: four */
        for (size_t i = 4; i < OPENAI_MEMBERS_MAX + more; i++)
            buf_printf(&out, ",\"k%zu\":0", i);
        buf_add(&out, S("}}"));
        CHECK_STR(refusal(OPENAI_CHAT, buf_str(&out)), more ? "too_many_members x" : "");
    }
    for (size_t more = 0; more < 2; more++) {
        buf_clear(&out);
        buf_add(&out, S("{\"messages\":[{}],\"model\":\""));
        for (size_t i = 0; i < OPENAI_MODEL_BYTES_MAX + more; i++)
            buf_add_char(&out, 'm');
        buf_add(&out, S("\",\"user\":\""));
        for (size_t i = 0; i < OPENAI_USER_BYTES_MAX; i++)
            buf_add_char(&out, 'u');
        buf_add(&out, S("\"}"));
        CHECK_STR(refusal(OPENAI_CHAT, buf_str(&out)), more ? "out_of_range model" : "");
    }
    scoped(buf_done) struct buf user = buf_of(1024);
    buf_add(&user, S("{" CHAT ",\"user\":\""));
    for (size_t i = 0; i <= OPENAI_USER_BYTES_MAX; i++)
        buf_add_char(&user, 'u');
    buf_add(&user, S("\"}"));
    CHECK_STR(refusal(OPENAI_CHAT, buf_str(&user)), "out_of_range user");
    /* a thousand messages, each object with keys of its own, are no limit */
    buf_clear(&out);
    buf_add(&out, S("{\"model\":\"m\",\"messages\":[{\"role\":\"user\"}"));
    for (size_t i = 0; i < 1000; i++)
        buf_add(&out, S(",{\"role\":\"user\",\"content\":\"x\"}"));
    buf_add(&out, S("]}"));
    CHECK_STR(refusal(OPENAI_CHAT, buf_str(&out)), "");
}

TEST(a_text_that_jansson_takes_is_taken_and_only_that)
{
    static const char *const TEXTS[] = {"1", "-1", "-", "0.5", "0.", ".5", "1e5", "1e", "1E+05",
        "tru", "true", "truex", "nul", "\"\\x\"", "\"\\/\"", "\"\\ud83d\\ude00\"", "\"\\ude00\"",
        "\"\\ud83dx\"", "\"a\tb\"", "{\"a\":1 \"b\":2}", "{\"a\" :1 , \"b\":[ ]}", "[1 2]", "[,1]",
        "{a:1}", "{1:1}", "[1,]", "{\"a\"}", "{\"a\":}", "]", "{]", "[}", "\"\xc3\x28\"",
        "\"\xed\xa0\x80\"", "\"\xf0\x9f\x98\x80\"", "\"abcdefg\x01\"", "\"12345678\\\"\"",
        "[[],{},[{}]]", "\"\x7f\"", "\xef\xbb\xbf", "00", "+1", "1.0E-2"};
    scoped(buf_done) struct buf out = buf_of(4096);
    struct err err;

    for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++) {
        struct str text = nested(&out, "", TEXTS[i], "", 0);
        scoped(json_done) json_t *value = NULL;
        bool read = json_read(text, 4096, &value, &err);
        if (read != (refusal(OPENAI_CHAT, text).len == 0))
            printf("# %s\n", TEXTS[i]);
        CHECK(read == (refusal(OPENAI_CHAT, text).len == 0));
    }
}

TEST(what_is_forwarded_is_spliced_and_nothing_else)
{
    CHECK_STR(forwarded("{" CHAT "}", S("")), "{" CHAT "}");
    CHECK_STR(forwarded("{" CHAT "}", S("m")), "{" CHAT "}");
    CHECK_STR(forwarded(" { \"a\":1.0,\"model\" : \"x\", \"messages\":[{}]}\n", S("real")),
        " { \"a\":1.0,\"model\" : \"real\", \"messages\":[{}]}\n");
    CHECK_STR(forwarded(" {\"stream\":true," CHAT "}", S("")),
        " {\"stream_options\":{\"include_usage\":true},\"stream\":true," CHAT "}");
    CHECK_STR(forwarded("{\"stream\":true,\"stream_options\":null," CHAT "}", S("")),
        "{\"stream\":true,\"stream_options\":{\"include_usage\":true}," CHAT "}");
    CHECK_STR(forwarded("{\"stream\":true,\"stream_options\":{ }," CHAT "}", S("")),
        "{\"stream\":true,\"stream_options\":{\"include_usage\":true }," CHAT "}");
    CHECK_STR(forwarded("{\"stream\":true,\"stream_options\":{\"a\":1}," CHAT "}", S("")),
        "{\"stream\":true,\"stream_options\":{\"include_usage\":true,\"a\":1}," CHAT "}");
    CHECK_STR(
        forwarded("{\"stream\":true,\"stream_options\":{\"include_usage\":false}," CHAT "}", S("")),
        "{\"stream\":true,\"stream_options\":{\"include_usage\":true}," CHAT "}");
    CHECK_STR(forwarded("{\"stream\":true,\"messages\":[{}],\"stream_options\":"
                        "{\"include_usage\": null },\"model\":\"m\"}",
                  S("n")),
        "{\"stream\":true,\"messages\":[{}],\"stream_options\":{\"include_usage\": true },"
        "\"model\":\"n\"}");
    CHECK_STR(forwarded("{\"model\":\"m\",\"messages\":[{}],\"stream_options\":"
                        "{\"include_usage\":false},\"stream\":true}",
                  S("longer")),
        "{\"model\":\"longer\",\"messages\":[{}],\"stream_options\":{\"include_usage\":true},"
        "\"stream\":true}");
    CHECK_STR(
        forwarded("{\"stream\":true,\"stream_options\":{\"include_usage\":true}," CHAT "}", S("m")),
        "{\"stream\":true,\"stream_options\":{\"include_usage\":true}," CHAT "}");
    CHECK(openai_is_model(S("a b/c:7")) && !openai_is_model(S("")) && !openai_is_model(S("\n")) &&
          !openai_is_model(S("\xff")));
}

TEST(an_error_has_its_four_members)
{
    scoped(buf_done) struct buf out = buf_of(1024);
    struct openai_error error = {
        .code = OPENAI_MODEL_NOT_FOUND, .message = S("no \"x\"\n"), .param = S("model")};
    enum openai_code code;

    openai_error_write(&error, &out);
    CHECK_STR(buf_str(&out), "{\"error\":{\"message\":\"no \\\"x\\\"\\n\",\"type\":\"not_found_"
                             "error\",\"param\":\"model\",\"code\":\"model_not_found\"}}");
    buf_clear(&out);
    error = (struct openai_error){
        .code = OPENAI_INVALID_REQUEST, .message = S("\xff"), .code_word = S("bad_type")};
    openai_error_write(&error, &out);
    CHECK_STR(buf_str(&out), "{\"error\":{\"message\":\"\",\"type\":\"invalid_request_error\","
                             "\"param\":null,\"code\":\"bad_type\"}}");
    buf_clear(&out);
    error = (struct openai_error){
        .code = OPENAI_UPSTREAM_ENDED, .message = S("gone"), .retry_after_ms = 500};
    openai_error_frame(&error, &out);
    CHECK_STR(buf_str(&out), "event: error\ndata: {\"error\":{\"message\":\"gone\",\"type\":"
                             "\"server_error\",\"param\":null,\"code\":\"upstream_ended\","
                             "\"retriable\":true,\"retry_after_ms\":500}}\n\n");
    CHECK(openai_code_from(S("queue_full"), &code) && code == OPENAI_QUEUE_FULL);
    CHECK(!openai_code_from(S("queue"), &code));
    CHECK_INT(openai_code_status(OPENAI_INVALID_API_KEY), 401);
    CHECK_STR(openai_code_type(OPENAI_RATE_LIMIT_EXCEEDED), "rate_limit_error");
    CHECK(openai_code_heals(OPENAI_WAIT_TOO_LONG) && !openai_code_heals(OPENAI_MODEL_NOT_FOUND));
    for (size_t i = 0; i < OPENAI_CODE_COUNT; i++)
        CHECK(openai_code_from(openai_code_word((enum openai_code)i), &code) && code == i);
}

static struct str beat(struct buf *out, enum openai_route route, struct str word, int64_t eta_ms)
{
    struct openai_beat beat = {.route = route,
        .stage = S("load\ning"),
        .eta_ms = eta_ms,
        .id = S("r1"),
        .model = S("m"),
        .created_s = 7};

    buf_clear(out);
    if (!openai_dialect_from(word, &beat.dialect))
        return S("no such dialect");
    if (!str_eq(openai_dialect_word(beat.dialect), word))
        return S("another word");
    openai_beat_write(&beat, out);
    return buf_str(out);
}

TEST(a_keep_alive_speaks_the_dialect)
{
    scoped(buf_done) struct buf out = buf_of(1024);

    CHECK_STR(beat(&out, OPENAI_CHAT, S("comment"), 11001), ": keep-alive loading eta=12s\n");
    CHECK_STR(beat(&out, OPENAI_CHAT, S("comment"), -1), ": keep-alive loading\n");
    CHECK_STR(beat(&out, OPENAI_CHAT, S("chunk"), 0),
        "data: {\"id\":\"r1\",\"object\":\"chat.completion.chunk\",\"created\":7,\"model\":\"m\","
        "\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":null}]}\n\n");
    CHECK_STR(beat(&out, OPENAI_CHAT, S("reasoning"), 5000),
        "data: {\"id\":\"r1\",\"object\":\"chat.completion.chunk\",\"created\":7,\"model\":\"m\","
        "\"choices\":[{\"index\":0,\"delta\":{\"reasoning_content\":\"[loading, 5 s]\\n\"},"
        "\"finish_reason\":null}]}\n\n");
    CHECK_STR(beat(&out, OPENAI_COMPLETIONS, S("reasoning"), 5000),
        "data: {\"id\":\"r1\",\"object\":\"text_completion\",\"created\":7,\"model\":\"m\","
        "\"choices\":[{\"index\":0,\"text\":\"\",\"logprobs\":null,\"finish_reason\":null}]}\n\n");
    CHECK_STR(beat(&out, OPENAI_CHAT, S("off"), 1), "");
    CHECK_STR(beat(&out, OPENAI_CHAT, S("loud"), 1), "no such dialect");
}

TEST(models_are_listed)
{
    scoped(buf_done) struct buf out = buf_of(4096);
    scoped(json_done) json_t *value = NULL;
    struct err err;
    struct openai_model models[] = {
        {S("a\"b"), 5, 8192, 100, S("loaded"), false},
        {S("e"), 0, 0, 0, S("unloaded"), true},
    };

    openai_models_write(models, 0, &out);
    CHECK_STR(buf_str(&out), "{\"object\":\"list\",\"data\":[]}");
    buf_clear(&out);
    openai_models_write(models, 2, &out);
    CHECK_STR(buf_str(&out),
        "{\"object\":\"list\",\"data\":[{\"id\":\"a\\\"b\",\"object\":\"model\",\"created\":5,"
        "\"owned_by\":\"logic-node\",\"status\":{\"value\":\"loaded\"},\"meta\":{\"n_ctx_train\":"
        "8192,\"size\":100},\"context_length\":8192,\"embedding\":false},{\"id\":\"e\",\"object\":"
        "\"model\",\"created\":0,\"owned_by\":\"logic-node\",\"status\":{\"value\":\"unloaded\"},"
        "\"meta\":{},\"embedding\":true}]}");
    CHECK(json_read(buf_str(&out), 4096, &value, &err));
}

TAP_MAIN
