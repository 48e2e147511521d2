/* SPDX-License-Identifier: Apache-2.0
 * The frames are llama-server's own (b9465), recorded. */
#include "base/scoped.h"
#include "openai/openai_stream.h"
#include "tap.h"

#define HEAD "\"created\":1780390177,\"id\":\"chatcmpl-x\",\"model\":\"tiny\""
#define ROLE                                                                                       \
    "data: {\"choices\":[{\"finish_reason\":null,\"index\":0,\"delta\":{\"role\":\"assistant\","   \
    "\"content\":null}}]," HEAD ",\"object\":\"chat.completion.chunk\"}\n\n"
#define WORD                                                                                       \
    "data: {\"choices\":[{\"finish_reason\":null,\"index\":0,\"delta\":{\"content\":\"say "        \
    "\\\"usage\\\": or \\\"error\\\"\"}}]," HEAD ",\"object\":\"chat.completion.chunk\"}\n\n"
#define TOOL                                                                                       \
    "data: {\"choices\":[{\"finish_reason\":null,\"index\":0,\"delta\":{\"tool_calls\":[{"         \
    "\"index\":0,\"function\":{\"arguments\":\"{\\\"a\\\":\"}}]}}]," HEAD "}\n\n"
#define LAST                                                                                       \
    "data: {\"choices\":[{\"finish_reason\":\"stop\",\"index\":0,\"delta\":{}}]," HEAD             \
    ",\"object\":\"chat.completion.chunk\"}\n\n"
#define USAGE                                                                                      \
    "data: {\"choices\":[]," HEAD ",\"object\":\"chat.completion.chunk\",\"usage\":{"              \
    "\"completion_tokens\":16,\"prompt_tokens\":25,\"total_tokens\":41,"                           \
    "\"prompt_tokens_details\":{\"cached_tokens\":7}},\"timings\":{\"cache_n\":7}}\n\n"
#define DONE "data: [DONE]\n\n"
#define FAILED "data: {\"error\":{\"code\":500,\"message\":\"out \\u00e4h\",\"type\":\"x\"}}\n\n"

struct seen {
    struct openai_stream stream;
    struct buf out;
    struct err err;
    bool good;
};

static void seen_done(struct seen *seen)
{
    openai_stream_done(&seen->stream);
    buf_done(&seen->out);
}

/* Everything in pieces of `step` bytes, each in memory of its own so that sanitizers see a step
 * too far. */
static struct seen play(struct str bytes, size_t step, bool keep_usage, size_t max)
{
    struct seen seen = {.out = buf_of(1 << 22), .good = true};
    struct str frames;

    openai_stream_init(&seen.stream, keep_usage, max);
    for (size_t at = 0; at < bytes.len && seen.good; at += step) {
        size_t len = bytes.len - at < step ? bytes.len - at : step, used;
        scoped(free_done) char *piece = malloc(len);
        memcpy(piece, bytes.at + at, len);
        for (size_t taken = 0; taken < len && seen.good; taken += used) {
            seen.good = openai_stream_read(
                &seen.stream, (struct str){piece + taken, len - taken}, &used, &frames, &seen.err);
            if (seen.good && (used == 0 || used > len - taken))
                seen.good = false;
            if (seen.good)
                buf_add(&seen.out, frames);
        }
    }
    if (seen.good) {
        openai_stream_end(&seen.stream, &frames);
        buf_add(&seen.out, frames);
    }
    return seen;
}

static void check_all_splits(const char *file_line, struct str bytes, bool keep, const char *want)
{
    for (size_t step = 1; step <= bytes.len; step++) {
        scoped(seen_done) struct seen seen = play(bytes, step, keep, 1 << 16);
        if (!seen.good || !str_eq(buf_str(&seen.out), str_from(want))) {
            printf("# %s: in steps of %zu\n", file_line, step);
            CHECK_STR(buf_str(&seen.out), want);
            CHECK(seen.good);
            return;
        }
    }
}

#define ALL_SPLITS(bytes, keep, want) check_all_splits(__func__, S(bytes), keep, want)

TEST(frames_pass_byte_by_byte_whatever_the_split)
{
    ALL_SPLITS(ROLE WORD TOOL LAST USAGE DONE, true, ROLE WORD TOOL LAST USAGE DONE);
    ALL_SPLITS(ROLE WORD TOOL LAST USAGE DONE, false, ROLE WORD TOOL LAST DONE);
    ALL_SPLITS("data: {}\r\n\r\nevent: x\r\ndata:1\r\n\r\n" DONE, false,
        "data: {}\r\n\r\nevent: x\r\ndata:1\r\n\r\n" DONE);
}

