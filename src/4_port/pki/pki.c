/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/pki.h"

#include "base/buf.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "os/file.h"
#include "os/random.h"
#include "pki/pki_inside.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libgen.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <unistd.h>

#define SERIAL_BYTES 16

static bool is_address(struct str name)
{
    char text[PKI_NAME_BYTES_MAX + 1];
    uint8_t bytes[16];

    snprintf(text, sizeof text, "%.*s", STR(name));
    return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

bool pki_name_check(struct str name, struct err *err)
{
    bool good = name.len > 0 && name.len <= PKI_NAME_BYTES_MAX;

    if (good && is_address(name))
        return true;
    for (size_t i = 0; good && i < name.len; i++) {
        char c = name.at[i];
        bool dot = c == '.' && i > 0 && i + 1 < name.len && name.at[i - 1] != '.';
        good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || dot;
    }
    return good || err_code(err, ERR_INPUT, "bad_name", "name",
                       "'%.*s' is neither a DNS name of small letters, digits, '-', '_' and '.' "
                       "(at most %d) nor an address",
                       (int)(name.len < 80 ? name.len : 80), name.at, PKI_NAME_BYTES_MAX);
}

/* --- a certificate's parts --------------------------------------------------------------- */

static void set_serial(X509 *certificate)
{
    uint8_t bytes[SERIAL_BYTES];

    random_bytes(bytes, sizeof bytes);
    bytes[0] = (uint8_t)((bytes[0] & 0x7f) | 0x40); /* positive, never short */
    BIGNUM *number = BN_bin2bn(bytes, sizeof bytes, NULL);
    check(number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)));
    BN_free(number);
}

static void set_times(X509 *certificate, int64_t now_s, int64_t days)
{
    check(ASN1_TIME_set(X509_getm_notBefore(certificate), (time_t)(now_s + PKI_FROM_S)) &&
          ASN1_TIME_set(X509_getm_notAfter(certificate), (time_t)(now_s + days * PKI_DAY_S)));
}

static void set_name(X509 *certificate, const char *name)
{
    check(X509_NAME_add_entry_by_NID(X509_get_subject_name(certificate), NID_commonName,
              MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0) == 1);
}

static void extend(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;

    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    if (!extension || X509_add_ext(certificate, extension, -1) != 1)
        panic("OpenSSL cannot make the extension %s", OBJ_nid2sn(nid));
    X509_EXTENSION_free(extension);
}

static X509 *begin(EVP_PKEY *key, const char *name, int64_t now_s, int64_t days)
{
    X509 *certificate = X509_new();

    check(certificate && X509_set_version(certificate, X509_VERSION_3) == 1 &&
          X509_set_pubkey(certificate, key) == 1);
    set_serial(certificate);
    set_times(certificate, now_s, days);
    set_name(certificate, name);
    return certificate;
}

/* --- the authority ------------------------------------------------------------------------- */

bool pki_authority_exists(const char *folder)
{
    char path[PATH_MAX];
    struct err err;

    return pki_path(folder, "ca.crt", path, &err) && file_exists(path);
}

