/* SPDX-License-Identifier: Apache-2.0 */
#include "base/scoped.h"
#include "coding/coding.h"
#include "ledger/checkpoint.h"
#include "ledger/merkle.h"
#include "ledger/test_crypto.h"
#include "tap.h"

#define SIZE_MAX_HERE 130

static struct digest leaves[SIZE_MAX_HERE], roots[SIZE_MAX_HERE + 1];

static bool leaf_at(void *owner, uint64_t index, struct digest *ret_leaf)
{
    (void)owner;
    *ret_leaf = leaves[index];
    return true;
}

static const struct merkle_leaves LEAVES = {leaf_at, NULL};

static void fill(void)
{
    struct merkle tree = {0};

    roots[0] = merkle_root(&tree, &CRYPTO);
    for (uint32_t i = 0; i < SIZE_MAX_HERE; i++) {
        leaves[i] = chain_leaf(&CRYPTO, (struct str){(const char *)&i, sizeof i});
        merkle_add(&tree, &CRYPTO, leaves[i]);
        roots[i + 1] = merkle_root(&tree, &CRYPTO);
    }
}

static void check_digest(struct digest digest, const char *want)
{
    char got[HEX_BYTES(DIGEST_BYTES)];
    hex_encode(digest.at, DIGEST_BYTES, got);
    CHECK_TEXT(got, want);
}

/* The reference data of the RFC's own implementation (certificate-transparency, merkle tree tests).
 */
