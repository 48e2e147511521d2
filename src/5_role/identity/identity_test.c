/* SPDX-License-Identifier: Apache-2.0
 * Who is found, who is refused and why. */
#include "identity_harness.h"

#define OPAQUE "ln_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"
#define BEARER "Bearer " OPAQUE

static struct identity_shown local_with(const char *authorization)
{
    return (struct identity_shown){.authorization = str_from(authorization), .local = true};
}

TEST(without_a_file_this_machine_may_everything_and_no_other)
{
    struct identity_config config = {.path = NULL};
    scoped(desk_done) struct desk desk = {0};
    struct identity_refusal refusal;
    struct err err;

    identity_limits_default(&config.limits);
    REQUIRE(identity_open(&config, &desk.identity, &err));
    CHECK_TEXT(desk_ask(&desk, (struct identity_shown){.local = true}, 0), "local");
    CHECK_TEXT(desk_ask(&desk, local_with("Bearer sk-none"), 0), "local");
    CHECK_TEXT(desk_ask(&desk, local_with(BEARER), 0), "local");
    CHECK_TEXT(desk_ask(&desk, local_with("Bearer "), 0), "local");
    CHECK_TEXT(desk_ask(&desk, (struct identity_shown){0}, 0), "missing");
    CHECK_INT(desk_refusal.status, 401);
    CHECK_TEXT(desk_refusal.code, "invalid_api_key");
    CHECK_TEXT(desk_show(&desk, S(BEARER)), "unknown");
    struct identity_shown shown = {.local = true};
    struct caller *local = identity_find(desk.identity, &shown, desk_now(0), &refusal);
    REQUIRE(local);
    CHECK(local->is_local && local->speaks_for_users && local->number == 0);
    CHECK_TEXT(local->label, "local");
    CHECK(identity_may(local, CALLER_API, S("any/model:7b"), &refusal));
    CHECK(!identity_poll(desk.identity, desk_now(0)));
}

TEST(an_opaque_token_is_found_by_its_hash_in_either_header)
{
    scoped(desk_done) struct desk desk;
    struct err err;

    desk_init(&desk);
    desk_opaque(&desk, "laptop", OPAQUE);
    REQUIRE(desk_open(&desk, &err));
    CHECK_TEXT(desk_show(&desk, S(BEARER)), "laptop");
    CHECK_TEXT(desk_show(&desk, S("bearer   " OPAQUE " ")), "laptop");
    CHECK_TEXT(desk_ask(&desk, (struct identity_shown){.api_key = S(OPAQUE)}, 0), "laptop");
    CHECK_TEXT(desk_ask(&desk,
                   (struct identity_shown){.authorization = S(BEARER), .api_key = S(OPAQUE)}, 0),
        "laptop");
    CHECK_TEXT(desk_ask(&desk,
                   (struct identity_shown){.authorization = S(BEARER), .api_key = S("other")}, 0),
        "ambiguous");
    CHECK_TEXT(desk_show(&desk, S("Basic " OPAQUE)), "scheme");
    CHECK_TEXT(desk_show(&desk, S(OPAQUE)), "scheme");
    CHECK_TEXT(desk_show(&desk, S(BEARER "x")), "unknown");
    CHECK_TEXT(desk_show(&desk, S("Bearer short")), "malformed");
    CHECK_TEXT(desk_show(&desk, S("Bearer ")), "missing");
    CHECK_TEXT(desk_ask(&desk, (struct identity_shown){.api_key = S("")}, 0), "missing");
    scoped(buf_done) struct buf huge = buf_of(1 << 21);
    buf_add(&huge, S("Bearer "));
    while (huge.len < 1 << 20)
        buf_add(&huge, S(OPAQUE));
    CHECK_TEXT(desk_show(&desk, buf_str(&huge)), "malformed");
}

