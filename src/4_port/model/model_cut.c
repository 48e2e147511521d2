/* SPDX-License-Identifier: Apache-2.0
 *
 * What is whole of an object that ended too early. Only the form of JSON is followed; whoever reads
 * the result checks it. */
#include "model/model.h"

#include "json/json_read.h"

struct cutter {
    char closers[JSON_DEPTH_MAX + 1]; /* of what is open, outermost first */
    size_t depth;
    bool name;                              /* the next string is a member's name */
    size_t whole, whole_depth;              /* where the last whole value ended, and how deep */
    char whole_closers[JSON_DEPTH_MAX + 1]; /* what was open there */
};

static void mark(struct cutter *c, size_t at)
{
    c->whole = at;
    c->whole_depth = c->depth;
    memcpy(c->whole_closers, c->closers, c->depth);
}

static bool enter(struct cutter *c, char closer, size_t at)
{
    if (c->depth == JSON_DEPTH_MAX)
        return false;
    c->closers[c->depth++] = closer;
    c->name = closer == '}';
    if (closer == ']' || c->depth == 1) /* a list may be empty, a member of one not */
        mark(c, at);
    return true;
}

/* Behind the string that begins at `at`; 0: it does not end. */
static size_t string_end(struct str text, size_t at)
{
    for (size_t i = at + 1; i < text.len; i++) {
        if (text.at[i] == '\\')
            i++;
        else if (text.at[i] == '"')
            return i + 1;
    }
    return 0;
}

/* false: nothing more can be followed. */
static bool step(struct cutter *c, struct str text, size_t *at)
{
    size_t end;

    switch (text.at[*at]) {
    case '{':
        return enter(c, '}', ++*at);
    case '[':
        return enter(c, ']', ++*at);
    case '}':
    case ']':
        if (!c->depth || c->closers[c->depth - 1] != text.at[*at])
            return false;
        c->depth--;
        c->name = false;
        mark(c, ++*at);
        return c->depth > 0;
    case ',':
        mark(c, *at); /* also behind a number */
        c->name = c->depth && c->closers[c->depth - 1] == '}';
        break;
    case ':':
        c->name = false;
        break;
    case '"':
        end = string_end(text, *at);
        if (!end)
            return false;
        if (!c->name)
            mark(c, end);
        *at = end;
        return true;
    }
    ++*at;
    return true;
}

void model_cut(struct str wrote, struct buf *out)
{
    struct cutter c = {0};
    size_t at = 0;

    while (at < wrote.len && step(&c, wrote, &at))
        ;
    buf_add(out, (struct str){wrote.at, c.whole});
    while (c.whole_depth)
        buf_add(out, (struct str){&c.whole_closers[--c.whole_depth], 1});
}
