/* SPDX-License-Identifier: Apache-2.0
 * Planted tokens: every way of showing one, good, bad or broken, and then all that this module ever
 * says (logs, refusals, errors, JSON, counters) is searched for them. Only fp6 may be there.
 * invariant_7 */
#include "identity_harness.h"

#include <fcntl.h>

#define PLANT "PLANTED-SECRET-6f1d" /* part of every text that must not appear */
#define OPAQUE "ln_" PLANT "-0123456789abcdefghijklmnop"
#define SAID_BYTES_MAX (4 * 1024 * 1024)

static struct buf said;   /* all that was said */
static struct buf plants; /* the token texts, one a line */

static void say(const char *text)
{
    buf_add(&said, str_from(text));
    buf_add_char(&said, '\n');
}

static void say_json(json_t *value)
{
    scoped(json_done) json_t *mine = value;
    scoped(free_done) char *text = json_dumps(mine, JSON_ENCODE_ANY);

    check(text);
    say(text);
}

static void plant(struct str token)
{
    buf_add(&plants, token);
    buf_add_char(&plants, '\n');
}

/* One token by both headers and from both sides. */
static void show(struct desk *desk, struct str token)
{
    scoped(buf_done) struct buf bearer = buf_of(2 * SAID_BYTES_MAX);

    plant(token);
    buf_add(&bearer, S("Bearer "));
    buf_add(&bearer, token);
    struct identity_shown shown[] = {
        {.authorization = buf_str(&bearer)},
        {.authorization = buf_str(&bearer), .local = true},
        {.api_key = token},
        {.authorization = token},
        {.authorization = buf_str(&bearer), .api_key = S(OPAQUE "-other")},
        {.authorization = buf_str(&bearer), .certificate = S("laptop.home")},
        {.certificate = token},
    };
    for (size_t i = 0; i < COUNT(shown); i++) {
        struct identity_refusal refusal = {0};
        struct caller *caller =
            identity_find(desk->identity, &shown[i], desk_now((int64_t)i), &refusal);
        say(refusal.message);
        say(refusal.reason ? refusal.reason : "");
        say(refusal.fp6);
        if (!caller)
            continue;
        say(caller->label);
        say(caller->name);
        if (!identity_may(caller, CALLER_API, S("no-such-model"), &refusal))
            say(refusal.message);
        if (!identity_enter(caller, desk_now(0), &refusal))
            say(refusal.message);
        else
            identity_leave(caller, 5, desk_now(0));
    }
}

/* A compact token whose parts hold the plant where they can. */
static void show_jwt(struct desk *desk, const char *header, const char *claims)
{
    scoped(buf_done) struct buf token = buf_of(16384);
    uint8_t signature[JWT_SIGNATURE_BYTES] = {1};

    base64url_encode(str_from(header), &token);
    buf_add_char(&token, '.');
    base64url_encode(str_from(claims), &token);
    jwt_write_signature(&token, signature);
    show(desk, buf_str(&token));
}

static void show_all(struct desk *desk)
{
    scoped(buf_done) struct buf header = buf_of(8192), huge = buf_of(2 << 20);
    struct jwt_claims claims = desk_claims("laptop");
    struct jwt_claims late = claims, stranger = claims;

    desk_bearer(desk, &claims, &header);
    struct str good = {header.at + 7, header.len - 7};
    show(desk, good);
    show(desk, (struct str){good.at, good.len - 3});
    header.at[header.len - 30] = header.at[header.len - 30] == 'A' ? 'B' : 'A';
    show(desk, good);
    late.issued_s = NOW_S - 1000;
    late.expires_s = NOW_S - 900;
    desk_bearer(desk, &late, &header);
    show(desk, (struct str){header.at + 7, header.len - 7});
    snprintf(stranger.id, sizeof stranger.id, PLANT);
    snprintf(stranger.subject, sizeof stranger.subject, PLANT);
    desk_bearer(desk, &stranger, &header);
    show(desk, (struct str){header.at + 7, header.len - 7});
    show(desk, S(OPAQUE));
    show(desk, S(OPAQUE "-wrong"));
    show(desk, S(PLANT));
    show(desk, S(PLANT "." PLANT "." PLANT "." PLANT));
    show(desk, S("Basic " PLANT));
    show(desk, S(PLANT "\r\nX-Injected: " PLANT "\x01\xff"));
    show_jwt(desk, "{\"alg\":\"" PLANT "\",\"kid\":\"" PLANT "\",\"typ\":\"JWT\"}", "{}");
    show_jwt(desk, "{\"alg\":\"EdDSA\",\"kid\":\"" PLANT "\",\"typ\":\"" PLANT "\"}", "{}");
    show_jwt(desk, "{\"" PLANT "\":1,\"" PLANT "\":2}", "{\"" PLANT "\":");
    show_jwt(desk, "{\"alg\":\"EdDSA\",\"kid\":\"k\",\"typ\":\"JWT\"}", "{\"iss\":\"" PLANT "\"}");
    show_jwt(desk, "{\"alg\":\"EdDSA\",\"kid\":\"k\",\"typ\":\"JWT\"}", PLANT);
    while (huge.len < 1 << 20)
        buf_add(&huge, S(PLANT));
    show(desk, buf_str(&huge));
}

