/* SPDX-License-Identifier: Apache-2.0 */
#include "openai/openai_stream.h"

#include "openai/walk.h"

#define ONES 0x0101010101010101u
#define HIGHS 0x8080808080808080u
#define DONE_TEXT S("[DONE]")
#define CLOSING_BYTES 2 /* what end() may put behind an event without its blank line */

/* A whole event, its blank line included, and what is in it. */
struct event {
    size_t from, to; /* the lines that pass, first to last; from == to: none */
    struct str data; /* of the first data line */
    bool says;       /* some data line is more than white space */
    bool gaps;       /* between them stand lines that do not */
    bool many;       /* more than one data line */
    bool error;      /* it is named `error` */
    bool broken;     /* a carriage return that ends no line */
};

/* --- JSON, for candidates only ------------------------------------------------------------ */

struct facts {
    bool good, failed, no_choices;
    struct openai_usage usage;
};

/* Behind WALK_KEY: its value as a count; what is none is 0. */
static bool read_count(struct walk *w, uint64_t *ret_count)
{
    int64_t number;

    if (walk_next(w) == WALK_NUMBER && walk_integer(w, &number) && number > 0)
        *ret_count = (uint64_t)number;
    return walk_skip(w);
}

static bool read_details(struct walk *w, struct openai_usage *usage)
{
    if (walk_next(w) != WALK_OBJECT)
        return walk_skip(w);
    while (walk_next(w) == WALK_KEY)
        if (!(walk_is(w, S("cached_tokens")) ? read_count(w, &usage->cached_tokens)
                                             : walk_skip_value(w)))
            return false;
    return w->event == WALK_CLOSE;
}

static bool read_usage(struct walk *w, struct openai_usage *ret_usage)
{
    struct openai_usage usage = {.known = true};

    if (walk_next(w) != WALK_OBJECT)
        return walk_skip(w);
    while (walk_next(w) == WALK_KEY) {
        bool good;
        if (walk_is(w, S("prompt_tokens")))
            good = read_count(w, &usage.prompt_tokens);
        else if (walk_is(w, S("completion_tokens")))
            good = read_count(w, &usage.completion_tokens);
        else if (walk_is(w, S("prompt_tokens_details")))
            good = read_details(w, &usage);
        else
            good = walk_skip_value(w);
        if (!good)
            return false;
    }
    *ret_usage = usage;
    return w->event == WALK_CLOSE;
}

static bool read_choices(struct walk *w, struct facts *facts)
{
    if (walk_next(w) != WALK_ARRAY)
        return walk_skip(w);
    if (walk_next(w) == WALK_CLOSE) {
        facts->no_choices = true;
        return true;
    }
    while (w->event != WALK_BAD && w->depth > 1)
        walk_next(w);
    return w->event != WALK_BAD;
}

static bool read_error(struct walk *w, struct facts *facts)
{
    enum walk_event event = walk_next(w);

    facts->failed = event != WALK_NULL && event != WALK_FALSE;
    return walk_skip(w);
}

/* Of one JSON object; good: it is one. */
static struct facts read_facts(struct str text)
{
    struct facts facts = {0};
    struct walk w;

    walk_init(&w, text);
    w.nul = true;
    if (walk_next(&w) != WALK_OBJECT)
        return facts;
    while (walk_next(&w) == WALK_KEY) {
        bool good;
        if (walk_is(&w, S("usage")))
            good = read_usage(&w, &facts.usage);
        else if (walk_is(&w, S("choices")))
            good = read_choices(&w, &facts);
        else if (walk_is(&w, S("error")))
            good = read_error(&w, &facts);
        else
            good = walk_skip_value(&w);
        if (!good)
            return (struct facts){0};
    }
    facts.good = w.event == WALK_CLOSE && walk_next(&w) == WALK_END;
    return facts.good ? facts : (struct facts){0};
}

bool openai_usage_read(struct str body, struct openai_usage *ret_usage)
{
    struct facts facts = read_facts(body);

    if (!facts.usage.known)
        return false;
    *ret_usage = facts.usage;
    return true;
}

