/* SPDX-License-Identifier: Apache-2.0
 *
 * A text into pieces. A heading (Markdown `#`, or a line of capitals at the margin as in man pages)
 * begins a piece; a long section is cut at the end of a paragraph, else of a line, else of a
 * character. */
#include "retrieval/retrieval.h"

#include <ctype.h>

#define HEADING_BYTES_MAX 120

static struct str line_of(struct str text)
{
    const char *end = text.len ? memchr(text.at, '\n', text.len) : NULL;
    return (struct str){text.at, end ? (size_t)(end - text.at) : text.len};
}

static struct str after(struct str text, size_t count)
{
    return (struct str){text.at + count, text.len - count};
}

/* DESCRIPTION, EXIT STATUS: the sections of a man page. */
static bool is_capitals(struct str line)
{
    bool letter = false;

    for (size_t i = 0; i < line.len; i++) {
        unsigned char c = (unsigned char)line.at[i];
        if (islower(c) || (c < 0x80 && !isupper(c) && !strchr(" -/&(),0123456789", c)))
            return false;
        letter = letter || isupper(c);
    }
    return letter && isupper((unsigned char)line.at[0]);
}

static bool heading_of(struct str line, struct str *ret_heading)
{
    struct str trimmed = str_trim(line);
    size_t marks = 0;

    while (marks < line.len && line.at[marks] == '#')
        marks++;
    if (trimmed.len == 0 || trimmed.len > HEADING_BYTES_MAX)
        return false;
    if (marks > 0 && marks <= 6 && marks < line.len && line.at[marks] == ' ')
        *ret_heading = str_trim(after(line, marks));
    else if (trimmed.len >= 3 && trimmed.at == line.at && is_capitals(trimmed))
        *ret_heading = trimmed;
    else
        return false;
    return ret_heading->len > 0;
}

/* Where the piece that begins here ends: before the next heading, or where it is long enough. */
static size_t piece_end(struct str text)
{
    size_t at = 0, line_end = 0, paragraph_end = 0;
    struct str heading;

    while (at < text.len) {
        struct str line = line_of(after(text, at));
        if (at > 0 && heading_of(line, &heading))
            return at;
        size_t next = at + line.len + (at + line.len < text.len);
        if (next > RETRIEVAL_CHUNK_BYTES_MAX)
            break;
        if (str_trim(line).len == 0)
            paragraph_end = next;
        line_end = at = next;
        if (paragraph_end == next && next >= RETRIEVAL_CHUNK_BYTES)
            return next;
    }
    if (at == text.len)
        return at;
    if (paragraph_end >= RETRIEVAL_CHUNK_BYTES / 2)
        return paragraph_end;
    if (line_end > 0)
        return line_end;
    struct str cut = {text.at, RETRIEVAL_CHUNK_BYTES_MAX};
    return str_utf8_prefix(cut).len;
}

bool retrieval_chunk_next(struct str *rest, struct str *section, struct retrieval_chunk *ret_chunk)
{
    while (rest->len) {
        struct str line = line_of(*rest);
        (void)heading_of(line, section);
        size_t end = piece_end(*rest);
        struct str piece = str_trim((struct str){rest->at, end});
        *rest = after(*rest, end);
        if (piece.len) {
            *ret_chunk = (struct retrieval_chunk){*section, piece};
            return true;
        }
    }
    return false;
}
