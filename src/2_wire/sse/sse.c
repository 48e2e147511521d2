/* SPDX-License-Identifier: Apache-2.0 */
#include "sse/sse.h"

static void add_line(struct buf *out, struct str name, struct str value)
{
    buf_add(out, name);
    buf_add(out, value);
    buf_add_char(out, '\n');
}

/* The first line of `text`, *ret_more says whether another follows (it may be empty). */
static struct str cut_line(struct str text, struct str *ret_rest, bool *ret_more)
{
    size_t end = 0;

    while (end < text.len && text.at[end] != '\n' && text.at[end] != '\r')
        end++;
    *ret_more = end < text.len;
    size_t next = end + *ret_more;
    if (next < text.len && text.at[end] == '\r' && text.at[next] == '\n')
        next++;
    *ret_rest = (struct str){text.at + next, text.len - next};
    return (struct str){text.at, end};
}

static bool is_one_line(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] == '\n' || s.at[i] == '\r' || s.at[i] == '\0')
            return false;
    return true;
}

bool sse_encode(const struct sse_event *event, struct buf *out, struct err *err)
{
    if (!is_one_line(event->id))
        return err_code(
            err, ERR_INPUT, "bad_event", "id", "an event's id must be one line without NUL");
    if (!is_one_line(event->event))
        return err_code(
            err, ERR_INPUT, "bad_event", "event", "an event's name must be one line without NUL");
    if (event->id.at)
        add_line(out, S("id: "), event->id);
    if (event->event.len)
        add_line(out, S("event: "), event->event);
    struct str rest = event->data;
    for (bool more = true; more;)
        add_line(out, S("data: "), cut_line(rest, &rest, &more));
    buf_add_char(out, '\n');
    return true;
}

void sse_encode_comment(struct str text, struct buf *out)
{
    struct str rest = text;

    for (bool more = true; more;)
        add_line(out, S(": "), cut_line(rest, &rest, &more));
}

void sse_reader_init(struct sse_reader *reader, size_t event_bytes_max)
{
    *reader = (struct sse_reader){buf_of(event_bytes_max), buf_of(event_bytes_max),
        buf_of(event_bytes_max), buf_of(event_bytes_max), false, false, false};
}

void sse_reader_done(struct sse_reader *reader)
{
    buf_done(&reader->line);
    buf_done(&reader->data);
    buf_done(&reader->event);
    buf_done(&reader->id);
}

static void set(struct buf *buf, struct str value)
{
    buf_clear(buf);
    buf_add(buf, value);
}

static void take_field(struct sse_reader *reader, struct str line)
{
    struct str value, name = str_cut(line, ':', &value);

    if (str_starts(value, S(" ")))
        value = (struct str){value.at + 1, value.len - 1};
    if (str_eq(name, S("data"))) {
        buf_add(&reader->data, value);
        buf_add_char(&reader->data, '\n');
    } else if (str_eq(name, S("event"))) {
        set(&reader->event, value);
    } else if (str_eq(name, S("id")) && !(value.len && memchr(value.at, '\0', value.len))) {
        set(&reader->id, value);
        reader->has_id = true;
    }
}

/* A line is complete. true: it ended an event. */
static bool take_line(struct sse_reader *reader, struct sse_event *ret_event)
{
    struct str line = buf_str(&reader->line);

    if (!reader->not_first && str_starts(line, S("\xef\xbb\xbf")))
        line = (struct str){line.at + 3, line.len - 3};
    reader->not_first = true;
    if (line.len) {
        take_field(reader, line);
        buf_clear(&reader->line);
        return false;
    }
    buf_clear(&reader->line);
    if (!reader->data.len) {
        buf_clear(&reader->event);
        return false;
    }
    *ret_event = (struct sse_event){
        .id = reader->has_id ? buf_str(&reader->id) : (struct str){0                    },
        .event = buf_str(&reader->event),
        .data = { reader->data.at, reader->data.len - 1},
    };
    reader->data.len = 0; /* bytes stay until the next call */
    reader->event.len = 0;
    return true;
}

bool sse_read(struct sse_reader *reader, struct str bytes, size_t *ret_used,
    struct sse_event *ret_event, bool *ret_found, struct err *err)
{
    size_t i = 0;
    bool found = false;

    while (i < bytes.len && !found) {
        char c = bytes.at[i++];
        bool second = reader->after_cr && c == '\n';
        reader->after_cr = c == '\r';
        if (second)
            continue;
        if (c == '\n' || c == '\r')
            found = take_line(reader, ret_event);
        else
            buf_add_char(&reader->line, c);
        if (reader->line.overflowed || reader->data.overflowed)
            return err_set(
                err, ERR_LIMIT, "an event is longer than %zu bytes", reader->line.bytes_max);
    }
    *ret_used = i;
    *ret_found = found;
    return true;
}