bool pki_authority_make(const char *folder, int64_t now_s, struct err *err)
{
    char key_path[PATH_MAX], path[PATH_MAX];
    scoped(pki_key_done) EVP_PKEY *key = NULL;

    if (!pki_path(folder, "ca.key", key_path, err) || !pki_path(folder, "ca.crt", path, err) ||
        !file_make_folder(folder, 0700, err))
        return false;
    if (file_exists(path))
        return err_code(err, ERR_INPUT, "authority_exists", NULL,
            "there is an authority in '%.300s' already; every agent trusts it", folder);
    if (file_exists(key_path)) { /* a kill came between the two */
        if (!pki_key_read(key_path, &key, err))
            return false;
    } else {
        key = EVP_EC_gen("P-256");
        check(key);
        if (!pki_key_write(key, key_path, err))
            return false;
    }
    scoped(pki_x509_done) X509 *certificate =
        begin(key, "logic-node-authority", now_s, PKI_AUTHORITY_DAYS);
    check(X509_set_issuer_name(certificate, X509_get_subject_name(certificate)) == 1);
    extend(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
    extend(certificate, certificate, NID_key_usage, "critical,keyCertSign,cRLSign");
    extend(certificate, certificate, NID_subject_key_identifier, "hash");
    check(X509_sign(certificate, key, EVP_sha256()) > 0);
    return pki_x509_write(certificate, path, err);
}

static bool authority_read(
    const char *folder, X509 **ret_certificate, EVP_PKEY **ret_key, struct err *err)
{
    scoped(pki_x509_done) X509 *certificate = NULL;
    scoped(pki_key_done) EVP_PKEY *key = NULL;
    char path[PATH_MAX], key_path[PATH_MAX];

    if (!pki_path(folder, "ca.crt", path, err) || !pki_path(folder, "ca.key", key_path, err))
        return false;
    if (!pki_x509_read(path, &certificate, err) || !pki_key_read(key_path, &key, err) ||
        X509_check_private_key(certificate, key) != 1) {
        ERR_clear_error();
        return err_code(err, ERR_SYSTEM, "no_authority", NULL,
            "there is no usable authority (ca.crt and its ca.key) in '%.300s'", folder);
    }
    *ret_certificate = certificate;
    *ret_key = key;
    certificate = NULL;
    key = NULL;
    return true;
}

/* --- leaves ------------------------------------------------------------------------------- */

static bool names_text(const struct pki_want *want, struct buf *out, struct err *err)
{
    size_t count = 0;

    for (; want->names && want->names[count]; count++) {
        struct str name = str_from(want->names[count]);
        if (count == PKI_NAMES_MAX)
            return err_code(
                err, ERR_INPUT, "bad_name", "names", "more than %d names", PKI_NAMES_MAX);
        if (!pki_name_check(name, err))
            return false;
        buf_printf(out, "%s%s:%.*s", count ? "," : "", is_address(name) ? "IP" : "DNS", STR(name));
    }
    if (want->use == PKI_SERVER && count == 0)
        return err_code(err, ERR_INPUT, "bad_name", "names",
            "a server's certificate needs a name to be found by");
    return true;
}

/* The key of PATH, or a new one. */
static bool leaf_key(const struct pki_want *want, const char *key_path, const char *path,
    EVP_PKEY **ret_key, struct err *err)
{
    if (want->key == PKI_KEEP_KEY && file_exists(key_path))
        return pki_key_read(key_path, ret_key, err);
    if (unlink(path) != 0 && errno != ENOENT) /* it would not fit the new key */
        return err_set(err, ERR_SYSTEM, "cannot remove '%.300s': %m", path);
    *ret_key = EVP_EC_gen("P-256");
    check(*ret_key);
    return pki_key_write(*ret_key, key_path, err);
}

static X509 *leaf_make(const struct pki_want *want, const char *names, EVP_PKEY *key, int64_t now_s,
    X509 *authority, EVP_PKEY *authority_key)
{
    X509 *leaf = begin(key, want->name, now_s, want->days);

    check(X509_set_issuer_name(leaf, X509_get_subject_name(authority)) == 1);
    extend(leaf, authority, NID_basic_constraints, "critical,CA:FALSE");
    extend(leaf, authority, NID_key_usage, "critical,digitalSignature");
    extend(leaf, authority, NID_ext_key_usage,
        want->use == PKI_SERVER ? "critical,serverAuth" : "critical,clientAuth");
    extend(leaf, authority, NID_subject_key_identifier, "hash");
    extend(leaf, authority, NID_authority_key_identifier, "keyid");
    if (names[0])
        extend(leaf, authority, NID_subject_alt_name, names);
    check(X509_sign(leaf, authority_key, EVP_sha256()) > 0);
    return leaf;
}

static bool make_folder_of(const char *path, struct err *err)
{
    char copy[PATH_MAX];

    snprintf(copy, sizeof copy, "%s", path);
    return file_make_folder(dirname(copy), 0700, err);
}

bool pki_issue(const char *folder, const struct pki_want *want, int64_t now_s, const char *path,
    struct err *err)
{
    scoped(pki_x509_done) X509 *authority = NULL, *leaf = NULL;
    scoped(pki_key_done) EVP_PKEY *authority_key = NULL, *key = NULL;
    scoped(buf_done) struct buf names = buf_of(PKI_NAMES_BYTES);
    char certificate_path[PATH_MAX], key_path[PATH_MAX];

    if (!pki_name_check(str_from(want->name), err) || !names_text(want, &names, err))
        return false;
    if (want->days < 1 || want->days > PKI_DAYS_MAX)
        return err_code(err, ERR_INPUT, "out_of_range", "days",
            "a certificate is for 1 to %d days, not %lld", PKI_DAYS_MAX, (long long)want->days);
    if (!pki_path_with(path, ".crt", certificate_path, err) ||
        !pki_path_with(path, ".key", key_path, err) ||
        !authority_read(folder, &authority, &authority_key, err) || !make_folder_of(path, err) ||
        !leaf_key(want, key_path, certificate_path, &key, err))
        return false;
    leaf = leaf_make(want, buf_text(&names), key, now_s, authority, authority_key);
    return pki_x509_write(leaf, certificate_path, err);
}