TEST(on_this_machine_a_short_word_is_no_token_but_a_wrong_token_is_refused)
{
    scoped(desk_done) struct desk desk;
    struct identity_config config;
    struct err err;

    desk_init(&desk);
    desk_opaque(&desk, "laptop", OPAQUE);
    REQUIRE(desk_open(&desk, &err));
    CHECK_TEXT(desk_ask(&desk, local_with(NULL), 0), "local");
    CHECK_TEXT(desk_ask(&desk, local_with("Bearer ollama"), 0), "local");
    CHECK_TEXT(desk_ask(&desk, local_with(BEARER), 0), "laptop");
    CHECK_TEXT(desk_ask(&desk, local_with(BEARER "x"), 0), "unknown");
    identity_close(&desk.identity);
    config.path = desk.path;
    identity_limits_default(&config.limits);
    config.limits.local_open = 0;
    REQUIRE(identity_open(&config, &desk.identity, &err));
    CHECK_TEXT(desk_ask(&desk, local_with(NULL), 0), "missing");
    CHECK_TEXT(desk_ask(&desk, local_with("Bearer ollama"), 0), "malformed");
    CHECK_TEXT(desk_ask(&desk, local_with(BEARER), 0), "laptop");
}

static void check_jwt(enum jwt_alg alg)
{
    scoped(desk_done) struct desk desk;
    scoped(buf_done) struct buf header = buf_of(8192);
    struct jwt_claims claims = desk_claims("laptop");
    struct err err;

    desk_init(&desk);
    if (alg == JWT_ES256)
        desk_key(&desk, alg);
    desk_row(&desk, "laptop", "jwt");
    REQUIRE(desk_open(&desk, &err));
    desk_bearer(&desk, &claims, &header);
    CHECK_TEXT(desk_show(&desk, buf_str(&header)), "laptop");
    CHECK_INT(identity_counts(desk.identity).verified, 1);
    CHECK_TEXT(desk_show(&desk, buf_str(&header)), "laptop");
    CHECK_INT(identity_counts(desk.identity).verified, 1);
    CHECK_INT(identity_counts(desk.identity).cached, 1);
    size_t at = header.len - 40; /* within the signature */
    header.at[at] = header.at[at] == 'A' ? 'B' : 'A';
    CHECK_TEXT(desk_show(&desk, buf_str(&header)), "signature");
    CHECK_INT(strlen(desk_refusal.fp6), 6);
    CHECK_INT(identity_counts(desk.identity).cache, 1);
}

TEST(a_jwt_is_verified_once_and_then_remembered)
{
    check_jwt(JWT_EDDSA);
    check_jwt(JWT_ES256);
}

TEST(the_key_decides_the_algorithm_not_the_header)
{
    scoped(desk_done) struct desk desk;
    scoped(buf_done) struct buf header = buf_of(8192);
    struct jwt_claims claims = desk_claims("laptop");
    struct err err;

    desk_init(&desk);
    desk_row(&desk, "laptop", "jwt");
    REQUIRE(desk_open(&desk, &err));
    mint_key_done(&desk.key);
    mint_key_make(JWT_ES256, &desk.key); /* the attacker's, under the kid of the EdDSA key */
    desk_bearer(&desk, &claims, &header);
    CHECK_TEXT(desk_show(&desk, buf_str(&header)), "algorithm");
    mint_key_done(&desk.key);
    mint_key_make(JWT_EDDSA, &desk.key);
    desk_bearer(&desk, &claims, &header);
    CHECK_TEXT(desk_show(&desk, buf_str(&header)), "signature");
    buf_clear(&header);
    buf_add(&header, S("Bearer "));
    base64url_encode(S("{\"alg\":\"none\",\"kid\":\"k\",\"typ\":\"JWT\"}"), &header);
    buf_add(&header, S(".e30."));
    CHECK_TEXT(desk_show(&desk, buf_str(&header)), "algorithm");
    CHECK_INT(identity_counts(desk.identity).verified, 1);
}

