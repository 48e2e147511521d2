/* SPDX-License-Identifier: Apache-2.0 */
#include "base/panic.h"
#include "base/scoped.h"
#include "coding/coding.h"
#include "os/fd.h"
#include "os/file.h"
#include "pki/pki_inside.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

void pki_key_done(EVP_PKEY **at)
{
    EVP_PKEY_free(*at);
    *at = NULL;
}

void pki_x509_done(X509 **at)
{
    X509_free(*at);
    *at = NULL;
}

static void bio_done(BIO **at)
{
    BIO_free_all(*at);
    *at = NULL;
}

bool pki_path(const char *folder, const char *name, char ret_path[PATH_MAX], struct err *err)
{
    if (snprintf(ret_path, PATH_MAX, "%s/%s", folder, name) >= PATH_MAX)
        return err_set(err, ERR_LIMIT, "the path '%.200s…/%s' is too long", folder, name);
    return true;
}

bool pki_path_with(const char *path, const char *suffix, char ret_path[PATH_MAX], struct err *err)
{
    if (snprintf(ret_path, PATH_MAX, "%s%s", path, suffix) >= PATH_MAX)
        return err_set(err, ERR_LIMIT, "the path '%.200s…%s' is too long", path, suffix);
    return true;
}

/* --- keys ----------------------------------------------------------------------------- */

/* An encrypted key must not make anybody ask a terminal. */
static int no_password(char *password, int size, int writing, void *data)
{
    (void)password, (void)size, (void)writing, (void)data;
    return -1;
}

/* Ours alone, and no link. */
static bool open_key(const char *path, int *ret_fd, struct err *err)
{
    scoped(fd_done) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    struct stat seen;

    if (fd < 0 || fstat(fd, &seen) != 0)
        return err_code(err, ERR_SYSTEM, "bad_key", NULL, "cannot open the key '%.300s': %s", path,
            strerror(errno));
    if (!S_ISREG(seen.st_mode) || seen.st_uid != geteuid() || seen.st_mode & 077)
        return err_code(err, ERR_SYSTEM, "bad_key", NULL,
            "the key '%.300s' must be a file of ours with mode 0600, not %04o", path,
            (unsigned)seen.st_mode & 07777);
    *ret_fd = fd;
    fd = -1;
    return true;
}

bool pki_key_read(const char *path, EVP_PKEY **ret_key, struct err *err)
{
    int fd = -1;

    if (!open_key(path, &fd, err))
        return false;
    FILE *file = fdopen(fd, "r");
    check(file);
    scoped(pki_key_done) EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, no_password, NULL);
    fclose(file);
    ERR_clear_error();
    if (!key || !EVP_PKEY_is_a(key, "EC"))
        return err_code(err, ERR_SYSTEM, "bad_key", NULL,
            "'%.300s' is no unencrypted P-256 key in PEM form", path);
    *ret_key = key;
    key = NULL;
    return true;
}

bool pki_key_write(const EVP_PKEY *key, const char *path, struct err *err)
{
    scoped(bio_done) BIO *bio = BIO_new(BIO_s_secmem());
    char *at;

    if (!bio)
        bio = BIO_new(BIO_s_mem());
    check(bio && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1);
    long len = BIO_get_mem_data(bio, &at);
    check(len > 0);
    bool written = file_replace(path, (struct str){at, (size_t)len}, 0600, err);
    OPENSSL_cleanse(at, (size_t)len);
    return written;
}

/* --- certificates ---------------------------------------------------------------------- */

bool pki_x509_read(const char *path, X509 **ret_certificate, struct err *err)
{
    scoped(buf_done) struct buf text = buf_of(PKI_FILE_BYTES_MAX);

    if (!file_read(path, &text, err))
        return err_code(err, ERR_SYSTEM, "bad_certificate", NULL,
            "there is no certificate to read at '%.300s'", path);
    scoped(bio_done) BIO *bio = BIO_new_mem_buf(buf_text(&text), (int)text.len);
    check(bio);
    X509 *certificate = PEM_read_bio_X509(bio, NULL, no_password, NULL);
    ERR_clear_error();
    if (!certificate)
        return err_code(err, ERR_SYSTEM, "bad_certificate", NULL,
            "'%.300s' is no certificate in PEM form", path);
    *ret_certificate = certificate;
    return true;
}

bool pki_x509_write(X509 *certificate, const char *path, struct err *err)
{
    scoped(bio_done) BIO *bio = BIO_new(BIO_s_mem());
    char *at;

    check(bio && PEM_write_bio_X509(bio, certificate) == 1);
    long len = BIO_get_mem_data(bio, &at);
    return file_replace(path, (struct str){at, (size_t)len}, 0600, err);
}

static int64_t time_of(const ASN1_TIME *time)
{
    struct tm parts;

    return ASN1_TIME_to_tm(time, &parts) == 1 ? (int64_t)timegm(&parts) : 0;
}

static bool common_name(const X509 *certificate, char ret_name[PKI_NAME_BYTES_MAX + 1])
{
    X509_NAME *name = X509_get_subject_name(certificate);
    int len = X509_NAME_get_text_by_NID(name, NID_commonName, ret_name, PKI_NAME_BYTES_MAX + 1);

    return len > 0 && pki_name_check((struct str){ret_name, (size_t)len}, &(struct err){0});
}