TEST(tree_gives_the_vectors_of_rfc_6962)
{
    static const struct {
        struct str leaf;
        const char *root;
    } rows[] = {
        {S(""), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
        {S("\x00"), "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"},
        {S("\x10"), "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"},
        {S("\x20\x21"), "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"},
        {S("\x30\x31"), "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"},
        {S("\x40\x41\x42\x43"), "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"},
        {S("\x50\x51\x52\x53\x54\x55\x56\x57"),
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"},
        {S("\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f"),
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"},
    };
    struct merkle tree = {0};

    check_digest(merkle_root(&tree, &CRYPTO),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    for (size_t i = 0; i < COUNT(rows); i++) {
        merkle_add(&tree, &CRYPTO, chain_leaf(&CRYPTO, rows[i].leaf));
        check_digest(merkle_root(&tree, &CRYPTO), rows[i].root);
    }
}

TEST(chain_binds_leaf_and_all_before)
{
    struct digest zero = {{0}}, a = chain_leaf(&CRYPTO, S("a")), b = chain_leaf(&CRYPTO, S("b"));
    struct digest ab = chain_next(&CRYPTO, chain_next(&CRYPTO, zero, a), b);
    struct digest ba = chain_next(&CRYPTO, chain_next(&CRYPTO, zero, b), a);

    CHECK(!digest_eq(ab, ba));
    /* python3: h(h(bytes(32)+h(b"\0a"))+h(b"\0b")) */
    check_digest(ab, "1f5df4d414e5a016d42e54c3580d6c8f8bf8252a9dd0cdff1dd21f9f849f1ba7");
}

TEST(state_of_every_size_comes_back_and_grows_on)
{
    struct merkle tree = {0}, back;
    uint8_t state[MERKLE_STATE_BYTES_MAX];

    fill();
    for (uint64_t size = 0; size < SIZE_MAX_HERE; size++) {
        size_t len = merkle_state_write(&tree, state);
        struct str text = {(const char *)state, len};
        REQUIRE(merkle_state_read(text, size, &back));
        CHECK(digest_eq(merkle_root(&back, &CRYPTO), roots[size]));
        merkle_add(&back, &CRYPTO, leaves[size]);
        CHECK(digest_eq(merkle_root(&back, &CRYPTO), roots[size + 1]));
        CHECK(!merkle_state_read((struct str){text.at, len + 1}, size, &back));
        CHECK(!merkle_state_read(text, size ^ 1, &back));
        merkle_add(&tree, &CRYPTO, leaves[size]);
    }
}

/* One thing changed at a time: none of it may hold. */
static void check_inclusion_refusals(struct merkle_proof proof, uint64_t index, uint64_t size)
{
    struct digest leaf = leaves[index], root = roots[size];

    for (size_t i = 0; i < proof.count; i++) {
        proof.nodes[i].at[i % DIGEST_BYTES] ^= 1;
        CHECK(!merkle_inclusion_holds(&CRYPTO, &proof, index, size, leaf, root));
        proof.nodes[i].at[i % DIGEST_BYTES] ^= 1;
    }
    CHECK(!merkle_inclusion_holds(&CRYPTO, &proof, index, size, roots[0], root));
    CHECK(!merkle_inclusion_holds(&CRYPTO, &proof, index, size, leaf, roots[size - 1]));
    CHECK(!merkle_inclusion_holds(&CRYPTO, &proof, size, size, leaf, root));
    if (size > 1)
        CHECK(!merkle_inclusion_holds(&CRYPTO, &proof, (index + 1) % size, size, leaf, root));
    proof.nodes[proof.count++] = leaf;
    CHECK(!merkle_inclusion_holds(&CRYPTO, &proof, index, size, leaf, root));
    proof.count--;
    if (proof.count--)
        CHECK(!merkle_inclusion_holds(&CRYPTO, &proof, index, size, leaf, root));
}

TEST(inclusion_holds_for_every_leaf_of_every_size_and_for_nothing_else)
{
    struct merkle_proof proof;

    fill();
    for (uint64_t size = 1; size <= SIZE_MAX_HERE; size++)
        for (uint64_t index = 0; index < size; index++) {
            REQUIRE(merkle_inclusion(&CRYPTO, LEAVES, index, size, &proof));
            REQUIRE(
                merkle_inclusion_holds(&CRYPTO, &proof, index, size, leaves[index], roots[size]));
            if (size <= 33 || index % 16 == 0)
                check_inclusion_refusals(proof, index, size);
        }
}

static void check_consistency_refusals(struct merkle_proof proof, uint64_t before, uint64_t after)
{
    struct digest old = roots[before], new = roots[after];

    for (size_t i = 0; i < proof.count; i++) {
        proof.nodes[i].at[i % DIGEST_BYTES] ^= 1;
        CHECK(!merkle_consistency_holds(&CRYPTO, &proof, before, after, old, new));
        proof.nodes[i].at[i % DIGEST_BYTES] ^= 1;
    }
    CHECK(!merkle_consistency_holds(&CRYPTO, &proof, before, after, leaves[0], new) || before == 1);
    CHECK(!merkle_consistency_holds(&CRYPTO, &proof, before, after, old, roots[before - 1]));
    CHECK(!merkle_consistency_holds(&CRYPTO, &proof, after + 1, after, old, new));
    proof.nodes[proof.count++] = old;
    CHECK(!merkle_consistency_holds(&CRYPTO, &proof, before, after, old, new));
    proof.count--;
    if (proof.count--)
        CHECK(!merkle_consistency_holds(&CRYPTO, &proof, before, after, old, new));
}

TEST(consistency_holds_for_every_two_sizes_and_for_nothing_else)
{
    struct merkle_proof proof;

    fill();
    for (uint64_t after = 0; after <= SIZE_MAX_HERE; after++)
        for (uint64_t before = 0; before <= after; before++) {
            REQUIRE(merkle_consistency(&CRYPTO, LEAVES, before, after, &proof));
            REQUIRE(merkle_consistency_holds(
                &CRYPTO, &proof, before, after, roots[before], roots[after]));
            if (before && (after <= 33 || before % 16 == 1))
                check_consistency_refusals(proof, before, after);
        }
}

/* The example of RFC 6962, 2.1.3: a tree of seven leaves, d0 … d6. */
TEST(proofs_have_the_nodes_of_the_rfcs_example)
{
    struct merkle_proof proof;
    struct digest k, l;
    struct merkle four = {0}, pair = {0};

    fill();
    for (int i = 0; i < 4; i++)
        merkle_add(&four, &CRYPTO, leaves[i]);
    k = merkle_root(&four, &CRYPTO);
    merkle_add(&pair, &CRYPTO, leaves[4]);
    merkle_add(&pair, &CRYPTO, leaves[5]);
    l = merkle_root(&pair, &CRYPTO); /* "i" in the RFC's picture */
    REQUIRE(merkle_inclusion(&CRYPTO, LEAVES, 6, 7, &proof));
    CHECK_INT(proof.count, 2);
    CHECK(digest_eq(proof.nodes[0], l) && digest_eq(proof.nodes[1], k));
    REQUIRE(merkle_consistency(&CRYPTO, LEAVES, 4, 7, &proof));
    CHECK_INT(proof.count, 1);
    REQUIRE(merkle_consistency(&CRYPTO, LEAVES, 6, 7, &proof));
    CHECK_INT(proof.count, 3);
    CHECK(digest_eq(proof.nodes[0], l) && digest_eq(proof.nodes[1], leaves[6]) &&
          digest_eq(proof.nodes[2], k));
}

static bool failing_leaf(void *owner, uint64_t index, struct digest *ret_leaf)
{
    (void)owner;
    *ret_leaf = leaves[index];
    return index < 2;
}

TEST(proof_is_not_made_when_a_leaf_cannot_be_read)
{
    struct merkle_leaves broken = {failing_leaf, NULL};
    struct merkle_proof proof = {.count = 99};
    CHECK(!merkle_inclusion(&CRYPTO, broken, 0, 4, &proof) && proof.count == 99);
    CHECK(!merkle_consistency(&CRYPTO, broken, 1, 4, &proof) && proof.count == 99);
}

/* A checkpoint signed by a fresh key. */
static void make_note(struct buf *out, uint8_t ret_public[32])
{
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    uint8_t signature[64];
    size_t public_len = 32, len = sizeof signature;
    struct checkpoint checkpoint = {S("node.example/ledger"), 300, chain_leaf(&CRYPTO, S("x"))};

    check(key && context && EVP_PKEY_get_raw_public_key(key, ret_public, &public_len) == 1);
    checkpoint_write(&checkpoint, out);
    check(EVP_DigestSignInit(context, NULL, NULL, NULL, key) == 1);
    check(EVP_DigestSign(context, signature, &len, (uint8_t *)out->at, out->len) == 1);
    checkpoint_sign(&CRYPTO, &checkpoint, ret_public, signature, out);
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
}

TEST(checkpoint_has_the_form_of_c2sp_and_comes_back)
{
    scoped(buf_done) struct buf text = buf_of(CHECKPOINT_BYTES_MAX);
    scoped(buf_done) struct buf foreign = buf_of(CHECKPOINT_BYTES_MAX);
    uint8_t public_key[32], other[32];
    struct checkpoint_note note;
    struct err err = {0};

    make_note(&text, public_key);
    make_note(&foreign, other);
    CHECK(str_starts(buf_str(&text), S("node.example/ledger\n300\n")));
    CHECK(strstr(buf_text(&text), "=\n\n\xe2\x80\x94 node.example/ledger "));
    REQUIRE(checkpoint_read(buf_str(&text), &note, &err));
    CHECK_STR(note.checkpoint.origin, "node.example/ledger");
    CHECK_INT(note.checkpoint.size, 300);
    CHECK(digest_eq(note.checkpoint.root, chain_leaf(&CRYPTO, S("x"))));
    CHECK(checkpoint_authentic(&CRYPTO, &note, public_key));
    CHECK(!checkpoint_authentic(&CRYPTO, &note, other));
}

TEST(every_changed_byte_of_a_checkpoint_is_seen)
{
    scoped(buf_done) struct buf text = buf_of(CHECKPOINT_BYTES_MAX);
    uint8_t public_key[32];
    struct checkpoint_note note;
    struct err err = {0};

    make_note(&text, public_key);
    for (size_t i = 0; i < text.len; i++)
        for (int bit = 0; bit < 8; bit++) {
            text.at[i] = (char)(text.at[i] ^ 1 << bit);
            CHECK(!checkpoint_read(buf_str(&text), &note, &err) ||
                  !checkpoint_authentic(&CRYPTO, &note, public_key));
            text.at[i] = (char)(text.at[i] ^ 1 << bit);
        }
    for (size_t len = 0; len < text.len; len++)
        CHECK(!checkpoint_read((struct str){text.at, len}, &note, &err));
}

TEST(signature_of_a_witness_may_stand_beside_ours)
{
    scoped(buf_done) struct buf text = buf_of(CHECKPOINT_BYTES_MAX);
    uint8_t public_key[32];
    char blob[2424] = {1};
    struct checkpoint_note note;
    struct err err = {0};

    make_note(&text, public_key);
    buf_add(&text, S("\xe2\x80\x94 witness.example "));
    base64_encode((struct str){blob, sizeof blob}, &text);
    buf_add_char(&text, '\n');
    REQUIRE(checkpoint_read(buf_str(&text), &note, &err));
    CHECK_INT(note.signature_count, 2);
    CHECK(checkpoint_authentic(&CRYPTO, &note, public_key));
}

TEST(checkpoint_beyond_its_limits_is_refused)
{
    scoped(buf_done) struct buf text = buf_of(2 * CHECKPOINT_BYTES_MAX);
    uint8_t public_key[32];
    struct checkpoint_note note;
    struct err err = {0};
    char name[CHECKPOINT_ORIGIN_BYTES_MAX + 2];

    make_note(&text, public_key);
    for (int i = 0; i < CHECKPOINT_SIGNATURES_MAX; i++)
        buf_add(&text, S("\xe2\x80\x94 w AAAAAAA=\n"));
    CHECK(!checkpoint_read(buf_str(&text), &note, &err));
    CHECK_TEXT(err.code, "checkpoint_malformed");
    while (text.len <= CHECKPOINT_BYTES_MAX)
        buf_add_char(&text, '\n');
    CHECK(!checkpoint_read(buf_str(&text), &note, &err));
    CHECK(strstr(err.message, "length"));
    memset(name, 'a', sizeof name);
    CHECK(checkpoint_origin_valid((struct str){name, CHECKPOINT_ORIGIN_BYTES_MAX}));
    CHECK(!checkpoint_origin_valid((struct str){name, CHECKPOINT_ORIGIN_BYTES_MAX + 1}));
    CHECK(!checkpoint_origin_valid(S("")) && !checkpoint_origin_valid(S("a b")));
    CHECK(!checkpoint_origin_valid(S("a+b")) && !checkpoint_origin_valid(S("gr\xc3\xbc")));
}

TAP_MAIN