TEST(each_wrong_claim_has_its_reason_and_costs_no_signature_check)
{
    static const struct {
        const char *reason, *issuer, *audience, *subject, *id;
        int64_t issued_s, not_before_s, expires_s;
    } CASES[] = {
        {"issuer", "other", TOKEN_AUDIENCE, "laptop", "laptop", NOW_S, 0, 0},
        {"audience", TOKEN_ISSUER, "other", "laptop", "laptop", NOW_S, 0, 0},
        {"unknown", TOKEN_ISSUER, TOKEN_AUDIENCE, "desktop", "laptop", NOW_S, 0, 0},
        {"unknown", TOKEN_ISSUER, TOKEN_AUDIENCE, "laptop", "stranger", NOW_S, 0, 0},
        {"unknown", TOKEN_ISSUER, TOKEN_AUDIENCE, "phone", "phone", NOW_S, 0, 0},
        {"issued_ahead", TOKEN_ISSUER, TOKEN_AUDIENCE, "laptop", "laptop", NOW_S + 61, 0, 0},
        {"not_yet", TOKEN_ISSUER, TOKEN_AUDIENCE, "laptop", "laptop", NOW_S, NOW_S + 61, 0},
        {"expired", TOKEN_ISSUER, TOKEN_AUDIENCE, "laptop", "laptop", NOW_S - 90, 0, NOW_S - 60},
    };
    scoped(desk_done) struct desk desk;
    scoped(buf_done) struct buf header = buf_of(8192);
    struct err err;

    desk_init(&desk);
    desk_row(&desk, "laptop", "jwt");
    desk_opaque(&desk, "phone", OPAQUE); /* a row of another kind */
    REQUIRE(desk_open(&desk, &err));
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct jwt_claims claims = {.issued_s = CASES[i].issued_s,
            .not_before_s = CASES[i].not_before_s,
            .expires_s = CASES[i].expires_s};
        snprintf(claims.issuer, JWT_TEXT_BYTES, "%s", CASES[i].issuer);
        snprintf(claims.audience, JWT_TEXT_BYTES, "%s", CASES[i].audience);
        snprintf(claims.subject, JWT_TEXT_BYTES, "%s", CASES[i].subject);
        snprintf(claims.id, JWT_TEXT_BYTES, "%s", CASES[i].id);
        desk_bearer(&desk, &claims, &header);
        CHECK_TEXT(desk_show(&desk, buf_str(&header)), CASES[i].reason);
        CHECK_INT(desk_refusal.status, 401);
    }
    CHECK_INT(identity_counts(desk.identity).verified, 0);
    CHECK_TEXT(desk_show(&desk, S("Bearer aaaaaaaaaaaaaaaa.bbbbbbbbbbbbbbbbbbbbbb.cccccccccc")),
        "malformed");
}

TEST(a_token_of_another_key_of_the_file_is_not_the_rows)
{
    scoped(desk_done) struct desk desk;
    scoped(buf_done) struct buf header = buf_of(8192);
    struct jwt_claims claims = desk_claims("laptop");
    struct err err;

    desk_init(&desk);
    desk_row(&desk, "laptop", "jwt");
    desk_key(&desk, JWT_EDDSA); /* the row names the first */
    REQUIRE(desk_open(&desk, &err));
    desk_bearer(&desk, &claims, &header);
    CHECK_TEXT(desk_show(&desk, buf_str(&header)), "unknown");
}