/* Within an object: the text of its member `name`. */
static bool find_text(struct walk *w, struct str name, size_t max, char *ret_text, size_t *ret_len)
{
    bool found = false;

    while (walk_next(w) == WALK_KEY) {
        bool wanted = walk_is(w, name);
        if (walk_next(w) == WALK_STRING && wanted) {
            walk_text(w, max, ret_text, ret_len);
            found = true;
        }
        if (!walk_skip(w))
            break;
    }
    return found && w->event == WALK_CLOSE;
}

bool openai_failure_read(struct str body, size_t max, char *ret_text, size_t *ret_len)
{
    struct walk w;

    walk_init(&w, body);
    w.nul = true;
    if (walk_next(&w) != WALK_OBJECT)
        return false;
    while (walk_next(&w) == WALK_KEY) {
        if (!walk_is(&w, S("error"))) {
            if (!walk_skip_value(&w))
                return false;
            continue;
        }
        enum walk_event event = walk_next(&w);
        if (event == WALK_STRING)
            walk_text(&w, max, ret_text, ret_len);
        return event == WALK_STRING ||
               (event == WALK_OBJECT && find_text(&w, S("message"), max, ret_text, ret_len));
    }
    return false;
}

/* "usage" or "error" stands in the text, as a member's name is written. Eight places a step: both
 * have seven bytes, quotes included. */
static bool is_candidate(struct str text)
{
    const char *at = text.at, *end = text.at + text.len;

    for (; end - at >= 7; at++) {
        while (end - at >= 14) {
            uint64_t first, last;
            memcpy(&first, at, 8);
            memcpy(&last, at + 6, 8);
            uint64_t both = (first ^ ONES * '"') | (last ^ ONES * '"');
            if ((both - ONES) & ~both & HIGHS)
                break;
            at += 8;
        }
        /* the eight places of the step that stopped, or the last ones */
        for (int i = 0; i < 8 && end - at >= 7; i++, at++)
            if (*at == '"' && (memcmp(at, "\"usage\"", 7) == 0 || memcmp(at, "\"error\"", 7) == 0))
                return true;
        at--;
    }
    return false;
}

/* --- events ------------------------------------------------------------------------------- */

/* The value of a line that has this name, without the one space that may stand in front. */
static bool is_field(struct str line, struct str name, struct str *ret_value)
{
    if (line.len <= name.len || line.at[name.len] != ':' || !str_starts(line, name))
        return false;
    size_t skip = name.len + 1;
    skip += skip < line.len && line.at[skip] == ' ';
    *ret_value = (struct str){line.at + skip, line.len - skip};
    return true;
}

/* One line (without its end) of an event. true: it passes. */
static bool take_line(struct event *event, struct str line)
{
    struct str value;

    if (is_field(line, S("data"), &value)) {
        event->many |= event->data.at != NULL;
        if (!event->data.at)
            event->data = value;
        event->says = event->says || str_trim(value).len;
        return true;
    }
    if (is_field(line, S("event"), &value)) {
        event->error |= str_eq(value, S("error"));
        return true;
    }
    if (is_field(line, S("error"), &value)) { /* as llama-server wrote it before 2025 */
        event->error = true;
        if (!event->data.at)
            event->data = value;
        event->says = true;
    }
    return false;
}

static struct event read_event(struct str text)
{
    struct event event = {0};
    size_t at = 0, last = 0; /* last: the end of the last line that passes */

    for (const char *cr = memchr(text.at, '\r', text.len); cr;
         cr = memchr(cr + 1, '\r', (size_t)(text.at + text.len - cr - 1)))
        if (cr[1] != '\n') /* an event ends with \n */
            event.broken = true;
    while (at < text.len) {
        const char *end = memchr(text.at + at, '\n', text.len - at);
        size_t next = (size_t)(end - text.at) + 1, len = next - 1 - at;
        len -= len && text.at[at + len - 1] == '\r';
        if (!len || take_line(&event, (struct str){text.at + at, len})) {
            event.from = last ? event.from : at;
            event.gaps |= last && last != at;
            last = next;
        }
        at = next;
    }
    event.to = last;
    if (!event.says)
        event.from = event.to = 0; /* nothing that a client should dispatch */
    return event;
}

/* All data lines of an event as one text. */
static void join_data(struct str text, struct buf *out)
{
    struct str rest = text, value;

    while (rest.len) {
        struct str line = str_cut(rest, '\n', &rest);
        line.len -= line.len && line.at[line.len - 1] == '\r';
        if (!is_field(line, S("data"), &value))
            continue;
        if (out->len)
            buf_add_char(out, '\n');
        buf_add(out, value);
    }
}

