/* SPDX-License-Identifier: Apache-2.0 */
#include "host/order_key.h"

#include "base/scoped.h"
#include "host/host.h"
#include "host/order.h"
#include "os/fd.h"
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <sys/file.h>

static bool make(const char *secrets_folder, struct err *err)
{
    char seed[ORDER_SEED_TEXT_BYTES];

    order_seed_make(seed);
    bool put = secret_put(secrets_folder, S(HOST_ORDER_SECRET), str_from(seed), err);
    OPENSSL_cleanse(seed, sizeof seed);
    return put;
}

/* Under the lock. */
static bool ensure(const char *secrets_folder, const char *pub_path,
    char ret_public[PUBLIC_KEY_TEXT_BYTES], struct err *err)
{
    scoped(secret_close) struct secret_store *secrets = secret_open(secrets_folder);
    scoped(buf_done) struct buf before = buf_of(PUBLIC_KEY_TEXT_BYTES + 1);
    uint8_t public_key[PUBLIC_KEY_BYTES];
    char text[PUBLIC_KEY_TEXT_BYTES + 1];
    struct str seed;
    struct err none;

    if (!secret_get(secrets, S(HOST_ORDER_SECRET), &seed, err)) {
        if (strcmp(err->code, "no_secret") != 0 || !make(secrets_folder, err) ||
            !secret_get(secrets, S(HOST_ORDER_SECRET), &seed, err))
            return false;
    }
    if (!order_seed_public(seed, public_key, err))
        return false;
    public_key_text(public_key, ret_public);
    snprintf(text, sizeof text, "%s\n", ret_public);
    return (file_read(pub_path, &before, &none) && str_eq(buf_str(&before), str_from(text))) ||
           file_replace(pub_path, str_from(text), 0600, err);
}

bool order_key_ensure(const char *secrets_folder, const char *pki_folder,
    char ret_public[PUBLIC_KEY_TEXT_BYTES], struct err *err)
{
    char lock_path[PATH_MAX], pub_path[PATH_MAX];

    if (snprintf(lock_path, sizeof lock_path, "%s/lock", pki_folder) >= PATH_MAX ||
        snprintf(pub_path, sizeof pub_path, "%s/order.pub", pki_folder) >= PATH_MAX)
        return err_set(err, ERR_LIMIT, "the path '%.200s…' is too long", pki_folder);
    if (!file_make_folder(pki_folder, 0700, err) || !file_make_folder(secrets_folder, 0700, err))
        return false;
    scoped(fd_done) int lock = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock < 0 || flock(lock, LOCK_EX) != 0)
        return err_set(err, ERR_SYSTEM, "cannot lock '%.300s': %s", lock_path, strerror(errno));
    return ensure(secrets_folder, pub_path, ret_public, err);
}