TEST(revoked_removed_and_expired_callers_are_refused_also_from_the_cache)
{
    scoped(desk_done) struct desk desk;
    scoped(buf_done) struct buf header = buf_of(8192);
    struct jwt_claims claims = desk_claims("laptop");
    struct err err;

    desk_init(&desk);
    json_t *row = desk_row(&desk, "laptop", "jwt");
    claims.expires_s = NOW_S + 100;
    REQUIRE(desk_open(&desk, &err));
    desk_bearer(&desk, &claims, &header);
    struct identity_shown shown = {.authorization = buf_str(&header)};
    CHECK_TEXT(desk_ask(&desk, shown, 0), "laptop");
    CHECK_TEXT(desk_ask(&desk, shown, 159000), "laptop"); /* within the leeway */
    CHECK_TEXT(desk_ask(&desk, shown, 160000), "expired");
    json_object_set_new(row, "expires_at", json_string("2025-11-21T04:40:01Z")); /* + 1 s */
    REQUIRE(desk_write(&desk) && identity_poll(desk.identity, desk_now(0)));
    CHECK_TEXT(desk_ask(&desk, shown, 0), "laptop");
    CHECK_TEXT(desk_ask(&desk, shown, 1000), "expired");
    json_object_set_new(row, "revoked_at", json_string("2025-11-21T04:40:00Z"));
    REQUIRE(desk_write(&desk) && identity_poll(desk.identity, desk_now(0)));
    CHECK_TEXT(desk_ask(&desk, shown, 0), "revoked");
    json_array_clear(json_object_get(desk.document, "tokens"));
    REQUIRE(desk_write(&desk) && identity_poll(desk.identity, desk_now(0)));
    CHECK_TEXT(desk_ask(&desk, shown, 0), "unknown");
    CHECK_INT(identity_counts(desk.identity).reloads, 3);
}

TEST(a_bad_new_file_changes_nothing_is_counted_once_and_a_good_one_follows)
{
    scoped(desk_done) struct desk desk;
    struct err err;

    desk_init(&desk);
    desk_opaque(&desk, "laptop", OPAQUE);
    REQUIRE(desk_open(&desk, &err));
    REQUIRE(
        file_replace(desk.path, S("{\"schema\":\"logic-node/tokens/v1\",\"keys\":["), 0600, &err));
    CHECK(!identity_poll(desk.identity, desk_now(0)));
    CHECK(!identity_poll(desk.identity, desk_now(0)));
    CHECK_INT(identity_counts(desk.identity).bad_reloads, 1);
    CHECK_TEXT(desk_show(&desk, S(BEARER)), "laptop");
    desk_opaque(&desk, "phone", OPAQUE "2");
    REQUIRE(desk_write(&desk) && chmod(desk.path, 0622) == 0);
    CHECK(!identity_poll(desk.identity, desk_now(0)));
    CHECK_TEXT(desk_show(&desk, S(BEARER "2")), "unknown");
    REQUIRE(desk_write(&desk));
    CHECK(identity_poll(desk.identity, desk_now(0)));
    CHECK_TEXT(desk_show(&desk, S(BEARER "2")), "phone");
    CHECK_INT(identity_counts(desk.identity).callers, 2);
    REQUIRE(unlink(desk.path) == 0 && identity_poll(desk.identity, desk_now(0)));
    CHECK_TEXT(desk_show(&desk, S(BEARER)), "unknown");
}

TEST(a_certificate_is_enough_alone_or_is_needed_beside_a_token)
{
    scoped(desk_done) struct desk desk;
    struct err err;

    desk_init(&desk);
    json_object_set_new(
        desk_row(&desk, "kiosk", "certificate"), "certificate", json_string("kiosk.home"));
    json_object_set_new(
        desk_opaque(&desk, "laptop", OPAQUE), "certificate", json_string("laptop.home"));
    REQUIRE(desk_open(&desk, &err));
    struct identity_shown none = {.certificate = S("kiosk.home")};
    CHECK_TEXT(desk_ask(&desk, none, 0), "kiosk");
    none.certificate = S("laptop.home"); /* bound to a token, which is missing */
    CHECK_TEXT(desk_ask(&desk, none, 0), "missing");
    none.certificate = S("kiosk.hom");
    CHECK_TEXT(desk_ask(&desk, none, 0), "missing");
    CHECK_TEXT(desk_show(&desk, S(BEARER)), "certificate");
    struct identity_shown both = {.authorization = S(BEARER), .certificate = S("laptop.home")};
    CHECK_TEXT(desk_ask(&desk, both, 0), "laptop");
    both.certificate = S("kiosk.home"); /* the token counts, and wants its own */
    CHECK_TEXT(desk_ask(&desk, both, 0), "certificate");
}