static void fail(struct openai_stream *s, struct str data)
{
    struct walk w;

    s->failed = true;
    s->failure_len = 0;
    if (openai_failure_read(data, sizeof s->failure, s->failure, &s->failure_len))
        return;
    s->failure_len = 0;
    walk_init(&w, data);
    w.nul = true;
    if (walk_next(&w) != WALK_OBJECT ||
        !find_text(&w, S("message"), sizeof s->failure, s->failure, &s->failure_len))
        s->failure_len = 0;
}

/* What an event is, and what it changes. true: it passes. */
static bool weigh_data(struct openai_stream *s, const struct event *event, struct str data)
{
    if (event->error) {
        fail(s, data);
        return false;
    }
    if (str_starts(data, DONE_TEXT)) {
        s->done = true;
        s->passed = true;
        return true;
    }
    if (is_candidate(data)) {
        struct facts facts = read_facts(data);
        if (facts.failed) {
            fail(s, data);
            return false;
        }
        if (facts.usage.known)
            s->usage = facts.usage;
        if (facts.usage.known && facts.no_choices && !s->keep_usage)
            return false;
    }
    s->chunks++;
    s->passed = true;
    return true;
}

static bool weigh(struct openai_stream *s, const struct event *event, struct str text)
{
    if (event->from == event->to) {
        if (event->error)
            fail(s, (struct str){"", 0});
        return false;
    }
    if (!event->many)
        return weigh_data(s, event, event->data);
    struct buf data = buf_of(text.len);
    join_data(text, &data);
    bool passes = weigh_data(s, event, buf_str(&data));
    buf_done(&data);
    return passes;
}

/* --- the stream --------------------------------------------------------------------------- */

void openai_stream_init(struct openai_stream *stream, bool keep_usage, size_t event_bytes_max)
{
    *stream = (struct openai_stream){
        .keep_usage = keep_usage, .held = buf_of(event_bytes_max + CLOSING_BYTES)};
}

void openai_stream_done(struct openai_stream *stream)
{
    buf_done(&stream->held);
}

static size_t event_max(const struct openai_stream *s)
{
    return s->held.bytes_max - CLOSING_BYTES;
}

static bool too_long(const struct openai_stream *s, struct err *err)
{
    return err_code(err, ERR_PEER, "engine_line_too_long", NULL,
        "the engine sent an event of more than %zu bytes", event_max(s));
}

static bool broken(struct err *err)
{
    return err_code(err, ERR_PEER, "engine_bad_stream", NULL,
        "the engine's stream has a carriage return that ends no line");
}

/* Where the event that begins at 0 ends; 0: not yet, and no line begins behind *line. */
static size_t event_end(struct str text, size_t *line)
{
    for (;;) {
        const char *found = memchr(text.at + *line, '\n', text.len - *line);
        if (!found)
            return 0;
        size_t end = (size_t)(found - text.at), len = end - *line;
        if (!len || (len == 1 && text.at[*line] == '\r'))
            return end + 1;
        *line = end + 1;
    }
}

/* Closes the gaps of an event in the held buffer; the event is read again. */
static struct event without_gaps(struct buf *held, bool error)
{
    struct str rest = buf_str(held);
    size_t to = 0;

    while (rest.len) {
        struct event unused = {0};
        const char *from = rest.at;
        struct str line = str_cut(rest, '\n', &rest);
        size_t whole = line.len + 1;
        line.len -= line.len && line.at[line.len - 1] == '\r';
        if (line.len && !take_line(&unused, line))
            continue;
        memmove(held->at + to, from, whole);
        to += whole;
    }
    held->len = to;
    struct event event = read_event(buf_str(held));
    event.error |= error;
    return event;
}

/* A whole event lies in the held buffer. */
static bool give_held(struct openai_stream *s, struct str *ret_frames, struct err *err)
{
    struct event event = read_event(buf_str(&s->held));

    if (event.broken)
        return broken(err);
    s->held_out = true;
    s->scanned = 0;
    if (event.gaps && event.from != event.to)
        event = without_gaps(&s->held, event.error);
    if (weigh(s, &event, buf_str(&s->held)))
        *ret_frames = (struct str){s->held.at + event.from, event.to - event.from};
    return true;
}

