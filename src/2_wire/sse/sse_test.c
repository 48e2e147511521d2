/* SPDX-License-Identifier: Apache-2.0 */
#include "base/scoped.h"
#include "sse/sse.h"
#include "tap.h"

TEST(an_event_has_its_lines_and_one_data_line_per_line)
{
    scoped(buf_done) struct buf out = buf_of(1024);
    struct err err;
    struct sse_event event = {S("42"), S("case_judged"), S("one\ntwo\r\nthree\r\n")};

    REQUIRE(sse_encode(&event, &out, &err));
    CHECK_STR(
        buf_str(&out), "id: 42\nevent: case_judged\ndata: one\ndata: two\ndata: three\ndata: \n\n");
    buf_clear(&out);
    sse_encode_comment(S("hold\nevent: x"), &out);
    CHECK_STR(buf_str(&out), ": hold\n: event: x\n");
}

TEST(an_id_or_a_name_cannot_smuggle_a_line)
{
    scoped(buf_done) struct buf out = buf_of(1024);
    struct err err;

    CHECK(!sse_encode(&(struct sse_event){.id = S("1\ndata: x")}, &out, &err));
    CHECK_TEXT(err.param, "id");
    CHECK(!sse_encode(&(struct sse_event){.event = S("a\rb")}, &out, &err));
    CHECK_TEXT(err.param, "event");
    CHECK_INT(out.len, 0);
}

TEST(a_reader_follows_the_standard)
{
    struct sse_reader reader;
    struct sse_event event;
    struct err err;
    size_t used;
    bool found;
    struct str bytes =
        S("\xef\xbb\xbf: hello\r\nevent:add\rdata:  73857293\n\nid: 9\ndata\ndata:x\n\n"
          "event: lost\n\nid\ndata: y\n\n");

    sse_reader_init(&reader, 64);
    REQUIRE(sse_read(&reader, bytes, &used, &event, &found, &err) && found);
    CHECK_STR(event.event, "add");
    CHECK_STR(event.data, " 73857293");
    CHECK(!event.id.at);
    bytes = (struct str){bytes.at + used, bytes.len - used};
    REQUIRE(sse_read(&reader, bytes, &used, &event, &found, &err) && found);
    CHECK_STR(event.data, "\nx");
    CHECK_STR(event.id, "9");
    CHECK_STR(event.event, "");
    bytes = (struct str){bytes.at + used, bytes.len - used};
    REQUIRE(sse_read(&reader, bytes, &used, &event, &found, &err) && found);
    CHECK_STR(event.event, "");
    CHECK_STR(event.id, "");
    CHECK_STR(event.data, "y");
    sse_reader_done(&reader);
}

TEST(an_event_beyond_the_limit_is_an_error)
{
    struct sse_reader reader;
    struct sse_event event;
    struct err err;
    size_t used;
    bool found;

    sse_reader_init(&reader, 16);
    CHECK(!sse_read(&reader, S("data: 0123456789012345"), &used, &event, &found, &err));
    CHECK_INT(err.kind, ERR_LIMIT);
    sse_reader_done(&reader);
}

TAP_MAIN