TEST(scopes_and_model_patterns_are_what_the_row_says)
{
    scoped(desk_done) struct desk desk;
    struct identity_refusal refusal;
    struct identity_shown shown = {.authorization = S(BEARER)};
    struct err err;

    desk_init(&desk);
    json_t *row = desk_opaque(&desk, "laptop", OPAQUE);
    json_object_set_new(row, "models", json_pack("[s,s]", "qwen3-8b", "llama*"));
    json_object_set_new(row, "scopes", json_pack("[s,s]", "chat", "models"));
    REQUIRE(desk_open(&desk, &err));
    struct caller *caller = identity_find(desk.identity, &shown, desk_now(0), &refusal);
    REQUIRE(caller);
    CHECK(identity_may(caller, CALLER_CHAT, S("qwen3-8b"), &refusal));
    CHECK(identity_may(caller, CALLER_CHAT, S("llama"), &refusal));
    CHECK(identity_may(caller, CALLER_CHAT, S("llama-3:70b"), &refusal));
    CHECK(identity_may(caller, CALLER_MODELS, S(""), &refusal));
    CHECK(!identity_may(caller, CALLER_CHAT, S("qwen3-8b-instruct"), &refusal));
    CHECK_INT(refusal.status, 403);
    CHECK_TEXT(refusal.code, "model_not_allowed");
    CHECK_TEXT(refusal.param, "model");
    CHECK(!identity_may(caller, CALLER_CHAT, S("Llama"), &refusal));
    CHECK(!identity_may(caller, CALLER_CHAT, S("llam"), &refusal));
    CHECK(!identity_may(caller, CALLER_USAGE, S(""), &refusal));
    CHECK_TEXT(refusal.code, "endpoint_not_allowed");
    CHECK(strstr(refusal.message, "'usage'") != NULL);
}

TEST(rates_and_places_are_limited_and_what_was_used_survives_a_new_file)
{
    scoped(desk_done) struct desk desk;
    struct identity_refusal refusal;
    struct identity_shown shown = {.authorization = S(BEARER)};
    struct err err;

    desk_init(&desk);
    json_t *row = desk_opaque(&desk, "laptop", OPAQUE);
    json_object_set_new(row, "rate_per_minute", json_integer(3));
    json_object_set_new(row, "tokens_per_minute", json_integer(1000));
    json_object_set_new(row, "concurrent_max", json_integer(2));
    REQUIRE(desk_open(&desk, &err));
    struct caller *caller = identity_find(desk.identity, &shown, desk_now(0), &refusal);
    REQUIRE(caller);
    CHECK(identity_enter(caller, desk_now(0), &refusal));
    CHECK(identity_enter(caller, desk_now(0), &refusal));
    CHECK(!identity_enter(caller, desk_now(0), &refusal));
    CHECK_TEXT(refusal.code, "concurrency_limit");
    CHECK_INT(refusal.status, 429);
    identity_leave(caller, 0, desk_now(0));
    CHECK(identity_enter(caller, desk_now(0), &refusal));
    identity_leave(caller, 0, desk_now(0));
    CHECK(!identity_enter(caller, desk_now(0), &refusal));
    CHECK_TEXT(refusal.reason, "requests");
    CHECK_INT(refusal.retry_after_ms, 20000);
    CHECK(identity_enter(caller, desk_now(20000), &refusal));
    identity_leave(caller, 1500, desk_now(20000));
    json_object_set_new(row, "weight", json_integer(7));
    REQUIRE(desk_write(&desk) && identity_poll(desk.identity, desk_now(20000)));
    CHECK_INT(caller->weight, 7);
    CHECK_INT(caller->inside, 1);
    CHECK(!identity_enter(caller, desk_now(40000), &refusal));
    CHECK_TEXT(refusal.reason, "tokens");
    CHECK_TEXT(refusal.code, "rate_limit_exceeded");
    CHECK_INT(refusal.retry_after_ms, 10001); /* 500 below at 20 s: at zero after 30 s */
    CHECK(identity_enter(caller, desk_now(50001), &refusal));
    identity_leave(caller, 1000000, desk_now(50001));
    CHECK(!identity_enter(caller, desk_now(50001), &refusal));
    CHECK_INT(refusal.retry_after_ms, 60000);
    identity_leave(caller, 0, desk_now(50001));
}

