/* SPDX-License-Identifier: Apache-2.0 */
#include "exposition/exposition.h"

#include "base/panic.h"
#include "exposition/inside.h"

#define EXCERPT_BYTES 49

/* A piece of foreign text for a sentence: printable ASCII, cut. */
struct excerpt {
    char text[EXCERPT_BYTES];
};

static struct excerpt excerpt_of(struct str text)
{
    struct excerpt excerpt = {{0}};

    for (size_t i = 0; i < text.len && i < EXCERPT_BYTES - 1; i++)
        excerpt.text[i] = (char)(text.at[i] >= ' ' && text.at[i] <= '~' ? text.at[i] : '?');
    return excerpt;
}

static bool fail(struct exposition *reader, enum err_kind kind, const char *code, const char *what,
    struct str value)
{
    reader->failed = true;
    return err_code(&reader->err, kind, code, NULL, "metrics text, line %zu: %s: \"%s\"",
        reader->line, what, excerpt_of(value).text);
}

static bool too_much(
    struct exposition *reader, const char *code, const char *what, size_t count, size_t most)
{
    reader->failed = true;
    return err_code(&reader->err, ERR_LIMIT, code, NULL,
        "metrics text, line %zu: %zu %s; at most %zu", reader->line, count, what, most);
}

void exposition_begin(
    struct exposition *reader, struct str text, const struct exposition_limits *limits)
{
    check(limits->labels_max <= EXPOSITION_LABELS_MAX);
    *reader = (struct exposition){.limits = *limits, .text = text, .rest = text};
}

/* --- the text as a whole ------------------------------------------------------------ */

/* How much of the text is UTF-8: runs of ASCII by words, the bytes between them one by one. */
static size_t utf8_length(struct str text)
{
    size_t at = 0;

    while (at < text.len) {
        uint64_t word;
        if (text.len - at >= sizeof word) {
            memcpy(&word, text.at + at, sizeof word);
            if (!(word & 0x8080808080808080u)) {
                at += sizeof word;
                continue;
            }
        }
        size_t end = at;
        while (end < text.len && ((unsigned char)text.at[end] & 0x80u))
            end++;
        if (end == at) {
            at++;
            continue;
        }
        struct str wide = {text.at + at, end - at}, good = str_utf8_prefix(wide);
        at += good.len;
        if (good.len < wide.len)
            break;
    }
    return at;
}

static size_t line_of(struct str text, size_t at)
{
    size_t line = 1;

    for (size_t i = 0; i < at; i++)
        line += text.at[i] == '\n';
    return line;
}

static bool look_at_all(struct exposition *reader)
{
    struct str text = reader->text;

    reader->line = 1;
    if (text.len > reader->limits.text_bytes_max)
        return too_much(
            reader, "text_too_long", "bytes of text", text.len, reader->limits.text_bytes_max);
    size_t good = utf8_length(text);
    if (good < text.len) {
        reader->line = line_of(text, good);
        return fail(reader, ERR_INPUT, "not_utf8", "not UTF-8",
            (struct str){text.at + good, text.len - good < 4 ? text.len - good : 4});
    }
    const char *nul = text.len ? memchr(text.at, '\0', text.len) : NULL;
    if (nul) {
        reader->line = line_of(text, (size_t)(nul - text.at));
        return fail(reader, ERR_INPUT, "nul", "a NUL", S(""));
    }
    if (text.len && text.at[text.len - 1] != '\n') {
        const char *feed = memrchr(text.at, '\n', text.len);
        size_t from = feed ? (size_t)(feed + 1 - text.at) : 0;
        reader->line = line_of(text, from);
        return fail(reader, ERR_INPUT, "torn_text", "no line feed at the end of the text",
            (struct str){text.at + from, text.len - from});
    }
    reader->openmetrics = str_eq(text, S("# EOF\n")) || str_ends(text, S("\n# EOF\n"));
    reader->line = 0;
    return true;
}

/* --- lines ----------------------------------------------------------------------------- */

/* What stands before the next blank. */
static struct str take_word(struct str *at)
{
    size_t len = 0;

    *at = skip_blank(*at);
    while (len < at->len && at->at[len] != ' ' && at->at[len] != '\t')
        len++;
    struct str word = {at->at, len};
    *at = behind(*at, len);
    return word;
}

