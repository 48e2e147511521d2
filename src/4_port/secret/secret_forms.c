/* SPDX-License-Identifier: Apache-2.0 */
#include "secret/secret_forms.h"

#include "base/buf.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "secret/secret.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/evp.h>
#include <sys/mman.h>

/* Times the value: itself 1, base64 seven of 4/3, percent 3 twice, hex 2 twice, JSON at most 6
 * thrice, lines 1. */
#define FORMS_FACTOR 40
#define FORMS_BYTES_MORE 256

static void wipe(struct buf *buf)
{
    if (buf->at)
        explicit_bzero(buf->at, buf->cap);
    buf_done(buf);
}

/* All its room at once: a buffer that grows leaves a copy behind. */
static struct buf buf_with_room(size_t bytes)
{
    struct buf buf = buf_of(bytes);

    check(buf_room(&buf, bytes));
    return buf;
}

static void add_form(struct secret_forms *forms, struct str form)
{
    if (form.len < SECRET_FORM_BYTES_MIN || forms->count == SECRET_FORMS_MAX)
        return;
    for (size_t i = 0; i < forms->count; i++)
        if (str_eq(forms->forms[i], form))
            return;
    check(form.len <= forms->bytes - forms->used);
    char *at = memcpy(forms->pages + forms->used, form.at, form.len);
    forms->used += form.len;
    forms->forms[forms->count++] = (struct str){at, form.len};
}

/* Base64 of the value when `offset` other bytes stand before it: the characters that depend on the
 * value alone. */
static void add_base64(struct secret_forms *forms, struct str value, size_t offset)
{
    scoped(wipe) struct buf padded = buf_with_room(value.len + offset);
    scoped(wipe) struct buf out = buf_with_room((value.len + offset + 2) / 3 * 4 + 1);

    for (size_t i = 0; i < offset; i++)
        buf_add_char(&padded, '\0');
    buf_add(&padded, value);
    char *room = buf_room(&out, (padded.len + 2) / 3 * 4 + 1);
    check(room && !padded.overflowed);
    (void)EVP_EncodeBlock((unsigned char *)room, (const unsigned char *)padded.at, (int)padded.len);
    size_t first = (offset * 8 + 5) / 6; /* the first whole sextet of the value */
    size_t behind = padded.len * 8 / 6;  /* behind the last whole one */
    struct str middle = {room + first, behind > first ? behind - first : 0};
    if (offset == 0) /* with all that belongs to it, when it stands alone */
        add_form(forms, (struct str){room, (padded.len * 8 + 5) / 6});
    add_form(forms, middle);
    for (size_t i = 0; i < middle.len; i++)
        room[first + i] = room[first + i] == '+'   ? '-'
                          : room[first + i] == '/' ? '_'
                                                   : room[first + i];
    add_form(forms, middle);
}

static void add_percent_and_hex(struct secret_forms *forms, struct str value, bool upper)
{
    scoped(wipe) struct buf percent = buf_with_room(3 * value.len);
    scoped(wipe) struct buf hex = buf_with_room(2 * value.len);

    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.at[i];
        buf_printf(&hex, upper ? "%02X" : "%02x", c);
        if (c < 128 && (isalnum(c) || strchr("-._~", c)))
            buf_add_char(&percent, (char)c);
        else
            buf_printf(&percent, upper ? "%%%02X" : "%%%02x", c);
    }
    add_form(forms, buf_str(&percent));
    add_form(forms, buf_str(&hex));
}

static void add_json(struct secret_forms *forms, struct str value)
{
    static const int STYLES[] = {0, JSON_ENSURE_ASCII, JSON_ESCAPE_SLASH};

    if (!str_is_utf8(value))
        return;
    scoped(json_done) json_t *text = json_stringn(value.at, value.len);
    for (size_t i = 0; text && i < COUNT(STYLES); i++) {
        scoped(free_done) char *quoted = json_dumps(text, JSON_ENCODE_ANY | (size_t)STYLES[i]);
        if (!quoted)
            continue;
        size_t bytes = strlen(quoted);
        add_form(forms, (struct str){quoted + 1, bytes - 2});
        explicit_bzero(quoted, bytes);
    }
}

void secret_forms_init(struct secret_forms *forms, struct str value)
{
    check(value.len <= SECRET_BYTES_MAX);
    *forms = (struct secret_forms){.bytes = FORMS_FACTOR * value.len + FORMS_BYTES_MORE};
    forms->pages =
        mmap(NULL, forms->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (forms->pages == MAP_FAILED)
        panic("no memory for a secret: %s", strerror(errno));
    /* RLIMIT_MEMLOCK may not let us; then the owner's swap must be encrypted */
    (void)mlock(forms->pages, forms->bytes);
    (void)madvise(forms->pages, forms->bytes, MADV_DONTDUMP);
    add_form(forms, value);
    for (size_t offset = 0; offset < 3; offset++)
        add_base64(forms, value, offset);
    add_percent_and_hex(forms, value, false);
    add_percent_and_hex(forms, value, true);
    add_json(forms, value);
    if (memchr(value.at, '\n', value.len))
        for (struct str line, rest = value; rest.len && forms->count < SECRET_FORMS_MAX;) {
            line = str_cut(rest, '\n', &rest);
            add_form(forms, str_trim(line));
        }
}

void secret_forms_done(struct secret_forms *forms)
{
    if (forms->pages) {
        explicit_bzero(forms->pages, forms->bytes);
        (void)munmap(forms->pages, forms->bytes);
    }
    *forms = (struct secret_forms){0};
}

size_t secret_forms_match(const struct secret_forms *forms, struct str text, bool at_end)
{
    size_t longest = 0;

    for (size_t i = 0; i < forms->count; i++) {
        struct str form = forms->forms[i];
        bool cut = at_end && text.len < form.len && text.len >= SECRET_CUT_BYTES_MIN;
        size_t bytes = cut ? text.len : form.len;
        if (bytes > longest && text.len >= bytes && memcmp(text.at, form.at, bytes) == 0)
            longest = bytes;
    }
    return longest;
}
