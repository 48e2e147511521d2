/* SPDX-License-Identifier: Apache-2.0 */
#include "openai/openai_ground.h"

#include "base/scoped.h"
#include "tap.h"

static json_t *value(const char *text)
{
    json_error_t why;
    json_t *read = json_loads(text, 0, &why);
    if (!read)
        printf("# %s: %s\n", text, why.text);
    return read;
}

#define FACTS                                                                                      \
    "[{\"id\":\"tower.temperature_cpu\",\"words\":\"61.5 "                                         \
    "C\"},{\"id\":\"nas.disk\",\"words\":\"93 %\"}]"

TEST(texts_of_the_user_are_taken_also_out_of_parts)
{
    scoped(json_done) json_t *body = value("{\"messages\":[{\"role\":\"system\",\"content\":\"s\"},"
                                           "{\"role\":\"user\",\"content\":\"one\"},"
                                           "{\"role\":\"assistant\",\"content\":\"a\"},{\"role\":"
                                           "\"user\",\"content\":[{\"type\":\"text\","
                                           "\"text\":\"two\"},{\"type\":\"image_url\",\"image_"
                                           "url\":{\"url\":\"data:\"}}]},{\"role\":\"user\"},3]}");
    scoped(json_done) json_t *texts = openai_ground_texts(body);
    REQUIRE(json_array_size(texts) == 2);
    CHECK_STR(str_from(json_string_value(json_array_get(texts, 0))), "one");
    CHECK_STR(str_from(json_string_value(json_array_get(texts, 1))), "two");
}

TEST(only_the_newest_texts_are_looked_at_and_long_ones_are_cut_at_a_character)
{
    scoped(json_done) json_t *messages = json_array();
    static char text[OPENAI_GROUND_TEXT_BYTES_MAX + 3];
    for (size_t i = 0; i + 1 < sizeof text; i++)
        text[i] = "\xc3\xa9"[(i + 1) % 2];
    text[0] = 'x';
    text[sizeof text - 2] = 'y';
    for (int i = 0; i < OPENAI_GROUND_TEXTS_MAX + 3; i++)
        json_array_append_new(messages, json_pack("{s:s, s:s}", "role", "user", "content",
                                            i == OPENAI_GROUND_TEXTS_MAX + 2 ? text : "n"));
    scoped(json_done) json_t *body = json_pack("{s:O}", "messages", messages);
    scoped(json_done) json_t *texts = openai_ground_texts(body);
    CHECK(json_array_size(texts) == OPENAI_GROUND_TEXTS_MAX);
    size_t len = json_string_length(json_array_get(texts, OPENAI_GROUND_TEXTS_MAX - 1));
    CHECK(len <= OPENAI_GROUND_TEXT_BYTES_MAX && len > OPENAI_GROUND_TEXT_BYTES_MAX - 4);
}

TEST(a_body_of_very_many_values_is_not_read_and_a_long_text_is)
{
    scoped(buf_done) struct buf many = buf_of(1 << 20), text = buf_of(1 << 20);
    struct err err = {0};
    buf_add(&many, S("{\"choices\":[{\"message\":{\"content\":\"x\"}}],\"x\":["));
    buf_add(&text, S("[\"\\\","));
    for (int i = 0; i < OPENAI_GROUND_VALUES_MAX / 2; i++) {
        buf_add(&many, S("[],"));
        buf_add(&text, S("[{,:"));
    }
    buf_add(&many, S("0]}"));
    buf_add(&text, S("\"]"));
    CHECK(openai_ground_fits(buf_str(&text)));
    CHECK(!openai_ground_fits(buf_str(&many)));
    scoped(buf_done) struct buf out = buf_of(1 << 20);
    scoped(json_done) json_t *facts = json_array();
    CHECK(!openai_ground_reply(buf_str(&many), S(""), facts, facts, &out, &err));
}

TEST(the_request_goes_on_with_one_message_more_and_without_our_words)
{
    scoped(buf_done) struct buf out = buf_of(4096);
    scoped(json_done) json_t *body =
        value("{\"model\":\"house/"
              "qwen\",\"grounding\":true,\"temperature\":0.5,\"messages\":[{\"role\":\"user\","
              "\"content\":\"hi\"}]}");
    REQUIRE(openai_ground_request(body, S("facts: \"\n"), &out));
    CHECK_STR(buf_str(&out), "{\"model\":\"qwen\",\"temperature\":0.5,\"messages\":[{\"role\":"
                             "\"system\",\"content\":\"facts: "
                             "\\\"\\n\"},{\"role\":\"user\",\"content\":\"hi\"}]}");
    CHECK(json_array_size(json_object_get(body, "messages")) == 1); /* the caller's is as it was */
    struct buf small = buf_of(10);
    CHECK(!openai_ground_request(body, S("x"), &small));
    buf_done(&small);
    buf_clear(&out);
    CHECK(!openai_ground_request(body, S("\xff"), &out)); /* never on without the facts */
    scoped(json_done) json_t *none = value("{\"model\":\"m\",\"messages\":{}}");
    CHECK(!openai_ground_request(none, S("x"), &out));
}