static bool type_from(struct str word, enum exposition_type *ret_type)
{
    static const char *const SAME[] = {"unknown", "info", "stateset", "gaugehistogram"};

    for (enum exposition_type type = EXPOSITION_UNTYPED; type <= EXPOSITION_SUMMARY; type++)
        if (str_eq(word, str_from(exposition_type_word(type)))) {
            *ret_type = type;
            return true;
        }
    *ret_type = EXPOSITION_UNTYPED;
    for (size_t i = 0; i < sizeof SAME / sizeof *SAME; i++)
        if (str_eq(word, str_from(SAME[i])))
            return true;
    return false;
}

/* `text` begins behind the '#'. */
static bool comment(struct exposition *reader, struct str line, struct str text)
{
    struct str word = take_word(&text);
    bool type = str_eq(word, S("TYPE"));

    if (str_eq(line, S("# EOF"))) {
        if (reader->rest.len == 0)
            return true;
        reader->line++;
        return fail(reader, ERR_INPUT, "behind_eof", "something stands behind # EOF",
            str_cut(reader->rest, '\n', &text));
    }
    if (!type && !str_eq(word, S("HELP")))
        return true;
    struct str name = take_word(&text);
    if (name.len && !exposition_name_valid(name))
        return fail(reader, ERR_INPUT, "bad_name", "no name of a metric", name);
    if (!type || name.len == 0)
        return true; /* HELP, or the bare word: a remark */
    struct str what = take_word(&text);
    if (!type_from(what, &reader->type) || skip_blank(text).len)
        return fail(reader, ERR_INPUT, "bad_type", "no type of a metric", what);
    reader->family = name;
    return true;
}

static enum exposition_type type_of(const struct exposition *reader, struct str name)
{
    /* what may stand behind the family's name in the name of a sample */
    static const char *const ENDS[][4] = {
        [EXPOSITION_UNTYPED] = {""},
        [EXPOSITION_COUNTER] = {"", "_total"},
        [EXPOSITION_GAUGE] = {""},
        [EXPOSITION_HISTOGRAM] = {"_bucket", "_sum", "_count"},
        [EXPOSITION_SUMMARY] = {"", "_sum", "_count"},
    };

    if (reader->family.len == 0 || !str_starts(name, reader->family))
        return EXPOSITION_UNTYPED;
    struct str end = behind(name, reader->family.len);
    for (size_t i = 0; i < 4 && ENDS[reader->type][i]; i++)
        if (str_eq(end, str_from(ENDS[reader->type][i])))
            return reader->type;
    return EXPOSITION_UNTYPED;
}

/* *at begins behind the '{' and ends behind the '}'. */
static bool take_labels(struct exposition *reader, struct str *at, struct exposition_sample *sample)
{
    struct str names[EXPOSITION_LABELS_MAX], rest = *at, whole = *at;
    struct exposition_label label;
    enum exposition_label_taken taken;

    while ((taken = exposition_label_take(&rest, &label)) == LABEL_TAKEN) {
        if (label.name.len > EXPOSITION_NAME_BYTES_MAX)
            return too_much(reader, "name_too_long", "bytes of a label's name", label.name.len,
                EXPOSITION_NAME_BYTES_MAX);
        if (!exposition_label_name_valid(label.name))
            return fail(reader, ERR_INPUT, "bad_label", "no name of a label", label.name);
        if (sample->labels_count == reader->limits.labels_max)
            return too_much(reader, "too_many_labels", "labels and more", sample->labels_count + 1,
                reader->limits.labels_max);
        for (size_t i = 0; i < sample->labels_count; i++)
            if (str_eq(names[i], label.name))
                return fail(reader, ERR_INPUT, "duplicate_label", "a label twice", label.name);
        names[sample->labels_count++] = label.name;
    }
    if (taken == LABEL_BAD)
        return fail(reader, ERR_INPUT, "bad_label", "no label", skip_blank(rest));
    if (taken == LABEL_BAD_ESCAPE)
        return fail(reader, ERR_INPUT, "bad_escape",
            "only \\\\, \\\" and \\n may stand for a character", skip_blank(rest));
    rest = skip_blank(rest);
    if (taken == LABEL_TORN || rest.len == 0)
        return fail(reader, ERR_INPUT, "torn_label", "the labels do not end", whole);
    sample->labels = (struct str){whole.at, (size_t)(rest.at - whole.at)};
    *at = behind(rest, 1);
    return true;
}