TEST(who_is_inside_while_its_row_goes_stays_until_it_leaves)
{
    scoped(desk_done) struct desk desk;
    struct identity_refusal refusal;
    struct identity_shown shown = {.authorization = S(BEARER)};
    struct err err;

    desk_init(&desk);
    desk_opaque(&desk, "laptop", OPAQUE);
    REQUIRE(desk_open(&desk, &err));
    struct caller *caller = identity_find(desk.identity, &shown, desk_now(0), &refusal);
    REQUIRE(caller && identity_enter(caller, desk_now(0), &refusal));
    uint32_t number = caller->number;
    json_array_clear(json_object_get(desk.document, "tokens"));
    desk_opaque(&desk, "phone", OPAQUE "2");
    REQUIRE(desk_write(&desk) && identity_poll(desk.identity, desk_now(0)));
    identity_poll(desk.identity, desk_now(0));
    CHECK(caller->revoked);
    CHECK_TEXT(caller->name, "laptop");
    shown.authorization = S(BEARER "2");
    struct caller *phone = identity_find(desk.identity, &shown, desk_now(0), &refusal);
    REQUIRE(phone);
    CHECK(phone->number != number && phone->number != 0);
    identity_leave(caller, 5, desk_now(0));
    identity_poll(desk.identity, desk_now(0)); /* freed: AddressSanitizer would see a later use */
}

TEST(a_flood_of_strangers_costs_no_signature_check_and_no_place_in_the_cache)
{
    scoped(desk_done) struct desk desk;
    scoped(buf_done) struct buf good = buf_of(8192), bad = buf_of(8192);
    struct jwt_claims claims = desk_claims("laptop");
    struct err err;
    char token[80];

    desk_init(&desk);
    desk_row(&desk, "laptop", "jwt");
    REQUIRE(desk_open(&desk, &err));
    desk_bearer(&desk, &claims, &good);
    CHECK_TEXT(desk_show(&desk, buf_str(&good)), "laptop");
    for (int i = 0; i < 20000; i++) {
        snprintf(token, sizeof token, "Bearer ln_%043d", i);
        CHECK_TEXT(desk_show(&desk, str_from(token)), "unknown");
    }
    for (int i = 0; i < 200; i++) {
        snprintf(claims.id, sizeof claims.id, "stranger-%d", i);
        desk_bearer(&desk, &claims, &bad);
        CHECK_TEXT(desk_show(&desk, buf_str(&bad)), "unknown");
    }
    CHECK_TEXT(desk_show(&desk, buf_str(&good)), "laptop");
    CHECK_INT(identity_counts(desk.identity).verified, 1);
    CHECK_INT(identity_counts(desk.identity).cache, 1);
}