TEST(only_what_stands_in_brackets_is_cited)
{
    scoped(json_done) json_t *facts = value(FACTS);
    scoped(json_done) json_t *cited =
        openai_ground_cited(facts, S("It is 61.5 [tower.temperature_cpu]; nas.disk is full."));
    REQUIRE(json_array_size(cited) == 1);
    CHECK_STR(str_from(json_string_value(json_array_get(cited, 0))), "tower.temperature_cpu");
}

TEST(our_sentence_stands_before_the_engines_words)
{
    scoped(buf_done) struct buf out = buf_of(4096);
    scoped(json_done) json_t *facts = value(FACTS);
    scoped(json_done) json_t *unknown =
        value("[{\"kind\":\"node\",\"name\":\"zeus\",\"words\":\"no\"}]");
    struct err err = {0};
    REQUIRE(openai_ground_reply(
        S("{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"x [nas.disk]\"}}]}"),
        S("There is no zeus.\n\n"), facts, unknown, &out, &err));
    scoped(json_done) json_t *reply = value(buf_text(&out));
    CHECK_STR(str_from(json_string_value(json_object_get(
                  json_object_get(json_array_get(json_object_get(reply, "choices"), 0), "message"),
                  "content"))),
        "There is no zeus.\n\nx [nas.disk]");
    const json_t *told = json_object_get(reply, "grounding");
    CHECK(json_array_size(json_object_get(told, "facts")) == 2);
    CHECK(json_array_size(json_object_get(told, "cited")) == 1);
    CHECK(json_array_size(json_object_get(told, "unknown")) == 1);
}

TEST(what_is_no_reply_is_an_error_of_the_engine)
{
    scoped(json_done) json_t *facts = value(FACTS);
    const char *const bad[] = {
        "", "<html>", "{}", "{\"choices\":[]}", "{\"choices\":[{\"message\":1}]}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        scoped(buf_done) struct buf out = buf_of(4096);
        struct err err = {0};
        CHECK(!openai_ground_reply(str_from(bad[i]), S(""), facts, facts, &out, &err));
        CHECK_STR(str_from(err.code), "engine_failed");
    }
}

TEST(frames_are_listened_to_and_done_is_found)
{
    scoped(buf_done) struct buf content = buf_of(100);
    const struct str frames =
        S("data: {\"choices\":[{\"delta\":{\"content\":\"a [nas\"}}]}\n\n"
          "event: x\ndata: {\"choices\":[{\"delta\":{\"content\":\".disk]\"}}]}\n\n"
          "data: junk\n\ndata: [DONE]\n\n");
    size_t done;
    openai_ground_listen(frames, &content, &done);
    CHECK_STR(buf_str(&content), "a [nas.disk]");
    CHECK(done == frames.len - sizeof "data: [DONE]\n\n" + 1);
    openai_ground_listen(S("data: {}\n\n"), &content, &done);
    CHECK(done == sizeof "data: {}\n\n" - 1);
}

TEST(done_is_an_event_as_the_stream_reads_it_and_no_line)
{
    scoped(buf_done) struct buf content = buf_of(100);
    const struct str within = S("data: {\"choices\":[{\"delta\":\ndata: "
                                "{\"content\":\"a\"}}]}\n\ndata: x\ndata: [DONE]\n\n");
    size_t done;
    openai_ground_listen(within, &content, &done);
    CHECK(done == within.len); /* a line of an event that is something else */
    CHECK_STR(buf_str(&content), "a");
    openai_ground_listen(S("data: {}\n\nevent: end\r\ndata: [DONE] \r\n\r\n"), &content, &done);
    CHECK(done == sizeof "data: {}\n\n" - 1); /* our frame is none of that event */
    openai_ground_listen(S("data:[DONE]"), &content, &done);
    CHECK(done == 0);
}

TEST(our_frames_are_chunks)
{
    scoped(buf_done) struct buf out = buf_of(4096);
    scoped(json_done) json_t *told = value("{\"facts\":[]}");
    openai_ground_first(S("m"), S("There is \"no\" zeus.\n"), &out);
    CHECK(str_starts(buf_str(&out), S("data: {")) && str_ends(buf_str(&out), S("}\n\n")));
    buf_clear(&out);
    openai_ground_last(S("m"), told, &out);
    CHECK(memmem(out.at, out.len, "\"choices\":[],\"grounding\":{\"facts\":[]}", 37) != NULL);
}

TAP_MAIN
