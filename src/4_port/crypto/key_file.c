/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/key_file.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "coding/coding.h"
#include "crypto/crypto.h"
#include "os/fd.h"
#include "os/random.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define FRESH_SUFFIX_BYTES 24 /* ".new-" + 16 digits + terminator, and some */

static void bio_done(BIO **bio)
{
    BIO_free_all(*bio);
}

/* An encrypted key must not make a server ask its terminal. */
static int no_password(char *password, int size, int writing, void *data)
{
    (void)password, (void)size, (void)writing, (void)data;
    return -1;
}

/* Read through a fixed buffer that is wiped, so that no copy of the key stays in freed memory. */
static bool read_key_file(
    const char *path, char *ret_text, size_t bytes_max, size_t *ret_len, struct err *err)
{
    scoped(fd_done) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat seen;
    size_t len = 0;

    if (fd < 0 || fstat(fd, &seen) != 0)
        return err_set(err, ERR_SYSTEM, "cannot open key '%s': %s", path, strerror(errno));
    if (!S_ISREG(seen.st_mode))
        return err_set(err, ERR_INPUT, "key '%s' is not a file", path);
    if (seen.st_mode & (S_IRWXG | S_IRWXO))
        return err_code(err, ERR_SYSTEM, "key_exposed", NULL,
            "key '%s' has mode %04o, so others may read it: run chmod 600 '%s'", path,
            (unsigned)seen.st_mode & 07777, path);
    while (len < bytes_max) {
        ssize_t got = read(fd, ret_text + len, bytes_max - len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_set(err, ERR_SYSTEM, "cannot read key '%s': %s", path, strerror(errno));
        if (got == 0)
            break;
        len += (size_t)got;
    }
    if (len == bytes_max)
        return err_set(
            err, ERR_INPUT, "key '%s' has %zu bytes or more: not a key", path, bytes_max);
    *ret_len = len;
    return true;
}

bool key_file_load(const char *path, const char *algorithm, const char *words, EVP_PKEY **ret_pair,
    struct err *err)
{
    char text[KEY_FILE_BYTES_MAX];
    size_t len = 0;

    if (!read_key_file(path, text, sizeof text, &len, err))
        return false;
    scoped(bio_done) BIO *bio = BIO_new_mem_buf(text, (int)len);
    check(bio);
    EVP_PKEY *pair = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
    ERR_clear_error();
    OPENSSL_cleanse(text, sizeof text);
    if (!pair || !EVP_PKEY_is_a(pair, algorithm)) {
        EVP_PKEY_free(pair);
        return err_code(err, ERR_INPUT, "key_malformed", NULL,
            "'%s' is not an unencrypted %s private key in PEM", path, words);
    }
    *ret_pair = pair;
    return true;
}

static bool write_whole(int fd, const char *at, size_t len)
{
    while (len) {
        ssize_t put = write(fd, at, len);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return false;
        at += put;
        len -= (size_t)put;
    }
    return fsync(fd) == 0;
}

static void sync_folder_of(const char *path)
{
    char copy[PATH_MAX];

    snprintf(copy, sizeof copy, "%s", path);
    scoped(fd_done) int folder = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder >= 0)
        (void)fsync(folder);
}

/* rename() would replace an older key; link() fails instead, and is as atomic. */
static bool place_new(const char *path, const char *text, size_t len, struct err *err)
{
    char fresh[PATH_MAX], suffix[HEX_BYTES(8)];
    uint64_t number;

    random_bytes(&number, sizeof number);
    hex_encode(&number, sizeof number, suffix);
    if ((size_t)snprintf(fresh, sizeof fresh, "%s.new-%s", path, suffix) >= sizeof fresh)
        return err_set(err, ERR_LIMIT, "path '%s' is longer than %d bytes", path,
            PATH_MAX - FRESH_SUFFIX_BYTES);
    scoped(fd_done) int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_set(err, ERR_SYSTEM, "cannot write key '%s': %s", fresh, strerror(errno));
    bool placed = write_whole(fd, text, len) && link(fresh, path) == 0;
    int why = errno;
    (void)unlink(fresh);
    if (!placed && why == EEXIST)
        return err_code(err, ERR_INPUT, "key_exists", NULL,
            "'%s' exists, and a key is never overwritten: choose another name or move it away",
            path);
    if (!placed)
        return err_set(err, ERR_SYSTEM, "cannot write key '%s': %s", path, strerror(why));
    sync_folder_of(path);
    return true;
}

bool key_file_save(EVP_PKEY *pair, const char *path, struct err *err)
{
    char *text = NULL;
    scoped(bio_done) BIO *bio = BIO_new(BIO_s_secmem());

    check(bio && PEM_write_bio_PKCS8PrivateKey(bio, pair, NULL, NULL, 0, NULL, NULL) == 1);
    long len = BIO_get_mem_data(bio, &text);
    check(len > 0);
    bool placed = place_new(path, text, (size_t)len, err);
    OPENSSL_cleanse(text, (size_t)len);
    return placed;
}
