/* SPDX-License-Identifier: Apache-2.0 */
#include "client/sse.h"

#include <stdio.h>

void sse_init(struct sse *sse, bool (*take)(void *, const struct sse_event *), void *context)
{
    *sse = (struct sse){
        .line = buf_of(SSE_EVENT_BYTES_MAX),
        .data = buf_of(SSE_EVENT_BYTES_MAX),
        .name = buf_of(SSE_ID_BYTES),
        .take = take,
        .context = context,
    };
}

void sse_done(struct sse *sse)
{
    buf_done(&sse->line);
    buf_done(&sse->data);
    buf_done(&sse->name);
}

static void clear_event(struct sse *sse)
{
    buf_clear(&sse->data);
    buf_clear(&sse->name);
    sse->data.overflowed = sse->name.overflowed = false;
}

void sse_restart(struct sse *sse)
{
    buf_clear(&sse->line);
    sse->line.overflowed = sse->after_cr = false;
    clear_event(sse);
}

static bool end_event(struct sse *sse)
{
    struct str data = buf_str(&sse->data), name = buf_str(&sse->name);
    bool go_on = true;

    if (sse->data.overflowed || sse->name.overflowed)
        sse->dropped++;
    else if (data.len)
        go_on = sse->take(sse->context,
            &(struct sse_event){name.len ? name : S("message"), (struct str){data.at, data.len - 1}});
    clear_event(sse);
    return go_on;
}

static bool end_line(struct sse *sse)
{
    struct str value, line = buf_str(&sse->line);

    if (sse->line.overflowed)
        sse->data.overflowed = true;
    else if (line.len == 0)
        return end_event(sse);
    struct str field = str_cut(line, ':', &value);
    if (str_starts(value, S(" ")))
        value = (struct str){value.at + 1, value.len - 1};
    if (str_eq(field, S("data"))) {
        buf_add(&sse->data, value);
        buf_add_char(&sse->data, '\n');
    } else if (str_eq(field, S("event"))) {
        buf_clear(&sse->name);
        buf_add(&sse->name, value);
    } else if (str_eq(field, S("id")) && value.len < SSE_ID_BYTES && !memchr(value.at, 0, value.len)) {
        snprintf(sse->last_id, sizeof sse->last_id, "%.*s", STR(value));
    }
    return true;
}

bool sse_feed(struct sse *sse, struct str bytes)
{
    bool go_on = true;

    for (size_t i = 0; i < bytes.len && go_on; i++) {
        char c = bytes.at[i];
        bool line_feed_of_pair = c == '\n' && sse->after_cr;
        sse->after_cr = c == '\r';
        if (line_feed_of_pair)
            continue;
        if (c != '\n' && c != '\r') {
            buf_add_char(&sse->line, c);
            continue;
        }
        go_on = end_line(sse);
        buf_clear(&sse->line);
        sse->line.overflowed = false;
    }
    return go_on;
}