TEST(what_a_client_could_stumble_over_is_dropped)
{
    ALL_SPLITS(": ping\n\n" ROLE ":\n\n:\n" WORD "id: 7\n\nretry: 5\n\n" LAST DONE, false,
        ROLE WORD LAST DONE);
    ALL_SPLITS("id: 1\ndata: a\n: c\ndata: b\nid: 2\n\n" DONE, false, "data: a\ndata: b\n\n" DONE);
    ALL_SPLITS("data:\n\ndata: \n\ndata\n\nevent: a\n\n\n\n<html>\n\n" DONE, false, DONE);
    ALL_SPLITS(ROLE DONE WORD "data: {\"error\":1}\n\n", false, ROLE DONE);
    ALL_SPLITS(ROLE USAGE ": x\n" WORD USAGE DONE, false, ROLE WORD DONE);
}

TEST(usage_is_read_and_counted)
{
    scoped(seen_done) struct seen seen = play(S(ROLE WORD WORD LAST USAGE DONE), 100, false, 4096);

    CHECK(seen.stream.done && seen.stream.passed && !seen.stream.failed);
    CHECK_INT(seen.stream.chunks, 4);
    CHECK(seen.stream.usage.known);
    CHECK_INT(seen.stream.usage.prompt_tokens, 25);
    CHECK_INT(seen.stream.usage.cached_tokens, 7);
    CHECK_INT(seen.stream.usage.completion_tokens, 16);
    CHECK_INT(openai_stream_tokens(&seen.stream), 16);

    scoped(seen_done) struct seen cut = play(S(ROLE WORD WORD "data: {\"cho"), 1000, false, 4096);
    CHECK(!cut.stream.done && !cut.stream.usage.known);
    CHECK_INT(openai_stream_tokens(&cut.stream), 2);
    CHECK_INT(openai_stream_held(&cut.stream), 0);

    /* numbers beside choices are read, and the chunk passes; null is none */
    ALL_SPLITS("data: {\"choices\":[{}],\"usage\":{\"completion_tokens\":3}}\n\n", false,
        "data: {\"choices\":[{}],\"usage\":{\"completion_tokens\":3}}\n\n");
    ALL_SPLITS("data: {\"choices\":[],\"usage\":null}\n\n", false,
        "data: {\"choices\":[],\"usage\":null}\n\n");
    ALL_SPLITS("data: {\"choices\":[],\"usage\":{}}x\n\n", false,
        "data: {\"choices\":[],\"usage\":{}}x\n\n");
    ALL_SPLITS("data: {\"choices\":[],\ndata: \"usage\":{}}\n\n", false, "");
}

TEST(an_error_of_the_engine_is_seen_and_held_back)
{
    for (size_t step = 1; step < 400; step++) {
        scoped(seen_done) struct seen seen = play(S(ROLE FAILED DONE), step, false, 4096);
        CHECK_STR(buf_str(&seen.out), ROLE);
        CHECK(seen.good && seen.stream.failed && !seen.stream.done && seen.stream.passed);
        CHECK_STR(((struct str){seen.stream.failure, seen.stream.failure_len}), "out \xc3\xa4h");
    }
    static const struct {
        const char *bytes, *failure;
    } OTHERS[] = {
        {"data: {\"error\":\"text\"}\n\n", "text"},
        {"event: error\ndata: {\"message\":\"m\"}\n\n", "m"},
        {"event: error\n\n", ""},
        {"event: error\ndata: <p>\n\n", ""},
        {"error: {\"message\":\"old\"}\n\n", "old"},
        {"data: {\"error\":{\"message\":5}}\n\n", ""},
        {"data: {\"error\":{\"message\":\"at the end\"}}", "at the end"},
        {"data: {\"error\":true}\n\n", ""},
    };
    for (size_t i = 0; i < COUNT(OTHERS); i++) {
        scoped(seen_done) struct seen seen = play(str_from(OTHERS[i].bytes), 7, false, 4096);
        CHECK(seen.stream.failed);
        CHECK_STR(((struct str){seen.stream.failure, seen.stream.failure_len}), OTHERS[i].failure);
        CHECK_STR(buf_str(&seen.out), "");
    }
    scoped(seen_done) struct seen none = play(S("data: {\"error\":null}\n\n"), 7, false, 4096);
    CHECK(!none.stream.failed && none.out.len);
}

TEST(an_end_without_done_is_no_end)
{
    static const char *const CUT[] = {ROLE, ROLE "data: {\"ch", ROLE "data: {}\n", ROLE "data: [DO",
        ROLE ": [DONE]\n\n", "", "data: x [DONE]\n\n"};

    for (size_t i = 0; i < COUNT(CUT); i++) {
        scoped(seen_done) struct seen seen = play(str_from(CUT[i]), 50, false, 4096);
        CHECK(seen.good && !seen.stream.done);
    }
    ALL_SPLITS(ROLE "data: [DONE]", false, ROLE DONE);
    ALL_SPLITS(ROLE "data: [DONE]\n", false, ROLE DONE);
    ALL_SPLITS(ROLE "data: [DONE]\r\n", false, ROLE "data: [DONE]\r\n\n");
    ALL_SPLITS(ROLE "data: [DONE]\n\r", false, ROLE "data: [DONE]\n\r\n");
    scoped(seen_done) struct seen seen = play(S(ROLE "data: [DONE]"), 50, false, 4096);
    CHECK(seen.stream.done);
}

