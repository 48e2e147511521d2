/* SPDX-License-Identifier: Apache-2.0
 * Property: a Cookie header, an Accept-Encoding, an If-None-Match and a sessions file of any bytes
 * are read without a crash; what is taken out of a header lies in it; a file that is taken comes
 * out again as the same file. The first byte chooses. */
#include "base/panic.h"
#include "base/scoped.h"
#include "gateway/page.h"
#include "gateway/session_book.h"
#include "gateway/tries.h"
#include "json/json_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW 1763700000000

static void cookie(struct str text)
{
    char csrf[SESSION_CSRF_BYTES];
    struct str value;

    if (!session_cookie(text, S("logic_session"), &value))
        return;
    check(value.at >= text.at && value.at + value.len <= text.at + text.len);
    session_csrf(value, csrf);
    check(!*csrf || session_csrf_fits(value, str_from(csrf)));
}

static void address(struct str text)
{
    struct str last = tries_forwarded(text);
    char is[TRIES_ADDRESS_BYTES];

    check(!last.at || (last.len && last.at >= text.at && last.at + last.len <= text.at + text.len));
    tries_address(last.at ? last : text, is);
}

static void file(struct str text)
{
    static const struct session_times TIMES = {
        INT64_C(1) << 50, INT64_C(1) << 50, INT64_C(1) << 50};
    scoped(json_done) json_t *value = NULL;
    scoped(session_book_done) struct session_book book = {0}, again = {0};
    struct err err = {0};

    if (!json_read(text, SESSION_FILE_BYTES_MAX, &value, &err))
        return;
    session_book_init(&book, 64, &TIMES);
    session_book_init(&again, 64, &TIMES);
    if (!session_book_read(&book, value, NOW, &err)) {
        check(*err.code && book.count == 0);
        return;
    }
    scoped(json_done) json_t *first = session_book_file(&book);
    check(session_book_read(&again, first, NOW, &err));
    scoped(json_done) json_t *second = session_book_file(&again);
    check(json_equal(first, second));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct str text = {(const char *)data + 1, size - 1};
    switch (data[0] % 5) {
    case 0:
        cookie(text);
        break;
    case 1:
        (void)page_takes_gzip(text);
        break;
    case 2:
        (void)page_known(text, S("\"0123456789abcdef0123456789abcdef\""));
        break;
    case 3:
        address(text);
        break;
    default:
        file(text);
    }
    return 0;
}
