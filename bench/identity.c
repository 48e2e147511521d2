/* SPDX-License-Identifier: Apache-2.0
 *
 * identity — CPU of finding out who speaks: a token that was verified before, against the signature
 * check that this saves, in the same run; and what a stranger's token costs.
 *
 *     bench_identity
 *
 * One process, one thread, 200 rows in the file. A round is ROUND_NS of CPU; rounds take turns.
 */
#include "base/panic.h"
#include "base/scoped.h"
#include "identity/mint.h"
#include "os/clock.h"
#include "os/file.h"
#include "json/json_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 7
#define ROUND_NS 200000000
#define ROWS 200
#define BATCH 64
#define OPAQUE "ln_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"

static struct identity *identity;
static struct identity_now now;
static struct buf jwt = {.bytes_max = 8192}, es256 = {.bytes_max = 8192}, bad = {.bytes_max = 8192};

static int64_t cpu_ns(void)
{
    struct timespec seen;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &seen);
    return seen.tv_sec * 1000000000 + seen.tv_nsec;
}

static void find(struct str authorization, bool good)
{
    struct identity_shown shown = {.authorization = authorization};
    struct identity_refusal refusal;

    if (!identity_find(identity, &shown, now, &refusal) == good)
        panic("another answer than it should be: %s", good ? refusal.reason : "found");
}

static void cached(void)
{
    find(buf_str(&jwt), true);
}

static void opaque(void)
{
    find(S("Bearer " OPAQUE), true);
}

static void stranger_opaque(void)
{
    find(S("Bearer " OPAQUE "-x"), false);
}

static void stranger_jwt(void)
{
    find(buf_str(&bad), false);
}

static void admitted(void)
{
    struct identity_shown shown = {.authorization = buf_str(&jwt)};
    struct identity_refusal refusal;
    struct caller *caller = identity_find(identity, &shown, now, &refusal);

    check(caller && identity_may(caller, CALLER_CHAT, S("qwen3-8b"), &refusal));
    check(identity_enter(caller, now, &refusal));
    identity_leave(caller, 100, now);
}

static struct verifier *ed25519_key, *es256_key;

static void verify(struct verifier *key, const struct buf *header)
{
    struct jwt token = {0};
    struct err err;
    struct str text = {header->at + 7, header->len - 7};

    check(jwt_read(text, &token, &err));
    check(verifier_authentic(
        key, token.signed_text, (struct str){(const char *)token.signature, JWT_SIGNATURE_BYTES}));
    jwt_done(&token);
}

static void verify_ed25519(void)
{
    verify(ed25519_key, &jwt);
}

static void verify_es256(void)
{
    verify(es256_key, &es256);
}

static struct figure {
    const char *name;
    void (*run)(void);
    const char *peer; /* name of another figure */
    const char *target;
    double most; /* of the ratio, or of the value in ns; 0: none */
    double ns[ROUNDS];
} FIGURES[] = {
    {"identity_verify_eddsa", verify_ed25519, NULL, NULL, 0, {0}},
    {"identity_verify_es256", verify_es256, NULL, NULL, 0, {0}},
    {"identity_cached", cached, "identity_verify_eddsa", "0.05x", 0.05, {0}},
    {"identity_opaque", opaque, "identity_verify_eddsa", "0.05x", 0.05, {0}},
    {"identity_admitted", admitted, "identity_verify_eddsa", "0.05x", 0.05, {0}},
    {"identity_stranger_opaque", stranger_opaque, "identity_verify_eddsa", "0.05x", 0.05, {0}},
    {"identity_stranger_jwt", stranger_jwt, "identity_verify_eddsa", "0.5x", 0.5, {0}},
};

static double round_ns(void (*run)(void))
{
    int64_t before = cpu_ns(), used = 0, count = 0;

    for (; used < ROUND_NS; used = cpu_ns() - before, count += BATCH)
        for (int i = 0; i < BATCH; i++)
            run();
    return (double)used / (double)count;
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return (left > right) - (left < right);
}

static double median_of(const char *name)
{
    for (size_t i = 0; i < COUNT(FIGURES); i++)
        if (strcmp(FIGURES[i].name, name) == 0)
            return FIGURES[i].ns[ROUNDS / 2];
    panic("no figure %s", name);
}

static void print(const struct figure *figure)
{
    double value = figure->ns[ROUNDS / 2];

    printf("figure: %s value=%.0f unit=ns_cpu", figure->name, value);
    if (figure->peer) {
        double ratio = value / median_of(figure->peer);
        printf(" peer=%.0f ratio=%.4f target=%s %s", median_of(figure->peer), ratio, figure->target,
            ratio <= figure->most ? "ok" : "short");
    }
    printf(" # median of %d, %.0f … %.0f\n", ROUNDS, figure->ns[0], figure->ns[ROUNDS - 1]);
    fflush(stdout);
}