/* Files in which somebody pasted a token where none belongs. */
static void show_files(struct desk *desk)
{
    static const char *const FILES[] = {
        PLANT,
        "{\"schema\":\"" PLANT,
        "{\"schema\":\"logic-node/tokens/v1\",\"keys\":[],\"tokens\":[\"" PLANT "\"]}",
        "{\"schema\":\"logic-node/tokens/v1\",\"keys\":[],\"tokens\":[{\"name\":\"" PLANT "\"}]}",
        "{\"schema\":\"logic-node/tokens/v1\",\"keys\":[],\"tokens\":[{\"name\":\"a\",\"id\":\"1\","
        "\"kind\":\"opaque\",\"sha256\":\"" PLANT "\",\"models\":[\"*\"],\"scopes\":[\"chat\"]}]}",
        "{\"schema\":\"logic-node/tokens/v1\",\"keys\":[],\"tokens\":[{\"name\":\"a\",\"id\":\"1\","
        "\"kind\":\"" PLANT "\",\"models\":[\"*\"],\"scopes\":[\"" PLANT "\"]}]}",
        "{\"schema\":\"logic-node/tokens/v1\",\"keys\":[{\"kid\":\"k\",\"alg\":\"EdDSA\","
        "\"public\":\"" PLANT "\"}],\"tokens\":[]}",
    };

    for (size_t i = 0; i < COUNT(FILES); i++) {
        struct err err = {0};
        CHECK(!identity_check(str_from(FILES[i]), &err));
        say(err.message);
        say(err.code);
        say(err.param);
        check(file_replace(desk->path, str_from(FILES[i]), 0600, &err));
        CHECK(!identity_poll(desk->identity, desk_now(0)));
    }
}

static void search(void)
{
    struct str line, rest = buf_str(&plants);

    CHECK(!strstr(buf_text(&said), PLANT));
    while (rest.len) {
        line = str_cut(rest, '\n', &rest);
        if (line.len < 12)
            continue;
        scoped(free_done) char *text = str_dup(line);
        CHECK(!strstr(buf_text(&said), text));
        text[12] = '\0'; /* a beginning is enough to be a leak, unless all tokens have it */
        CHECK(strncmp(text, "ey", 2) == 0 || !strstr(buf_text(&said), text));
        struct str tail = {line.at + line.len - 12, 12};
        scoped(free_done) char *end = str_dup(tail);
        CHECK(!strstr(buf_text(&said), end));
    }
}

TEST(no_output_of_this_module_holds_a_token)
{
    scoped(desk_done) struct desk desk;
    char path[PATH_MAX + 8], fp6[16];
    uint8_t digest[SHA256_BYTES];
    struct err err;

    said = buf_of(SAID_BYTES_MAX);
    plants = buf_of(2 * SAID_BYTES_MAX);
    desk_init(&desk);
    json_t *row = desk_row(&desk, "laptop", "jwt");
    json_object_set_new(row, "rate_per_minute", json_integer(5));
    json_object_set_new(desk_opaque(&desk, "phone", OPAQUE), "models", json_pack("[s]", "q*"));
    snprintf(path, sizeof path, "%s.log", desk.path);
    int log = open(path, O_RDWR | O_CREAT, 0600), keep = dup(2);
    REQUIRE(log >= 0 && keep >= 0 && dup2(log, 2) == 2);
    REQUIRE(desk_open(&desk, &err));
    show_all(&desk);
    say_json(identity_json(desk.identity));
    show_files(&desk);
    REQUIRE(desk_write(&desk) && identity_poll(desk.identity, desk_now(0)));
    show_all(&desk);
    say_json(identity_json(desk.identity));
    REQUIRE(dup2(keep, 2) == 2);
    scoped(buf_done) struct buf logged = buf_of(SAID_BYTES_MAX);
    REQUIRE(file_read(path, &logged, &err));
    CHECK(logged.len > 0);
    buf_add(&said, buf_str(&logged));
    CHECK(!said.overflowed && !plants.overflowed);
    sha256(S(OPAQUE), digest);
    token_fp6(digest, fp6);
    CHECK(strstr(buf_text(&said), fp6) != NULL); /* the search sees what is there */
    search();
    buf_done(&said);
    buf_done(&plants);
    close(log);
    close(keep);
}

TAP_MAIN
