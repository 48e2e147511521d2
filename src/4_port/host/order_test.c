/* SPDX-License-Identifier: Apache-2.0 */
#include "host/order.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "tap.h"
#include "json/json_read.h"
#include "json/json_text.h"

#define NOW INT64_C(1800000000000)

struct fixture {
    char seed[ORDER_SEED_TEXT_BYTES];
    uint8_t public_key[PUBLIC_KEY_BYTES];
    json_t *job;
    struct order order;
    struct buf body;
};

static void write_body(struct fixture *f)
{
    struct err err;

    buf_done(&f->body);
    f->body = buf_of(ORDER_BODY_BYTES_MAX);
    if (!order_write(&f->order, str_from(f->seed), &f->body, &err))
        panic("%s", err.message);
}

static struct fixture make(void)
{
    struct fixture f = {
        .job = json_pack("{s:s, s:s}", "hand", "pool", "op", "un\"load\\\n\xc3\xa4")};
    struct err err;

    order_seed_make(f.seed);
    check(order_seed_public(str_from(f.seed), f.public_key, &err));
    f.order = (struct order){.host = S("tower"),
        .case_id = S("01J"),
        .nonce = S("n_1-x"),
        .expires_at_ms = NOW + 60000,
        .job = f.job};
    write_body(&f);
    return f;
}

static void done(struct fixture *f)
{
    json_decref(f->job);
    buf_done(&f->body);
}

static const char *code_at(const struct fixture *f, struct str body, const char *host, int64_t now)
{
    static struct err err;
    scoped(order_done) struct order order = {0};

    err = (struct err){0};
    return order_read(body, f->public_key, host, now, &order, &err) ? "" : err.code;
}

static const char *code(const struct fixture *f, struct str body)
{
    return code_at(f, body, "tower", NOW);
}

TEST(an_order_comes_out_as_it_went_in)
{
    scoped(done) struct fixture f = make();
    scoped(order_done) struct order order = {0};
    struct err err;

    REQUIRE(order_read(buf_str(&f.body), f.public_key, "tower", NOW, &order, &err));
    CHECK_STR(order.host, "tower");
    CHECK_STR(order.case_id, "01J");
    CHECK_STR(order.nonce, "n_1-x");
    CHECK_INT(order.expires_at_ms, NOW + 60000);
    CHECK(json_equal(order.job, f.job));
}

TEST(every_edited_byte_is_refused)
{
    scoped(done) struct fixture f = make();
    scoped(buf_done) struct buf edited = buf_of(ORDER_BODY_BYTES_MAX);

    for (size_t i = 0; i < f.body.len; i++) {
        buf_clear(&edited);
        buf_add(&edited, buf_str(&f.body));
        edited.at[i] ^= 1;
        const char *why = code(&f, buf_str(&edited));
        if (!*why)
            printf("# byte %zu may be another\n", i);
        CHECK(*why);
    }
    CHECK(*code(&f, (struct str){f.body.at, f.body.len - 1}));
    CHECK_TEXT(code(&f, S("")), "bad_order");
}

TEST(another_key_signs_nothing)
{
    scoped(done) struct fixture f = make(), other = make();

    CHECK_TEXT(code(&f, buf_str(&other.body)), "bad_signature");
    CHECK_TEXT(code(&f, buf_str(&f.body)), "");
}

TEST(another_host_another_time)
{
    scoped(done) struct fixture f = make();

    CHECK_TEXT(code_at(&f, buf_str(&f.body), "tower2", NOW), "wrong_host");
    CHECK_TEXT(code_at(&f, buf_str(&f.body), "towe", NOW), "wrong_host");
    CHECK_TEXT(code_at(&f, buf_str(&f.body), "tower", NOW + 59999), "");
    CHECK_TEXT(code_at(&f, buf_str(&f.body), "tower", NOW + 60000), "expired");
    CHECK_TEXT(code_at(&f, buf_str(&f.body), "tower", NOW + 60000 - ORDER_LIFE_MS_MAX - 1),
        "too_long_valid");
}

TEST(what_is_signed_but_no_order_is_refused)
{
    scoped(done) struct fixture f = make();
    const struct order good = f.order;

    f.order.nonce = S("a b");
    write_body(&f);
    CHECK_TEXT(code(&f, buf_str(&f.body)), "bad_order");
    f.order = good;
    f.order.nonce = S("");
    write_body(&f);
    CHECK_TEXT(code(&f, buf_str(&f.body)), "bad_order");
    f.order = good;
    f.order.case_id = S("../x");
    write_body(&f);
    CHECK_TEXT(code(&f, buf_str(&f.body)), "bad_order");
    f.order = good;
    f.order.expires_at_ms = -1;
    write_body(&f);
    CHECK_TEXT(code(&f, buf_str(&f.body)), "bad_order");
}

TEST(a_seed_of_another_form_signs_nothing)
{
    static const char *const BAD[] = {"", "AAAA", "not base64 at all, and long enough to be some!!",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
    scoped(done) struct fixture f = make();
    uint8_t public_key[PUBLIC_KEY_BYTES];
    struct err err;

    for (size_t i = 0; i < COUNT(BAD); i++) {
        scoped(buf_done) struct buf out = buf_of(ORDER_BODY_BYTES_MAX);
        CHECK(!order_write(&f.order, str_from(BAD[i]), &out, &err));
        CHECK_TEXT(err.code, "bad_secret");
        CHECK(!order_seed_public(str_from(BAD[i]), public_key, &err));
    }
}

TEST(an_order_that_is_too_long_is_not_written)
{
    scoped(done) struct fixture f = make();
    scoped(buf_done) struct buf out = buf_of(ORDER_BODY_BYTES_MAX), long_text = buf_of(1 << 20);
    struct err err;

    for (size_t i = 0; i < ORDER_BYTES_MAX; i++)
        buf_add_char(&long_text, 'x');
    json_object_set_new(f.job, "x", json_stringn(long_text.at, long_text.len));
    CHECK(!order_write(&f.order, str_from(f.seed), &out, &err));
    CHECK_TEXT(err.code, "too_large");
}

TAP_MAIN
