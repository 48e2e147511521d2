/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/pki.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "os/file.h"
#include "scratch.h"
#include "tap.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <time.h>

#define NOW 1800000000
#define DAY 86400

static const char *const TOWER[] = {"tower", "192.168.1.20", "fd00::1", NULL};

static const struct pki_want SERVER = {
    .name = "tower", .names = TOWER, .use = PKI_SERVER, .days = PKI_LEAF_DAYS};
static const struct pki_want CLIENT = {.name = "actuator", .use = PKI_CLIENT, .days = 30};

static const char *below(const char *folder, const char *tail)
{
    static char paths[16][256];
    static size_t next;
    char *path = paths[next++ % 16];

    snprintf(path, sizeof *paths, "%s/%s", folder, tail);
    return path;
}

static const char *authority(void)
{
    const char *folder = scratch_folder();
    struct err err;

    if (!pki_authority_make(folder, NOW, &err))
        panic("%s", err.message);
    return folder;
}

static X509 *read_pem(const char *path)
{
    FILE *file = fopen(path, "r");
    X509 *certificate = file ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;

    check(certificate);
    fclose(file);
    return certificate;
}

/* What OpenSSL says of the leaf at that time for that purpose: X509_V_OK or why not. */
static int verdict(const char *ca, const char *leaf_path, int purpose, int64_t at_s)
{
    X509 *root = read_pem(ca), *leaf = read_pem(leaf_path);
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();

    check(X509_STORE_add_cert(store, root) == 1 &&
          X509_STORE_CTX_init(context, store, leaf, NULL) == 1);
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(context);
    X509_VERIFY_PARAM_set_time(param, (time_t)at_s);
    X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT);
    X509_STORE_CTX_set_purpose(context, purpose);
    X509_verify_cert(context);
    int answer = X509_STORE_CTX_get_error(context);
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    X509_free(root);
    X509_free(leaf);
    return answer;
}

static unsigned mode_of(const char *path)
{
    struct stat seen;

    return stat(path, &seen) == 0 ? (unsigned)seen.st_mode & 07777 : 0;
}

TEST(an_authority_is_made_once_and_never_overwritten)
{
    const char *folder = authority();
    scoped(buf_done) struct buf before = buf_of(65536), after = buf_of(65536);
    struct err err;

    CHECK(pki_authority_exists(folder));
    CHECK_INT(mode_of(below(folder, "ca.key")), 0600);
    CHECK_INT(mode_of(below(folder, "ca.crt")), 0600);
    CHECK(file_read(below(folder, "ca.crt"), &before, &err));
    CHECK(!pki_authority_make(folder, NOW, &err));
    CHECK_TEXT(err.code, "authority_exists");
    CHECK(file_read(below(folder, "ca.crt"), &after, &err));
    CHECK(str_eq(buf_str(&before), buf_str(&after)));
    CHECK(!pki_authority_exists(scratch_folder()));
}

TEST(an_authority_whose_certificate_was_not_written_yet_is_finished)
{
    const char *folder = authority();
    scoped(buf_done) struct buf before = buf_of(65536), after = buf_of(65536);
    struct err err;

    CHECK(file_read(below(folder, "ca.key"), &before, &err));
    CHECK(unlink(below(folder, "ca.crt")) == 0);
    CHECK(pki_authority_make(folder, NOW, &err));
    CHECK(file_read(below(folder, "ca.key"), &after, &err));
    CHECK(str_eq(buf_str(&before), buf_str(&after)));
    CHECK(pki_issue(folder, &SERVER, NOW, below(folder, "hosts/tower"), &err));
}

TEST(a_leaf_is_good_for_one_use_and_its_time)
{
    const char *folder = authority(), *ca = below(folder, "ca.crt");
    const char *server = below(folder, "hosts/tower.crt"), *client = below(folder, "actuator.crt");
    struct err err;

    REQUIRE(pki_issue(folder, &SERVER, NOW, below(folder, "hosts/tower"), &err));
    REQUIRE(pki_issue(folder, &CLIENT, NOW, below(folder, "actuator"), &err));
    CHECK_INT(verdict(ca, server, X509_PURPOSE_SSL_SERVER, NOW), X509_V_OK);
    CHECK_INT(verdict(ca, server, X509_PURPOSE_SSL_CLIENT, NOW), X509_V_ERR_INVALID_PURPOSE);
    CHECK_INT(verdict(ca, client, X509_PURPOSE_SSL_CLIENT, NOW), X509_V_OK);
    CHECK_INT(verdict(ca, client, X509_PURPOSE_SSL_SERVER, NOW), X509_V_ERR_INVALID_PURPOSE);
    CHECK_INT(verdict(ca, client, X509_PURPOSE_SSL_CLIENT, NOW - DAY + 60), X509_V_OK);
    CHECK_INT(verdict(ca, client, X509_PURPOSE_SSL_CLIENT, NOW - DAY - 60),
        X509_V_ERR_CERT_NOT_YET_VALID);
    CHECK_INT(verdict(ca, client, X509_PURPOSE_SSL_CLIENT, NOW + 30 * DAY + 60),
        X509_V_ERR_CERT_HAS_EXPIRED);
    CHECK_INT(mode_of(below(folder, "hosts/tower.key")), 0600);
    CHECK_INT(mode_of(server), 0600);
    CHECK_INT(mode_of(below(folder, "hosts")), 0700);
}