static bool take_timestamp(
    struct exposition *reader, struct str word, struct exposition_sample *sample)
{
    bool negative = word.len && word.at[0] == '-';
    uint64_t number;

    if (word.at[0] == '#')
        return fail(reader, ERR_INPUT, "exemplar", "exemplars are not taken", word);
    if (reader->openmetrics)
        return fail(reader, ERR_INPUT, "openmetrics_timestamp",
            "a timestamp in a text that ends with # EOF is not taken", word);
    if (!str_to_u64(negative ? behind(word, 1) : word, EXPOSITION_TIME_MAX_MS, &number))
        return fail(reader, ERR_INPUT, "bad_timestamp", "no timestamp in whole milliseconds", word);
    sample->has_timestamp = true;
    sample->timestamp_ms = negative ? -(int64_t)number : (int64_t)number;
    return true;
}

static bool take_sample(
    struct exposition *reader, struct str line, struct exposition_sample *sample)
{
    struct str rest = line;
    bool overflow;

    *sample = (struct exposition_sample){.line = reader->line};
    sample->name = (struct str){line.at, exposition_name_length(line, true)};
    rest = skip_blank(behind(rest, sample->name.len));
    bool labels = rest.len && rest.at[0] == '{';
    if (sample->name.len == 0 || (!labels && rest.len && rest.at == line.at + sample->name.len))
        return fail(reader, ERR_INPUT, "bad_name", "no name of a metric", line);
    if (sample->name.len > EXPOSITION_NAME_BYTES_MAX)
        return too_much(reader, "name_too_long", "bytes of a name", sample->name.len,
            EXPOSITION_NAME_BYTES_MAX);
    rest = labels ? behind(rest, 1) : rest;
    if (labels && !take_labels(reader, &rest, sample))
        return false;
    sample->value_text = take_word(&rest);
    if (!exposition_number(sample->value_text, &sample->value, &overflow))
        return overflow ? fail(reader, ERR_INPUT, "value_out_of_range", "no double is so large",
                              sample->value_text)
                        : fail(reader, ERR_INPUT, "bad_value", "no number", sample->value_text);
    struct str stamp = take_word(&rest);
    if (stamp.len && !take_timestamp(reader, stamp, sample))
        return false;
    rest = skip_blank(rest);
    if (rest.len && rest.at[0] == '#')
        return fail(reader, ERR_INPUT, "exemplar", "exemplars are not taken", rest);
    if (rest.len)
        return fail(reader, ERR_INPUT, "behind_sample", "something stands behind the sample", rest);
    sample->type = type_of(reader, sample->name);
    return true;
}

/* One line; *ret_found: it was a sample. */
static bool take_line(struct exposition *reader, struct exposition_sample *sample, bool *ret_found)
{
    struct str line = str_cut(reader->rest, '\n', &reader->rest);

    reader->line++;
    if (line.len > reader->limits.line_bytes_max)
        return too_much(
            reader, "line_too_long", "bytes of a line", line.len, reader->limits.line_bytes_max);
    struct str text = skip_blank(line);
    if (text.len == 0)
        return true;
    if (text.at[0] == '#')
        return comment(reader, line, behind(text, 1));
    if (reader->samples == reader->limits.samples_max)
        return too_much(reader, "too_many_samples", "samples and more", reader->samples + 1,
            reader->limits.samples_max);
    if (!take_sample(reader, text, sample))
        return false;
    reader->samples++;
    *ret_found = true;
    return true;
}

bool exposition_next(struct exposition *reader, struct exposition_sample *ret_sample,
    bool *ret_found, struct err *err)
{
    bool found = false;

    if (!reader->begun && !reader->failed)
        reader->begun = look_at_all(reader);
    while (!reader->failed && !found && reader->rest.len)
        take_line(reader, ret_sample, &found);
    if (reader->failed) {
        *err = reader->err;
        return false;
    }
    *ret_found = found;
    return true;
}

bool exposition_check(
    struct str text, const struct exposition_limits *limits, size_t *ret_samples, struct err *err)
{
    struct exposition_sample sample;
    struct exposition reader;
    bool found = true;

    exposition_begin(&reader, text, limits);
    while (found)
        if (!exposition_next(&reader, &sample, &found, err))
            return false;
    *ret_samples = reader.samples;
    return true;
}
