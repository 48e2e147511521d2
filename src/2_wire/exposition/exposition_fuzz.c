/* SPDX-License-Identifier: Apache-2.0
 * Properties: any bytes can be read; what is read, written again by the writer, is read back as the
 * same samples; reading does not depend on what stands behind the text. */
#include "base/panic.h"
#include "base/scoped.h"
#include "exposition/exposition.h"

#include <math.h>
#include <stdlib.h>

#define VALUES_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct str copy_of(struct str s, char *at, size_t *used)
{
    check(*used + s.len <= VALUES_MAX);
    struct str copy = exposition_unescape(s, at + *used);
    *used += s.len;
    return copy;
}

static void write_again(const struct exposition_sample *sample, struct buf *out)
{
    struct exposition_pair pairs[EXPOSITION_LABELS_MAX];
    struct exposition_label label;
    char values[VALUES_MAX], name[EXPOSITION_NAME_BYTES_MAX + 1];
    size_t count = 0, used = 0;

    for (struct str at = sample->labels; exposition_label_next(&at, &label); count++) {
        check(count < sample->labels_count && exposition_label_name_valid(label.name));
        pairs[count] = (struct exposition_pair){label.name, copy_of(label.raw, values, &used)};
        check(exposition_label_is(&label, pairs[count].value) && str_is_utf8(pairs[count].value));
    }
    check(count == sample->labels_count && exposition_name_valid(sample->name));
    memcpy(name, sample->name.at, sample->name.len);
    name[sample->name.len] = '\0';
    check(exposition_write(out, name, pairs, count, sample->value));
}

/* Read all and write it; the number of samples. */
static size_t rewrite(struct str text, struct buf *out, bool *ret_good)
{
    struct exposition_limits limits = {1 << 16, VALUES_MAX, 8, 100};
    struct exposition_sample sample;
    struct exposition reader;
    struct err err = {0};
    bool found = true;

    exposition_begin(&reader, text, &limits);
    for (;;) {
        *ret_good = exposition_next(&reader, &sample, &found, &err);
        if (!*ret_good || !found)
            break;
        check(sample.line && sample.line <= text.len);
        write_again(&sample, out);
    }
    check(*ret_good || (err.code[0] && str_is_utf8(str_from(err.message))));
    return reader.samples;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    scoped(buf_done) struct buf first = buf_of(1 << 22), second = buf_of(1 << 22);
    bool good, again;

    if (size > 1 << 16)
        return 0;
    char *text = malloc(size ? size : 1); /* exactly as long: a byte too far is seen */
    check(text);
    if (size)
        memcpy(text, data, size);
    size_t count = rewrite((struct str){text, size}, &first, &good);
    free(text);
    check(!first.overflowed);
    check(rewrite(buf_str(&first), &second, &again) == count && again);
    check(str_eq(buf_str(&first), buf_str(&second)));
    return 0;
}