/* An event began before `bytes`: line by line into the held buffer. */
static bool read_held(struct openai_stream *s, struct str bytes, size_t *ret_used,
    struct str *ret_frames, struct err *err)
{
    size_t used = 0;

    while (used < bytes.len) {
        struct str rest = {bytes.at + used, bytes.len - used};
        const char *end = memchr(rest.at, '\n', rest.len);
        size_t len = end ? (size_t)(end - rest.at) + 1 : rest.len;
        if (len > event_max(s) - s->held.len)
            return too_long(s, err);
        buf_add(&s->held, (struct str){rest.at, len});
        used += len;
        if (end && event_end(buf_str(&s->held), &s->scanned)) {
            *ret_used = used;
            return give_held(s, ret_frames, err);
        }
    }
    *ret_used = used;
    return true;
}

/* From `at` on, where nothing is held: the frames that pass in one piece. *ret_used is what was
 * taken. */
static bool read_run(struct openai_stream *s, struct str bytes, size_t *ret_used,
    struct str *ret_frames, struct err *err)
{
    size_t at = 0, from = 0, to = 0; /* from…to passes */

    while (at < bytes.len && !s->done && !s->failed) {
        struct str rest = {bytes.at + at, bytes.len - at};
        size_t line = 0, end = event_end(rest, &line);
        struct str text = {rest.at, end ? end : rest.len};
        if (!end || end > event_max(s)) {
            if (from != to)
                break;
            if (text.len > event_max(s))
                return too_long(s, err);
            buf_add(&s->held, text);
            s->scanned = line;
            at = bytes.len;
            break;
        }
        struct event event = read_event(text);
        bool inexact = event.from != event.to && (event.from || event.gaps || event.to != end);
        if (from != to && (event.broken || inexact))
            break; /* what passes first goes first */
        if (event.broken)
            return broken(err);
        if (event.gaps && inexact) {
            buf_add(&s->held, text);
            *ret_used = at + end;
            return give_held(s, ret_frames, err);
        }
        bool passes = weigh(s, &event, text);
        if (passes) {
            from = from == to ? at + event.from : from;
            to = at + event.to;
        }
        at += end;
        if (!passes && from != to)
            break;
    }
    *ret_used = s->done || s->failed ? bytes.len : at;
    *ret_frames = (struct str){bytes.at + from, to - from};
    return true;
}

bool openai_stream_read(struct openai_stream *stream, struct str bytes, size_t *ret_used,
    struct str *ret_frames, struct err *err)
{
    *ret_used = bytes.len;
    *ret_frames = (struct str){"", 0};
    if (stream->held_out) {
        buf_clear(&stream->held);
        stream->held_out = false;
    }
    if (stream->done || stream->failed || !bytes.len)
        return true;
    return stream->held.len ? read_held(stream, bytes, ret_used, ret_frames, err)
                            : read_run(stream, bytes, ret_used, ret_frames, err);
}

void openai_stream_end(struct openai_stream *stream, struct str *ret_frames)
{
    struct buf *held = &stream->held;
    struct err err;

    *ret_frames = (struct str){"", 0};
    if (stream->held_out || stream->done || stream->failed || !held->len)
        return;
    /* half of the blank line was there: the other half ends the event */
    bool half = held->len > 1 && held->at[held->len - 1] == '\r' && held->at[held->len - 2] == '\n';
    if (held->at[held->len - 1] != '\n')
        buf_add_char(held, '\n');
    if (!half)
        buf_add_char(held, '\n');
    struct event event = read_event(buf_str(held));
    struct str data = event.data;
    if (str_starts(data, DONE_TEXT) || event.error ||
        (data.len && !event.many && read_facts(data).failed)) {
        give_held(stream, ret_frames, &err); /* broken: dropped like all that is incomplete */
    }
    stream->held_out = true;
}

uint64_t openai_stream_tokens(const struct openai_stream *stream)
{
    if (stream->usage.known)
        return stream->usage.completion_tokens;
    return stream->chunks ? stream->chunks - 1 : 0;
}

size_t openai_stream_held(const struct openai_stream *stream)
{
    return stream->held_out ? 0 : stream->held.len;
}
