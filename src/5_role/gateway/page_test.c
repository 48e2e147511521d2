/* SPDX-License-Identifier: Apache-2.0 */
#include "base/scoped.h"
#include "gateway/page.h"
#include "os/file.h"
#include "scratch.h"
#include "tap.h"

#include <zlib.h>

TEST(gzip_is_taken_where_it_is_named_and_not_refused)
{
    static const char *const YES[] = {"gzip", "gzip, deflate, br", "br;q=1.0, GZIP;q=0.2, *;q=0",
        "*", "deflate;q=0.1,x-gzip", " gzip ; q=0.001", "*;q=0.5, identity"};
    static const char *const NO[] = {"", "identity", "br", "gzip;q=0", "gzip; q=0.000", "*;q=0",
        "gzip;q=0, *", "notgzip", "gzipped", "*, gzip;q=0"};

    for (size_t i = 0; i < COUNT(YES); i++)
        CHECK(page_takes_gzip(str_from(YES[i])));
    for (size_t i = 0; i < COUNT(NO); i++)
        CHECK(!page_takes_gzip(str_from(NO[i])));
    CHECK(!page_takes_gzip((struct str){0}));
}

TEST(a_tag_is_found_in_a_list)
{
    CHECK(page_known(S("\"a\""), S("\"a\"")));
    CHECK(page_known(S("\"b\", W/\"a\" ,\"c\""), S("\"a\"")));
    CHECK(page_known(S("*"), S("\"a\"")));
    CHECK(!page_known(S("\"ab\""), S("\"a\"")));
    CHECK(!page_known(S(""), S("\"a\"")));
    CHECK(!page_known(S("a"), S("\"a\"")));
}

static bool has(const struct http_field *fields, size_t count, struct str name, const char *value)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(fields[i].name, name))
            return !value || strstr(fields[i].value.at, value);
    return false;
}

TEST(text_is_compressed_once_and_each_form_has_its_tag)
{
    const char *folder = scratch_folder();
    char path[128], text[4096], back[sizeof text];
    struct http_field fields[PAGE_FIELDS];
    const struct page_form plain = {0}, gzip = {.gzip = true}, tls = {.gzip = true, .tls = true};
    struct pages pages;
    struct err err;

    memset(text, 'x', sizeof text);
    const struct str bytes = {text, sizeof text};
    static const char *const NAMES[] = {
        "a.mjs", "a.png", "tiny.txt", "a.webmanifest", "a.html", "a.svg"};
    for (size_t i = 0; i < COUNT(NAMES); i++) {
        snprintf(path, sizeof path, "%s/%s", folder, NAMES[i]);
        CHECK(file_replace(path, i == 2 ? S("x") : bytes, 0600, &err));
    }
    REQUIRE(pages_load(folder, &pages, &err));
    const struct page_file *file = pages_find(&pages, S("/a.mjs"));
    REQUIRE(file != NULL);
    CHECK_STR(file->type, "text/javascript; charset=utf-8");
    CHECK(strcmp(file->etag, file->gzip_etag) != 0);
    CHECK_INT(page_bytes(file, plain).len, sizeof text);
    struct str small = page_bytes(file, gzip);
    CHECK(small.len < 100);
    z_stream z = {.next_in = (Bytef *)small.at,
        .avail_in = (uInt)small.len,
        .next_out = (Bytef *)back,
        .avail_out = sizeof back};
    CHECK(inflateInit2(&z, MAX_WBITS + 16) == Z_OK && inflate(&z, Z_FINISH) == Z_STREAM_END);
    inflateEnd(&z);
    CHECK(z.total_out == sizeof text && memcmp(back, text, sizeof text) == 0);

    size_t count = page_fields(file, plain, fields);
    CHECK(!has(fields, count, S("Content-Encoding"), NULL));
    CHECK(!has(fields, count, S("Strict-Transport-Security"), NULL));
    CHECK(has(fields, count, S("ETag"), file->etag));
    CHECK(has(fields, count, S("Vary"), "Accept-Encoding"));
    static const char *const PARTS[] = {"default-src 'none'", "require-trusted-types-for 'script'"};
    for (size_t i = 0; i < COUNT(PARTS); i++) /* a worker has only the policy of its script */
        CHECK(has(fields, count, S("Content-Security-Policy"), PARTS[i]));
    CHECK(has(fields, count, S("X-Content-Type-Options"), "nosniff"));
    size_t head = 0;
    for (size_t i = 0; i < count; i++)
        head += fields[i].name.len + fields[i].value.len + 4;
    CHECK(head < 400); /* there are sixty of them */
    count = page_fields(file, tls, fields);
    CHECK(has(fields, count, S("Content-Encoding"), "gzip"));
    CHECK(has(fields, count, S("ETag"), file->gzip_etag));
    CHECK(has(fields, count, S("Strict-Transport-Security"), "max-age="));

    CHECK(!pages_find(&pages, S("/a.png"))->gzip);
    file = pages_find(&pages, S("/tiny.txt")); /* it would be longer */
    CHECK(!file->gzip);
    count = page_fields(file, gzip, fields);
    CHECK(!has(fields, count, S("Content-Encoding"), NULL));
    CHECK(has(fields, count, S("ETag"), file->etag));
    CHECK_STR(pages_find(&pages, S("/a.webmanifest"))->type, "application/manifest+json");

    static const char *const DOCUMENTS[] = {"/a.html", "/a.svg"};
    for (size_t i = 0; i < COUNT(DOCUMENTS); i++) {
        count = page_fields(pages_find(&pages, str_from(DOCUMENTS[i])), tls, fields);
        CHECK_INT(count, PAGE_FIELDS);
        CHECK(has(fields, count, S("X-Frame-Options"), "DENY"));
        CHECK(has(fields, count, S("Permissions-Policy"), "publickey-credentials-get=(self)"));
        static const char *const RULES[] = {"default-src 'none'", "worker-src 'self'",
            "manifest-src 'self'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"};
        for (size_t at = 0; at < COUNT(RULES); at++)
            CHECK(has(fields, count, S("Content-Security-Policy"), RULES[at]));
    }
    pages_done(&pages);
}

TAP_MAIN