TEST(a_flood_in_one_name_is_bounded_and_hits_neither_its_owner_nor_others)
{
    scoped(desk_done) struct desk desk;
    scoped(buf_done) struct buf laptop = buf_of(8192), phone = buf_of(8192), bad = buf_of(8192);
    struct jwt_claims claims = desk_claims("laptop"), other = desk_claims("phone");
    int64_t flooded = 0;
    struct err err;

    desk_init(&desk);
    json_t *row = desk_row(&desk, "laptop", "jwt");
    desk_row(&desk, "phone", "jwt");
    REQUIRE(desk_open(&desk, &err));
    desk_bearer(&desk, &claims, &laptop);
    desk_bearer(&desk, &other, &phone);
    CHECK_TEXT(desk_show(&desk, buf_str(&laptop)), "laptop");
    for (int i = 0; i < 1000; i++) { /* signatures that differ: nothing to remember */
        buf_clear(&bad);
        buf_add(&bad, buf_str(&laptop));
        snprintf(bad.at + bad.len - 60, 8, "%07d", i);
        bad.at[bad.len - 53] = 'A';
        flooded += strcmp(desk_show(&desk, buf_str(&bad)), "flood") == 0;
    }
    CHECK_INT(flooded, 1000 - 9); /* ten a second in one name; one was the owner's */
    CHECK_INT(desk_refusal.status, 429);
    CHECK(desk_refusal.retry_after_ms > 0);
    CHECK_INT(identity_counts(desk.identity).verified, 10);
    CHECK_TEXT(desk_show(&desk, buf_str(&laptop)), "laptop");
    CHECK_TEXT(desk_show(&desk, buf_str(&phone)), "phone");
    json_object_set_new(row, "weight", json_integer(2)); /* the cache is emptied */
    REQUIRE(desk_write(&desk) && identity_poll(desk.identity, desk_now(0)));
    CHECK_TEXT(desk_show(&desk, buf_str(&bad)), "flood");
    CHECK_TEXT(desk_show(&desk, buf_str(&laptop)), "laptop"); /* proved before: not of the flood */
    CHECK_INT(identity_counts(desk.identity).verified, 12);
}

TEST(the_checks_of_all_names_together_are_bounded_too)
{
    scoped(desk_done) struct desk desk;
    scoped(buf_done) struct buf bad = buf_of(8192);
    char name[16];
    int64_t flooded = 0;
    struct err err;

    desk_init(&desk);
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "d%d", i);
        desk_row(&desk, name, "jwt");
    }
    REQUIRE(desk_open(&desk, &err));
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "d%d", i % 100);
        struct jwt_claims claims = desk_claims(name);
        desk_bearer(&desk, &claims, &bad);
        bad.at[bad.len - 50] = bad.at[bad.len - 50] == 'A' ? 'B' : 'A';
        flooded += strcmp(desk_show(&desk, buf_str(&bad)), "flood") == 0;
    }
    CHECK_INT(flooded, 600);
    CHECK_INT(identity_counts(desk.identity).refused_by_flood, 600);
}

static void stop(uv_timer_t *timer)
{
    uv_stop(timer->loop);
}

TEST(a_watched_file_is_taken_by_the_loop)
{
    scoped(desk_done) struct desk desk;
    struct identity_config config = {0};
    uv_loop_t loop;
    uv_timer_t timer;
    struct err err;

    desk_init(&desk);
    desk_opaque(&desk, "laptop", OPAQUE);
    config.path = desk.path;
    identity_limits_default(&config.limits);
    config.limits.poll_ms = 50;
    REQUIRE(desk_write(&desk) && identity_open(&config, &desk.identity, &err));
    REQUIRE(uv_loop_init(&loop) == 0 && uv_timer_init(&loop, &timer) == 0);
    identity_watch(desk.identity, &loop);
    desk_opaque(&desk, "phone", OPAQUE "2");
    REQUIRE(desk_write(&desk));
    for (int i = 0; i < 100 && identity_counts(desk.identity).reloads == 0; i++) {
        uv_timer_start(&timer, stop, 20, 0);
        uv_run(&loop, UV_RUN_DEFAULT);
    }
    CHECK_INT(identity_counts(desk.identity).reloads, 1);
    CHECK_TEXT(desk_show(&desk, S(BEARER "2")), "phone");
    identity_unwatch(desk.identity);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK_INT(uv_loop_close(&loop), 0);
}

TAP_MAIN