/* --- a file with rows, and tokens for some ----------------------------------------- */

static void add_row(
    json_t *rows, const char *name, const char *kind, const char *member, const char *value)
{
    json_t *row =
        json_pack("{s:s, s:s, s:s, s:[s,s], s:[s,s,s], s:s, s:i, s:i}", "name", name, "id", name,
            "kind", kind, "models", "qwen*", "llama*", "scopes", "chat", "models", "embeddings",
            member, value, "rate_per_minute", 1000000000, "tokens_per_minute", 1000000000);

    check(row && json_array_append_new(rows, row) == 0);
}

static void sign(enum jwt_alg alg, const char *name, json_t *document, struct verifier **ret_key,
    struct buf *ret_header)
{
    scoped(mint_key_done) struct mint_key key = {0};
    struct jwt_claims claims = {.issuer = TOKEN_ISSUER, .audience = TOKEN_AUDIENCE};
    uint8_t public[ES256_PUBLIC_BYTES];
    struct err err;

    mint_key_make(alg, &key);
    json_t *row = mint_key_row(&key);
    const char *kid = json_string_value(json_object_get(row, "kid"));
    add_row(json_object_get(document, "tokens"), name, "jwt", "kid", kid);
    snprintf(claims.subject, sizeof claims.subject, "%s", name);
    snprintf(claims.id, sizeof claims.id, "%s", name);
    claims.issued_s = now.civil_ms / 1000;
    claims.rights = json_pack("{s:[s,s], s:[s,s,s]}", "models", "qwen*", "llama*", "scopes", "chat",
        "models", "embeddings");
    buf_add(ret_header, S("Bearer "));
    check(mint_jwt(&key, kid, &claims, ret_header, &err));
    json_decref(claims.rights);
    if (alg == JWT_ES256) {
        es256_key_public(key.es256, public);
        check(verifier_es256(public, ret_key, &err));
    } else {
        sign_key_public(key.ed25519, public);
        verifier_ed25519(public, ret_key);
    }
    check(json_array_append_new(json_object_get(document, "keys"), row) == 0);
}

static void prepare(void)
{
    char path[] = "/tmp/bench_identity.XXXXXX", name[24], hex[SHA256_HEX_BYTES];
    scoped(json_done) json_t *document =
        json_pack("{s:s, s:[], s:[]}", "schema", "logic-node/tokens/v1", "keys", "tokens");
    scoped(buf_done) struct buf text = buf_of(IDENTITY_FILE_BYTES_MAX);
    struct identity_config config = {.path = path};
    struct err err;

    now = identity_clock();
    for (int i = 0; i < ROWS; i++) {
        snprintf(name, sizeof name, "caller-%d", i);
        sha256_hex(i ? str_from(name) : S(OPAQUE), hex);
        add_row(json_object_get(document, "tokens"), name, "opaque", "sha256", hex);
    }
    sign(JWT_EDDSA, "laptop", document, &ed25519_key, &jwt);
    sign(JWT_ES256, "phone", document, &es256_key, &es256);
    check(close(mkstemp(path)) == 0);
    identity_limits_default(&config.limits);
    if (!json_plain(document, &text, &err) || !file_replace(path, buf_str(&text), 0600, &err) ||
        !identity_open(&config, &identity, &err))
        panic("%s", err.message);
    check(unlink(path) == 0);
    buf_add(&bad, buf_str(&jwt)); /* the same rights for a row that is not there */
    struct jwt_claims stranger = {.issuer = TOKEN_ISSUER,
        .audience = TOKEN_AUDIENCE,
        .subject = "stranger",
        .id = "stranger",
        .issued_s = now.civil_ms / 1000};
    scoped(mint_key_done) struct mint_key key = {0};
    mint_key_make(JWT_EDDSA, &key);
    buf_clear(&bad);
    buf_add(&bad, S("Bearer "));
    check(mint_jwt(&key, "0123456789abcdef", &stranger, &bad, &err));
}

int main(void)
{
    prepare();
    for (size_t i = 0; i < COUNT(FIGURES); i++)
        round_ns(FIGURES[i].run);
    for (int r = 0; r < ROUNDS; r++)
        for (size_t i = 0; i < COUNT(FIGURES); i++)
            FIGURES[i].ns[r] = round_ns(FIGURES[i].run);
    for (size_t i = 0; i < COUNT(FIGURES); i++)
        qsort(FIGURES[i].ns, ROUNDS, sizeof(double), compare);
    for (size_t i = 0; i < COUNT(FIGURES); i++)
        print(&FIGURES[i]);
    verifier_done(&ed25519_key);
    verifier_done(&es256_key);
    identity_close(&identity);
    buf_done(&jwt);
    buf_done(&es256);
    buf_done(&bad);
    return 0;
}