static void add_name(const GENERAL_NAME *name, struct buf *out)
{
    char text[INET6_ADDRSTRLEN];

    if (out->len)
        buf_add_char(out, ' ');
    if (name->type == GEN_DNS) {
        const ASN1_STRING *dns = name->d.dNSName;
        struct str plain = {
            (const char *)ASN1_STRING_get0_data(dns), (size_t)ASN1_STRING_length(dns)};
        buf_add(out, pki_name_check(plain, &(struct err){0}) ? plain : S("?"));
    } else if (name->type == GEN_IPADD) {
        const ASN1_STRING *ip = name->d.iPAddress;
        int family = ASN1_STRING_length(ip) == 4 ? AF_INET : AF_INET6;
        bool good = ASN1_STRING_length(ip) == (family == AF_INET ? 4 : 16) &&
                    inet_ntop(family, ASN1_STRING_get0_data(ip), text, sizeof text);
        buf_add(out, good ? str_from(text) : S("?"));
    } else {
        buf_add(out, S("?"));
    }
}

static void alternative_names(X509 *certificate, char ret_names[PKI_NAMES_BYTES])
{
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    scoped(buf_done) struct buf out = buf_of(PKI_NAMES_BYTES - 1);

    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
        add_name(sk_GENERAL_NAME_value(names, i), &out);
    GENERAL_NAMES_free(names);
    snprintf(ret_names, PKI_NAMES_BYTES, "%.*s", STR(buf_str(&out)));
}

static bool signed_by(X509 *certificate, const char *folder, struct err *err)
{
    scoped(pki_x509_done) X509 *authority = NULL;
    char path[PATH_MAX];

    if (!pki_path(folder, "ca.crt", path, err) || !pki_x509_read(path, &authority, err))
        return false;
    bool good = X509_verify(certificate, X509_get0_pubkey(authority)) == 1;
    ERR_clear_error();
    return good || err_code(err, ERR_SYSTEM, "bad_certificate", NULL,
                       "the certificate is not signed by the authority in '%.300s'", folder);
}

bool pki_read(const char *folder, const char *path, struct pki_certificate *ret, struct err *err)
{
    scoped(pki_x509_done) X509 *certificate = NULL;
    struct pki_certificate found = {0};
    uint8_t print[EVP_MAX_MD_SIZE];
    unsigned print_len = 0;

    if (!pki_x509_read(path, &certificate, err) || (folder && !signed_by(certificate, folder, err)))
        return false;
    if (!common_name(certificate, found.name))
        return err_code(err, ERR_SYSTEM, "bad_certificate", NULL,
            "the certificate '%.300s' has no name of ours", path);
    alternative_names(certificate, found.names);
    found.from_s = time_of(X509_get0_notBefore(certificate));
    found.until_s = time_of(X509_get0_notAfter(certificate));
    found.use = X509_get_extended_key_usage(certificate) & XKU_SSL_CLIENT ? PKI_CLIENT : PKI_SERVER;
    BIGNUM *serial = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), NULL);
    char *hex = serial ? BN_bn2hex(serial) : NULL;
    snprintf(found.serial, sizeof found.serial, "%s", hex ? hex : "");
    OPENSSL_free(hex);
    BN_free(serial);
    check(X509_digest(certificate, EVP_sha256(), print, &print_len) == 1 && print_len == 32);
    hex_encode(print, print_len, found.fingerprint);
    *ret = found;
    return true;
}

/* The same file under another name; a link that is there gives way at once. */
static bool link_anew(const char *from, const char *to, struct err *err)
{
    char fresh[PATH_MAX];

    if (!pki_path_with(to, ".new", fresh, err))
        return false;
    if ((unlink(fresh) != 0 && errno != ENOENT) || link(from, fresh) != 0)
        return err_set(err, ERR_SYSTEM, "cannot link '%.300s': %m", from);
    bool good = rename(fresh, to) == 0;
    if (!good)
        err_set(err, ERR_SYSTEM, "cannot replace '%.300s': %m", to);
    (void)unlink(fresh); /* rename() leaves it where both are the same file */
    return good;
}

bool pki_show(const char *folder, const char *name, struct err *err)
{
    static const char *const TAILS[] = {".key", ".crt"};
    char from[PATH_MAX], to[PATH_MAX], leaf[PATH_MAX], shown[PATH_MAX];

    if (!pki_name_check(str_from(name), err) || !pki_path(folder, name, shown, err) ||
        !file_make_folder(shown, 0700, err) || !pki_path(folder, "ca.crt", from, err) ||
        !pki_path(shown, "ca.crt", to, err) || !link_anew(from, to, err) ||
        !pki_path(folder, name, from, err) || !pki_path(shown, name, to, err))
        return false;
    for (size_t i = 0; i < COUNT(TAILS); i++)
        if (!pki_path_with(from, TAILS[i], leaf, err) || !pki_path_with(to, TAILS[i], shown, err) ||
            !link_anew(leaf, shown, err))
            return false;
    return true;
}