TEST(a_leaf_of_another_authority_is_refused)
{
    const char *folder = authority(), *other = authority();
    struct pki_certificate seen;
    struct err err;

    REQUIRE(pki_issue(other, &CLIENT, NOW, below(other, "actuator"), &err));
    CHECK(verdict(below(folder, "ca.crt"), below(other, "actuator.crt"), X509_PURPOSE_SSL_CLIENT,
              NOW) != X509_V_OK);
    CHECK(!pki_read(folder, below(other, "actuator.crt"), &seen, &err));
    CHECK_TEXT(err.code, "bad_certificate");
    CHECK(pki_read(NULL, below(other, "actuator.crt"), &seen, &err));
}

TEST(a_leaf_cannot_sign)
{
    const char *folder = authority(), *fake = scratch_folder();
    struct pki_certificate seen;
    struct err err;

    REQUIRE(pki_issue(folder, &SERVER, NOW, below(folder, "tower"), &err));
    CHECK(rename(below(folder, "tower.key"), below(fake, "ca.key")) == 0);
    CHECK(rename(below(folder, "tower.crt"), below(fake, "ca.crt")) == 0);
    CHECK(pki_issue(fake, &CLIENT, NOW, below(fake, "actuator"), &err)); /* they may try */
    CHECK(verdict(below(folder, "ca.crt"), below(fake, "actuator.crt"), X509_PURPOSE_SSL_CLIENT,
              NOW) != X509_V_OK);
    CHECK(!pki_read(folder, below(fake, "actuator.crt"), &seen, &err));
}

TEST(reading_tells_names_use_times_and_print)
{
    const char *folder = authority();
    struct pki_certificate seen;
    struct err err;

    REQUIRE(pki_issue(folder, &SERVER, NOW, below(folder, "hosts/tower"), &err));
    REQUIRE(pki_read(folder, below(folder, "hosts/tower.crt"), &seen, &err));
    CHECK_TEXT(seen.name, "tower");
    CHECK_TEXT(seen.names, "tower 192.168.1.20 fd00::1");
    CHECK_INT(seen.use, PKI_SERVER);
    CHECK_INT(seen.from_s, NOW - DAY);
    CHECK_INT(seen.until_s, NOW + (int64_t)PKI_LEAF_DAYS * DAY);
    CHECK_INT(strlen(seen.fingerprint), 64);
    CHECK_INT(strlen(seen.serial), 32);
    X509 *leaf = read_pem(below(folder, "hosts/tower.crt"));
    CHECK_INT(X509_check_host(leaf, "tower", 0, 0, NULL), 1);
    CHECK_INT(X509_check_host(leaf, "tower2", 0, 0, NULL), 0);
    CHECK_INT(X509_check_ip_asc(leaf, "192.168.1.20", 0), 1);
    CHECK_INT(X509_check_ip_asc(leaf, "192.168.1.21", 0), 0);
    X509_free(leaf);
}

TEST(renewal_keeps_the_key_and_a_new_key_is_new)
{
    const char *folder = authority();
    scoped(buf_done) struct buf first = buf_of(65536), kept = buf_of(65536), fresh = buf_of(65536);
    struct pki_certificate old, renewed, replaced;
    struct pki_want want = CLIENT;
    struct err err;

    REQUIRE(pki_issue(folder, &want, NOW, below(folder, "a"), &err));
    CHECK(file_read(below(folder, "a.key"), &first, &err));
    CHECK(pki_read(folder, below(folder, "a.crt"), &old, &err));
    REQUIRE(pki_issue(folder, &want, NOW + DAY, below(folder, "a"), &err));
    CHECK(file_read(below(folder, "a.key"), &kept, &err));
    CHECK(pki_read(folder, below(folder, "a.crt"), &renewed, &err));
    CHECK(str_eq(buf_str(&first), buf_str(&kept)));
    CHECK(strcmp(old.serial, renewed.serial) != 0 && renewed.until_s == old.until_s + DAY);
    want.key = PKI_NEW_KEY;
    REQUIRE(pki_issue(folder, &want, NOW, below(folder, "a"), &err));
    CHECK(file_read(below(folder, "a.key"), &fresh, &err));
    CHECK(!str_eq(buf_str(&first), buf_str(&fresh)));
    CHECK(pki_read(folder, below(folder, "a.crt"), &replaced, &err));
    CHECK_INT(
        verdict(below(folder, "ca.crt"), below(folder, "a.crt"), X509_PURPOSE_SSL_CLIENT, NOW),
        X509_V_OK);
}

