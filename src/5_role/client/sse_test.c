/* SPDX-License-Identifier: Apache-2.0 */
#include "client/sse.h"

#include "base/scoped.h"
#include "tap.h"

static bool note(void *context, const struct sse_event *event)
{
    buf_printf(context, "[%.*s|%.*s]", STR(event->name), STR(event->data));
    return true;
}

/* The events of `stream`, fed in pieces of `piece` bytes. */
static void follow(struct buf *out, struct sse *sse, struct str stream, size_t piece)
{
    sse_init(sse, note, out);
    while (stream.len) {
        size_t len = stream.len < piece ? stream.len : piece;
        sse_feed(sse, (struct str){stream.at, len});
        stream = (struct str){stream.at + len, stream.len - len};
    }
}

TEST(events_are_the_same_in_pieces_of_any_size)
{
    for (size_t piece = 1; piece < 40; piece++) {
        scoped(buf_done) struct buf out = buf_of(1000);
        scoped(sse_done) struct sse sse;
        follow(&out, &sse, S(": hello\nid: 7\nevent: case_judged\ndata: {\"a\":\ndata:1}\n\n"
                             "data: x\r\n\r\nid: 9\rdata: y\r\r"), piece);
        CHECK_TEXT(buf_text(&out), "[case_judged|{\"a\":\n1}][message|x][message|y]");
        CHECK_TEXT(sse.last_id, "9");
    }
}

TEST(an_event_without_data_is_none_and_half_an_event_is_forgotten)
{
    scoped(buf_done) struct buf out = buf_of(1000);
    scoped(sse_done) struct sse sse;

    follow(&out, &sse, S("event: ping\n\nid: 3\ndata: half"), 100);
    sse_restart(&sse);
    sse_feed(&sse, S("data: whole\n\n"));
    CHECK_TEXT(buf_text(&out), "[message|whole]");
    CHECK_TEXT(sse.last_id, "3");
}

TEST(an_event_beyond_the_limit_is_dropped_whole_and_counted)
{
    scoped(buf_done) struct buf out = buf_of(1000);
    scoped(sse_done) struct sse sse;

    sse_init(&sse, note, &out);
    sse_feed(&sse, S("data: "));
    for (size_t i = 0; i < SSE_EVENT_BYTES_MAX / 8 + 1; i++)
        sse_feed(&sse, S("xxxxxxxx"));
    sse_feed(&sse, S("\n\ndata: after\n\n"));
    CHECK_TEXT(buf_text(&out), "[message|after]");
    CHECK_INT(sse.dropped, 1);
}

TAP_MAIN