TEST(a_line_without_end_is_refused)
{
    scoped(buf_done) struct buf line = buf_of(11 << 20);

    buf_add(&line, S(ROLE "data: "));
    memset(buf_room(&line, 10 << 20), 'x', 10 << 20);
    line.len += 10 << 20;
    for (size_t step = 4096; step <= 16 << 20; step *= 16) {
        scoped(seen_done) struct seen seen =
            play(buf_str(&line), step, false, OPENAI_EVENT_BYTES_MAX);
        CHECK(!seen.good);
        CHECK_TEXT(seen.err.code, "engine_line_too_long");
        CHECK_INT(seen.err.kind, ERR_PEER);
        CHECK_STR(buf_str(&seen.out), ROLE);
    }
    /* at the limit, and one beyond it: whole or in pieces */
    for (size_t step = 1; step < 30; step++) {
        scoped(seen_done) struct seen good = play(S("data: 0123456789\n\n"), step, false, 18);
        CHECK(good.good && good.out.len == 18);
        scoped(seen_done) struct seen bad = play(S("data: 0123456789a\n\n"), step, false, 18);
        CHECK(!bad.good);
    }
}

TEST(a_carriage_return_ends_no_line_alone)
{
    for (size_t step = 1; step < 40; step++) {
        scoped(seen_done) struct seen seen =
            play(S("data: {}\n\ndata: {}\r\r\n\n"), step, false, 99);
        CHECK(!seen.good);
        CHECK_TEXT(seen.err.code, "engine_bad_stream");
        CHECK_STR(buf_str(&seen.out), "data: {}\n\n");
    }
}

TEST(nothing_is_copied_but_what_was_cut)
{
    struct openai_stream stream;
    struct str frames, bytes = S(ROLE WORD USAGE LAST "data: {");
    struct err err;
    size_t used;

    openai_stream_init(&stream, false, 4096);
    REQUIRE(openai_stream_read(&stream, bytes, &used, &frames, &err));
    CHECK(frames.at == bytes.at && frames.len == strlen(ROLE WORD));
    CHECK_INT(used, strlen(ROLE WORD USAGE));
    bytes = (struct str){bytes.at + used, bytes.len - used};
    REQUIRE(openai_stream_read(&stream, bytes, &used, &frames, &err));
    CHECK(frames.at == bytes.at && frames.len == strlen(LAST));
    CHECK(!stream.held.at);
    bytes = (struct str){bytes.at + used, bytes.len - used};
    REQUIRE(openai_stream_read(&stream, bytes, &used, &frames, &err));
    CHECK(!frames.len && used == bytes.len);
    CHECK_INT(openai_stream_held(&stream), 7);
    REQUIRE(openai_stream_read(&stream, S("}\n\n" DONE), &used, &frames, &err));
    CHECK_STR(frames, "data: {}\n\n");
    CHECK_INT(used, 3);
    openai_stream_done(&stream);
}

TEST(a_whole_reply_tells_its_usage)
{
    struct openai_usage usage = {.completion_tokens = 99};
    char text[8];
    size_t len;

    CHECK(!openai_usage_read(S(""), &usage) && !openai_usage_read(S("[]"), &usage));
    CHECK(!openai_usage_read(S("{\"usage\":null}"), &usage));
    CHECK(!openai_usage_read(S("{\"usage\":{\"prompt_tokens\":1}"), &usage));
    CHECK(!openai_usage_read(S("{\"a\":{\"usage\":{\"prompt_tokens\":1}}}"), &usage));
    CHECK_INT(usage.completion_tokens, 99);
    REQUIRE(openai_usage_read(
        S(" {\"choices\":[{\"a\":[]}],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":-1,"
          "\"x\":{},\"prompt_tokens_details\":{\"a\":[1],\"cached_tokens\":2}}}\n"),
        &usage));
    CHECK_INT(usage.prompt_tokens, 5);
    CHECK_INT(usage.completion_tokens, 0);
    CHECK_INT(usage.cached_tokens, 2);
    REQUIRE(openai_usage_read(
        S("{\"x\":\"a model may say \\u0000\",\"usage\":{\"completion_tokens\":3}}"), &usage));
    CHECK_INT(usage.completion_tokens, 3);
    REQUIRE(openai_usage_read(
        S("{\"usage\":{\"prompt_tokens\":5,\"prompt_tokens_details\":null}}"), &usage));
    REQUIRE(openai_failure_read(
        S("{\"a\":{},\"error\":{\"code\":1,\"message\":\"1234567\xc3\xa4\",\"x\":[]}}"), 8, text,
        &len));
    CHECK_STR(((struct str){text, len}), "1234567");
    CHECK(!openai_failure_read(S("{\"error\":null}"), 8, text, &len));
    CHECK(!openai_failure_read(S("{\"message\":\"x\"}"), 8, text, &len));
    CHECK(!openai_failure_read(S("<html>"), 8, text, &len));
}

TAP_MAIN