static ino_t inode_of(const char *folder, const char *tail)
{
    struct stat what;

    return stat(below(folder, tail), &what) == 0 ? what.st_ino : 0;
}

TEST(what_is_shown_in_a_folder_of_its_own_are_the_same_files)
{
    const char *folder = authority();
    struct err err;

    CHECK(!pki_show(folder, "actuator", &err)); /* there is none yet */
    REQUIRE(pki_issue(folder, &CLIENT, NOW, below(folder, "actuator"), &err));
    for (int round = 0; round < 3; round++) {
        CHECK(pki_show(folder, "actuator", &err));
        CHECK(inode_of(folder, "actuator/ca.crt") == inode_of(folder, "ca.crt"));
        CHECK(inode_of(folder, "actuator/actuator.crt") == inode_of(folder, "actuator.crt"));
        CHECK(inode_of(folder, "actuator/actuator.key") == inode_of(folder, "actuator.key"));
        CHECK(!file_exists(below(folder, "actuator/ca.key")));
        CHECK(!file_exists(below(folder, "actuator/actuator.crt.new")));
        if (round == 1) /* renewed */
            CHECK(pki_issue(folder, &CLIENT, NOW + DAY, below(folder, "actuator"), &err));
    }
    CHECK(!pki_show(folder, "../actuator", &err));
}

TEST(a_name_that_could_say_more_than_a_name_is_refused)
{
    static const char *const BAD[] = {"", "Tower", "a b", "a,DNS:b", "a\nb", "*.local", "..", ".a",
        "a.", "a..b", "a:b", "a/b", "\xc3\xa4",
        "a1234567890123456789012345678901234567890123456789012345678901234"};
    const char *folder = authority();
    struct err err;

    for (size_t i = 0; i < COUNT(BAD); i++) {
        const char *const names[] = {"good", BAD[i], NULL};
        struct pki_want want = SERVER;
        want.names = names;
        CHECK(!pki_name_check(str_from(BAD[i]), &err));
        CHECK(!pki_issue(folder, &want, NOW, below(folder, "x"), &err));
        CHECK_TEXT(err.code, "bad_name");
        want = CLIENT;
        want.name = BAD[i];
        CHECK(!pki_issue(folder, &want, NOW, below(folder, "x"), &err));
    }
    CHECK(!file_exists(below(folder, "x.key")));
}

TEST(more_names_or_days_than_allowed_are_refused)
{
    const char *const many[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", NULL},
                      *none[] = {NULL};
    const char *folder = authority();
    struct pki_want want = SERVER;
    struct err err;

    want.names = many;
    CHECK(!pki_issue(folder, &want, NOW, below(folder, "x"), &err));
    want.names = none;
    CHECK(!pki_issue(folder, &want, NOW, below(folder, "x"), &err));
    want.names = many + 1;
    CHECK(pki_issue(folder, &want, NOW, below(folder, "x"), &err));
    for (int64_t days = 0; days <= PKI_DAYS_MAX + 1; days += PKI_DAYS_MAX + 1) {
        want.days = days;
        CHECK(!pki_issue(folder, &want, NOW, below(folder, "x"), &err));
        CHECK_TEXT(err.code, "out_of_range");
    }
}

TEST(a_key_that_others_can_read_or_that_is_a_link_is_not_used)
{
    const char *folder = authority();
    struct err err;

    CHECK(chmod(below(folder, "ca.key"), 0640) == 0);
    CHECK(!pki_issue(folder, &CLIENT, NOW, below(folder, "a"), &err));
    CHECK_TEXT(err.code, "no_authority");
    CHECK(chmod(below(folder, "ca.key"), 0600) == 0);
    CHECK(rename(below(folder, "ca.key"), below(folder, "other.key")) == 0);
    CHECK(symlink("other.key", below(folder, "ca.key")) == 0);
    CHECK(!pki_issue(folder, &CLIENT, NOW, below(folder, "a"), &err));
    CHECK_TEXT(err.code, "no_authority");
}

TEST(what_is_no_certificate_is_an_error)
{
    static const char *const TEXTS[] = {
        "", "x", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"};
    const char *folder = authority();
    struct pki_certificate seen;
    struct err err;

    CHECK(!pki_read(folder, below(folder, "none"), &seen, &err));
    for (size_t i = 0; i < COUNT(TEXTS); i++) {
        CHECK(file_replace(below(folder, "bad"), str_from(TEXTS[i]), 0600, &err));
        CHECK(!pki_read(folder, below(folder, "bad"), &seen, &err));
        CHECK_TEXT(err.code, "bad_certificate");
    }
}

TAP_MAIN
